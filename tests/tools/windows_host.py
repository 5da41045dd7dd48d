"""A Windows host that is none: it decodes what ansible-core sends over a connection, and answers from its state.

PowerShell never runs here. What is recognised is the reader of this collection (byte for byte), the modules
``ansible.windows.win_updates`` and the commands of ``win_reboot``; anything else is refused, so that nothing new is
sent to Windows unseen. The state is one JSON file in the host's folder; every exec leaves a line in ``log.jsonl``.
"""

from __future__ import annotations

import base64
import copy
import json
import os
import re
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from windows_readings import UPDATES, reading, search, streamed_line, streams, update_line

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "plugins" / "plugin_utils" / "host" / "scripts"
_MARK = re.compile(r"\$OpenfleetMark = '([a-z0-9-]{20,80})'\n\$OpenfleetOptions = '([A-Za-z0-9+/=]*)'\n")
_EVENTS_PER_POLL = 400
_FAILED = "0x80070643"


class Unreachable(Exception):
    """The host cannot be reached now."""


@dataclass(frozen=True)
class Update:
    """One update of the host: its ``line`` as the reader names it, and what becomes of it."""

    line: dict[str, Any]
    reboots: bool = False
    since_boot: int = 0
    """Offered from that boot on."""
    fails: int = 0
    """How many installations fail before one works; 99: all."""
    rolled_back: bool = False
    """Claimed as installed, and offered again after the boot."""
    keeps_coming: bool = False
    """Claimed as installed, and offered again at once."""

    def to_state(self) -> dict[str, Any]:
        return {**vars(self), "state": "offered", "tries": 0}


def create(folder: Path, updates: list[Update], *, present: list[dict[str, Any]] | None = None, **more: Any) -> Path:
    """A host in ``folder``. ``more``: ``parts`` (of the reading), ``version``, ``calls`` (recorded streams by name and
    round for the installing calls, in order), ``down`` (execs that fail after a reboot), ``stays_up`` (reboots that do
    nothing), ``lost_at`` (the poll at which contact is lost, for ``away_then`` execs more), ``slips_in`` (an update
    that win_updates takes too; with ``seen`` in searches as well), ``withdrawn`` (updates that the reader sees once and
    win_updates never), ``warns`` (what the module warns of), ``never_ends`` (state of calls that a cancel ends)."""
    state = {"boot": 0, "updates": [each.to_state() for each in updates], "present": present or [], "parts": {},
             "version": "10.0.17763", "calls": [], "down": 0, "away": 0, "polls": 0, **more}  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    return folder


