"""What an errata file may look like, what of it reaches a host's records, and what is refused."""

from __future__ import annotations

import bz2
import copy
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.verdict import doubts_about
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import parse_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers import rpm_errata
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.dnf import build_inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.rpm_errata import parse_errata
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.rpm_overlay import overlay

GOLDEN = Path(__file__).resolve().parents[4] / "golden"
CENTOS = json.loads((GOLDEN / "centos-8.5" / "dnf_answer.json").read_text())["result"]
RHEL = json.loads((GOLDEN / "rhel-9.4" / "dnf_answer.json").read_text())["result"]
XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="x" status="final" type="security" version="1">
    <id>CESA-2026:0001</id><title>A &amp; B</title><issued date="2026-01-10 00:00:00"/><updated date="1768089600"/>
    <severity>Critical</severity><description>&lt;!DOCTYPE html&gt;</description>
    <references><reference href="h" id="CVE-2026-0001" type="cve" title="t"/>
      <reference id="7" type="bugzilla"/></references>
    <pkglist><collection short="c"><name>c</name>
      <package name="acme-crit" version="1.1" release="1.el8" epoch="0" arch="noarch" src="s">
        <filename>f</filename></package>
      <package name="acme-crit" version="1.1" release="1.el8" epoch="0" arch="src"/>
      <package name="acme-epoch" version="1.0" release="1.el8" epoch="1" arch="noarch"/>
    </collection></pkglist>
  </update>
  <update type="bugfix"><id>CEBA-2026:0002</id><issued date="2026-01-11"/>
    <pkglist><collection><package name="acme-crit" version="1.2" release="1.el8" arch="noarch"/></collection></pkglist>
  </update>
