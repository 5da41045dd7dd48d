"""The yum reader as hosts run it: a process under Python 2, over a strict stand-in for the API of yum 3."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from yum_stand_in import PYTHONS, WHY_NOT, StandIn, every_flavour, notice, package, repository

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import reader_source

READER = reader_source("yum")
READ = '{"protocol": 1, "op": "read", "options": {"refresh": "never"}}'
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "Python 2 is here")
every_python = pytest.mark.parametrize("python", PYTHONS.values(), ids=PYTHONS.keys())

NEW = package("acme", "1.1-1")
EPOCH = package("acme", "1:1.0-1")
FIX = notice("RHSA-1", "security", [NEW], severity="Important", issued="2026-01-02 03:04:05", updated="2026-01-03",
             reboot_suggested=True, references=[
                 {"type": "cve", "id": "CVE-1", "href": None, "title": None}, {"type": "cve", "id": "CVE-1"},
                 {"type": "bugzilla", "id": "7"}, {"type": "self", "id": None}])  # fmt: skip
OTHER = notice("X-1 café", "bugfix", [EPOCH], issued="2019-01-08 21:24")


def host(root: Path, flavour: str = "late", python: Path | None = None, **world: Any) -> StandIn:
    """A host with two repositories that were fetched a minute ago."""
    base = [NEW, package("locked", "1.1-1"), package("away", "1.1-1"), package("kernel", "5-3", "x86_64"),
            package("other", "1-1"), package("acme", "0.9-1")]  # fmt: skip
    installed = [
        package("acme", "1.0-1", reason="dep", from_repo="base"), package("locked", "1.0-1"), package("away", "1.0-1"),
        package("kernel", "5-1", "x86_64"), package("kernel", "5-2", "x86_64"), package("gpg-pubkey", "a-b", "(none)"),
    ]  # fmt: skip
    known: dict[str, Any] = {
        "installed": installed,
        "repositories": [repository("base", base, notices=[FIX, OTHER]), repository("updates", [EPOCH]),
                         repository("source", [], enabled=False)],
        "conf": {"exclude": ["away"]},
    }  # fmt: skip
    known.update(world)
    found = StandIn(root, flavour, python or next(iter(PYTHONS.values())), **known)
    found.fetched()
    return found


def answer(stand_in: StandIn, **options: Any) -> dict[str, Any]:
    """Standard output must be one JSON object and nothing else."""
    request = json.dumps({"protocol": 1, "op": "read", "options": {"refresh": "never", **options}})
    done = stand_in.run(READER, request)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def result(stand_in: StandIn, **options: Any) -> dict[str, Any]:
    parsed = answer(stand_in, **options)
    assert parsed["ok"], parsed["error"]["traceback"]
    found: dict[str, Any] = parsed["result"]
    return found


def rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def brief(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(each[key] for key in ("name", "version", "installed_version", "kept_back"))
            for each in rows(found["candidates"])]  # fmt: skip


def tree(root: Path) -> dict[str, tuple[Any, ...]]:
    return {str(path.relative_to(root)): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(root.rglob("*")) if "program.py" not in path.name}  # fmt: skip


@every_flavour
@every_python
def test_each_newer_version_is_read_and_what_keeps_it_back(python: Path, flavour: str, tmp_path: Path) -> None:
    found = result(host(tmp_path, flavour, python))
    assert brief(found) == [
        ("acme", "1.1-1", "1.0-1", None), ("acme", "1:1.0-1", "1.0-1", None), ("away", "1.1-1", "1.0-1", "exclude"),
        ("kernel", "5-3", "5-2", None), ("locked", "1.1-1", "1.0-1", None),
    ]  # fmt: skip
    assert found["library"]["version"] == ("3.2.29" if flavour == "el6" else "3.4.3")
    installed = {(each["name"], each["version"]): each for each in rows(found["installed"])}
    assert installed["acme", "1.0-1"]["automatic"] is True
    assert installed["acme", "1.0-1"]["repository"] == "base"
    assert [each["release"] for each in found["kernels"]["installed"]] == ["5-2.x86_64", "5-1.x86_64"]
    assert {each["name"] for each in rows(found["installed"]) if each["install_only"]} == {"kernel"}
    assert "gpg-pubkey" not in {each["name"] for each in rows(found["installed"])}


@every_flavour
def test_sizes_are_those_of_the_download_and_of_what_it_takes_on_disk(flavour: str, tmp_path: Path) -> None:
    [first] = [each for each in rows(result(host(tmp_path, flavour))["candidates"]) if each["version"] == "1.1-1"][:1]
    assert (first["size"], first["installed_size"], first["source_package"]) == (1000, 2000, "acme")


@every_flavour
def test_a_notice_travels_once_with_its_references_and_dates(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    world = stand_in.world
    world["repositories"][1]["notices"] = [FIX]
    stand_in.write(world)
    stand_in.fetched()
    found = result(stand_in)
    assert found["advisories"]["rows"] == [
        ["RHSA-1", "security", "Important", "2026-01-02T03:04:05Z", "2026-01-03T00:00:00Z", True, ["CVE-1"], ["7"]],
        ["X-1 café", "bugfix", None, "2019-01-08T21:24:00Z", None, False, [], []],
    ]
    assert found["notices"]["rows"] == [["acme", "noarch", "1.1-1", 0], ["acme", "noarch", "1:1.0-1", 1]]
    assert {each["id"]: each["updateinfo"] for each in found["repositories"]} == {
        "base": True, "updates": True, "source": None}  # fmt: skip


@every_flavour
def test_a_notice_with_words_that_no_package_has_is_left_out(flavour: str, tmp_path: Path) -> None:
    bad = [package("acme", "1.1-1", "no arch"), {**NEW, "version": None}, {**NEW, "release": "1\n2"}]
    stand_in = host(tmp_path, flavour, repositories=[repository("base", [NEW], notices=[notice("B-1", "bugfix", bad)])])
    found = result(stand_in)
    assert (found["notices"]["rows"], found["advisories"]["rows"]) == ([], [])


@every_flavour
def test_damaged_notices_are_told_and_the_others_are_read(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, repositories=[
        repository("base", [NEW], notices=[FIX]), repository("bad", [EPOCH], notices="broken")])  # fmt: skip
    found = result(stand_in)
    assert [row[0] for row in found["advisories"]["rows"]] == ["RHSA-1"]
    assert {each["id"]: each["updateinfo"] for each in found["repositories"]} == {"base": True, "bad": None}
    [problem] = found["metadata_problems"]
    assert problem.startswith("the notices of bad cannot be read: ")
    # Raised, printed on sys.stderr, or told to a logger.
    words = {"el6": "ParseError", "tag": "File is not valid XML: ", "late": "Updateinfo file is not valid XML: "}
    assert words[flavour] in problem
    # Nothing in it is another word at the next scan.
    assert problem == result(stand_in)["metadata_problems"][0]
    assert flavour == "el6" or f"{tmp_path}/cache/bad/" in problem


@every_flavour
def test_a_repository_with_a_damaged_database_is_told_and_the_others_are_read(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, repositories=[
        repository("base", [NEW], notices=[FIX]), repository("bad", [EPOCH], damaged=True)])  # fmt: skip
    found = result(stand_in)
    assert {each["id"]: each["loaded"] for each in found["repositories"]} == {"base": True, "bad": False}
    assert [row[0] for row in found["advisories"]["rows"]] == ["RHSA-1"]
    [problem] = found["metadata_problems"]
    why = f"Caching enabled and local cache: {tmp_path}/cache/bad/primary.sqlite.gz does not match checksum"
    assert problem == f"bad cannot be read: {why if flavour == 'late' else 'file is not a database'}"


@every_flavour
def test_a_repository_that_was_never_fetched_is_told_and_the_others_are_read(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    for path in sorted((tmp_path / "cache" / "updates").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    found = result(stand_in)
    [updates] = [each for each in found["repositories"] if each["id"] == "updates"]
    assert (updates["enabled"], updates["loaded"], updates["age"], updates["updateinfo"]) == (True, False, None, None)
    assert ("acme", "1:1.0-1", "1.0-1", None) not in brief(found)
    assert ("acme", "1.1-1", "1.0-1", None) in brief(found)
    assert found["metadata_problems"] == []


@every_flavour
def test_notices_that_nobody_fetched_are_unknown_and_call_for_a_refresh(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    (tmp_path / "cache" / "base" / "updateinfo.xml.gz").unlink()
    found = result(stand_in)
    assert [each["updateinfo"] for each in found["repositories"] if each["id"] == "base"] == [None]
    assert "no local cache" in found["metadata_problems"][0]
    found = result(stand_in, refresh="auto")
    if os.geteuid() == 0:
        assert (found["refresh"]["attempted"], found["refresh"]["ok"]) == (True, True)
        assert found["metadata_problems"] == []
        # Older ones than the repository has by now are none.
        (tmp_path / "cache" / "base" / "updateinfo.xml.gz").write_text("older ones")
        assert "younger than" not in str(result(stand_in, refresh="auto")["refresh"]["skipped_because"])
        assert result(stand_in)["metadata_problems"] == []


@every_flavour
def test_nothing_that_yum_writes_while_it_is_asked_reaches_the_host(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    before = tree(tmp_path)
    result(stand_in)
    result(stand_in)
    assert tree(tmp_path) == before
    assert not (tmp_path / "yum.log").exists()


@every_flavour
def test_a_database_that_yum_made_from_xml_stays_as_it_is(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    made = tmp_path / "cache" / "base" / ("gen/primary.xml.sqlite" if flavour == "late" else "primary.xml.gz.sqlite")
    made.write_text("of the host")
    result(stand_in)
    assert made.read_text() == "of the host"


def test_a_stale_unpacked_database_of_the_host_is_not_written_over(tmp_path: Path) -> None:
    stand_in = host(tmp_path)
    unpacked = tmp_path / "cache" / "base" / "gen" / "primary_db.sqlite"
    unpacked.write_text("of the host")
    os.utime(unpacked, (1, 1))
    result(stand_in)
    assert unpacked.read_text() == "of the host"


@every_flavour
@every_python
def test_noise_never_reaches_the_answer(python: Path, flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, python, noise=True)
    done = stand_in.run(READER, READ)
    assert json.loads(done.stdout)["ok"] is True
    assert b"Loaded plugins" in done.stderr
    assert b"noise on descriptor 1" in done.stderr


@pytest.mark.parametrize(
    ("locks", "settings", "kept"),
    [
        ("# a remark\n0:locked-1.0-1.*\n\n", "enabled = 1", "versionlock"),
        ("locked-1.0-1.noarch\n", "enabled = 1", "versionlock"),
        ("!0:locked-1.1-1.*\n", "enabled = 1", "versionlock"),
        ("0:locked-1.1-1.*\n", "enabled = 1", None),
        ("0:locked-1.0-1.*\n", "enabled = 0", None),
        ("0:locked-1.0-1.*\n", "", None),
    ],
    ids=["a lock", "without epoch", "an exclusion", "locked to the new one", "switched off", "never switched on"],
)
def test_locks_count_where_the_plugin_would_honour_them(
    locks: str, settings: str, kept: str | None, tmp_path: Path
) -> None:
    stand_in = host(tmp_path)
    (tmp_path / "plugins" / "versionlock.py").write_text("")
    (tmp_path / "conf" / "versionlock.conf").write_text(f"[main]\n{settings}\nlocklist = file://{tmp_path}/locks\n")
    (tmp_path / "locks").write_text(locks)
    found = result(stand_in)
    assert {row[3] for row in brief(found) if row[0] == "locked"} == {kept}
    assert {row[3] for row in brief(found) if row[0] == "acme"} == {None}
    # To whatever version; an entry that keeps one version away locks nothing.
    holds = settings == "enabled = 1" and not locks.startswith("!")
    assert [row[3] for row in found["kept"] if row[0] == "locked"] == ["versionlock"] * holds


def test_a_list_of_locks_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    stand_in = host(tmp_path)
    (tmp_path / "plugins" / "versionlock.py").write_text("")
    (tmp_path / "conf" / "versionlock.conf").write_text("[main]\nenabled=1\nlocklist=http://u:secret@x.example/locks\n")
    found = result(stand_in)
    assert found["metadata_problems"] == ["the version locks in http://x.example/locks cannot be read"]


@every_flavour
def test_excludes_and_included_names_of_a_repository_keep_back_there_alone(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, conf={}, repositories=[
        repository("base", [NEW, package("locked", "1.1-1")], exclude=["ac*"]),
        repository("updates", [EPOCH, package("locked", "1.2-1")], includepkgs=["acme"])])  # fmt: skip
    found = result(stand_in)
    assert {(row[0], row[1]): row[3] for row in brief(found)} == {
        ("acme", "1.1-1"): "exclude", ("acme", "1:1.0-1"): None,
        ("locked", "1.1-1"): None, ("locked", "1.2-1"): "exclude"}  # fmt: skip
    assert found["excludes"] == [["base", "ac*"], ["updates", "all but acme"]]


def test_a_repository_of_better_priority_hides_what_it_has_in_any_version(tmp_path: Path) -> None:
    listing = tmp_path / "lab.repo"
    listing.write_text("[base]\npriority=10\nname=x\n[updates]\nname=y\n")
    old = package("acme", "0.5-1")
    stand_in = host(tmp_path, repositories=[repository("base", [old, NEW], repofile=str(listing)),
                                            repository("updates", [EPOCH], repofile=str(listing))])  # fmt: skip
    assert {row[3] for row in brief(result(stand_in))} == {None}
    (tmp_path / "plugins" / "priorities.py").write_text("")
    (tmp_path / "conf" / "priorities.conf").write_text("[main]\nenabled = 1\n")
    found = result(stand_in)
    assert {row[1]: row[3] for row in brief(found)} == {"1.1-1": None, "1:1.0-1": "exclude"}
    assert {each["id"]: each["priority"] for each in found["repositories"]} == {"base": 10, "updates": 99}


@pytest.mark.parametrize(("excluded", "kept"), [([], "exclude"), (["acme"], None)], ids=["offered", "excluded there"])
def test_an_older_version_in_a_repository_of_better_priority_hides_too(
    excluded: list[str], kept: str | None, tmp_path: Path
) -> None:
    listing = tmp_path / "lab.repo"
    listing.write_text("[base]\npriority=10\nname=x\n[updates]\nname=y\n")
    base = repository("base", [package("acme", "0.5-1")], repofile=str(listing), exclude=excluded)
    stand_in = host(tmp_path, repositories=[base, repository("updates", [EPOCH], repofile=str(listing))])
    (tmp_path / "plugins" / "priorities.py").write_text("")
    (tmp_path / "conf" / "priorities.conf").write_text("[main]\nenabled = 1\n")
    assert {row[1]: row[3] for row in brief(result(stand_in))} == {"1:1.0-1": kept}


def test_what_replaces_a_package_under_another_name_is_told_and_no_candidate(tmp_path: Path) -> None:
    stand_in = host(tmp_path, repositories=[repository("base", [package("acme-ng", "1:2-1", obsoletes=["acme"])])])
    found = result(stand_in)
    assert brief(found) == []
    assert found["replacements"] == [["acme-ng", "noarch", "1:2-1", "base", "acme", "1.0-1"]]


def test_a_package_changes_to_the_architecture_of_the_host_and_to_no_other(tmp_path: Path) -> None:
    offered = [package("acme", "1.1-1", "x86_64"), package("acme", "1.1-1", "i686"), package("kernel", "5-9", "i686")]
    stand_in = host(tmp_path, repositories=[repository("base", offered)])
    assert [(each["name"], each["arch"]) for each in rows(result(stand_in)["candidates"])] == [("acme", "x86_64")]


def test_credentials_never_come_home(tmp_path: Path) -> None:
    found = result(host(tmp_path))
    assert {each["address"] for each in found["repositories"]} == {
        "http://rpm.example/base", "http://rpm.example/updates", "http://rpm.example/source"}  # fmt: skip
    assert "secret" not in json.dumps(found)


@every_flavour
def test_what_yum_says_of_its_configuration_comes_home_whatever_its_alphabet(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    stand_in.change(bad_conf="http://u:secret@x.example/ is no file: café")
    error = answer(stand_in)["error"]
    assert error["kind"] == "yum_failed"
    assert "http://x.example/ is no file" in error["message"]
    assert "secret" not in error["message"]


def test_a_missing_library_says_which_package_to_install(tmp_path: Path) -> None:
    stand_in = host(tmp_path)
    (tmp_path / "program.py").write_bytes(READER)
    done = stand_in.run(READER, READ, words=[str(tmp_path / "program.py")])
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "no_native_library"
    assert "install the package yum" in error["message"]


def test_a_yum_at_work_is_named_and_a_lock_of_the_dead_is_none(tmp_path: Path) -> None:
    stand_in = host(tmp_path)
    lock = tmp_path / "var" / "run" / "yum.pid"
    lock.write_text("999999999")
    assert result(stand_in)["lock"] is None
    lock.write_text(f"{os.getpid()}\n")
    assert result(stand_in)["lock"]["pid"] == os.getpid()
    refresh = result(stand_in, refresh="always", lock_timeout=0)["refresh"]
    assert (refresh["ok"], f"(pid {os.getpid()})" in refresh["errors"][0]) == (False, True)
    assert "calls" not in stand_in.world
    assert lock.read_text() == f"{os.getpid()}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="yum refreshes its cache for root alone")
@every_flavour
def test_old_metadata_is_refreshed_and_a_repository_that_fails_is_told(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    assert "younger than" in result(stand_in, refresh="auto")["refresh"]["skipped_because"]
    stand_in.fetched(7200)
    world = stand_in.world
    world["repositories"][1]["down"] = "HTTP Error 404 - Not Found"
    stand_in.write(world)
    found = result(stand_in, refresh="auto")
    assert (found["refresh"]["attempted"], found["refresh"]["ok"]) == (True, False)
    [error] = found["refresh"]["errors"]
    why = "http://rpm.lab/updates/repodata/repomd.xml: [Errno 14] HTTP Error 404 - Not Found"
    assert error == f"updates was not refreshed: {why}"
    ages = {each["id"]: each["age"] for each in found["repositories"]}
    assert ages["base"] < 60 < ages["updates"]
    [call] = stand_in.world["calls"]
    assert call[-2:] == ["makecache", "fast"]
    assert "--setopt=updates.skip_if_unavailable=1" in call
    assert not {"-y", "--nogpgcheck"} & set(call)


@pytest.mark.skipif(os.geteuid() != 0, reason="yum refreshes its cache for root alone")
@every_flavour
def test_notices_that_a_refresh_leaves_out_are_asked_for(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour, mdpolicy="group:primary")
    for path in (tmp_path / "cache").rglob("*updateinfo*"):
        path.unlink()
    found = result(stand_in, refresh="always")
    assert (found["refresh"]["ok"], found["metadata_problems"]) == (True, [])
    assert {each["updateinfo"] for each in found["repositories"] if each["id"] == "base"} == {True}
    asked = [call[-2:] for call in stand_in.world["calls"]]
    assert asked == [["makecache", "fast"], *([["updateinfo", "summary"]] if flavour == "late" else [])]
    assert all("--setopt=updates.skip_if_unavailable=1" in call for call in stand_in.world["calls"])


@pytest.mark.skipif(os.geteuid() != 0, reason="yum refreshes its cache for root alone")
@every_flavour
def test_a_repository_out_of_reach_that_was_never_fetched_keeps_no_other_from_a_refresh(
    flavour: str, tmp_path: Path
) -> None:
    gone = repository("away", [EPOCH], down="HTTP Error 404 - Not Found")
    stand_in = host(tmp_path, flavour, repositories=[gone, repository("base", [NEW]), repository("more", [NEW])])
    found = result(stand_in, refresh="always")
    [error] = found["refresh"]["errors"]
    assert error.startswith(
        "away was not refreshed: http://rpm.lab/away/repodata/repomd.xml: [Errno 14] HTTP Error 404"
    )
    assert found["refresh"]["ok"] is False
    assert {each["id"]: each["loaded"] for each in found["repositories"]} == {"away": False, "base": True, "more": True}
    ages = [each["age"] for each in found["repositories"] if each["id"] != "away"]
    assert max(ages) < 60


@pytest.mark.skipif(os.geteuid() != 0, reason="yum refreshes its cache for root alone")
def test_a_refresh_that_hangs_is_stopped_and_told(tmp_path: Path) -> None:
    stand_in = host(tmp_path)
    (tmp_path / "bin" / "yum").write_text("#!/bin/sh\nsleep 60 & wait\n")
    found = result(stand_in, refresh="always", refresh_timeout=1)["refresh"]
    assert found["ok"] is False
    assert found["errors"][-1] == "yum makecache was stopped after 1 s"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05Z"), ("2026-01-02 03:04", "2026-01-02T03:04:00Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"), ("2026-01-02", "2026-01-02T00:00:00Z"),
        ("1767322845", "2026-01-02T03:00:45Z"), ("2026-02-31", None), ("yesterday", None), (None, None),
    ],
)  # fmt: skip
def test_dates_come_as_vendors_write_them(text: str | None, moment: str | None, tmp_path: Path) -> None:
    dated = notice("RHSA-1", "security", [NEW], issued=text)
    stand_in = host(tmp_path, repositories=[repository("base", [NEW], notices=[dated])])
    assert result(stand_in)["advisories"]["rows"][0][3] == moment


def test_a_transaction_that_never_ended_is_told(tmp_path: Path) -> None:
    stand_in = host(tmp_path)
    assert result(stand_in)["unfinished"] is None
    left = tmp_path / "persist" / "transaction-all.2026-11-21.12:33.04"
    left.write_text("install 0:acme-1.1-1.noarch\n")
    assert result(stand_in)["unfinished"]["id"] == 0
    left.rename(left.with_name(left.name + ".disabled"))
    assert result(stand_in)["unfinished"] is None
