"""The dnf5 reader as hosts run it: a process under each interpreter found, with a stand-in for libdnf5."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from interpreters import find_interpreters

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import reader_source

FAKE = Path(__file__).with_name("fake_libdnf5")
PYTHONS = find_interpreters()
NEWEST = PYTHONS["{}.{}".format(*sys.version_info[:2])]
START = (
    "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {fake!r})\n"
    "f = open({reader!r}, 'rb'); source = f.read(); f.close()\n"
    "exec(compile(source, 'dnf5_reader', 'exec'), {{'__name__': '__main__'}})"
)
every_interpreter = pytest.mark.parametrize("python", PYTHONS.values(), ids=PYTHONS.keys())
HISTORY = """
CREATE TABLE trans_state (id INTEGER, name TEXT);
CREATE TABLE trans (id INTEGER, dt_begin INTEGER, dt_end INTEGER, state_id INTEGER);
INSERT INTO trans_state VALUES (1, 'Started'), (2, 'Ok'), (3, 'Error');
INSERT INTO trans VALUES (1, 100, 101, 2), (2, 300, NULL, 1);
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host whose two repositories were refreshed a minute ago."""
    for folder in ("persist", "state"):
        (tmp_path / folder).mkdir()
    for name in ("base", "updates"):
        for inner in ("repodata", "solv", "pubring"):
            (tmp_path / "cache" / f"{name}-0123" / inner).mkdir(parents=True)
        primary = tmp_path / "cache" / f"{name}-0123" / "repodata" / "0-primary.xml.gz"
        primary.write_bytes(b"x")
        os.utime(primary, (time.time() - 60, time.time() - 60))
        (tmp_path / "cache" / f"{name}-0123" / "solv" / f"{name}.solv").write_text("the host's own")
    (tmp_path / "state" / "modules.toml").write_text('[modules.nodejs]\nenabled_stream = "18"\nstate = "Enabled"\n')
    (tmp_path / "joined_reader.py").write_bytes(reader_source("dnf5"))
    return tmp_path


def start(python: Path, root: Path, mode: str = "", path: str = "", **options: Any) -> Any:
    environment = {"PATH": f"{path}:{os.environ['PATH']}", "FAKE_DNF_MODE": mode, "FAKE_DNF_ROOT": str(root)}
    code = START.format(fake=str(FAKE), reader=str(root / "joined_reader.py"))
    request = json.dumps({"protocol": 1, "op": "read", "options": {"refresh": "never", **options}})
    return subprocess.run(
        [str(python), "-E", "-c", code], input=request.encode(), capture_output=True, env=environment,
        timeout=60, check=False,
    )  # fmt: skip


def answer(python: Path, root: Path, mode: str = "", path: str = "", **options: Any) -> dict[str, Any]:
    """Standard output must be one JSON object and nothing else."""
    done = start(python, root, mode, path, **options)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout.decode("utf-8"))
    return parsed


def result(python: Path, root: Path, mode: str = "", path: str = "", **options: Any) -> dict[str, Any]:
    parsed = answer(python, root, mode, path, **options)
    assert parsed["ok"], parsed["error"]["traceback"]
    found: dict[str, Any] = parsed["result"]
    return found


def rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


@every_interpreter
def test_every_interpreter_reads_each_newer_version_and_what_keeps_it_back(python: Path, root: Path) -> None:
    found = result(python, root)
    assert [(each["name"], each["version"], each["installed_version"], each["kept_back"])
            for each in rows(found["candidates"])] == [
        ("acme", "1:0.5-1", "1.0-1", None), ("locked", "2.0-1", "1.0-1", "versionlock"),
        ("away", "2.0-1", "1.0-1", "exclude"),
    ]  # fmt: skip
    assert found["excludes"] == [[None, "away"]]
    # Hidden from the library; the names of locks come from a file, which is the host's own here.
    assert [row for row in found["kept"] if row[0] == "away"] == [["away", "noarch", "1.0-1", "exclude"]]
    assert found["library"] == {"version": "5.4.6.0", "releasever": "42"}


def test_reasons_kernels_and_notices_are_told(root: Path) -> None:
    found = result(NEWEST, root)
    known = {each["name"]: (each["automatic"], each["repository"]) for each in rows(found["installed"])}
    assert known == {"acme": (True, "base"), "locked": (False, None), "away": (None, None),
                     "kernel-core": (False, None)}  # fmt: skip
    assert [each["release"] for each in found["kernels"]["installed"]] == ["5-2.x86_64", "5-1.x86_64"]
    assert rows(found["advisories"]) == [
        {"id": "FEDORA-2026-1", "type": "security", "severity": "Important", "issued": None,
         "updated": "2026-01-10T00:00:00Z", "reboot_suggested": True, "cves": ["CVE-2026-1"], "bugzillas": ["7"]},
    ]  # fmt: skip
    assert found["notices"]["rows"] == [["kernel-core", "x86_64", "5-2", 0], ["acme", "noarch", "1:0.5-1", 0]]


def test_a_package_that_is_no_longer_noarch_has_the_notices_of_its_new_architecture(root: Path) -> None:
    found = result(NEWEST, root, "moved")
    assert found["notices"]["rows"] == [["kernel-core", "x86_64", "5-2", 0], ["acme", "noarch", "1:0.5-1", 0],
                                        ["moved", "x86_64", "1.1-1", 0]]  # fmt: skip


@pytest.mark.parametrize("mode", ["", "noise", "old"])
def test_nothing_of_the_hosts_own_is_written_and_no_password_leaves(root: Path, mode: str) -> None:
    before = sorted(path for path in root.rglob("*"))
    done = start(NEWEST, root, mode)
    assert json.loads(done.stdout)["ok"], done.stdout
    assert b"secret" not in done.stdout
    assert sorted(path for path in root.rglob("*")) == before
    assert (root / "cache" / "base-0123" / "solv" / "base.solv").read_text() == "the host's own"


def test_repositories_tell_their_age_their_notices_and_their_checks(root: Path) -> None:
    for mode in ("", "old"):
        found = {each["id"]: each for each in result(NEWEST, root, mode)["repositories"]}
        told = {name: (each["enabled"], each["loaded"], each["updateinfo"]) for name, each in found.items()}
        assert told == {"base": (True, True, True), "updates": (True, True, False), "source": (False, False, None)}
        assert 60 <= found["base"]["age"] < 180
        assert found["base"]["address"] == "https://rpm.example/base"
        assert found["base"]["gpgcheck"] is True
    (root / "cache" / "updates-0123" / "repodata" / "0-primary.xml.gz").unlink()
    gone = {each["id"]: each for each in result(NEWEST, root)["repositories"]}["updates"]
    assert (gone["enabled"], gone["loaded"], gone["age"]) == (True, False, None)


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [("missing", "no_native_library", "python3-libdnf5"), ("fails", "dnf5_failed", "the solv file of base")],
)
def test_what_does_not_work_is_told_with_its_reason(root: Path, mode: str, kind: str, words: str) -> None:
    error = answer(NEWEST, root, mode)["error"]
    assert error["kind"] == kind
    assert words in error["message"]


@pytest.mark.parametrize("content", [None, b"", b"rubbish", "good"])
def test_a_transaction_that_never_ended_is_told_and_a_broken_history_tells_nothing(root: Path, content: Any) -> None:
    history = root / "state" / "transaction_history.sqlite"
    if content == "good":
        with sqlite3.connect(history) as connection:
            connection.executescript(HISTORY)
    elif content is not None:
        history.write_bytes(content)
    expected = {"id": 2, "begun_at": "1970-01-01T00:05:00Z"} if content == "good" else None
    assert result(NEWEST, root)["unfinished"] == expected


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python has tomllib since 3.11, and dnf 5 is younger")
def test_streams_and_a_transaction_for_the_next_boot_are_read_from_the_state(root: Path) -> None:
    offline = root / "state" / "offline"
    offline.mkdir()
    (offline / "offline-transaction-state.toml").write_text(
        '[offline-transaction-state]\nstatus = "ready"\n'
        'cmd_line = "dnf5 upgrade --setopt=proxy=HTTP://u:secret@p --setopt=proxy_password=secret --offline"\n'
    )
    found = result(NEWEST, root)
    assert found["modules"] == [["nodejs", "18", "enabled"]]
    assert found["offline"] == {
        "status": "ready",
        "command": "dnf5 upgrade --setopt=proxy=HTTP://p --setopt=proxy_password=... --offline",
    }
    (offline / "offline-transaction-state.toml").write_text("rubbish")
    assert result(NEWEST, root)["offline"] is None


def test_a_failed_refresh_is_told_by_repository_and_without_passwords(root: Path) -> None:
    (root / "bin").mkdir()
    command = root / "bin" / "dnf5"
    command.write_text(
        f'#!/bin/sh\necho "$@" > {root}/called\n'
        'echo "Is this ok [y/N]:  The updates       100% |  53.4 KiB/s |   4.1 KiB |  00m00s"\n'
        'echo ">>> Status code: 503 for https://user:secret@rpm.example/x"\n'
    )
    command.chmod(0o755)
    found = result(NEWEST, root, path=str(root / "bin"), refresh="always")["refresh"]
    assert (found["attempted"], found["ok"]) == (True, False)
    assert found["errors"] == ["Error: The updates: Status code: 503 for https://rpm.example/x"]
    called = (root / "called").read_text().split()
    assert called[-1] == "makecache"
    assert not {"-y", "--assumeyes", "--no-gpgchecks"} & set(called)
