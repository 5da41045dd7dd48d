"""The dnf reader as hosts run it: a process under each interpreter found, with a stand-in for dnf and hawkey."""

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

READER = reader_source("dnf")
FAKE = Path(__file__).with_name("fake_dnf")
PYTHONS = find_interpreters()
START = (
    "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {fake!r})\n"
    "f = open({reader!r}, 'rb'); source = f.read(); f.close()\n"
    "exec(compile(source, 'dnf_reader', 'exec'), {{'__name__': '__main__'}})"
)
READ = '{"protocol": 1, "op": "read", "options": {"refresh": "never"}}'
every_interpreter = pytest.mark.parametrize("python", PYTHONS.values(), ids=PYTHONS.keys())
NEWEST = PYTHONS["{}.{}".format(*sys.version_info[:2])]
HISTORY = """
CREATE TABLE trans (id INTEGER PRIMARY KEY, dt_begin INTEGER, dt_end INTEGER, state INTEGER);
CREATE TABLE repo (id INTEGER PRIMARY KEY, repoid TEXT);
CREATE TABLE trans_item (id INTEGER PRIMARY KEY, trans_id INTEGER, item_id INTEGER, repo_id INTEGER, action INTEGER,
                         reason INTEGER, state INTEGER);
CREATE TABLE rpm (item_id INTEGER, name TEXT, epoch INTEGER, version TEXT, release TEXT, arch TEXT);
INSERT INTO repo VALUES (1, 'base');
INSERT INTO rpm VALUES (1, 'acme', 0, '0.9', '1', 'noarch'), (2, 'acme', 0, '1.0', '1', 'noarch'),
                       (3, 'locked', 0, '1.0', '1', 'noarch');
INSERT INTO trans VALUES (1, 100, 101, 1), (2, 200, 201, 1);
INSERT INTO trans_item VALUES (1, 1, 1, 1, 1, 2, 1), (2, 2, 2, 1, 6, 1, 1), (3, 1, 3, 1, 1, 2, 1);
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host whose two repositories were refreshed a minute ago, with a lock on one package."""
    for folder in ("persist", "plugins", "conf", "shm"):
        (tmp_path / folder).mkdir()
    for name in ("base", "updates"):
        place = tmp_path / "cache" / f"{name}-0123" / "repodata"
        place.mkdir(parents=True)
        (place / "0-primary.xml.gz").write_bytes(b"x")
        os.utime(place / "0-primary.xml.gz", (time.time() - 60, time.time() - 60))
        (tmp_path / "cache" / f"{name}.solv").write_text("the host's own")
    (tmp_path / "plugins" / "versionlock.py").write_text("")
    (tmp_path / "conf" / "versionlock.conf").write_text(f"[main]\nenabled = 1\nlocklist = {tmp_path}/locks\n")
    (tmp_path / "locks").write_text("# a remark\nlocked-0:1.0-1.*\n\n")
    (tmp_path / "joined_reader.py").write_bytes(READER)
    return tmp_path


def start(python: Path, root: Path, mode: str = "", request: str = READ, path: str = "") -> Any:
    environment = {
        "PATH": f"{path}:{os.environ['PATH']}",
        "FAKE_DNF_MODE": mode,
        "FAKE_DNF_ROOT": str(root),
        "TZ": "JST-9",
    }
    code = START.format(fake=str(FAKE), reader=str(root / "joined_reader.py"))
    return subprocess.run(
        [str(python), "-E", "-c", code], input=request.encode(), capture_output=True, env=environment,
        timeout=60, check=False,
    )  # fmt: skip


def answer(python: Path, root: Path, mode: str = "", request: str = READ, path: str = "") -> dict[str, Any]:
    """Standard output must be one JSON object and nothing else."""
    done = start(python, root, mode, request, path)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout.decode("utf-8"))
    assert parsed["protocol"] == 1
    return parsed


def result(python: Path, root: Path, mode: str = "", request: str = READ, path: str = "") -> dict[str, Any]:
    parsed = answer(python, root, mode, request, path)
    assert parsed["ok"], parsed["error"]["traceback"]
    found: dict[str, Any] = parsed["result"]
    return found


def rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


@every_interpreter
def test_every_interpreter_reads_each_newer_version_and_what_keeps_it_back(python: Path, root: Path) -> None:
    found = rows(result(python, root)["candidates"])
    assert [(each["name"], each["version"], each["installed_version"], each["kept_back"]) for each in found] == [
        ("acme", "1.1-1", "1.0-1", None), ("acme", "1:1.0-1", "1.0-1", None),
        ("locked", "1.1-1", "1.0-1", "versionlock"), ("away", "1.1-1", "1.0-1", "exclude"),
        ("kernel-core", "5-3", "5-2", None),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["", "old"])
@every_interpreter
def test_a_package_that_takes_the_place_of_another_is_told_and_no_candidate(
    python: Path, root: Path, mode: str
) -> None:
    found = result(python, root, mode)
    assert found["replacements"] == [["instead", "noarch", "2.0-1", "updates", "kernel-headers", "5-1"]]
    assert "instead" not in {each["name"] for each in rows(found["candidates"])}


@every_interpreter
def test_a_notice_travels_once_with_its_references_and_its_date_in_utc(python: Path, root: Path) -> None:
    found = result(python, root)
    assert found["advisories"]["rows"] == [
        ["RHSA-1", "security", "Important", None, "2026-01-02T03:04:05Z", None, ["CVE-1"], ["7"]],
        ["X-1", None, None, None, "2026-01-01T00:00:00Z", None, [], []],
    ]
    assert found["notices"]["rows"] == [["acme", "noarch", "1.1-1", 0], ["acme", "noarch", "1:1.0-1", 1]]


def test_a_notice_without_dates_is_not_one_of_1970(root: Path) -> None:
    assert {each["id"]: each["updated"] for each in rows(result(NEWEST, root, "dateless")["advisories"])} == {
        "RHSA-1": "2026-01-02T03:04:05Z", "X-1": None,
    }  # fmt: skip


def test_a_package_that_is_no_longer_noarch_has_the_notices_of_its_new_architecture(root: Path) -> None:
    found = result(NEWEST, root, "moved")
    [named] = [each for each in rows(found["notices"]) if each["name"] == "moved"]
    assert (named["arch"], named["version"]) == ("x86_64", "1.1-1")
    assert found["advisories"]["rows"][named["advisory"]][0] == "RHSA-1"
    assert len(found["advisories"]["rows"]) == 2


@every_interpreter
def test_noise_of_libraries_and_children_never_reaches_the_answer(python: Path, root: Path) -> None:
    done = start(python, root, "noise")
    assert json.loads(done.stdout.decode("utf-8"))["ok"] is True
    for noise in (b"Updating Subscription", b"noise on descriptor 1", b"noise of a child"):
        assert noise in done.stderr