</updates>
"""  # fmt: skip
SAME = {
    "errata": [
        {"id": "CESA-2026:0001", "type": "security", "severity": "Critical", "issued": "2026-01-10",
         "updated": "2026-01-11T00:00:00Z", "cves": ["CVE-2026-0001"], "bugzillas": ["7"],
         "packages": ["acme-crit-0:1.1-1.el8.noarch", "acme-crit-1.1-1.el8.src", "acme-epoch-1:1.0-1.el8.noarch"]},
        {"id": "CEBA-2026:0002", "type": "bugfix", "issued": "2026-01-11", "packages": ["acme-crit-1.2-1.el8.noarch"]},
    ]
}  # fmt: skip


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def centos() -> Inventory:
    return build_inventory({"system": {}, "reader": "dnf", "interpreter": None, "result": copy.deepcopy(CENTOS)})


def laid_over(inventory: Inventory, content: bytes) -> Inventory:
    overlay(inventory, parse_errata(content), source="/srv/errata.xml", digest="sha256:0")
    return inventory


def kinds(inventory: Inventory) -> set[str]:
    return {each["kind"] for each in inventory.warnings}


def test_both_forms_and_every_packing_say_the_same() -> None:
    errata = parse_errata(XML)
    assert errata.advisories[0] == [
        "CESA-2026:0001", "security", "Critical", "2026-01-10T00:00:00Z", "2026-01-11T00:00:00Z", ["CVE-2026-0001"],
        ["7"],
    ]  # fmt: skip
    assert errata.packages == {
        "acme-crit": [["noarch", "1.1-1.el8", 0], ["noarch", "1.2-1.el8", 1]],
        "acme-epoch": [["noarch", "1:1.0-1.el8", 0]],
    }
    for content in (as_json(SAME), gzip.compress(XML), bz2.compress(XML), lzma.compress(XML)):
        assert parse_errata(content) == errata
    assert errata.newest() == "2026-01-11T00:00:00Z"


def test_versions_from_repositories_without_notices_take_over_what_the_file_says() -> None:
    inventory = laid_over(centos(), XML)
    found = {(each["name"], each["version"]): each for each in inventory.candidates}
    record = found["acme-crit", "1.1-1.el8"]
    assert (record["classification"], record["severity"], record["security"]) == ("Security", "Critical", True)
    assert (record["released"], record["released_source"]) == ("2026-01-11T00:00:00Z", "updated")
    assert [(each["id"], each["source"]) for each in record["advisories"]] == [("CESA-2026:0001", "errata")]
    assert found["acme-crit", "1.2-1.el8"]["classification"] == "Bugfix"
    assert found["acme-epoch", "1:1.0-1.el8"]["severity"] == "Critical"
    assert (found["acme-imp", "1.1-1.el8"]["security"], found["acme-imp", "1.1-1.el8"]["advisories"]) == (False, [])


def test_the_document_tells_where_the_notices_come_from_and_the_doubt_is_gone() -> None:
    rule = {"filters": {"classification": ["Security"]}, "approve_after_days": 0}
    baseline, _lint = parse_baseline(
        {"name": "security", "operating_system": "CENTOS", "approval_rules": [rule]}, where="here"
    )
    before = centos()
    assert [each["kind"] for each in doubts_about(before, baseline, stale_after=10**6)] == ["no_security_metadata"]
    after = laid_over(before, XML)
    assert doubts_about(after, baseline, stale_after=10**6) == []
    assert after.findings["errata"] == {
        "source": "/srv/errata.xml", "digest": "sha256:0", "notices": 2, "newest": "2026-01-11T00:00:00Z",
        "repositories": ["acme", "appstream", "baseos"], "versions": 3,
    }  # fmt: skip
    assert {each.get("notices_from") for each in after.repositories if each["enabled"]} == {"/srv/errata.xml"}
    assert "errata_overlay" in kinds(after)
    assert "no_security_metadata" not in kinds(after)


@pytest.mark.parametrize(
    ("newest", "told"),
    [("2025-12-20", None), ("2025-12-17", "ends on 2025-12-17, and baseos has packages built up to 2026-01-01"),
     (None, "has no dates")],
    ids=["days before the newest package", "weeks before it", "undated"],
)  # fmt: skip
def test_a_file_older_than_the_packages_it_speaks_of_clears_no_doubt(newest: str | None, told: str | None) -> None:
    dated = {} if newest is None else {"issued": newest}
    notice = {"id": "CESA-1", "type": "security", "packages": ["acme-crit-1.1-1.el8.noarch"], **dated}
    inventory = laid_over(centos(), as_json({"errata": [notice]}))
    [record] = [each for each in inventory.candidates if (each["name"], each["version"]) == ("acme-crit", "1.1-1.el8")]
    # What it knows is said all the same.
    assert record["classification"] == "Security"
    warned = [each["message"] for each in inventory.warnings if each["kind"] == "errata_out_of_date"]
    assert [told in message for message in warned] == ([] if told is None else [True])
    assert ("no_security_metadata" in kinds(inventory)) == (told is not None)
    assert {each["security_metadata"] for each in inventory.repositories if each["enabled"]} == {told is None}


def test_a_file_for_another_release_proves_nothing() -> None:
    inventory = laid_over(centos(), XML.replace(b"el8", b"el7"))
    assert "errata_do_not_fit" in kinds(inventory)
    assert "no_security_metadata" in kinds(inventory)
    assert {each["security_metadata"] for each in inventory.repositories if each["enabled"]} == {False}
    assert inventory.findings["errata"]["versions"] == 0


def test_what_a_vendor_says_is_never_touched_and_a_repository_without_notices_beside_is_filled() -> None:
    content = as_json({"errata": [
        {"id": "X-1", "type": "bugfix", "issued": "2026-01-10",
         "packages": ["acme-crit-1.1-1.el9.noarch", "acme-plain-1.1-1.el9.noarch", "acme-vendor-1.1-1.el9.noarch"]},
    ]})  # fmt: skip
    plain = {"system": {}, "reader": "dnf", "interpreter": None, "result": copy.deepcopy(RHEL)}
    inventory = laid_over(build_inventory(plain), content)
    found = {each["name"]: each for each in inventory.candidates if each["version"] == "1.1-1.el9"}
    assert [each["id"] for each in found["acme-crit"]["advisories"]] == ["RHSA-2026:0001"]
    # Its repository has notices, and none of them names it.
    assert found["acme-plain"]["advisories"] == []
    assert [each["id"] for each in found["acme-vendor"]["advisories"]] == ["X-1"]
    assert inventory.findings["errata"]["repositories"] == ["acme"]


def test_a_host_without_rpm_is_left_alone_and_says_so() -> None:
    inventory = Inventory("DEBIAN", "Debian12", {}, {"name": "apt"}, None, "2026-11-20T12:00:00Z", True)
    assert kinds(laid_over(inventory, XML)) == {"errata_not_used"}


BAD = {
    "a document type": b"<!DOCTYPE updates [<!ENTITY a 'b'>]><updates/>",
    "an entity": b"<updates><update type='security'><id>&file;</id></update></updates>",
    "another root": b"<html/>",
    "a broken tree": b"<updates><update></updates>",
    "nothing in it": b"<updates/>",
    "no text": b"",
    "neither form": b"hello",
    "zstandard": b"\x28\xb5\x2f\xfd0000",
    "broken gzip": b"\x1f\x8b" + b"0" * 30,
    "broken xz": b"\xfd7zXZ\x00" + b"0" * 30,
    "a date that is none": XML.replace(b"2026-01-11", b"2026-13-41"),
    "a date in words": XML.replace(b"2026-01-11", b"yesterday"),
    "a type of its own": XML.replace(b'type="bugfix"', b'type="miracle"'),
    "no id": XML.replace(b"<id>CEBA-2026:0002</id>", b""),
    "an option as a name": XML.replace(b'name="acme-epoch"', b'name="-y"'),
    "a version with a space": XML.replace(b'version="1.2"', b'version="1 2"'),
    "no version": XML.replace(b'version="1.2" ', b""),
    "other JSON": as_json({"advisories": []}),
    "an unknown key": as_json({"errata": [{**SAME["errata"][0], "colour": "red"}]}),
    "text for a list": as_json({"errata": [{**SAME["errata"][0], "cves": "CVE-1"}]}),
    "a package without architecture": as_json({"errata": [{**SAME["errata"][0], "packages": ["bash-1-1"]}]}),
    "a template": as_json({"errata": [{**SAME["errata"][0], "id": "{{ 7 * 7 }}"}]}),
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_file_with_anything_wrong_is_refused_whole(content: bytes) -> None:
    with pytest.raises(PatchError) as caught:
        parse_errata(content)
    assert caught.value.kind == "bad_errata"


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_a_file_that_unpacks_to_more_than_it_may_is_refused(packed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpm_errata, "MOST_UNPACKED", 10_000)
    with pytest.raises(PatchError, match="when unpacked"):
        parse_errata(packed(XML + b" " * 20_000))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: b"<updates>" + text.encode() + b"</updates>"))
def test_any_bytes_are_read_or_refused_and_never_a_crash(content: bytes) -> None:
    with pytest.raises(PatchError):
        parse_errata(content)
