# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact versions that a canary run approved, frozen in a file that people read and sign, and replayed elsewhere.

An extension of this project: Patch Manager's snapshot fixes which patches are approved, and on Linux what the
repositories hold may still differ from host to host (user guide, SnapshotId).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine import versions
from ..engine.digests import canonical_digest
from ..engine.operating_systems import operating_system
from ..engine.problems import Problems, show
from ..errors import PatchError

FORMAT = "openfleet.patch snapshot 1"
MOST_BYTES = 16 * 1024 * 1024
KIND = "bad_snapshot"
_HEAD = ("format", "frozen_at", "comment", "runs", "baselines", "systems", "digest", "signed_off_by")
_SYSTEM = ("operating_system", "product", "hosts", "approved", "pulled_in")
_PACKAGE = ("name", "arch", "version")
_THERE = ("INSTALLED", "INSTALLED_PENDING_REBOOT")
_LONGEST = 400

Package = dict[str, str]
Record = Mapping[str, Any]
Decision = dict[str, Any]


@dataclass(frozen=True)
class Frozen:
    """What a snapshot says for one operating system and product."""

    operating_system: str
    product: str
    approved: Mapping[tuple[str, str], frozenset[str]]
    """Versions by name and architecture; several where the canaries differed."""
    pulled_in: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def has(self, name: str, arch: str, version: str) -> bool:
        """Whether this very version may come to a host, for its own sake or as a dependency."""
        return any(version in listed.get((name, arch), ()) for listed in (self.approved, self.pulled_in))

    def newest(self, name: str, arch: str) -> str | None:
        """The newest version that may come of a package."""
        listed = [version for table in (self.approved, self.pulled_in) for version in table.get((name, arch), ())]
        return _newest(listed, operating_system(self.operating_system).version_scheme) or None

    def decide(self, records: Sequence[Record], decisions: Sequence[Decision]) -> list[Decision]:
        """The baseline's decisions, in which a version is approved where the snapshot has it and nothing else is.

        What the host's own baseline rejects stays rejected: rejection beats every approval.
        """
        return [self._decide(record, decision) for record, decision in zip(records, decisions, strict=True)]

    def _decide(self, record: Record, decision: Decision) -> Decision:
        if decision["decision"] == "rejected":
            return decision
        listed = record["version"] in self.approved.get((record["name"], record.get("arch") or ""), ())
        newer = record.get("installed_version") is not None and self._compare(record, record["version"]) < 0
        if listed and newer:
            return decision | {"decision": "approved", "reason": "in_snapshot"}
        return decision | {"decision": "not_approved", "reason": "not_in_snapshot"}

    def _compare(self, record: Record, version: str) -> int:
        return versions.compare(
            str(record["installed_version"]), version, operating_system(self.operating_system).version_scheme
        )

    def unavailable(self, installed: Iterable[Record], candidates: Iterable[Record]) -> list[Package]:
        """What the host should get and no repository of it has: its package is there in an older version, and not one
        of the frozen versions is available. ``version`` is the newest of those."""
        available: dict[tuple[str, str], set[str]] = {}
        for record in candidates:
            available.setdefault((record["name"], record.get("arch") or ""), set()).add(record["version"])
        scheme = operating_system(self.operating_system).version_scheme
        newest: dict[tuple[str, str], Record] = {}
        for record in installed:
            key = (record["name"], record.get("arch") or "")
            known = newest.get(key)
            if known is None or versions.compare(record["installed_version"], known["installed_version"], scheme) > 0:
                newest[key] = record
        missing = []
        for key, record in sorted(newest.items()):
            needed = [each for each in self.approved.get(key, ()) if self._compare(record, each) < 0]
            if needed and not available.get(key, set()).intersection(needed):
                missing.append({"name": key[0], "arch": key[1], "version": _newest(needed, scheme)})
        return missing


