# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry one request to the host of a task and bring one reading home."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import failures, frames
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import (
    Payload,
    build,
    reading_command,
    shipped_readers,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.watch import bounded

DEFAULT_SECONDS = 900
DEFAULT_ANSWER_LIMIT = 64 * 1024 * 1024
_SEEN = 4000


class HostChannel:
    """The way from an action to its host, for one task.

    ``action`` is the running action plugin; ``seconds`` bounds each exec; ``answer_limit`` is in bytes;
    ``interpreters`` are tried before those that this collection knows.
    """

    def __init__(
        self,
        action: ActionBase,
        task_vars: dict[str, Any],
        *,
        seconds: int = DEFAULT_SECONDS,
        answer_limit: int = DEFAULT_ANSWER_LIMIT,
        interpreters: Sequence[str] = (),
    ) -> None:
        self._action = action
        self._task_vars = task_vars
        self._seconds = seconds
        self._limit = answer_limit
        self._interpreters = tuple(interpreters)
        self._stdin_refused = False
        self.last_system: dict[str, Any] | None = None
        """What the host said about itself, kept for a failed result."""

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reading: ``system``, ``reader``, ``interpreter`` and ``result``.

        Raises ``PatchError`` (``no_privilege``, ``no_interpreter``, ``unsupported_os``, ``immutable_host``,
        ``bad_answer``, ``answer_too_large``, ``timed_out``, ``refused_by_policy``, ``protocol_mismatch``, or the
        kind that the reader gave); Ansible's own unreachable error passes through.
        """
        payload = build(
            request, environment=self._environment(), interpreters=self._candidates(), seconds=self._seconds
        )
        output = self._exec(payload)
        # A terminal carries standard error in the same stream, a connection plugin may join them too.
        text, seen = output["stdout"], (output["stderr"] + "\n" + output["stdout"][:_SEEN]).strip()
        if len(text) > self._limit:
            raise frames.too_large(len(text), self._limit)
        reply = frames.parse(text, payload.mark, limit=self._limit)
        self.last_system = reply.system
        if reply.system is not None:
            failures.check_image(reply.system)
        elif output["rc"] != 0:
            self._refused(seen)
        if reply.answer is None:
            raise failures.missing_answer(reply, shipped_readers(), seen, output["rc"])
        return self._reading(reply)

    def reset(self) -> None:
        """Forget the connection, and with ssh the shared one behind it; the next exec makes a new one."""
        with contextlib.suppress(AnsibleError):
            self._action._connection.reset()

    def run_program(self, program: str, mark: str, *, seconds: int | None = None) -> str:
        """What a program for ``/bin/sh`` printed on the host. ``mark`` is a text that only its answer contains.

        ``seconds`` bounds this exec in place of the channel's own bound. The program travels on standard input, as a
        request does, and starts when all of it is there. Raises ``no_privilege``, ``timed_out``, ``answer_too_large``
        or ``refused_by_policy``; whether the answer is complete is for the caller to see.
        """
        data = program.encode("utf-8", "surrogateescape")
        output = self._exec(Payload(command=reading_command(len(data)), data=data, mark=mark), seconds)
        text: str = output["stdout"]
        if mark not in text:
            self._refused((output["stderr"] + "\n" + text[:_SEEN]).strip())
            text += "\n" + output["stderr"]
        if len(text) > self._limit:
            raise frames.too_large(len(text), self._limit)
        return text

    def task_environment(self) -> dict[str, str]:
        """The task's ``environment:``; it may hold secrets, so it must not reach a command line or a journal."""
        return {str(name): str(value) for name, value in self._environment().items()}

    def _reading(self, reply: frames.Reply) -> dict[str, Any]:
        answer, system = reply.answer or {}, reply.system
        if system is None:
            raise PatchError("bad_answer", "The host sent an answer, but not what it is.")
        system["interpreters_tried"] = reply.tried
        if not answer["ok"]:
            error = answer["error"]
            raise PatchError(
                frames.one_line(str(error.get("kind") or "reader_error"), 60),
                f"The {system.get('reader')} reader failed: {frames.one_line(str(error.get('message')), 600)}",
                system=system,
                interpreter=reply.interpreter,
                traceback=str(error.get("traceback") or "")[-_SEEN:],
            )
        return {
            "system": system,
            "reader": system.get("reader"),
            "interpreter": reply.interpreter,
            "result": answer["result"],
        }

    def _environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = {}
        self._action._compute_environment_string(raw_environment_out=environment)
        return environment

    def _candidates(self) -> list[str]:
        """Interpreters by name or path: the option's, then the inventory's ``ansible_python_interpreter``."""
        candidates = list(self._interpreters)
        task_vars = self._task_vars
        delegate = self._action._task.delegate_to
        if delegate:
            task_vars = task_vars.get("ansible_delegated_vars", {}).get(delegate, {})
        chosen = self._action._templar.template(task_vars.get("ansible_python_interpreter"))
        # "auto_silent" asks Ansible to search; "/usr/bin/env python3" is a command line, of which the name counts
        words = shlex.split(str(chosen)) if chosen else []
        if words and words[0].endswith("/env"):
            words = words[1:]
        if words and not words[0].startswith("auto"):
            candidates.append(words[0])
        return candidates

    def _takes_stdin(self) -> bool:
        """By what the plugins can do; the pipelining setting is about modules that have another way."""
        connection = self._action._connection
        become = connection.become
        # Become plugins say it since ansible-core 2.17; before, su was the exception that core knew by name.
        return bool(
            not self._stdin_refused
            and connection.has_pipelining
            and (not become or getattr(become, "pipelining", become.name != "su"))
        )

    def _exec(self, payload: Payload, seconds: int | None = None) -> dict[str, Any]:
        if self._takes_stdin():
            try:
                output = self._run(payload.command, payload.data, seconds)
            except PatchError as error:
                if not failures.needs_tty(str(error.details.get("seen", ""))):
                    raise
            else:
                if payload.mark in output["stdout"] or not failures.needs_tty(output["stderr"] + output["stdout"]):
                    return output
            self._stdin_refused = True
        return self._exec_from_file(payload, seconds)

    def _exec_from_file(self, payload: Payload, seconds: int | None) -> dict[str, Any]:
        """The same bytes from a file that only a shell's redirection opens; nothing executes it."""
        action, shell = self._action, self._action._connection._shell
        path = self._put_file(payload.data)
        try:
            return self._run(f"{payload.command} < {shell.quote(path)}", None, seconds)
        finally:
            # The environment of the task is in it; the folder goes when the task ends.
            with contextlib.suppress(AnsibleError):
                action._low_level_execute_command(shell.remove(path), sudoable=False)

    def _put_file(self, data: bytes) -> str:
        action, shell = self._action, self._action._connection._shell
        try:
            folder = shell.tmpdir or action._make_tmp_path()
            path: str = shell.join_path(folder, "payload")
            action._transfer_data(path, data)
            action._fixup_perms2([folder, path], execute=False)
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            raise PatchError(
                "no_temporary_file",
                "This connection or become method cannot take standard input, and the file used instead could not be "
                f"put into Ansible's temporary folder: {frames.one_line(str(error), 600)}",
            ) from error
        return path

    def _run(self, command: str, data: bytes | None, seconds: int | None) -> dict[str, Any]:
        connection = self._action._connection
        try:
            bounds = bounded(seconds=seconds or self._seconds, limit=self._limit)
            with _pipelining(connection, data is not None), bounds:
                output: dict[str, Any] = self._action._low_level_execute_command(command, in_data=data)
                return output
        except AnsibleAuthenticationFailure:
            raise
        except AnsibleConnectionFailure as error:
            # Since 2.19 a local become that fails is a connection failure as well, but the host is right here.
            if connection.become and (refusal := self._become_failure(str(error))):
                raise refusal from error
            told = self._why_unreachable(str(error)) if data is not None else str(error)
            hint = failures.ssh_hint(told)
            if hint or told != str(error):
                raise AnsibleConnectionFailure(f"{told} {hint}" if hint else told) from error
            raise
        except AnsibleError as error:
            if connection.become and (refusal := self._become_failure(str(error))):
                raise refusal from error
            raise

    def _why_unreachable(self, told: str) -> str:
        """An ssh that is gone before it took the data leaves Ansible without its reason; a try without data has it."""
        if "Data could not be sent" not in told:
            return told
        try:
            self._action._low_level_execute_command("true", sudoable=False)
        except AnsibleConnectionFailure as error:
            return f"{told} {error}"
        return told

    def _become_failure(self, text: str) -> PatchError | None:
        failure = failures.become_failure(text, self._action._connection.become.name)
        if failure is not None:
            failure.details["seen"] = frames.one_line(text, 1000)
        return failure

    def _refused(self, seen: str) -> None:
        refusal = failures.unreadable_payload(seen)
        if refusal is None and self._action._connection.become:
            refusal = self._become_failure(seen)
        if refusal is not None:
            raise refusal


@contextlib.contextmanager
def _pipelining(connection: Any, wanted: bool) -> Iterator[None]:
    """The local connection opens a terminal instead of a pipe for a become password unless pipelining is on."""
    try:
        before = connection.get_option("pipelining")
    except KeyError:
        wanted = False
    if not wanted or before:
        yield
        return
    connection.set_option("pipelining", True)
    try:
        yield
    finally:
        connection.set_option("pipelining", before)
