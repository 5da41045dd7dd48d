"""Since when something is open on a host, and why: followed through its documents."""

from __future__ import annotations

from typing import Any

from documents_for_tests import FakeRun, baseline, candidate, document, inventory
from documents_for_tests import installed as package

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import build_unknown_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.spans import follow, where

NOTICE = [{"id": "DSA-1-1", "cves": ["CVE-2026-1234"], "bugzillas": []}]


def at(day: int, **inventory_of: Any) -> dict[str, Any]:
    options = inventory_of.pop("options", {})
    made = document("web1", found=inventory(**inventory_of), **options)
    made["times"]["finished_at"] = f"2026-11-{day:02}T12:00:00Z"
    return made


def unread(day: int) -> dict[str, Any]:
    when = f"2026-11-{day:02}T12:00:00Z"
    error = {"kind": "timed_out", "message": "gave up"}
    return build_unknown_document(FakeRun(), error, host="web1", started_at=when, finished_at=when)


def fix(version: str = "1.0-2", **changed: Any) -> dict[str, Any]:
    return candidate("libssl3", version, advisories=NOTICE, **changed)


def test_what_is_missing_is_open_from_the_first_document_that_lists_it_until_it_is_installed() -> None:
    documents = [
        at(1),
        at(2, candidates=[fix()]),
        at(3, candidates=[fix()]),
        at(4, installed=[package("libssl3", "1.0-2", security=True)]),
    ]
    still_open, closed = follow(documents)
    assert still_open == []
    (span,) = closed
    assert (span.since[:10], span.last_seen[:10], str(span.closed_at)[:10]) == (
        "2026-11-02",
        "2026-11-03",
        "2026-11-04",
    )
    assert span.closed_by == "installed"
    assert span.cves == ["CVE-2026-1234"]


def test_why_it_is_open_is_told_by_the_newest_document() -> None:
    documents = [at(2, candidates=[fix(held={"kind": "hold"})]), at(3, candidates=[fix()])]
    (found,) = where([documents], "cve-2026-1234")
    assert (found["state"], found["reason"], found["since"][:10]) == ("MISSING", "approved_by_rule", "2026-11-02")
    assert "is approved by rule 1" in found["explanation"]
    (held,) = where([documents[:1]], "CVE-2026-1234")
    assert (held["state"], held["detail"]) == (None, "HELD")


def test_a_host_that_could_not_be_read_closes_nothing() -> None:
    still_open, closed = follow([at(2, candidates=[fix()]), unread(3)])
    assert closed == []
    assert [span.last_seen[:10] for span in still_open] == ["2026-11-02"]


def test_what_waits_for_a_reboot_stays_open_with_its_cves() -> None:
    pending = at(
        3,
        installed=[package("libssl3", "1.0-2", security=True)],
        options={"pending": [("libssl3", "amd64", "1.0-2")]},
    )
    still_open, closed = follow([at(2, candidates=[fix()]), pending])
    assert closed == []
    (span,) = still_open
    assert (span.told["state"], span.cves, span.since[:10]) == (
        "INSTALLED_PENDING_REBOOT",
        ["CVE-2026-1234"],
        "2026-11-02",
    )
    done = at(4, installed=[package("libssl3", "1.0-2", security=True)])
    _open, closed = follow([at(2, candidates=[fix()]), pending, done])
    assert [each.closed_by for each in closed] == ["installed"]


def test_a_fix_that_is_no_longer_offered_is_still_open() -> None:
    newer = candidate("libssl3", "1.0-3", advisories=[])
    still_open, closed = follow([at(2, candidates=[fix()]), at(3, candidates=[newer])])
    assert closed == []
    assert {(span.version, span.offered) for span in still_open} == {("1.0-2", False), ("1.0-3", True)}
    (found,) = where([[at(2, candidates=[fix()]), at(3, candidates=[newer])]], "CVE-2026-1234")
    assert found["offered"] is False


def test_another_installed_version_or_a_removed_package_closes_it() -> None:
    replaced = at(3, installed=[package("libssl3", "1.0-3", security=True)])
    _open, closed = follow([at(2, candidates=[fix()]), replaced])
    assert [each.closed_by for each in closed] == ["replaced"]
    _open, closed = follow([at(2, candidates=[fix()]), at(3)])
    assert [each.closed_by for each in closed] == ["gone"]


def test_an_installed_package_that_is_rejected_is_open_too() -> None:
    base = baseline(rejected_patches=["docker"], rejected_patches_action="BLOCK")
    made = document("web1", found=inventory(installed=[package("docker", security=True)]), base=base)
    (found,) = where([[made]], "docker")
    assert (found["state"], found["version"]) == ("INSTALLED_REJECTED", "1.0-1")


def test_it_is_found_by_cve_advisory_name_id_and_version() -> None:
    documents = [at(2, candidates=[fix()])]
    for wanted in ("CVE-2026-1234", "dsa-1-1", "libssl3", "libssl3.amd64", "libssl3.amd64:1.0-2"):
        assert len(list(where([documents], wanted))) == 1, wanted
    for other in ("CVE-2026-123", "libssl", "amd64", "libssl3.amd64:1.0-3", ""):
        assert list(where([documents], other)) == [], other


def test_what_is_over_is_told_on_request() -> None:
    documents = [at(2, candidates=[fix()]), at(4, installed=[package("libssl3", "1.0-2", security=True)])]
    assert list(where([documents], "libssl3")) == []
    (found,) = where([documents], "libssl3", closed_too=True)
    assert found["closed_at"][:10] == "2026-11-04"
