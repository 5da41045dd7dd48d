# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between operating systems, as data. Keys are the OperatingSystem enum of the SSM service model."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import PatchError
from .problems import show

LOW_DISK = 1 << 30
"""Free bytes below which any file system but /boot is worth a warning."""
BOOT_RESERVE = 128 << 20
"""Free bytes that a new kernel with its initial RAM disk takes in /boot."""

_RPM_KEYS = ("product", "classification", "severity")
_DEB_KEYS = ("product", "priority", "section")
_RPM_ATTRIBUTES = frozenset(
    "product classification severity name arch epoch version release repository "
    "advisory_id cve_id bugzilla_id security".split()
)


@dataclass(frozen=True)
class OperatingSystem:
    """The traits of one enum value that the engine needs."""

    name: str
    family: str
    """``rpm``, ``deb``, ``suse``, ``macos`` or ``windows``: decides name formats and record attributes."""
    version_scheme: str
    """Argument for ``versions.compare``; ``plain`` has neither epoch nor release."""
    vendor_dates: bool
    """False where delays and cut-off dates are ignored because the vendor publishes no usable date."""
    filter_keys: tuple[str, ...]
    """Keys that Patch Manager itself offers for baselines of this operating system."""
    attributes: frozenset[str]
    """Every filter key that a record of this operating system can carry."""
    value_synonyms: dict[tuple[str, str], tuple[str, ...]]
    """``(key, value in the baseline)`` to further record values that it takes."""

    @property
    def is_linux(self) -> bool:
        return self.family in ("rpm", "deb", "suse")

    @property
    def has_security_switch(self) -> bool:
        """Both non-security switches exist on Linux and macOS only."""
        return self.family != "windows"


_TRAITS: dict[str, tuple[str, bool, tuple[str, ...], frozenset[str]]] = {
    "rpm": ("rpm", True, _RPM_KEYS, _RPM_ATTRIBUTES),
    "suse": ("rpm", True, _RPM_KEYS, _RPM_ATTRIBUTES | {"patch_id"}),
    "deb": (
        "deb",
        False,
        _DEB_KEYS,
        frozenset(
            "product priority section name arch epoch version release repository advisory_id cve_id security".split()
        ),
    ),
    "macos": (
        "plain",
        True,
        ("product", "classification"),
        frozenset("product classification name version repository security".split()),
    ),
    "windows": (
        "plain",
        True,
        ("patch_set", "product", "product_family", "classification", "msrc_severity"),
        frozenset("patch_set product product_family classification msrc_severity patch_id cve_id name".split()),
    ),
}

_FAMILY_OF = {
    "WINDOWS": "windows",
    "AMAZON_LINUX": "rpm",
    "AMAZON_LINUX_2": "rpm",
    "AMAZON_LINUX_2022": "rpm",
    "AMAZON_LINUX_2023": "rpm",
    "UBUNTU": "deb",
    "REDHAT_ENTERPRISE_LINUX": "rpm",
    "SUSE": "suse",
    "CENTOS": "rpm",
    "ORACLE_LINUX": "rpm",
    "DEBIAN": "deb",
    "MACOS": "macos",
    "RASPBIAN": "deb",
    "ROCKY_LINUX": "rpm",
    "ALMA_LINUX": "rpm",
}

_MEDIUM_TAKES_MODERATE = {("severity", "Medium"): ("Moderate",)}
# The service model writes the one, baselines that are in use the other.
_AMAZON_2 = {("product", "AmazonLinux2.0"): ("AmazonLinux2",)}
_SYNONYMS = {
    "AMAZON_LINUX_2": _AMAZON_2,
    "AMAZON_LINUX_2022": _MEDIUM_TAKES_MODERATE,
    "AMAZON_LINUX_2023": _MEDIUM_TAKES_MODERATE,
}


def _build(name: str, family: str) -> OperatingSystem:
    scheme, dates, keys, attributes = _TRAITS[family]
    return OperatingSystem(name, family, scheme, dates, keys, attributes, dict(_SYNONYMS.get(name, {})))


OPERATING_SYSTEMS: dict[str, OperatingSystem] = {name: _build(name, family) for name, family in _FAMILY_OF.items()}


def operating_system(name: object) -> OperatingSystem:
    """The traits of ``name``; ``PatchError("unsupported_os")`` for anything that is not an enum value."""
    found = OPERATING_SYSTEMS.get(name) if isinstance(name, str) else None
    if found is None:
        raise PatchError(
            "unsupported_os",
            f"{show(name)} is not an operating system that Patch Manager knows; "
            f"use one of {', '.join(sorted(OPERATING_SYSTEMS))}",
        )
    return found
