# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the hooks and checks of a host: entries of its document, and what they make of its outcome.

The flow is that of AWS-RunPatchBaselineWithHooks (Patch Manager user guide): a step that fails leads to the on-exit
hooks, which always run; the run has failed when any step has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import without_passwords
from .outcomes import FAILED, OK, UNREACHABLE

DONE = "ok"
BAD = "failed"
LATE = "timed_out"
LOST = "unreachable"
SKIPPED = "skipped"
HOOK_FAILED = "hook_failed"
CHECK_FAILED = "check_failed"
SPOKEN = {
    "pre_install": "pre-install hook",
    "post_install": "post-install hook",
    "on_exit": "on-exit hook",
    "after_reboot": "check after the reboot",
}
LONGEST_OUTPUT = 2000
MASK = "***"
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|credential|api_?key|private_?key|auth", re.IGNORECASE)
_TOLD = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization)[\"']?\s*[=:]\s*(?:(?:bearer|basic)\s+)?)"
    r"(\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)"
)
_BEARER = re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{6,}")


def secrets_of(environment: Mapping[str, str], named: Iterable[str]) -> list[str]:
    """Texts that no output may show: those ``named``, and values of variables that are called like a secret."""
    values = [value for name, value in environment.items() if _SECRET_NAME.search(name)]
    return sorted({each for each in (*named, *values) if each}, key=len, reverse=True)


def kept_output(text: str, secrets: Sequence[str] = ()) -> str:
    """The end of what a hook printed, without secrets: those given, and what looks like one.

    A line that the beginning was cut from goes as a whole, since half a secret is not recognised.
    """
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _BEARER.sub(rf"\1{MASK}", _TOLD.sub(rf"\1{MASK}", without_passwords(text)))
    text = text.strip()
    if len(text) > LONGEST_OUTPUT:
        end = text[-LONGEST_OUTPUT:]
        text = end.partition("\n")[2] or end
    return text


def entry(hook: Mapping[str, Any], **found: Any) -> dict[str, Any]:
    """One member of ``hooks`` in a document; what is not given is null."""
    return {
        "kind": hook["kind"],
        "name": hook["name"],
        "how": hook["how"],
        "required": hook.get("required", True),
        "result": found["result"],
        "started_at": found.get("started_at"),
        "finished_at": found.get("finished_at"),
        "exit_code": found.get("exit_code"),
        "output": found.get("output") or "",
        "message": found.get("message"),
    }


def failures(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that make the host a failed one."""
    return [each for each in entries if each["result"] not in (DONE, SKIPPED) and each["required"]]


def told(each: Mapping[str, Any]) -> str:
    """``the on-exit hook 'undrain' failed (exit code 3): no such backend``."""
    what = {LATE: "took too long", LOST: "met a host out of reach"}.get(str(each["result"]), "failed")
    code = f" (exit code {each['exit_code']})" if each["exit_code"] else ""
    why = f": {str(each['message']).rstrip('.')}" if each["message"] else ""
    return f"the {SPOKEN[each['kind']]} '{each['name']}' {what}{code}{why}"


def outcome_with_hooks(
    base: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], *, installation: str, host_lost: bool = False
) -> dict[str, Any]:
    """The outcome of the host: that of its installation (``base``), failed where a hook or check did.

    ``installation`` says in words how that went; a failure of a hook never hides it, nor the other way round.
    ``host_lost``: a hook could not reach the host itself.
    """
    bad = failures(entries)
    if not bad:
        return dict(base)
    sentences = "; ".join(told(each) for each in bad)
    if base.get("status") != OK:
        return {**base, "message": f"{base.get('message') or 'failed'}; and {sentences}"}
    checks = all(each["kind"] == "after_reboot" for each in bad)
    advice = "Mend what it says, then scan the host." if checks else "Mend it, then run again."
    return {
        **base,
        "status": UNREACHABLE if host_lost else FAILED,
        "kind": CHECK_FAILED if checks else HOOK_FAILED,
        "message": f"{sentences[:1].upper()}{sentences[1:]}. {installation} {advice}",
    }


def installation_told(document: Mapping[str, Any] | None, *, looked_only: bool) -> str:
    """One sentence on what became of the installation itself."""
    if document is None:
        return "The host could not be read."
    if looked_only or document.get("installation") is None:
        return "Nothing was installed."
    installation = document["installation"]
    number = len(installation.get("installed") or [])
    changed = f"{number} packages changed" if number != 1 else "1 package changed"
    word = {"SUCCEEDED": "went well", "NOTHING_TO_DO": "had nothing to do"}.get(
        str(installation.get("result")), f"ended as {installation.get('result')}"
    )
    return f"The installation itself {word}: {changed}."


def needs_install(document: Mapping[str, Any], plan: Mapping[str, Any], *, reboot_option: str) -> bool:
    """Whether an Install has anything to do: a patch to bring, an interrupted transaction to finish, or a patch that
    waits for a reboot which the option allows (Patch Manager user guide, AWS-RunPatchBaselineWithHooks, step 2)."""
    if plan.get("install") or plan.get("refused") or document["summary"]["missing_count"]:
        return True
    if document["findings"].get("unfinished"):
        return True
    return bool(document["summary"]["installed_pending_reboot_count"]) and reboot_option != "NoReboot"
