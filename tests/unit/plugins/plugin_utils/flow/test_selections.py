"""Where an override list or a snapshot comes from, and what an installation makes of it."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import Change, Target
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import Run, open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.snapshot import freeze
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.s3_files import S3Reader
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.selections import NoSelection, select

LIST = b"patches:\n  - id: 'kernel*'\n    title: '*4.18.0-1.el8'\n  - cve: CVE-2026-0001\n"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(str(tmp_path / "state"), now=datetime(2026, 11, 20, tzinfo=timezone.utc), controller_key="test")


class S3:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[str] = []

    def read(self, source: str, **_limits: Any) -> bytes:
        self.asked.append(source)
        return self.content


def chosen(
    run: Run, given: Any = None, snapshot: Any = None, s3: Any = None, unavailable: str = "refuse"
) -> NoSelection:
    arguments = {"install_override_list": given, "snapshot": snapshot, "snapshot_unavailable": unavailable}
    return select(arguments, run, s3 or S3(b""), path_of=lambda name: name)


def host(system: str = "REDHAT_ENTERPRISE_LINUX", product: str = "RedhatEnterpriseLinux9.4", **more: Any) -> Inventory:
    return Inventory(system, product, {}, {"name": "dnf"}, None, "2026-11-20T00:00:00Z", True, **more)


def repository(name: str, notices: bool) -> dict[str, Any]:
    return {"id": name, "enabled": True, "security_metadata": notices, "metadata_age": 1}


def record(name: str, old: str, new: str, *cves: str) -> dict[str, Any]:
    advisories = [{"id": "RHSA-2026:1", "cves": list(cves)}] if cves else []
    return {"name": name, "arch": "x86_64", "installed_version": old, "version": new, "advisories": advisories}


def test_a_file_is_read_once_per_run_and_told_with_its_digest(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "list.yml"
    path.write_bytes(LIST)
    first = chosen(run, str(path)).described
    assert chosen(run, str(path)).told() == []
    path.write_bytes(b"patches: []")
    later = chosen(run, str(path))
    assert later.described == first
    [warning] = later.told()
    assert warning["kind"] == "selection_changed"
    path.write_bytes(LIST)
    assert chosen(run, str(path)).told() == []
    path.unlink()
    assert chosen(run, str(path)).told() == []
    assert first is not None
    assert (first["kind"], first["source"]) == ("override_list", str(path))
    assert first["digest"].startswith("sha256:")


def test_an_s3_address_is_read_by_the_reader_for_it_alone(run: Run) -> None:
    s3 = S3(LIST)
    selection = chosen(run, "s3://bucket/a/list.yml", s3=s3)
    assert s3.asked == ["s3://bucket/a/list.yml"]
    assert selection.override_list() == yaml.safe_load(LIST)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("/nowhere/list.yml", "install override list /nowhere/list.yml cannot be read"),
        ("http://lists.example/list.yml", "https"),
        ("https://someone:word@lists.example/x", "netrc"),
        ("s3://bucket", "s3://BUCKET/KEY"),
        ("https://lists.example/" + "a" * 3000, "characters"),
        ({}, "must be a mapping with a list 'patches'"),
        ({"patches": [{"title": "x"}]}, r"patches\[0\]\.id"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(given: Any, told: str, run: Run) -> None:
    with pytest.raises(PatchError, match=told) as caught:
        chosen(run, given)
    assert caught.value.kind == "bad_override_list"
    assert "word" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [(b"- x", "must be a mapping"), (b"patches: [{id: 7}]", r"patches\[0\]\.id"), (b"a: [", "line 1"),
     (b"#" * 1_100_000, "more than 1048576 bytes"), (b"{2026-01-01: {1: !!binary aGk=}}", "no plain value|mapping")],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_told_with_the_file(text: bytes, told: str, run: Run) -> None:
    with pytest.raises(PatchError, match=told) as caught:
        chosen(run, "s3://bucket/list.yml", s3=S3(text))
    assert "s3://bucket/list.yml" in caught.value.message


def test_a_list_and_a_snapshot_are_not_followed_together(run: Run) -> None:
    with pytest.raises(PatchError, match="only one"):
        chosen(run, {"patches": []}, "snapshot.yml")
    assert chosen(run, "", "").replaces is False


CLOSE = {"patches": [{"cve": "CVE-2026-0001"}, {"advisory": "RHSA-2026:9"}]}


@pytest.mark.parametrize(
    "inventory",
    [
        host(repositories=[repository("base", False)]),
        host(repositories=[]),
        host("UBUNTU", "Ubuntu22.04", repositories=[repository("security", True)]),
        host("MACOS", "MacOS14"),
    ],
    ids=["no notices", "no repositories", "apt", "macos"],
)
def test_where_nothing_tells_which_update_closes_a_cve_the_host_is_refused(inventory: Inventory, run: Run) -> None:
    with pytest.raises(PatchError, match="cannot be known") as caught:
        chosen(run, CLOSE).check(inventory)
    assert caught.value.kind == "no_update_notices"


def test_repositories_without_notices_and_ids_that_none_names_are_told(run: Run) -> None:
    repositories = [repository("base", True), repository("local", False)]
    inventory = host(repositories=repositories, candidates=[record("bash", "1-1", "1-2", "CVE-2026-0001")])
    warnings = {each["kind"]: each["message"] for each in chosen(run, CLOSE).check(inventory)}
    assert set(warnings) == {"fix_partly_unknown", "fix_not_named"}
    assert "local" in warnings["fix_partly_unknown"]
    assert "RHSA-2026:9" in warnings["fix_not_named"]
    assert "CVE-2026-0001" not in warnings["fix_not_named"]


def test_a_list_without_such_entries_asks_for_no_notices(run: Run) -> None:
    assert chosen(run, {"patches": [{"id": "bash"}]}).check(host("UBUNTU", "Ubuntu22.04")) == []


def snapshot(tmp_path: Path, version: str) -> str:
    document = {
        "host": "canary", "operating_system": "REDHAT_ENTERPRISE_LINUX", "product": "RedhatEnterpriseLinux9.4",
        "operation": "Install", "error": None, "verdict": "compliant", "run": {"id": "r", "as_of": "x"},
        "baseline": {"name": "b", "digest": "d"}, "installation": {}, "pulled_in": [],
        "patches": [
            {"id": "bash", "name": "bash", "arch": "x86_64", "installed_version": version, "state": "INSTALLED"}
        ],
    }  # fmt: skip
    path = tmp_path / "snapshot.yml"
    path.write_text(yaml.safe_dump(freeze([document], frozen_at="2026-11-20T00:00:00Z"), sort_keys=False))
    return str(path)


def test_of_a_snapshot_just_its_versions_are_taken(run: Run, tmp_path: Path) -> None:
    selection = chosen(run, snapshot=snapshot(tmp_path, "1-2"))
    records = [record("bash", "1-1", "1-2"), record("bash", "1-1", "1-3"), record("vim", "1-1", "1-2")]
    inventory = host(candidates=records)
    assert selection.check(inventory) == []
    approve = [{"decision": "approved", "reason": "approved_by_rule"} for _each in records]
    decided = selection.decide(records, inventory, lambda _records: approve)
    assert [each["decision"] for each in decided] == ["approved", "not_approved", "not_approved"]
    assert selection.may_come_along("bash", "x86_64", "1-2")
    assert not selection.may_come_along("bash", "x86_64", "1-3")
    along = selection.companion(Change("bash", "x86_64", None, "1-3"), {})
    assert along == Target("bash", "x86_64", "1-2", None, True, "bash")
    assert selection.companion(Change("bash", "x86_64", "1-1", "1-2"), {}) is None
    assert selection.companion(Change("vim", "x86_64", None, "1-3"), {}) is None


def test_a_version_that_is_gone_refuses_the_host_or_is_told(run: Run, tmp_path: Path) -> None:
    path = snapshot(tmp_path, "1-2")
    inventory = host(candidates=[record("bash", "1-1", "1-3")], installed=[record("bash", "1-1", "1-1")])
    with pytest.raises(PatchError, match=r"bash\.x86_64 1-2") as caught:
        chosen(run, snapshot=path).check(inventory)
    assert caught.value.kind == "snapshot_unavailable"
    [warning] = chosen(run, snapshot=path, unavailable="report").check(inventory)
    assert warning["kind"] == "snapshot_unavailable"


class Copied(SimpleNamespace):
    def copy(self) -> Copied:
        return Copied(**vars(self))


def action_that(answers: Any) -> Any:
    """An action whose modules are run by ``answers(module_args, task_vars, task)``."""

    def get(_name: str, **given: Any) -> Any:
        def execute(*, module_name: str, module_args: Any, task_vars: Any, wrap_async: bool) -> Any:
            assert (module_name, wrap_async) == ("amazon.aws.s3_object", False)
            return answers(module_args, task_vars, given["task"])

        return SimpleNamespace(_execute_module=execute)

    loaders = SimpleNamespace(
        connection_loader=SimpleNamespace(get=lambda *_words: "local"), action_loader=SimpleNamespace(get=get)
    )
    task = Copied(become=True, check_mode=True, diff=True, delegate_to=None)
    return SimpleNamespace(
        _task=task, _play_context=Copied(become=True), _shared_loader_obj=loaders, _loader=None, _templar=None
    )


def test_s3_is_read_on_the_controller_without_the_privileges_for_the_host() -> None:
    def answers(arguments: Any, task_vars: Any, task: Any) -> Any:
        assert (arguments["bucket"], arguments["object"], arguments["mode"]) == ("bucket", "a/b.yml", "get")
        assert not task.become
        assert not task.check_mode
        assert task_vars["ansible_connection"] == "local"
        assert "ansible_become_password" not in task_vars
        Path(arguments["dest"]).write_bytes(LIST)
        return {"changed": True}

    reader = S3Reader(action_that(answers), {"ansible_become_password": "word"})
    assert reader.read("s3://bucket/a/b.yml", what="list", kind="bad", most=10) == LIST[:11]


def test_what_speaks_against_reading_from_s3_is_told() -> None:
    def refuses(*_given: Any) -> Any:
        return {"failed": True, "msg": "Access Denied"}

    def lacks(*_given: Any) -> Any:
        raise AnsibleError("The module amazon.aws.s3_object was not found")

    for answers, told in ((refuses, "Access Denied"), (lacks, "collection amazon.aws"), (lambda *_: {}, "no file")):
        with pytest.raises(PatchError, match=told):
            S3Reader(action_that(answers), {}).read("s3://bucket/b", what="list", kind="bad", most=10)