@every_interpreter
def test_what_dnf_rewrites_lands_beside_the_cache_of_the_host(python: Path, root: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    result(python, root)
    assert {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()} == before
    assert (root / "cache" / "base.solv").read_text() == "the host's own"


@every_interpreter
def test_a_missing_library_says_which_package_to_install(python: Path, root: Path) -> None:
    error = answer(python, root, "missing")["error"]
    assert error["kind"] == "no_native_library"
    assert "python3-dnf" in error["message"]


@every_interpreter
def test_an_error_of_dnf_is_an_answer_with_its_own_words(python: Path, root: Path) -> None:
    error = answer(python, root, "fails")["error"]
    assert error["kind"] == "dnf_failed"
    assert "base.solv" in error["message"]
    assert "Traceback" in error["traceback"]


@every_interpreter
def test_reasons_come_from_the_newest_transaction_of_dnfs_history(python: Path, root: Path) -> None:
    with sqlite3.connect(root / "persist" / "history.sqlite") as connection:
        connection.executescript(HISTORY)
    found = result(python, root)
    known = {each["name"]: (each["automatic"], each["repository"]) for each in rows(found["installed"])}
    assert known == {
        "acme": (True, "base"), "locked": (False, "base"), "away": (None, None), "kernel-core": (None, None),
        "kernel-headers": (None, None),
    }  # fmt: skip
    assert found["unfinished"] is None


def test_a_transaction_that_never_ended_is_told(root: Path) -> None:
    with sqlite3.connect(root / "persist" / "history.sqlite") as connection:
        connection.executescript(HISTORY + "INSERT INTO trans VALUES (3, 300, NULL, 0);")
    assert result(NEWEST, root)["unfinished"] == {"id": 3, "begun_at": "1970-01-01T00:05:00Z"}


@pytest.mark.parametrize("content", [b"", b"rubbish", b"SQLite format 3\0" + b"\xff" * 200])
def test_a_history_that_cannot_be_read_leaves_reasons_unknown(root: Path, content: bytes) -> None:
    (root / "persist" / "history.sqlite").write_bytes(content)
    assert {each["automatic"] for each in rows(result(NEWEST, root)["installed"])} == {None}


def test_every_kernel_is_there_the_newest_first_and_headers_are_none(root: Path) -> None:
    found = result(NEWEST, root)
    assert [each["release"] for each in found["kernels"]["installed"]] == ["5-2.x86_64", "5-1.x86_64"]
    beside = [(each["name"], each["version"]) for each in rows(found["installed"]) if each["install_only"]]
    assert beside == [("kernel-core", "5-1"), ("kernel-core", "5-2")]


def test_repositories_tell_their_age_and_notices_and_keep_their_passwords(root: Path) -> None:
    done = start(NEWEST, root)
    assert b"secret" not in done.stdout
    found = {each["id"]: each for each in json.loads(done.stdout)["result"]["repositories"]}
    told = {name: (each["enabled"], each["loaded"], each["updateinfo"]) for name, each in found.items()}
    assert told == {"base": (True, True, True), "updates": (True, True, False), "source": (False, False, None)}
    assert {name: each["skip_if_unavailable"] for name, each in found.items()} == {
        "base": False, "updates": True, "source": False,
    }  # fmt: skip
    assert 60 <= found["base"]["age"] < 120
    assert found["base"]["address"] == "https://rpm.example/base"


def test_a_repository_without_metadata_is_enabled_and_not_loaded(root: Path) -> None:
    (root / "cache" / "updates-0123" / "repodata" / "0-primary.xml.gz").unlink()
    (root / "cache" / "updates-0123" / "repodata").rmdir()
    (root / "cache" / "updates-0123").rmdir()
    found = {each["id"]: each for each in result(NEWEST, root)["repositories"]}
    assert (found["updates"]["enabled"], found["updates"]["loaded"], found["updates"]["age"]) == (True, False, None)


def test_an_older_libdnf_is_read_by_the_files_of_its_cache(root: Path) -> None:
    (root / "cache" / "updates-0123" / "repodata" / "1-updateinfo.xml.gz").write_bytes(b"x")
    found = {each["id"]: each for each in result(NEWEST, root, "old")["repositories"]}
    assert (found["base"]["updateinfo"], found["updates"]["updateinfo"]) == (False, True)


@pytest.mark.parametrize(
    ("change", "locks"),
    [
        (lambda root: None, ["locked-0:1.0-1.*"]),
        (lambda root: (root / "plugins" / "versionlock.py").unlink(), []),
        (lambda root: (root / "conf" / "versionlock.conf").write_text("[main]\nenabled = 0\n"), []),
        (lambda root: (root / "locks").unlink(), []),
    ],
    ids=["enabled", "not installed", "switched off", "no list"],
)
def test_locks_count_where_dnf_itself_would_honour_them(root: Path, change: Any, locks: list[str]) -> None:
    change(root)
    found = result(NEWEST, root)
    assert found["locks"] == locks
    kept = {each["kept_back"] for each in rows(found["candidates"]) if each["name"] == "locked"}
    assert kept == ({"versionlock"} if locks else {None})


def test_excludes_are_told_with_their_repository(root: Path) -> None:
    assert result(NEWEST, root)["excludes"] == [[None, "away"], ["updates", "*-debug"]]


def fake_command(root: Path, body: str) -> str:
    folder = root / "bin"
    folder.mkdir()
    command = folder / "dnf"
    command.write_text("#!/bin/sh\n" + body)
    command.chmod(0o755)
    return str(folder)


def asking(**options: Any) -> str:
    return json.dumps({"protocol": 1, "op": "read", "options": options})


def test_young_metadata_is_not_refreshed_and_old_is_with_the_words_of_what_failed(root: Path) -> None:
    path = fake_command(
        root,
        f'echo "$@" > {root}/called\necho "Lab base 1 kB/s"\n'
        "echo \"Error: Failed to download metadata for repo 'base': https://user:secret@rpm.example/ says no\" >&2\n",
    )
    young = result(NEWEST, root, request=asking(refresh="auto", metadata_max_age=3600), path=path)
    assert "younger than 3600 s" in young["refresh"]["skipped_because"]
    assert not (root / "called").exists()
    old = result(NEWEST, root, request=asking(refresh="auto", metadata_max_age=10), path=path)["refresh"]
    assert (old["attempted"], old["ok"]) == (True, False)
    assert old["errors"] == ["Error: Failed to download metadata for repo 'base': https://rpm.example/ says no"]
    called = (root / "called").read_text().split()
    assert called[-1] == "makecache"
    assert not {"-y", "--assumeyes", "--nogpgcheck"} & set(called)


def test_a_refresh_that_hangs_is_stopped_and_told(root: Path) -> None:
    path = fake_command(root, "sleep 60 & wait\n")
    found = result(NEWEST, root, request=asking(refresh="always", refresh_timeout=1), path=path)["refresh"]
    assert (found["ok"], found["errors"]) == (False, ["dnf makecache was stopped after 1 s"])


def test_a_dnf_at_work_is_named_and_a_lock_of_the_dead_is_none(root: Path) -> None:
    lock = root / "persist" / "rpmdb_lock.pid"
    lock.write_text("999999999")
    assert result(NEWEST, root)["lock"] is None
    lock.write_text(str(os.getpid()))
    assert result(NEWEST, root)["lock"]["pid"] == os.getpid()
    started = time.monotonic()
    found = result(NEWEST, root, request=asking(refresh="always", lock_timeout=1))["refresh"]
    assert time.monotonic() - started >= 1
    assert found["ok"] is False
    assert f"(pid {os.getpid()}); waited 1 s" in found["errors"][0]


def test_a_plugin_that_does_not_load_is_no_failed_refresh(root: Path) -> None:
    path = fake_command(
        root,
        "echo 'Failed loading plugin \"local\": No module named libcomps' >&2\n"
        "echo 'Failed to set locale, defaulting to C.UTF-8' >&2\n",
    )
    harmless = result(NEWEST, root, request=asking(refresh="always"), path=path)["refresh"]
    assert (harmless["ok"], harmless["errors"]) == (True, [])
    Path(path, "dnf").write_text("#!/bin/sh\necho \"Failed to download metadata for repo 'base'\" >&2\n")
    failed = result(NEWEST, root, request=asking(refresh="always"), path=path)["refresh"]
    assert (failed["ok"], failed["errors"]) == (False, ["Failed to download metadata for repo 'base'"])


@every_interpreter
def test_what_locks_and_excludes_keep_of_the_installed_packages_is_told(python: Path, root: Path) -> None:
    (root / "locks").write_text("locked-0:0.9-1.*\n!acme-0:1.0-1.*\n")
    found = result(python, root)["kept"]
    # Whatever version a lock names; an entry that keeps one version away locks nothing.
    assert found == [["away", "noarch", "1.0-1", "exclude"], ["locked", "noarch", "1.0-1", "versionlock"]]


@every_interpreter
def test_a_damaged_rpm_database_is_named(python: Path, root: Path) -> None:
    error = answer(python, root, "no rpmdb")["error"]
    assert error["kind"] == "rpm_failed"
    assert "rpm --rebuilddb" in error["message"]
