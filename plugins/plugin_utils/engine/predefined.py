# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The predefined baselines of Patch Manager (user guide, predefined and custom patch baselines)."""

from __future__ import annotations

from typing import Any

from .baseline import canonical
from .operating_systems import operating_system as find_system

_ANY = ["*"]
_DELAY = 7
_URGENT = ["Critical", "Important"]
_WINDOWS_OS_FILTERS = {
    "patch_set": ["OS"],
    "product": _ANY,
    "classification": ["CriticalUpdates", "SecurityUpdates"],
    "msrc_severity": _URGENT,
}
_WINDOWS_APPLICATION_FILTERS = {"patch_set": ["APPLICATION"], "product": _ANY}
_BUGFIX = {"product": _ANY, "classification": ["Bugfix"]}
_DEB_FILTERS = {"product": _ANY, "priority": ["Required", "Important", "Standard", "Optional", "Extra"]}


def _security(severities: list[str]) -> dict[str, list[str]]:
    return {"product": _ANY, "classification": ["Security"], "severity": severities}


def _baseline(
    name: str,
    system: str,
    *filters: dict[str, list[str]],
    days: int | None = _DELAY,
    non_security: tuple[int, ...] = (),
) -> dict[str, Any]:
    """``non_security``: indexes of the rules that also take patches which are not security."""
    return {
        "name": name,
        "operating_system": system,
        "approval_rules": [
            {"filters": group, "approve_after_days": days, "enable_non_security": index in non_security}
            for index, group in enumerate(filters)
        ],
    }


# Bugfix is a rule of its own: its notices carry no severity, so one rule with a severity list would lose them.
_RAW = (
    _baseline("AWS-DefaultPatchBaseline", "WINDOWS", _WINDOWS_OS_FILTERS),
    _baseline("AWS-WindowsPredefinedPatchBaseline-OS", "WINDOWS", _WINDOWS_OS_FILTERS),
    _baseline(
        "AWS-WindowsPredefinedPatchBaseline-OS-Applications",
        "WINDOWS",
        _WINDOWS_OS_FILTERS,
        _WINDOWS_APPLICATION_FILTERS,
    ),
    _baseline("AWS-AmazonLinuxDefaultPatchBaseline", "AMAZON_LINUX", _security(_URGENT), _BUGFIX),
    _baseline("AWS-AmazonLinux2DefaultPatchBaseline", "AMAZON_LINUX_2", _security(_URGENT), _BUGFIX),
    _baseline("AWS-AmazonLinux2022DefaultPatchBaseline", "AMAZON_LINUX_2022", _security(_URGENT), _BUGFIX),
    _baseline("AWS-AmazonLinux2023DefaultPatchBaseline", "AMAZON_LINUX_2023", _security(_URGENT), _BUGFIX),
    _baseline("AWS-RedHatDefaultPatchBaseline", "REDHAT_ENTERPRISE_LINUX", _security(_URGENT), _BUGFIX),
    _baseline("AWS-RockyLinuxDefaultPatchBaseline", "ROCKY_LINUX", _security(_URGENT), _BUGFIX),
    _baseline("AWS-AlmaLinuxDefaultPatchBaseline", "ALMA_LINUX", _security(_URGENT), _BUGFIX),
    _baseline("AWS-OracleLinuxDefaultPatchBaseline", "ORACLE_LINUX", _security(["Important", "Moderate"]), _BUGFIX),
    _baseline("AWS-CentOSDefaultPatchBaseline", "CENTOS", {"product": _ANY}, non_security=(0,)),
    _baseline("AWS-SuseDefaultPatchBaseline", "SUSE", _security(_URGENT)),
    _baseline("AWS-DebianDefaultPatchBaseline", "DEBIAN", _DEB_FILTERS, days=None),
    _baseline("AWS-UbuntuDefaultPatchBaseline", "UBUNTU", _DEB_FILTERS, days=None),
    _baseline("AWS-DefaultRaspbianPatchBaseline", "RASPBIAN", _DEB_FILTERS, days=None),
    # Security first, then all that softwareupdate or brew calls outdated; at once, since nothing carries a date.
    _baseline(
        "AWS-MacOSDefaultPatchBaseline", "MACOS", {"product": _ANY}, {"product": _ANY}, days=0, non_security=(1,)
    ),
)


def predefined_baselines() -> list[dict[str, Any]]:
    """All of them, canonical: one per operating system, three for Windows; fresh copies."""
    return [canonical(raw) for raw in _RAW]


def predefined_baseline(operating_system: str) -> dict[str, Any]:
    """The default one of an operating system; ``PatchError("unsupported_os")`` for an unknown one."""
    name = find_system(operating_system).name
    return canonical(next(raw for raw in _RAW if raw["operating_system"] == name))
