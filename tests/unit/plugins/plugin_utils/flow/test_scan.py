"""One host's turn in a run, with recorded answers in place of a host."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from documents_for_tests import VALIDATOR

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import channels, progress
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import scan as scans
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.argument_spec import argument_spec

ROOT = Path(__file__).resolve().parents[5]
GOLDEN = ROOT / "tests" / "golden"
RECORDED = sorted(path.parent.name for path in GOLDEN.glob("*/apt_answer.json"))
EARLY, LATER = datetime(2026, 11, 1, tzinfo=timezone.utc), datetime(2026, 11, 20, tzinfo=timezone.utc)
WAITING = {
    "name": "slow",
    "operating_system": "DEBIAN",
    "approval_rules": [{"filters": {"section": ["*"]}, "approve_after_days": 10, "enable_non_security": True}],
}


class RecordedChannel:
    """Stands for HostChannel: ``answer`` is a folder of tests/golden, ``error`` that of a host that cannot be read."""

    answer = "debian-12"
    error: Exception | None = None
    requests: list[dict[str, Any]] = []
    last_system = None

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        pass

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        answer = json.loads((GOLDEN / self.answer / "apt_answer.json").read_text())
        return {"system": {}, "reader": "apt", "interpreter": None, "result": answer["result"]}


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> type[RecordedChannel]:
    fresh = type("Channel", (RecordedChannel,), {"requests": []})
    monkeypatch.setattr(channels, "HostChannel", fresh)
    return fresh


def scan(
    folder: Path,
    now: datetime = EARLY,
    delegate_to: str | None = None,
    facts: dict[str, Any] | None = None,
    **options: Any,
) -> scans.HostScan:
    """A scan with the defaults of the task; each has a run of its own."""
    arguments = {name: option.get("default") for name, option in argument_spec("scan_host").items()}
    identifier = f"00000000-0000-4000-8000-{now.day:012}"
    arguments |= {"state_directory": str(folder), "run_id": identifier, **options}
    task, loader = SimpleNamespace(delegate_to=delegate_to), SimpleNamespace(get_basedir=lambda: str(folder))
    action: Any = SimpleNamespace(_task=task, _loader=loader, _connection=SimpleNamespace())
    return scans.HostScan(action, {"inventory_hostname": "web1", **(facts or {})}, arguments, now=lambda: now)


UBUNTU_RULE = {"filters": {"product": ["*"]}}
FROM_AWS = {
    "BaselineId": "pb-0123456789abcdef0",
    "Name": "web-prod",
    "OperatingSystem": "UBUNTU",
    "PatchGroups": ["web"],
}


def test_tags_of_a_cloud_inventory_name_the_patch_group_and_the_document_says_which(
    channel: type[RecordedChannel], tmp_path: Path
) -> None:
    channel.answer = "ubuntu-22.04"
    document = scan(tmp_path, facts={"tags": {"Name": "web1", "Patch Group": "web"}}, baselines=[FROM_AWS]).scan()
    assert document["patch_group"] == "web"
    assert document["baseline"]["source"] == "patch group 'web' (tag Patch Group), UBUNTU"
    given = scan(tmp_path, LATER, facts={"tags": {"PatchGroup": "db"}}, patch_group="web", baselines=[FROM_AWS]).scan()
    assert given["baseline"]["source"] == "patch group 'web', UBUNTU"


def test_two_tags_that_differ_are_refused_before_the_host_is_asked(
    channel: type[RecordedChannel], tmp_path: Path
) -> None:
    with pytest.raises(PatchError, match="two tags.*Patch Group='web' and PatchGroup='db'") as caught:
        scan(tmp_path, facts={"tags": {"Patch Group": "web", "PatchGroup": "db"}})
    assert caught.value.kind == "bad_patch_groups"
    assert channel.requests == []


def stated(document: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    return {each["version"]: each for each in document["patches"] if each["name"] == name and each["version"]}


@pytest.mark.parametrize("recorded", RECORDED)
def test_the_document_of_every_recorded_host_fits_the_published_schema(
    channel: type[RecordedChannel], tmp_path: Path, recorded: str
) -> None:
    channel.answer = recorded
    document = scan(tmp_path, list_installed_other=True).scan()
    VALIDATOR.validate(document)
    assert len(document["patches"]) > 100
    kept = json.loads((tmp_path / "hosts" / "web1.json").read_text())
    assert kept == document
    assert (tmp_path / "latest").resolve() == (tmp_path / "runs" / document["run"]["id"])


def test_every_scan_writes_the_ledger_and_no_delay_counts_from_it_unless_asked(
    channel: type[RecordedChannel], tmp_path: Path
) -> None:
    slow = {"baselines": [WAITING], "default_baselines": {"DEBIAN": "slow"}}
    first = scan(tmp_path, **slow).scan()
    lines = [json.loads(line) for line in (tmp_path / "first_seen.jsonl").read_text().splitlines()]
    candidates = json.loads((GOLDEN / "debian-12" / "apt_answer.json").read_text())["result"]["candidates"]["rows"]
    assert len(lines) == len({(row[0], row[1], row[2]) for row in candidates})
    assert {line["first_seen"] for line in lines} == {"2026-11-01T00:00:00Z"}
    # Debian publishes no dates, so Patch Manager counts no delay there: approved at once.
    assert stated(first, "acme-web")["1.2"]["state"] == "MISSING"
    waits = stated(scan(tmp_path, delay_clock="first_seen", **slow).scan(), "acme-web")["1.2"]
    assert (waits["state"], waits["reason"], waits["approves_on"]) == (None, "waiting_for_approval_delay", "2026-11-11")
    later = scan(tmp_path, LATER, delay_clock="first_seen", **slow).scan()
    assert stated(later, "acme-web")["1.2"]["decision"] == "approved"
    assert stated(later, "acme-web")["1.2"]["first_seen"] == "2026-11-01T00:00:00Z"
    assert len((tmp_path / "first_seen.jsonl").read_text().splitlines()) > len(lines), (
        "what is installed counts too now"
    )


def test_a_release_file_that_is_dated_anew_does_not_start_the_delay_again(
    channel: type[RecordedChannel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow: dict[str, Any] = {
        "baselines": [WAITING],
        "default_baselines": {"DEBIAN": "slow"},
        "delay_clock": "repository",
    }
    read = scans.build_inventory

    def published(day: int) -> dict[str, Any]:
        def dated(*arguments: Any, **options: Any) -> Any:
            inventory = read(*arguments, **options)
            for record in inventory.candidates:
                record["repository_date"] = f"2026-11-{day:02}T06:00:00Z"
            return inventory

        monkeypatch.setattr(scans, "build_inventory", dated)
        document = scan(tmp_path, datetime(2026, 11, day, 12, tzinfo=timezone.utc), **slow).scan()
        VALIDATOR.validate(document)
        return stated(document, "acme-web")["1.2"]

    first = published(3)
    assert (first["reason"], first["approves_on"]) == ("waiting_for_approval_delay", "2026-11-13")
    assert (first["counted_from"], first["counted_source"]) == ("2026-11-03T06:00:00Z", "repository")
    assert "in a repository dated 2026-11-03" in first["explanation"]
    assert published(12)["approves_on"] == "2026-11-13"
    assert published(13)["decision"] == "approved"


@pytest.mark.parametrize("clock", ["vendor", "first_seen"])
def test_a_scan_that_failed_notes_nothing_in_the_ledger(
    channel: type[RecordedChannel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    def fails(*_arguments: Any, **_options: Any) -> Any:
        raise PatchError("bad_record", "patches[0].version: must be a string")

    with monkeypatch.context() as broken:
        broken.setattr(scans.documents, "build_document", fails)
        with pytest.raises(PatchError):
            scan(tmp_path, delay_clock=clock).scan()
    assert not (tmp_path / "first_seen.jsonl").exists()
    scan(tmp_path, LATER, delay_clock=clock).scan()
    seen = {json.loads(line)["first_seen"] for line in (tmp_path / "first_seen.jsonl").read_text().splitlines()}
    assert seen == {"2026-11-20T00:00:00Z"}


def test_two_controllers_with_one_store_count_from_the_same_first_sight(
    channel: type[RecordedChannel], tmp_path: Path
) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed; see requirements-test.txt")
    slow: dict[str, Any] = {
        "baselines": [WAITING],
        "default_baselines": {"DEBIAN": "slow"},
        "delay_clock": "vendor_else_first_seen",
        "store_url": str(tmp_path / "shared.db"),
    }
    here = stated(scan(tmp_path / "one", **slow).scan(), "acme-web")["1.2"]
    assert (here["reason"], here["counted_source"]) == ("waiting_for_approval_delay", "first_seen")
    there = stated(scan(tmp_path / "two", LATER, **slow).scan(), "acme-web")["1.2"]
    assert (there["decision"], there["counted_from"]) == ("approved", "2026-11-01T00:00:00Z")
    assert not (tmp_path / "two" / "first_seen.jsonl").exists()
    with pytest.raises(PatchError) as caught:
        scan(tmp_path / "three", **slow | {"store_url": "mysql://db/patching"}).scan()
    assert caught.value.kind == "bad_store_url"


def test_a_record_says_when_it_was_released_or_that_nobody_tells(
    channel: type[RecordedChannel], tmp_path: Path
) -> None:
    for entry in scan(tmp_path).scan()["patches"]:
        assert (entry["released"], entry["released_source"]) == (None, None)


def test_a_host_without_the_library_is_unknown_and_says_what_to_install(
    channel: type[RecordedChannel], tmp_path: Path
) -> None:
    channel.error = PatchError("no_interpreter", "no interpreter has apt_pkg; install python3-apt", tried=["python3"])
    work = scan(tmp_path)
    with pytest.raises(PatchError):
        work.scan()
    document = json.loads((tmp_path / "hosts" / "web1.json").read_text())
    VALIDATOR.validate(document)
    assert (document["verdict"], document["compliant"]) == ("unknown", None)
    assert document["summary"]["missing_count"] is None
    assert "install python3-apt" in document["verdict_reasons"][0]["message"]
    outcome = json.loads((tmp_path / "latest" / "outcomes" / "web1.json").read_text())
    assert (outcome["status"], outcome["kind"]) == ("failed", "no_interpreter")


def test_a_delegated_scan_is_about_the_host_that_was_read(channel: type[RecordedChannel], tmp_path: Path) -> None:
    document = scan(tmp_path, delegate_to="db1").scan()
    assert document["host"] == "db1"
    assert (tmp_path / "hosts" / "db1.json").exists()


def test_the_reader_is_asked_to_refresh_after_an_hour_unless_told_otherwise(
    channel: type[RecordedChannel], tmp_path: Path
) -> None:
    scan(tmp_path).scan()
    scan(tmp_path, LATER, refresh="never").scan()
    assert [each["options"] for each in channel.requests] == [
        {"refresh": "auto", "metadata_max_age": 3600},
        {"refresh": "never", "metadata_max_age": 3600},
    ]


def test_a_bad_baseline_stops_before_anything_is_asked_or_made(channel: type[RecordedChannel], tmp_path: Path) -> None:
    with pytest.raises(PatchError) as caught:
        scan(tmp_path / "state", baselines=[{"nam": "x"}, {"name": "ok-ok", "operating_system": "DEBIAM"}])
    assert caught.value.kind == "bad_baseline"
    assert len(caught.value.details["problems"]) >= 2
    assert (channel.requests, (tmp_path / "state").exists()) == ([], False)


def with_source(*products: str) -> dict[str, Any]:
    source = {
        "name": "own-mirror",
        "products": list(products),
        "configuration": "deb https://someone:s3cret@deb.example.com/debian bookworm main",
    }
    return {**WAITING, "sources": [source]}


def test_sources_for_another_product_leave_the_host_its_repositories_and_are_told(
    channel: type[RecordedChannel], tmp_path: Path
) -> None:
    baseline = with_source("Debian11")
    document = scan(tmp_path, baselines=[baseline], default_baselines={"DEBIAN": "slow"}).scan()
    told = [each["message"] for each in document["warnings"] if each["kind"] == "sources_not_used"]
    assert len(told) == 1
    assert "own-mirror" in told[0]
    assert "Debian12" in told[0]
    assert document["sources"] == {"used": [], "not_for_this_product": ["own-mirror"], "replaced": []}
    assert [sorted(each["options"]) for each in channel.requests] == [["metadata_max_age", "refresh"]] * 2
    plain = scan(tmp_path, LATER).scan()
    assert "sources" not in plain
    assert "sources_not_used" not in {each["kind"] for each in plain["warnings"]}


def test_the_host_is_asked_what_it_is_before_it_is_read_through_sources(
    channel: type[RecordedChannel], tmp_path: Path
) -> None:
    baseline = with_source("Debian12", "Debian11")
    scanned = scan(tmp_path / "state", baselines=[baseline], default_baselines={"DEBIAN": "slow"}, refresh="always")
    document = scanned.scan()
    first, second = (each["options"] for each in channel.requests)
    assert (first["refresh"], "sources" in first) == ("never", False)
    assert second["refresh"] == "always"
    assert second["sources"] == "deb https://deb.example.com/debian bookworm main\n"
    assert second["sources_netrc"] == "machine deb.example.com/debian login someone password s3cret\n"
    assert "sources_folder" not in second
    [used] = document["sources"]["used"]
    assert used["repositories"] == [{"id": "own-mirror", "addresses": ["https://deb.example.com/debian"]}]
    assert document["sources"]["replaced"]
    written = "".join(path.read_text() for path in (tmp_path / "state").rglob("*.json*"))
    assert "own-mirror" in written
    assert "s3cret" not in written


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, ["1 of 2 hosts: web1 non-compliant, missing 12 (12 unspecified), held 2"]),
        ({"progress": False}, []),
        ({"install_document": {"patches": [], "installation": None, "pulled_in": [], "reboot_option": None}}, []),
    ],
)
def test_the_turn_of_a_host_is_told_with_the_number_of_hosts(
    channel: type[RecordedChannel],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    told: list[str],
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(progress, "_show", lambda line, *, quiet: quiet or shown.append(line))
    play = {"ansible_play_hosts_all": ["web1", "web2"], "ansible_play_name": "Scan"}
    scan(tmp_path, facts=play, **options).scan()
    assert shown == told


def test_a_host_that_cannot_be_read_has_had_its_turn(
    channel: type[RecordedChannel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(progress, "_show", lambda line, *, quiet: quiet or shown.append(line))
    channel.error = PatchError("timed_out", "no answer within 60 seconds")
    with pytest.raises(PatchError):
        scan(tmp_path, facts={"ansible_play_hosts_all": ["web1", "web2"], "ansible_play_name": "Scan"}).scan()
    assert shown == ["1 of 2 hosts: web1 timed out"]
