"""Never compliant by silence: hosts that could not be read, or not wholly."""

from __future__ import annotations

from typing import Any

import pytest
from documents_for_tests import (
    AS_OF,
    FakeRun,
    baseline,
    candidate,
    document,
    errors_of,
    inventory,
)

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import (
    build_unknown_document,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("not_privileged", {"privileged": False}),
        (
            "refresh_failed",
            {"refresh": {"attempted": True, "ok": False, "errors": ["no route"], "skipped_because": None}},
        ),
        ("refresh_failed", {"refresh": {"attempted": True, "ok": None, "errors": [], "skipped_because": None}}),
        ("no_repositories", {"repositories": []}),
        ("no_repositories", {"repositories": [{"id": "x", "enabled": False, "security_metadata": True}]}),
        (
            "no_security_metadata",
            {"repositories": [{"id": "x", "enabled": True, "security_metadata": False, "metadata_age": 1}]},
        ),
        (
            "stale_metadata",
            {"repositories": [{"id": "x", "enabled": True, "security_metadata": True, "metadata_age": 86401}]},
        ),
        (
            "metadata_age_unknown",
            {"repositories": [{"id": "x", "enabled": True, "security_metadata": True, "metadata_age": None}]},
        ),
    ],
)
def test_a_host_that_cannot_be_judged_is_never_compliant(kind: str, changed: dict[str, Any]) -> None:
    made = document(found=inventory(**changed))
    assert (made["compliant"], made["verdict"]) == (None, "unknown")
    assert [reason["kind"] for reason in made["verdict_reasons"]] == [kind]
    assert errors_of(made) == []
    missing = document(found=inventory(candidates=[candidate("libssl3")], **changed))
    assert missing["verdict"] == "non_compliant"
    assert [reason["kind"] for reason in missing["verdict_reasons"]] == ["missing", kind]


def test_a_repository_whose_notices_could_not_be_read_is_not_outweighed_by_another() -> None:
    """None is unread, False is without notices; an apt repository that is no security pocket says None as well."""
    known = {"id": "x", "enabled": True, "security_metadata": True, "metadata_age": 1}
    unread = {"id": "y", "enabled": True, "security_metadata": None, "metadata_age": 1}
    system = "REDHAT_ENTERPRISE_LINUX"
    base = baseline(
        operating_system=system,
        approval_rules=[{"filters": {"classification": ["Security"]}, "approve_after_days": 0}],
    )
    made = document(found=inventory(operating_system=system, repositories=[known, unread]), base=base)
    assert errors_of(made) == []
    assert (made["compliant"], made["verdict"]) == (None, "unknown")
    [reason] = made["verdict_reasons"]
    assert (reason["kind"], reason["message"][-1]) == ("security_metadata_unreadable", "y")
    assert document(found=inventory(repositories=[known, unread]))["compliant"] is True


def test_on_centos_the_notices_of_another_repository_say_nothing_of_those_that_have_none() -> None:
    rule = {"filters": {"classification": ["Security"]}, "approve_after_days": 0}
    base = baseline(operating_system="CENTOS", approval_rules=[rule])
    epel = {"id": "epel", "enabled": True, "security_metadata": True, "metadata_age": 1}
    silent = {"id": "baseos", "enabled": True, "security_metadata": False, "metadata_age": 1}
    newer = candidate("openssl", repository="baseos", security=False, advisories=[])

    def verdict(*candidates: dict[str, Any]) -> tuple[str, list[str]]:
        found = inventory(operating_system="CENTOS", repositories=[epel, silent], candidates=list(candidates))
        made = document(found=found, base=base)
        return made["verdict"], [reason["kind"] for reason in made["verdict_reasons"]]

    assert verdict(newer) == ("unknown", ["no_security_metadata"])
    assert verdict() == ("compliant", [])
    assert verdict({**newer, "repository": "epel"}) == ("compliant", [])


def test_lists_as_old_as_allowed_still_prove_compliance() -> None:
    found = inventory(repositories=[{"id": "x", "enabled": True, "security_metadata": True, "metadata_age": 86400}])
    assert document(found=found)["compliant"] is True
    assert document(found=found, stale_after=3600)["verdict"] == "unknown"


def test_a_baseline_that_takes_everything_needs_no_security_metadata() -> None:
    base = baseline(approval_rules=[{"filters": {"product": ["*"]}, "enable_non_security": True}])
    found = inventory(repositories=[{"id": "x", "enabled": True, "security_metadata": False, "metadata_age": 1}])
    assert document(found=found, base=base)["compliant"] is True


def test_an_unread_host_has_a_document_without_a_single_number() -> None:
    error = PatchError("no_interpreter", "No interpreter has apt_pkg. Install python3-apt.", tried=["/usr/bin/python3"])
    made = build_unknown_document(
        FakeRun(),
        error.as_result(),
        host="web1",
        started_at=AS_OF,
        finished_at=AS_OF,
        known={"os": {"kernel": "6.1", "arch": "x86_64"}},
    )
    assert (made["compliant"], made["verdict"]) == (None, "unknown")
    assert set(made["summary"].values()) == {None}
    assert made["error"]["kind"] == "no_interpreter"
    assert made["verdict_reasons"][0]["message"].endswith("Install python3-apt.")
    assert set(made) == set(document())
    assert errors_of(made) == []