@dataclass(frozen=True)
class Snapshot:
    """A checked snapshot."""

    digest: str
    frozen_at: str
    signed_off_by: str | None
    systems: tuple[Frozen, ...]

    def of(self, system: str, product: str) -> Frozen:
        """The part for a host; ``PatchError("not_in_snapshot")`` where no canary was like it."""
        for each in self.systems:
            if (each.operating_system, each.product) == (system, product):
                return each
        known = ", ".join(f"{each.operating_system} {each.product}" for each in self.systems)
        raise PatchError(
            "not_in_snapshot",
            f"The snapshot says nothing for {system} {product}; it was frozen from hosts with {known}. Freeze one from"
            " a canary of that system too, or install there without it.",
        )


def _newest(listed: Iterable[str], scheme: str) -> str:
    best = ""
    for each in listed:
        if not best or versions.compare(each, best, scheme) > 0:
            best = each
    return best


def freeze(documents: Iterable[Mapping[str, Any]], *, frozen_at: str, comment: str = "") -> dict[str, Any]:
    """The snapshot of the documents of a canary run, ready to be written; see docs/snapshots.md for its members.

    Frozen are the versions that the baseline approves and that are on the canaries; what came along with them is kept
    apart. Raises ``bad_canary`` with every reason: a canary that could not be read, was not installed on, or on which
    an approved patch is missing or failed, proves nothing.
    """
    problems = Problems()
    systems: dict[tuple[str, str], dict[str, Any]] = {}
    runs: dict[str, dict[str, str]] = {}
    baselines: dict[tuple[str, str], dict[str, str]] = {}
    for document in documents:
        host = str(document["host"])
        for told in _why_no_canary(document):
            problems.add(host, told)
        if problems.found:
            continue
        run, baseline = document["run"], document["baseline"]
        runs[run["id"]] = {"id": run["id"], "as_of": run["as_of"]}
        baselines[(baseline["name"], baseline["digest"])] = {
            "name": baseline["name"],
            "operating_system": document["operating_system"],
            "digest": baseline["digest"],
        }
        part = systems.setdefault(
            (document["operating_system"], document["product"]), {"hosts": {}, "approved": set(), "pulled_in": set()}
        )
        part["hosts"][host] = canonical_digest(document)
        there = [each for each in document["patches"] if each["state"] in _THERE]
        approved = [each for each in there if each["state"] == "INSTALLED" or each["decision"] == "approved"]
        along = [each for each in there if each not in approved]
        part["approved"].update(_newest_of_each(approved, document["operating_system"]))
        part["pulled_in"].update(_newest_of_each(along, document["operating_system"]))
        part["pulled_in"].update(
            (each["name"], each["arch"] or "", each["version"]) for each in document["pulled_in"] if each["version"]
        )
    if not systems and not problems.found:
        problems.add("documents", "there is none; install on the canaries first, and name their run")
    problems.raise_if_any("bad_canary", "the canary run")
    content = {
        "format": FORMAT,
        "frozen_at": frozen_at,
        "comment": comment,
        "runs": [runs[key] for key in sorted(runs)],
        "baselines": [baselines[key] for key in sorted(baselines)],
        "systems": [_system(key, systems[key]) for key in sorted(systems)],
    }
    return {**content, "digest": canonical_digest(content), "signed_off_by": ""}


def _why_no_canary(document: Mapping[str, Any]) -> Iterable[str]:
    if document["error"] is not None or document["verdict"] == "unknown" and not document["patches"]:
        yield "could not be judged, so nothing is known to work on it"
        return
    if document["operating_system"] == "WINDOWS":
        yield "is a Windows host; its updates have no versions to freeze, list their KB ids instead"
    if document["operation"] != "Install" or document["installation"] is None:
        yield "was scanned, not installed on; a scan shows nothing that works"
    bad = [each["id"] for each in document["patches"] if each["state"] in ("MISSING", "FAILED")]
    if bad:
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        yield f"lacks approved patches: {', '.join(bad[:5])}{more}"