def log(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """What was asked of the host; ``kind`` is reader, win_updates, boot_time, reboot, shutdown_test."""
    path = folder / "log.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [each for each in map(json.loads, lines) if kind in (None, each["kind"])]


def state_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    return found


def recorded_updates(name: str, number: int = 0, *, since_boot: int = 0) -> list[Update]:
    """The updates that a recorded run found in its round ``number``, as updates of a host."""
    return [Update(streamed_line(each), since_boot=since_boot) for each in found_in(recorded_round(name, number))]


def recorded_round(name: str, number: int) -> list[dict[str, Any]]:
    """The events of one round of a recorded run, up to its exit."""
    rounds: list[list[dict[str, Any]]] = [[]]
    for event in streams(name):
        rounds[-1].append(event)
        if event["task"] == "exit":
            rounds.append([])
    return rounds[number]


def found_in(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return next((event["result"]["updates"] for event in events if event["task"] == "search_result"), [])


class WindowsHost:
    """One exec at a time: ``answer`` takes command line and standard input, and gives code, stdout and stderr."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = state_of(folder)

    def answer(self, command: str, data: bytes | None) -> tuple[int, bytes, bytes]:
        try:
            if self._state["away"] > 0:
                self._state["away"] -= 1
                raise Unreachable("the host is down")
            return self._answer(_script_of(command), data)
        finally:
            scratch = self._folder / "state.new"
            scratch.write_text(json.dumps(self._state), encoding="utf-8")
            os.replace(scratch, self._folder / "state.json")

    def _answer(self, script: str, data: bytes | None) -> tuple[int, bytes, bytes]:
        if data and b"$OpenfleetMark" in data[:40] and "[scriptblock]::Create(" in script:
            return 0, self._read(data.decode("ascii")), b""
        if data and b"\0\0\0\0" in data:
            return 0, json.dumps(self._module(*_module_arguments(data))).encode(), b""
        if data:
            return self._refuse(script, "unknown standard input")
        if "LastBootUpTime" in script:
            self._log("boot_time")
            return 0, str(132000000000000000 + self._state["boot"]).encode(), b""
        if r"C:\Windows\System32\shutdown.exe /r" in script:
            return 0, self._reboot(), b""
        if "AutoLogonChecked" in script:
            self._log("shutdown_test")
            return 0, re.findall(r"success-[0-9a-f-]+", script)[0].encode(), b""
        return self._refuse(script, "unknown command")

    def _refuse(self, script: str, why: str) -> tuple[int, bytes, bytes]:
        self._log("refused", script=script[:400], why=why)
        return 1, b"", f"{why}: {script[:400]}".encode()

    def _log(self, kind: str, **more: Any) -> None:
        with (self._folder / "log.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"kind": kind, "boot": self._state["boot"], **more}) + "\n")

    # The reader

    def _read(self, text: str, user: str | None = None) -> bytes:
        head = _MARK.match(text)
        body = text[head.end() :].rstrip("\n").split("\n") if head else []
        options = json.loads(base64.b64decode(head.group(2))) if head else {}
        if head and body == _shipped("windows_reader.ps1"):
            self._log("reader", options=options, **({"user": user} if user else {}))
            answer = self._reader_answer(options, local=user is not None)
        elif head and body == _shipped("windows_boot.ps1"):
            self._log("boot_look")
            answer = {"protocol": 1, "ok": True, "result": {"booted_at": self._booted_at()}}
        else:
            raise AssertionError("what came is no script of this collection")
        packed = base64.b64encode(json.dumps(answer).encode()).decode()
        mark = head.group(1)
        # As a console folds long lines.
        folded = "\r\n".join(packed[start : start + 4096] for start in range(0, len(packed), 4096))
        return f"{mark} begin answer\r\n{folded}\r\n{mark} end answer\r\n".encode()

    def _booted_at(self) -> str:
        return f"{datetime(2026, 11, 1, 3) + timedelta(hours=self._state['boot']):%Y-%m-%dT%H:%M:%SZ}"

    def _reader_answer(self, options: dict[str, Any], *, local: bool) -> dict[str, Any]:
        if options.get("offline_file") and not local:
            error = {"kind": "offline_file_refused", "message": "Access is denied. (0x80070005)", "traceback": ""}
            return {"protocol": 1, "ok": False, "error": error}
        offered = [self._line(each) for each in self._state["updates"] if self._is_listed(each)]
        if len(log(self._folder, "reader")) > 1:
            offered = [each for each in offered if each["update_id"] not in self._state.get("withdrawn", [])]
        there = [self._line(each) for each in self._state["updates"] if each["state"] == "installed"]
        whole = reading(offered, [*self._state["present"], *there], version=self._state["version"])["result"]
        whole["collected_at"] = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        whole["os"]["booted_at"] = self._booted_at()
        whole["reboot"]["component_servicing"] = self._reboot_pending()
        whole.update(copy.deepcopy(self._state["parts"]))
        if self._state.get("search_error"):
            whole["offered"] = search([]) | {"result_code": None, "error": self._state["search_error"]}
        return {"protocol": 1, "ok": True, "result": whole}

    def _is_listed(self, update: dict[str, Any]) -> bool:
        return update["state"] in ("offered", "pending") and update["since_boot"] <= self._state["boot"]

    def _line(self, update: dict[str, Any]) -> dict[str, Any]:
        told = {"installed": update["state"] == "installed", "reboot_required": update["state"] == "pending"}
        return {**update["line"], **told, "categories": update["line"]["categories"]}

    def _reboot_pending(self) -> bool:
        return any(each["state"] == "pending" for each in self._state["updates"])

    # Modules of ansible.windows

    def _module(self, arguments: dict[str, Any], user: str | None) -> dict[str, Any]:
        if arguments["_ansible_module_name"].split(".")[-1] == "win_powershell":
            return self._powershell(arguments, user)
        if arguments["_ansible_module_name"].split(".")[-1] != "win_updates":
            self._log("refused", why=f"the module {arguments['_ansible_module_name']}")
            return {"failed": True, "msg": f"no such module here: {arguments['_ansible_module_name']}"}
        told = {name: value for name, value in arguments.items() if not name.startswith("_ansible")}
        operation = told.pop("_operation")
        options = told.pop("_operation_options")
        self._log("win_updates", operation=operation, arguments=told)
        if operation == "start":
            return self._start(told)
        if operation == "cancel":
            self._state["running"] = {"events": [], "position": 0}
            return {"changed": False}
        return self._poll(options)

    def _powershell(self, arguments: dict[str, Any], user: str | None) -> dict[str, Any]:
        """A reading, by the user whom ansible-core's wrapper becomes."""
        if user not in ("SYSTEM", None):
            return {"failed": True, "msg": f"Failed to become user '{user}': no such user"}
        body, heads = arguments["script"], "[CmdletBinding(SupportsShouldProcess)]\nparam()\n"
        if arguments["_ansible_check_mode"] and not body.startswith(heads):
            return {"changed": True, "msg": "skipped, running in check mode"}
        told = self._read(body.removeprefix(f"{heads}$WhatIfPreference = $false\n"), user)
        return {"changed": True, "host_out": "", "host_err": "", "error": [], "output": told.decode().splitlines()}

    def _start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        events = self._events(arguments)
        self._state["running"] = {"events": events, "position": 0}
        warnings = {"warnings": [self._state["warns"]]} if self._state.get("warns") else {}
        if self._state.get("never_ends") == arguments["state"]:
            self._state["running"]["events"] = events[:1]
        options = {"pipe_name": f"openfleet-{len(log(self._folder))}"}
        return {"changed": False, "poll_options": options, "cancel_options": {**options, "pid": 4712}, **warnings}

    def _poll(self, options: dict[str, Any]) -> dict[str, Any]:
        assert options["pipe_name"].startswith("openfleet-")
        self._state["polls"] += 1
        if self._state["polls"] == self._state.get("lost_at"):
            self._settle(self._state["running"]["events"])
            self._state["away"] = self._state.get("away_then", 3)
            raise Unreachable("the connection was lost")
        running = self._state["running"]
        broken = running["events"][0].get("broken") if running["events"] else None
        if broken is not None:
            return dict(broken)
        some = running["events"][running["position"] : running["position"] + _EVENTS_PER_POLL]
        running["position"] += len(some)
        self._settle(some)
        return {"changed": False, "output": some}

    def _settle(self, events: list[dict[str, Any]]) -> None:
        """What an installation says it did is what has become of the host."""
        by_id = {each["line"]["update_id"]: each for each in self._state["updates"]}
        for event in events:
            if event["task"] != "install_result":
                continue
            for info in event["result"]["info"]:
                update = by_id.get(info["id"])
                if update is None:
                    continue
                update["tries"] += 1
                if info["result_code"] == 2 and not update["keeps_coming"]:
                    update["state"] = "pending" if info["reboot_required"] or update["rolled_back"] else "installed"

    def _events(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        offered = [each for each in self._state["updates"] if self._is_listed(each) and each["state"] == "offered"]
        offered = [each for each in offered if each["line"]["update_id"] not in self._state.get("withdrawn", [])]
        selected = {each["line"]["update_id"] for each in offered if _selects(arguments, each["line"])}
        if self._state.get("slips_in") and self._state.get("seen"):
            selected.add(self._state["slips_in"])
        if arguments["state"] != "installed":
            return [_search_event(offered, selected), _exit_event(self._reboot_pending())]
        if self._state.get("slips_in"):
            selected.add(self._state["slips_in"])
        if self._state["calls"]:
            return self._recorded(self._state["calls"].pop(0), selected)
        if self._reboot_pending() and selected:
            told = "A reboot is required before more updates can be installed"
            return [_search_event(offered, selected), _exit_event(True, failed=told)]
        return self._played(offered, selected)

    def _recorded(self, call: list[Any], selected: set[str]) -> list[dict[str, Any]]:
        """A recorded round as it would have been with these filters: the updates that they leave out do not occur."""
        name, number = call
        if number is None:
            broken = (ROOT / "tests" / "golden" / "windows-updates" / f"wua-progress.{name}.jsonl").read_text()
            return [{"broken": json.loads(broken.splitlines()[0])}]
        events = copy.deepcopy(recorded_round(name, number))
        ids = {each["id"] for each in found_in(events)}
        kept = []
        for event in events:
            result = event["result"]
            if event["task"] == "search_result":
                result["filtered"] = [{"id": each, "reasons": ["accept_list"]} for each in sorted(ids - selected)]
            elif event["task"] in ("download", "install"):
                if result["progress"]["CurrentUpdateId"] not in selected:
                    continue
            elif event["task"] in ("download_result", "install_result"):
                result["info"] = [each for each in result["info"] if each["id"] in selected]
            kept.append(event)
        return kept

    def _played(self, offered: list[dict[str, Any]], selected: set[str]) -> list[dict[str, Any]]:
        """A round in the form of the recorded ones."""
        taken = [each for each in offered if each["line"]["update_id"] in selected]
        events = [_search_event(offered, selected)]
        if not taken:
            return [*events, _exit_event(False)]
        info, failed = [], False
        for number, each in enumerate(taken):
            update_id = each["line"]["update_id"]
            fails = each["tries"] < each["fails"]
            failed = failed or fails
            info.append({"id": update_id, "result_code": 4 if fails else 2, "reboot_required": each["reboots"],
                         "hresult": int(_FAILED, 16) - 2**32 if fails else 0})  # fmt: skip
            progress = {"CurrentUpdateId": update_id, "CurrentUpdateIndex": number, "CurrentUpdatePercentComplete": 50,
                        "PercentComplete": round(100 * number / len(taken))}  # fmt: skip
            events.append({"task": "install", "result": {"progress": progress, "result": {}}})
        downloaded = [{"id": each["id"], "result_code": 2, "hresult": 0} for each in info]
        events.insert(1, {"task": "download_result", "result": {"info": downloaded}})
        events.append({"task": "install_result", "result": {"info": info}})
        wants = any(each["reboot_required"] and each["result_code"] == 2 for each in info)
        told = "Failed to install all updates - see updates for more information" if failed else None
        return [*events, _exit_event(wants, failed=told, changed=True)]

    # ansible.windows.win_reboot

    def _reboot(self) -> bytes:
        self._log("reboot")
        if not self._state.get("stays_up"):
            self._state["boot"] += 1
            self._state["away"] = self._state["down"]
            for update in self._state["updates"]:
                if update["state"] == "pending":
                    update["state"] = "offered" if update["rolled_back"] else "installed"
        return json.dumps({"stdout": "", "stderr": "", "rc": 0}).encode()


def _shipped(name: str) -> list[str]:
    """A script as it travels: without blank lines and comments."""
    return [line for line in (SCRIPTS / name).read_text(encoding="ascii").splitlines() if line and line[0] != "#"]


def _script_of(command: str) -> str:
    found = re.search(r"(?i)^powershell(?:\.exe)? .*-EncodedCommand '?([A-Za-z0-9+/=]+)'?\Z", command)
    if found is None:
        raise AssertionError(f"not a command line that ansible-core sends to Windows: {command[:300]}")
    return base64.b64decode(found.group(1)).decode("utf-16-le")


def _module_arguments(data: bytes) -> tuple[dict[str, Any], str | None]:
    """The arguments in what ansible-core sends, and the user that its wrapper becomes: up to 2.18 one manifest with
    the names of wrappers, since 2.19 actions with parameters."""
    manifest = json.loads(data.rpartition(b"\0\0\0\0")[2])
    if "module_args" in manifest:
        found = manifest["module_args"]
        user = manifest["become_user"] if "become_wrapper" in manifest["actions"] else None
    else:
        variables = manifest["actions"][-1]["params"]["Variables"]
        found = next(each["Value"] for each in variables if each["Name"] == "complex_args")
        users = [each["params"]["BecomeUser"] for each in manifest["actions"] if each["name"] == "become_wrapper.ps1"]
        user = next(iter(users), None)
    assert isinstance(found, dict)
    return found, user


def _selects(arguments: dict[str, Any], line: dict[str, Any]) -> bool:
    """As the module selects: it goes by one text of title and articles, and leaves hidden updates out."""
    text = line["title"] + " ".join(f"KB{each}" for each in line["kb_article_ids"])
    accepted = not arguments["accept_list"] or any(
        re.search(each, text, re.IGNORECASE) for each in arguments["accept_list"]
    )
    return accepted and arguments["category_names"] == ["*"] and not line["hidden"]


def _search_event(offered: list[dict[str, Any]], selected: set[str]) -> dict[str, Any]:
    updates = [
        {"id": each["line"]["update_id"], "title": each["line"]["title"], "is_hidden": each["line"]["hidden"],
         "kb": [f"KB{number}" for number in each["line"]["kb_article_ids"]], "revision_number": 200,
         "categories": [category["name"] for category in each["line"]["categories"]]}
        for each in offered
    ]  # fmt: skip
    filtered = [{"id": each["id"], "reasons": ["accept_list"]} for each in updates if each["id"] not in selected]
    return {"task": "search_result", "result": {"updates": updates, "filtered": filtered}}


def _exit_event(reboot: bool, *, failed: str | None = None, changed: bool = False) -> dict[str, Any]:
    exception = {"message": failed, "exception": failed} if failed else None
    result = {"action": None, "changed": changed, "failed": bool(failed), "reboot_required": reboot,
              "exception": exception}  # fmt: skip
    return {"task": "exit", "result": result}


def main(folder: str, kind: str) -> None:
    """``windows_host.py FOLDER windows2019``: a host as the molecule scenario of that name has it."""
    if kind == "windows2019":
        rounds: list[list[Any]] = [["full_run", 0], ["full_run", 1]]
        updates = [*recorded_updates("full_run"), *recorded_updates("full_run", 1, since_boot=1)]
        create(Path(folder), updates, calls=rounds)
        return
    by_article = {each["kb_article_ids"][0]: each for each in UPDATES}
    cumulative = Update(update_line(by_article["5029250"]), reboots=True)
    create(Path(folder), [cumulative, Update(update_line(by_article["2267602"]))], version="10.0.20348")


if __name__ == "__main__":
    main(*sys.argv[1:])
