# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that cross rooms.

A *patch record* stays a plain mapping with the keys of the conformance vectors (``name``, ``arch``,
``version``, ``installed_version``, ``repository``, ``product``, ``priority`` and ``section`` or
``classification`` and ``severity``, ``security``, ``advisories``, ``released``, ``released_source``), because
it is what the engine takes and what documents store. Unknown is ``None``, never an empty string; but for an
``installed_version`` None is not installed, save where softwareupdate does not tell what an update replaces.

``released`` (ISO 8601; without zone UTC) is the date that delays count from; ``build_time`` stands in for it where a
rule takes non-security patches, ``first_seen``, ``repository_date`` (of the repository's own file) and ``build_time``
where the operator chose such a clock (``delay_clock``). ``advisories`` is a list of
``{id, cves, bugzillas}``; where several notices list one version each may carry its own ``classification``,
``severity`` and ``updated`` (else ``issued``), and is judged on its own: a key that is absent there falls back to the
record's, a null does not (a bugfix notice has no severity). Windows records have ``kb``, ``title``, ``installed``,
``product_family``, ``patch_set``, ``msrc_severity``, ``msrc_number``, ``superseded_by`` (KBs or update ids),
``child_kbs`` instead, and may have ``update_id``, ``applicable`` and ``products`` (all, where there are several).
Records of macOS have no architecture and a ``kind``: ``update`` (of softwareupdate), ``package``, ``formula`` or
``cask``. ``pending_reboot`` says that it is installed and not in force. ``gone_notices`` (``[{version, id, cves}]``)
are notices about versions between the installed one and this one that no repository has any more; they matter to
``engine.fixes`` alone. ``held`` and any further key mean nothing to the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PatchRecord = dict[str, Any]

PackageKey = tuple[str, str]
"""Name and architecture; where there are no architectures (macOS) the record's kind in its place."""


def package_key(record: Mapping[str, Any]) -> PackageKey:
    """What tells one package of a host from another. On a Mac a formula and a cask may have one name."""
    return str(record["name"]), str(record.get("arch") or record.get("kind") or "")


@dataclass
class Inventory:
    """What one host has and could have, read at one moment; the same shape on every operating system."""

    operating_system: str
    product: str
    os: dict[str, Any]
    """``id``, ``id_like``, ``version``, ``codename``, ``name``, ``kernel``, ``arch``."""
    manager: dict[str, Any]
    """``name`` (apt, dnf, dnf5, yum, zypper, ...), ``version``, ``api`` (library and version)."""
    interpreter: dict[str, Any] | None
    """``path``, ``version``; None where no Python took part."""
    collected_at: str
    """The host's own clock, UTC, ``2026-11-20T12:00:00Z``."""
    privileged: bool
    booted_at: str | None = None
    boot_id: str | None = None
    installed: list[PatchRecord] = field(default_factory=list)
    """One record per installed instance: ``version`` equals ``installed_version``; adds ``automatic`` (bool or
    None) and ``installed_at``; ``unfinished`` where the package manager has begun it and not ended, in its
    word for that state. Origin fields are those of the version where a repository still lists it."""
    candidates: list[PatchRecord] = field(default_factory=list)
    """Every available version newer than the installed one, not just the newest."""
    holds: list[dict[str, Any]] = field(default_factory=list)
    """``name``, ``arch``, ``kind`` (hold, pin, versionlock, exclude, lock), ``version`` or None, ``detail``."""
    repositories: list[dict[str, Any]] = field(default_factory=list)
    """``id``, ``enabled``, ``security_metadata`` (bool or None), ``metadata_age`` (seconds or None), and the
    manager's own words (``origin``, ``label``, ``archive``, ``codename``, ``component``, ``site``)."""
    reboot: dict[str, Any] = field(default_factory=lambda: {"required": None, "reasons": []})
    """``required`` True, False or None (unknown); ``reasons`` [{``kind``, ``detail``, ``packages``}]."""
    pending: list[dict[str, str]] = field(default_factory=list)
    """``name``, ``arch`` (or kind), ``version`` that installs of ours brought since the last boot; ``restart`` where
    they asked for one. Whether they are on the host is for ``installed`` to tell."""
    interrupted_run: dict[str, Any] | None = None
    refresh: dict[str, Any] = field(default_factory=dict)
    """``attempted``, ``ok`` (None when not attempted), ``errors`` [str], ``skipped_because``."""
    findings: dict[str, Any] = field(default_factory=dict)
    """Facts that explain or warn: ``disk``, ``kernels``, ``updaters``, ``lock``, ``unfinished``,
    ``deleted_libraries``, ``clock``; keys are absent when unknown."""
    warnings: list[dict[str, str]] = field(default_factory=list)
    """``kind`` (slug) and ``message``."""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Inventory:
        """The inventory that ``to_dict`` wrote; unknown keys are ignored so that older code reads newer files."""
        return cls(**{key: value for key, value in data.items() if key in cls.__dataclass_fields__})