def _newest_of_each(entries: Iterable[Mapping[str, Any]], system: str) -> set[tuple[str, str, str]]:
    """Of kernels that are installed beside each other the newest."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in entries:
        found.setdefault((each["name"], each["arch"] or ""), []).append(each["installed_version"])
    scheme = operating_system(system).version_scheme
    return {(*key, _newest(listed, scheme)) for key, listed in found.items()}


def _system(key: tuple[str, str], part: Mapping[str, Any]) -> dict[str, Any]:
    along = part["pulled_in"] - part["approved"]
    return {
        "operating_system": key[0],
        "product": key[1],
        "hosts": dict(sorted(part["hosts"].items())),
        "approved": [dict(zip(_PACKAGE, each, strict=True)) for each in sorted(part["approved"])],
        "pulled_in": [dict(zip(_PACKAGE, each, strict=True)) for each in sorted(along)],
    }


def parse_snapshot(raw: Any, *, named: str) -> Snapshot:
    """Checks everything; raises ``bad_snapshot`` with every problem. A digest that does not fit says which would."""
    problems = Problems()
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise PatchError(KIND, f"{named} is no snapshot: it must be a mapping with 'format: {FORMAT}'.")
    problems.unknown_keys("", raw, _HEAD)
    for key in ("frozen_at", "digest"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            problems.add(key, "must be a text")
    signed = raw.get("signed_off_by")
    if not isinstance(signed, (str, type(None))):
        problems.add("signed_off_by", "must be a text")
    listed = raw.get("systems")
    if not isinstance(listed, list) or not listed:
        problems.add("systems", "must be a list with at least one entry")
        listed = []
    systems = [_read_system(each, f"systems[{index}]", problems) for index, each in enumerate(listed)]
    known = [(each.operating_system, each.product) for each in systems]
    for system, product in sorted({each for each in known if known.count(each) > 1}):
        problems.add("systems", f"{system} {product} comes twice")
    problems.raise_if_any(KIND, named)
    content = {key: value for key, value in raw.items() if key not in ("digest", "signed_off_by")}
    digest = canonical_digest(content)
    if digest != raw["digest"]:
        raise PatchError(
            KIND, f"{named} was changed after it was frozen: its digest is {show(raw['digest'])}, and what it says has"
            f" {digest}. If that change is yours and is meant, write that digest into it.",
        )  # fmt: skip
    return Snapshot(digest, raw["frozen_at"], signed or None, tuple(systems))


def _read_system(raw: Any, where: str, problems: Problems) -> Frozen:
    if not isinstance(raw, dict):
        problems.add(where, f"must be a mapping, not {show(raw)}")
        return Frozen("", "", {})
    problems.unknown_keys(where, raw, _SYSTEM)
    try:
        operating_system(raw.get("operating_system"))
    except (PatchError, TypeError):
        problems.add(
            f"{where}.operating_system", f"must be an operating system, not {show(raw.get('operating_system'))}"
        )
    if not isinstance(raw.get("product"), str):
        problems.add(f"{where}.product", "must be a text")
    tables = [_packages(raw.get(key), f"{where}.{key}", problems) for key in ("approved", "pulled_in")]
    return Frozen(str(raw.get("operating_system")), str(raw.get("product")), *tables)


def _packages(raw: Any, where: str, problems: Problems) -> dict[tuple[str, str], frozenset[str]]:
    if not isinstance(raw, list):
        problems.add(where, "must be a list of {name, arch, version}")
        return {}
    found: dict[tuple[str, str], frozenset[str]] = {}
    for index, each in enumerate(raw):
        good = isinstance(each, dict) and set(each) == set(_PACKAGE)
        good = good and all(isinstance(each[key], str) and len(each[key]) <= _LONGEST for key in _PACKAGE)
        if not good or not each["name"] or not each["version"]:
            problems.add(f"{where}[{index}]", "must have name, arch and version, each a text (quote numbers)")
            continue
        key = (each["name"], each["arch"])
        found[key] = found.get(key, frozenset()) | {each["version"]}
    return found
