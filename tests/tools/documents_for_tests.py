"""A Debian host as its manager describes it, and documents made from it; shared by the tests of this room."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import build_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import digest, parse_baseline
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory

AS_OF = "2026-11-20T12:00:00Z"
ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "document.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@dataclass(frozen=True)
class FakeRun:
    run_id: str = "3d3c5f0e-7a54-4c39-9a5d-2f3f3a1a9b10"
    as_of: str = AS_OF
    started_at: str = AS_OF


@dataclass(frozen=True)
class FakeBaseline:
    baseline: dict[str, Any]
    source: str = "patch group 'web', DEBIAN"

    @property
    def name(self) -> str:
        return str(self.baseline["name"])

    @property
    def digest(self) -> str:
        return digest(self.baseline)


def baseline(**changed: Any) -> FakeBaseline:
    """Security patches at level HIGH, unless told otherwise."""
    raw = {
        "name": "web-prod",
        "operating_system": "DEBIAN",
        "approval_rules": [{"filters": {"product": ["*"]}, "compliance_level": "HIGH"}],
        **changed,
    }
    return FakeBaseline(parse_baseline(raw, where="test")[0])


def installed(name: str, version: str = "1.0-1", **changed: Any) -> dict[str, Any]:
    return {
        "name": name,
        "arch": "amd64",
        "version": version,
        "installed_version": version,
        "repository": "bookworm",
        "product": "Debian12",
        "priority": "Optional",
        "section": "libs",
        "security": False,
        "released": None,
        "released_source": None,
        "automatic": False,
        "installed_at": "2026-10-01T00:00:00Z",
        **changed,
    }


def candidate(name: str, version: str = "1.0-2", **changed: Any) -> dict[str, Any]:
    record = installed(name, "1.0-1", repository="bookworm-security", security=True, installed_at=None)
    return {**record, "version": version, "deferred": False, "held": None, **changed}


def inventory(**changed: Any) -> Inventory:
    """A host that can be judged: read as root, lists fresh, a security pocket among them."""
    known: dict[str, Any] = {
        "operating_system": "DEBIAN",
        "product": "Debian12",
        "os": {
            "id": "debian",
            "id_like": None,
            "version": "12",
            "codename": "bookworm",
            "name": "Debian GNU/Linux 12 (bookworm)",
            "kernel": "6.1.0-40-amd64",
            "arch": "x86_64",
        },
        "manager": {"name": "apt", "version": "2.6.1", "api": "apt_pkg"},
        "interpreter": {"path": "/usr/bin/python3", "version": "3.11.2"},
        "collected_at": AS_OF,
        "privileged": True,
        "booted_at": "2026-11-01T00:00:00Z",
        "boot_id": "b",
        "repositories": [
            {"id": "bookworm", "enabled": True, "security_metadata": False, "metadata_age": 600},
            {"id": "bookworm-security", "enabled": True, "security_metadata": True, "metadata_age": 600},
        ],
        "refresh": {"attempted": True, "ok": True, "errors": [], "skipped_because": None},
        "reboot": {"required": False, "reasons": []},
    }
    return Inventory(**{**known, **changed})


def document(
    host: str = "web1", *, found: Inventory | None = None, base: FakeBaseline | None = None, **options: Any
) -> dict[str, Any]:
    return build_document(
        found or inventory(),
        base or baseline(),
        FakeRun(),
        host=host,
        started_at=AS_OF,
        finished_at="2026-11-20T12:00:05Z",
        **options,
    )


def entry(made: dict[str, Any], name: str, version: str | None = None) -> dict[str, Any]:
    """The one entry of a package (and version) in a document."""
    found = [each for each in made["patches"] if each["name"] == name and version in (None, each["version"])]
    assert len(found) == 1, f"{len(found)} entries for {name}"
    return found[0]


def errors_of(made: dict[str, Any]) -> list[str]:
    """What the schema has against a document."""
    return [f"{list(error.path)}: {error.message}" for error in VALIDATOR.iter_errors(made)]


def counts(made: dict[str, Any]) -> dict[str, int]:
    """The counts that are not zero or unknown, without their suffix."""
    return {name.removesuffix("_count"): count for name, count in made["summary"].items() if count}
