"""The engine against a second, plain reading of the same rules, on drawn baselines and records."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from plain_engine import DEB, LEVELS, plain_evaluate

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.evaluate import evaluate
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.operating_systems import OPERATING_SYSTEMS

RUNS = 60
VERSIONS = "1.0-1 1:0.9-2 2.0~rc1-1 2.0-1 2.0^git1-1 2.0-10 2.0-9 0:2.0-1 2.0 2.0a-1 2.0.1-1 2.00-1".split()
ENTRIES = (
    "openssl open* bash* * o*s*l openssl.x86_64 bash-2.0-1.x86_64.rpm bash-2.0* RHSA-1 SUSE-SLE-* CVE-1 77 78 kb1 KB2 "
    "ms10-048 2.0-1 0:2.0-1 openssl-2.0-1 openssl-0:2.0-1.x86_64 0:bash-2.0-1.noarch bash.noarch:0:2.0-1 2.0 "
    "python3-apt vim* *-1"
).split()
OVERRIDES = [
    {"id": "openssl"},
    {"id": "bash.x86_64"},
    {"id": "*", "title": "*2.0-1"},
    {"id": "o*s*l*", "title": "openssl.x86_64:0:2.0*"},
    {"id": "KB1"},
    {"id": "ms10-048"},
    {"id": "bash.2.0-1"},
    {"id": "vim", "title": "2.0-9"},
    {"id": "vim.*", "title": "0:2.0-1"},
]
WINDOWS_FILTERS = {
    "product": ["P1", "P2", "*"],
    "classification": ["SecurityUpdates", "Updates", "*"],
    "msrc_severity": ["Critical", "Low"],
    "patch_set": ["OS", "APPLICATION", "*"],
}
FILTERS = {
    "product": ["P1", "P2", "*"],
    "severity": ["Critical", "Important", "Medium", "Moderate", "None"],
    "classification": ["Security", "Bugfix", "brew", "softwareupdate", "*"],
    "priority": ["Required", "Optional"],
    "section": ["libs", "admin"],
    "name": ["openssl", "bash"],
    "repository": ["r1"],
    "cve_id": ["CVE-1"],
    "advisory_id": ["RHSA-1"],
}


class Drawn:
    """Baselines and records from one seed."""

    def __init__(self, system: str, seed: str) -> None:
        self.system = system
        self.random = Random(seed)
        self.pick = self.random.choice

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def stamp(self) -> str | None:
        time = self.pick(["00:00:00", "12:30:00", "23:59:59"])
        zone = self.pick(["Z", "", "+02:00", "-05:30"])
        return None if self.maybe(0.2) else f"2026-11-{self.random.randint(1, 25):02}T{time}{zone}"

    def filters(self) -> dict[str, list[str]]:
        known = WINDOWS_FILTERS if self.system == "WINDOWS" else FILTERS
        keys = self.random.sample(sorted(known), self.pick([0, 0, 1, 1, 1, 2]))
        return {key: self.random.sample(known[key], self.random.randint(0, len(known[key]))) for key in keys}

    def rule(self) -> dict[str, Any]:
        rule = {
            "filters": self.filters(),
            "compliance_level": self.pick(LEVELS),
            "enable_non_security": self.maybe(0.5),
        }
        if self.maybe(0.3):
            return {**rule, "approve_until_date": f"2026-11-{self.random.randint(1, 25):02}"}
        return {**rule, "approve_after_days": self.pick([0, 0, 1, 7, 30])}

    def baseline(self) -> dict[str, Any]:
        return {
            "global_filters": self.filters() if self.maybe(0.3) else {},
            "approval_rules": [self.rule() for _each in range(self.random.randint(0, 3))],
            "approved_patches": self.random.sample(ENTRIES, self.pick([0, 0, 1, 2])),
            "approved_patches_compliance_level": self.pick(LEVELS),
            "approved_patches_enable_non_security": self.maybe(0.5),
            "rejected_patches": self.random.sample(ENTRIES, self.pick([0, 0, 0, 1])),
            "rejected_patches_action": self.pick(["BLOCK", "ALLOW_AS_DEPENDENCY"]),
        }

    def update(self) -> dict[str, Any]:
        return {
            "kb": self.pick(["KB1", "KB2", "KB3", None, "kb4"]),
            "title": "Update",
            "installed": self.maybe(0.4),
            "product": self.pick(["P1", "P2", None]),
            "patch_set": self.pick(["OS", "APPLICATION"]),
            "classification": self.pick(["SecurityUpdates", "Updates"]),
            "msrc_severity": self.pick(["Critical", "Low", None]),
            "msrc_number": self.pick([None, None, "MS10-048"]),
            "superseded_by": self.pick([None, None, "KB1", "KB2", "KB9"]),
            "released": self.stamp(),
        }

    def notice(self) -> dict[str, Any]:
        drawn = {
            "classification": self.pick(["Security", "Bugfix", None]),
            "severity": self.pick(["Critical", "Moderate", None]),
            "updated": self.stamp(),
        }
        cves = self.pick([[], ["CVE-1"], ["CVE-2", "CVE-1"]])
        ids = {
            "id": self.pick(["RHSA-1", "SUSE-SLE-1", "RHBA-2"]),
            "cves": cves,
            "bugzillas": self.pick([[], [77], ["78"]]),
        }
        return ids | {key: value for key, value in drawn.items() if self.maybe(0.3)}

    def package(self) -> dict[str, Any]:
        record = {
            "name": self.pick(["openssl", "bash", "python3-apt", "vim"]),
            "arch": None if self.system == "MACOS" else self.pick(["x86_64", "noarch"]),
            "version": self.pick(VERSIONS),
            "installed_version": self.pick([None, "0.1-1", "0.1-1", "0.1-1", "2.0-1", "1:3"]),
            "product": self.pick(["P1", None]),
            "repository": self.pick(["r1", "r2"]),
            "security": self.maybe(0.6),
            "released": self.stamp(),
            "build_time": self.stamp(),
        }
        if self.system in DEB:
            record |= {"priority": self.pick(["Required", "Optional", None]), "section": self.pick(["libs", "admin"])}
        else:
            record["classification"] = self.pick(["Security", "Bugfix", "brew", "softwareupdate", "installer", None])
            record["severity"] = self.pick(["Critical", "Important", "Moderate", "Medium", "None", None])
        if self.system != "MACOS":
            record["advisories"] = [self.notice() for _each in range(self.pick([0, 1, 1, 2]))]
        return record

    def records(self) -> list[dict[str, Any]]:
        draw = self.update if self.system == "WINDOWS" else self.package
        return [draw() for _each in range(self.random.randint(1, 5))]


@pytest.mark.parametrize("system", sorted(OPERATING_SYSTEMS))
def test_two_readings_of_the_rules_come_to_the_same(system: str) -> None:
    for number in range(RUNS):
        drawn = Drawn(system, f"{system} {number}")
        baseline, patches = drawn.baseline(), drawn.records()
        operation = drawn.pick(["Scan", "Install"])
        override = {"patches": drawn.random.sample(OVERRIDES, drawn.pick([0, 1, 2]))} if drawn.maybe(0.2) else None
        as_of = f"2026-11-{drawn.random.randint(10, 28)}T12:30:00Z"
        found = evaluate(
            baseline,
            patches,
            operating_system=system,
            as_of=as_of,
            operation=operation,
            install_override_list=override,
        )
        expected = plain_evaluate(baseline, patches, system, as_of, operation, override)
        case = json.dumps([operation, as_of, baseline, override, patches])
        for position, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert one == other, f"run {number}, patch {position}: {case}"
