# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One directory per run: what time it is judged at, which baselines took part, what became of every host.

``STATE/runs/RUN_ID/run.json``, ``hosts/HOST.json`` (documents), ``outcomes/HOST.json``; ``STATE/latest`` points
at the newest run and ``STATE/hosts/HOST.json`` at each host's newest document. All forked workers, batches and
plays of one ansible-playbook share one run: the first caller creates it under a lock. Nothing is overwritten.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.baseline import recorded
from ..errors import PatchError
from . import evidence, files

if TYPE_CHECKING:
    from .baselines import ResolvedBaseline

DEFAULT_STATE_DIRECTORY = "~/.openfleet-patch"
RUN_FORMAT = 1
_RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_KEEP_CONTROLLERS = timedelta(days=30)


@dataclass(frozen=True)
class Run:
    """An open run. ``as_of`` is the time every host is judged at, whenever its turn comes."""

    run_id: str
    as_of: str
    """UTC, ``2026-11-20T12:00:00Z``."""
    started_at: str
    path: Path
    state_directory: Path
    process: str
    """Which ansible-playbook opened it: several may share a run by its id, one after the other or at once."""
    created: bool = False
    """True for the one caller that made it."""
    warnings: list[str] = field(default_factory=list)

    def record_baseline(self, resolved: ResolvedBaseline) -> None:
        """Write the baseline into ``run.json`` once, and that it was the answer to ``resolved.asked``.

        Raises ``run_conflict`` if the name meant something else earlier in this run (another definition in other
        hosts' variables, or an edit in between), or if an earlier ansible-playbook of this run had another baseline
        for the same question. In one ansible-playbook hosts may differ by their variables.
        """
        content = _read_run_file(self.path)
        if resolved.name not in content["baselines"] or resolved.name not in _answers(content, resolved):
            with files.locked(self.path / ".lock"):
                content = _read_run_file(self.path)
                self._refuse_other_answer(_answers(content, resolved), resolved)
                entry = {
                    "digest": resolved.digest,
                    "operating_system": resolved.baseline.get("operating_system"),
                    "baseline": recorded(resolved.baseline),
                }
                content["baselines"].setdefault(resolved.name, entry)
                _answers(content, resolved)[resolved.name] = self.process
                files.write_json(self.path / "run.json", content)
        known = content["baselines"][resolved.name]
        if known["digest"] != resolved.digest:
            raise PatchError(
                "run_conflict",
                f"baseline '{resolved.name}' has two definitions in run {self.run_id}: {known['digest']} was"
                f" recorded first, this host got {resolved.digest} ({resolved.source}). One run judges by one"
                " definition: give them two names, or start a new run",
                baseline=resolved.name,
            )

    def _refuse_other_answer(self, answers: Mapping[str, str], resolved: ResolvedBaseline) -> None:
        earlier = sorted(name for name, process in answers.items() if process != self.process)
        if earlier and resolved.name not in answers:
            raise PatchError(
                "run_conflict",
                f"run {self.run_id} judged by baseline '{earlier[0]}' for {resolved.asked}, and now"
                f" '{resolved.name}' is set for that ({resolved.source}). The baselines of a run are fixed when it"
                " starts: set it back, start a new run with its own patch_run_id, or give these hosts a patch group",
                baseline=resolved.name,
            )

    def write_document(self, host: str, document: dict[str, Any], *, newest: bool = True) -> Path:
        """Keep a document and record it in the host's chain (``fleet.evidence``); a second one of the same host in this
        run is kept beside the first. ``newest``: it is the one that ``STATE/hosts`` points at."""
        name = files.safe_name(host)
        path = files.write_new_json(self.path / "hosts", name, document)
        evidence.record(self.state_directory, name, self.run_id, path.name, document)
        if newest:
            link = self.state_directory / "hosts" / f"{name}.json"
            files.point_link(link, f"../runs/{self.run_id}/hosts/{path.name}")
        return path

    def record_outcome(self, host: str, outcome: dict[str, Any]) -> Path:
        """Keep what became of a host: ``{"status": "ok" | "failed" | "timed_out" | "unreachable" | "not_started",
        "kind", "message", ...}``; the newest one counts."""
        return files.write_new_json(
            self.path / "outcomes",
            files.safe_name(host),
            {**outcome, "host": host, "run_id": self.run_id, "process": self.process},
        )

    def outcomes(
        self, *, of_this_process: bool = False, problems: list[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """The newest outcome of every host; ``problems`` gets a sentence for each file that cannot be read."""
        accept = self.process if of_this_process else None
        entries = _newest(self.path / "outcomes", process=accept, problems=problems)
        return {entry["host"]: entry for entry in entries}

    def outcome(self, host: str, *, without: str | None = None) -> dict[str, Any] | None:
        """The newest outcome that this process recorded for one host; ``without``: of another kind than this one."""
        mine = [
            entry
            for entry in map(_read_entry, files.numbered_paths(self.path / "outcomes", files.safe_name(host)))
            if entry is not None and entry.get("process") == self.process
            if without is None or entry.get("kind") != without
        ]
        return mine[-1] if mine else None

    def documents(self, *, problems: list[str] | None = None) -> dict[str, dict[str, Any]]:
        """The newest readable document of every host."""
        return {entry["host"]: entry for entry in self.each_document(problems=problems)}

    def each_document(self, *, problems: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """As ``documents()``, one at a time: those of thousands of hosts do not fit in memory."""
        return _newest(self.path / "hosts", problems=problems)

    def document(self, host: str) -> dict[str, Any] | None:
        """The newest readable document of one host."""
        entries = map(_read_entry, files.numbered_paths(self.path / "hosts", files.safe_name(host)))
        readable = [entry for entry in entries if entry is not None]
        return readable[-1] if readable else None

    def baselines(self) -> dict[str, dict[str, Any]]:
        """``{name: {"digest", "operating_system", "baseline"}}`` as recorded so far."""
        recorded: dict[str, dict[str, Any]] = _read_run_file(self.path)["baselines"]
        return recorded


def open_run(
    state_directory: str | Path = DEFAULT_STATE_DIRECTORY,
    *,
    now: datetime,
    controller_key: str,
    run_id: str | None = None,
    as_of: str | None = None,
    create: bool = True,
) -> Run:
    """The run of this ansible-playbook process, made by the first caller.

    ``controller_key`` names the process (see ``fleet.controller``). ``run_id`` (a UUID) joins or makes exactly
    that run, and the process stays with it. ``as_of`` fixes the time to judge at when the run is made (default
    ``now``). Raises ``bad_run_id``, ``run_conflict``, ``no_run`` (with ``create=False``), ``bad_state_file``,
    ``state_unwritable`` or ``state_locked``.
    """
    state = Path(state_directory).expanduser()
    wanted = _checked_run_id(run_id)
    judged_at = _checked_time(as_of)
    process = hashlib.sha256(controller_key.encode()).hexdigest()[:32]
    pointer = state / "controllers" / f"{process}.json"
    run = _join(state, wanted or _run_of(pointer), process, judged_at)
    if run is not None and (wanted is None or _run_of(pointer) == wanted):
        return run
    if run is None and not create:
        raise PatchError(
            "no_run", f"no run of this ansible-playbook in {state}: nothing was scanned yet", path=str(state)
        )
    for directory in (state, state / "runs", state / "controllers", state / "hosts"):
        files.make_private_directory(directory)
    with files.locked(state / ".lock"):
        # Another worker may have been faster while this one waited.
        run = _join(state, wanted or _run_of(pointer), process, judged_at)
        if run is None:
            run = _create(state, wanted or str(uuid.uuid4()), process, judged_at, now)
        files.write_json(pointer, {"run_id": run.run_id, "controller": controller_key})
        _forget_old_controllers(state / "controllers", now)
        files.point_link(state / "latest", f"runs/{run.run_id}")
    return run


def read_run(state_directory: Path, run_id: str) -> Run:
    """A run of any process, for reading. Raises ``FileNotFoundError``, ``bad_run_id`` or ``bad_state_file``."""
    path = state_directory / "runs" / (_checked_run_id(run_id) or "")
    content = _read_run_file(path)
    return Run(path.name, content["as_of"], content["started_at"], path, state_directory, process="")


def adopt_run(state_directory: Path, run_id: str, *, as_of: str, started_at: str) -> Run:
    """A run that another controller made, or this one before it forgot its files; made here where it is missing.

    It is nobody's current run, and ``latest`` stays where it is. Raises ``bad_run_id``, ``bad_state_file``,
    ``state_unwritable`` or ``state_locked``.
    """
    wanted = _checked_run_id(run_id)
    if wanted is None:
        raise PatchError("bad_run_id", "a document without a run id")
    for directory in (state_directory, state_directory / "runs", state_directory / "hosts"):
        files.make_private_directory(directory)
    with files.locked(state_directory / ".lock"):
        known = _join(state_directory, wanted, "", None)
        if known is not None:
            return known
        path = _make_folders(state_directory, wanted)
        files.write_json(path / "run.json", _run_file(wanted, as_of, started_at))
        return Run(wanted, as_of, started_at, path, state_directory, process="", created=True)


def _make_folders(state: Path, run_id: str) -> Path:
    path = state / "runs" / run_id
    for directory in (path, path / "hosts", path / "outcomes"):
        files.make_private_directory(directory)
    return path


def _run_file(run_id: str, as_of: str, started_at: str) -> dict[str, Any]:
    return {"format": RUN_FORMAT, "run_id": run_id, "as_of": as_of, "started_at": started_at, "baselines": {}}


def _create(state: Path, run_id: str, process: str, judged_at: str | None, now: datetime) -> Run:
    path = _make_folders(state, run_id)
    started_at = utc_text(now)
    as_of = judged_at or started_at
    files.write_json(path / "run.json", _run_file(run_id, as_of, started_at))
    warnings = _permission_warnings(state)
    return Run(run_id, as_of, started_at, path, state, process, created=True, warnings=warnings)


def _join(state: Path, run_id: str | None, process: str, judged_at: str | None) -> Run | None:
    if run_id is None:
        return None
    path = state / "runs" / run_id
    try:
        content = _read_run_file(path)
    except FileNotFoundError:
        return None
    if judged_at is not None and judged_at != content["as_of"]:
        raise PatchError(
            "run_conflict",
            f"run {run_id} judges as of {content['as_of']}, not {judged_at}: the time of a run is fixed when it"
            " starts. Leave patch_as_of out, or start a new run with its own patch_run_id",
            run_id=run_id,
        )
    return Run(run_id, content["as_of"], content["started_at"], path, state, process)


def _run_of(pointer: Path) -> str | None:
    try:
        content = files.read_json(pointer)
    except (FileNotFoundError, PatchError):
        # A broken pointer costs a new run, nothing else.
        return None
    run_id = content.get("run_id") if isinstance(content, dict) else None
    return run_id if isinstance(run_id, str) and _RUN_ID.fullmatch(run_id) else None


def _read_run_file(path: Path) -> dict[str, Any]:
    content = files.read_json(path / "run.json")
    if not isinstance(content, dict) or content.get("format") != RUN_FORMAT:
        raise PatchError(
            "bad_state_file",
            f"{path / 'run.json'} is not a run file of format {RUN_FORMAT}; a newer or older release may have"
            " written it. Start a new run",
            path=str(path / "run.json"),
        )
    expected = {"run_id": str, "as_of": str, "started_at": str, "baselines": dict}
    wrong = [key for key, kind in expected.items() if not isinstance(content.get(key), kind)]
    if wrong:
        raise PatchError(
            "bad_state_file",
            f"{path / 'run.json'} lacks {', '.join(wrong)}; start a new run",
            path=str(path / "run.json"),
        )
    return content


def _answers(content: dict[str, Any], resolved: ResolvedBaseline) -> dict[str, str]:
    """Baselines that were the answer to the same question: which ansible-playbook had it first, by name."""
    known: dict[str, str] = content.setdefault("resolutions", {}).setdefault(resolved.asked, {})
    return known


def _newest(
    directory: Path, *, process: str | None = None, problems: list[str] | None = None
) -> Iterator[dict[str, Any]]:
    """The newest readable entry of every name in ``directory``."""
    by_name: dict[str, list[Path]] = {}
    for name, _sequence, path in files.numbered_files(directory):
        by_name.setdefault(name, []).append(path)
    for paths in by_name.values():
        for path in reversed(paths):
            entry = _read_entry(path, problems)
            if entry is not None and process in (None, entry.get("process")):
                yield entry
                break


def _read_entry(path: Path, problems: list[str] | None = None) -> dict[str, Any] | None:
    try:
        entry = files.read_json(path)
    except (FileNotFoundError, PatchError) as error:
        if problems is not None:
            problems.append(str(error))
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("host"), str):
        if problems is not None:
            problems.append(f"{path} names no host; it was not written by this collection, or edited")
        return None
    return entry


def _checked_run_id(run_id: str | None) -> str | None:
    if run_id is None or run_id == "":
        return None
    if not _RUN_ID.fullmatch(run_id.lower()):
        raise PatchError(
            "bad_run_id",
            f"run id {run_id[:60]!r} is not a UUID such as 3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10; make one with"
            " 'uuidgen', or leave patch_run_id out",
        )
    return run_id.lower()


def _checked_time(text: str | None) -> str | None:
    if text is None or text == "":
        return None
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    except ValueError:
        raise PatchError(
            "bad_time", f"as_of {text[:60]!r} is not a time such as 2026-11-20T12:00:00Z (UTC where no zone is given)"
        ) from None
    return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))


def utc_text(moment: datetime) -> str:
    """``2026-11-20T12:00:00Z``; ``moment`` must know its zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(timezone.utc).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def _forget_old_controllers(directory: Path, now: datetime) -> None:
    oldest = (now - _KEEP_CONTROLLERS).timestamp()
    for path in directory.iterdir():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue


def _permission_warnings(state: Path) -> list[str]:
    mode = state.stat().st_mode & 0o777
    if mode & 0o077:
        return [f"{state} is open to other users (mode {mode:04o}); documents tell what a host lacks: chmod 0700 it"]
    return []
