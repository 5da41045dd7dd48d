# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which operating system of the SSM service model a host is, from what its own files say.

Product names follow the Patch Manager user guide (patch-manager-linux-rules and the examples of the service
model): ``Ubuntu22.04``, ``RedhatEnterpriseLinux8.10``, ``AmazonLinux2023``. A derivative is never guessed from
ID_LIKE: its pockets and dates may differ from its parent's, so the operator says it in a mapping.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import PatchError
from .operating_systems import OPERATING_SYSTEMS


@dataclass(frozen=True)
class Identity:
    """What a host is to a baseline."""

    operating_system: str
    product: str
    os_id: str
    version: str | None
    codename: str | None


@dataclass(frozen=True)
class _Known:
    operating_system: str
    prefix: str
    whole_version_file: str | None = None
    """The file whose text has the minor release that os-release leaves out (CentOS Linux says 7 for 7.9)."""


_BY_ID = {
    "almalinux": _Known("ALMA_LINUX", "AlmaLinux"),
    "centos": _Known("CENTOS", "CentOS", "centos-release"),
    "debian": _Known("DEBIAN", "Debian"),
    "macos": _Known("MACOS", ""),
    "ol": _Known("ORACLE_LINUX", "OracleLinux"),
    "opensuse-leap": _Known("SUSE", "OpensuseLeap"),
    "raspbian": _Known("RASPBIAN", "Raspbian"),
    "rhel": _Known("REDHAT_ENTERPRISE_LINUX", "RedhatEnterpriseLinux"),
    "rocky": _Known("ROCKY_LINUX", "RockyLinux"),
    "sles": _Known("SUSE", "Suse"),
    "sles_sap": _Known("SUSE", "Suse"),
    "ubuntu": _Known("UBUNTU", "Ubuntu"),
}

_AMAZON = {"2": "AMAZON_LINUX_2", "2022": "AMAZON_LINUX_2022", "2023": "AMAZON_LINUX_2023"}

# Hosts older than os-release: the text of their release file.
_RELEASE_TEXTS = (
    (r"Amazon Linux AMI release (\d{4}\.\d{2})", "amzn"),
    (r"CentOS (?:Linux )?release (\d+(?:\.\d+)?)", "centos"),
    (r"Red Hat Enterprise Linux .*?release (\d+(?:\.\d+)?)", "rhel"),
    (r"Oracle Linux Server release (\d+(?:\.\d+)?)", "ol"),
    (r"SUSE Linux Enterprise Server (\d+)", "sles"),
)

_DEBIAN_CODENAMES = {
    "8": "jessie", "9": "stretch", "10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky",
    "15": "duke",
}  # fmt: skip

_UBUNTU_CODENAMES = {
    "14.04": "trusty", "16.04": "xenial", "18.04": "bionic", "20.04": "focal", "20.10": "groovy", "21.04": "hirsute",
    "21.10": "impish", "22.04": "jammy", "22.10": "kinetic", "23.04": "lunar", "23.10": "mantic", "24.04": "noble",
    "24.10": "oracular", "25.04": "plucky", "25.10": "questing", "26.04": "resolute",
}  # fmt: skip

MACOS_NAMES = {
    "10.14": "Mojave", "10.15": "Catalina", "11": "BigSur", "12": "Monterey", "13": "Ventura", "14": "Sonoma",
    "15": "Sequoia", "26": "Tahoe",
}  # fmt: skip

_CODENAMES = {"DEBIAN": _DEBIAN_CODENAMES, "RASPBIAN": _DEBIAN_CODENAMES, "UBUNTU": _UBUNTU_CODENAMES}
_MAPPING_KEYS = {"operating_system", "product", "version", "codename"}
_ID = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}\Z")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}\Z")


def parse_os_release(text: str) -> dict[str, str]:
    r"""The fields of an os-release text, quotes and escapes of os-release(5) undone.

    ``NAME="Debian GNU/Linux"`` becomes ``{"NAME": "Debian GNU/Linux"}``; lines that assign nothing are left out.
    """
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if not equals or not re.match(r"[A-Z][A-Z0-9_]*\Z", key):
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            quote, value = value[0], value[1:-1]
            if quote == '"':
                value = re.sub(r'\\(["$`\\])', r"\1", value)
        fields[key] = value
    return fields


def identify(
    os_release: Mapping[str, str],
    *,
    mappings: Mapping[str, Any] | None = None,
    files: Mapping[str, str | None] | None = None,
) -> Identity:
    """The operating system and product of a host.

    ``files``: texts of release files by name or path (``debian_version``, ``/etc/centos-release``, ``rpi-issue``).
    ``mappings``: os-release ID, or ``ID:VERSION_ID``, to an OperatingSystem value or to ``{"operating_system",
    "product", "version", "codename"}`` where all but the first may be left out; they win over what is built in.

    Raises ``PatchError`` ``unsupported_os`` naming what was seen and how to map it, ``bad_mapping`` when a mapping
    is not of that form.
    """
    texts = {path.rsplit("/", 1)[-1]: text for path, text in (files or {}).items() if text is not None}
    fields = dict(os_release)
    if not fields.get("ID"):
        fields.update(_from_release_texts(texts))
    os_id = fields.get("ID", "").lower()
    version = fields.get("VERSION_ID") or None
    if not _ID.match(os_id) or (version is not None and not _VERSION.match(version)):
        raise _unsupported(fields, "its os-release has no usable ID and VERSION_ID")
    mapping = _mapping_for(os_id, version, mappings)
    if mapping is not None:
        return _mapped(os_id, version, fields, mapping)
    if os_id == "amzn":
        return _amazon(fields, version)
    if os_id == "debian" and "rpi-issue" in texts:
        # 64-bit Raspberry Pi OS calls itself debian; only this file of its image tells.
        known = _BY_ID["raspbian"]
    elif os_id in _BY_ID:
        known = _BY_ID[os_id]
    else:
        raise _unsupported(fields, "it is none of the operating systems of Patch Manager")
    codename = _codename(known.operating_system, version, fields)
    version = _whole_version(known, version, texts) or _version_of_codename(known.operating_system, codename)
    return Identity(known.operating_system, _product(known, version, codename), os_id, version, codename)


def _from_release_texts(texts: Mapping[str, str]) -> dict[str, str]:
    for name in ("system-release", "oracle-release", "centos-release", "redhat-release", "SuSE-release"):
        for pattern, os_id in _RELEASE_TEXTS:
            match = re.match(pattern, texts.get(name, ""))
            if match:
                return {"ID": os_id, "VERSION_ID": match.group(1)}
    return {}


def _mapping_for(os_id: str, version: str | None, mappings: Mapping[str, Any] | None) -> dict[str, Any] | None:
    for key in (f"{os_id}:{version}", os_id):
        mapping = _checked_mapping(key, (mappings or {}).get(key))
        if mapping is not None:
            return mapping
    return None


def check_mappings(mappings: Mapping[str, Any]) -> None:
    """Raises ``bad_mapping`` for the first that ``identify`` would refuse."""
    for key, value in mappings.items():
        _checked_mapping(str(key), value)


def _checked_mapping(key: str, value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    mapping = {"operating_system": value} if isinstance(value, str) else value
    if not isinstance(mapping, Mapping):
        raise PatchError("bad_mapping", f"The mapping of {key} is neither an operating system nor a dictionary.")
    unknown = sorted(str(name) for name in set(mapping) - _MAPPING_KEYS)
    if unknown:
        raise PatchError(
            "bad_mapping", f"The mapping of {key} has unknown keys: {', '.join(unknown)}. It may have: "
            f"{', '.join(sorted(_MAPPING_KEYS))}.",
        )  # fmt: skip
    named = mapping.get("operating_system")
    if not isinstance(named, str) or named not in OPERATING_SYSTEMS:
        raise PatchError(
            "bad_mapping", f"The mapping of {key} names the operating system {named!r}; "
            f"it must be one of {', '.join(sorted(OPERATING_SYSTEMS))}.",
        )  # fmt: skip
    return dict(mapping)


def _mapped(os_id: str, version: str | None, fields: Mapping[str, str], mapping: Mapping[str, Any]) -> Identity:
    """A derivative: the release it was made from comes from the mapping, else from the codename fields it kept."""
    operating_system = mapping["operating_system"]
    known = next((each for each in _BY_ID.values() if each.operating_system == operating_system), None)
    parent = fields.get("UBUNTU_CODENAME") if operating_system == "UBUNTU" else fields.get("DEBIAN_CODENAME")
    codename = mapping.get("codename") or parent or fields.get("VERSION_CODENAME") or None
    based_on = mapping.get("version") or _version_of_codename(operating_system, codename)
    codename = codename or _CODENAMES.get(operating_system, {}).get(based_on or "")
    based_on = str(based_on) if based_on is not None else version
    product = mapping.get("product")
    if product is None:
        product = f"{known.prefix}{based_on or ''}" if known and known.prefix else f"{operating_system}{based_on or ''}"
    return Identity(operating_system, str(product), os_id, based_on, codename)


def _amazon(fields: Mapping[str, str], version: str | None) -> Identity:
    if version is not None and re.match(r"201\d\.\d{2}\Z", version):
        return Identity("AMAZON_LINUX", f"AmazonLinux{version}", "amzn", version, None)
    if version not in _AMAZON:
        raise _unsupported(fields, "no Amazon Linux of that version is known")
    return Identity(_AMAZON[version], f"AmazonLinux{version}", "amzn", version, None)


def _whole_version(known: _Known, version: str | None, texts: Mapping[str, str]) -> str | None:
    if known.whole_version_file and version is not None and "." not in version:
        # "CentOS Linux release 7.9.2009 (Core)" -> 7.9
        match = re.search(r"release (\d+\.\d+)", texts.get(known.whole_version_file, texts.get("redhat-release", "")))
        if match and match.group(1).split(".")[0] == version:
            return match.group(1)
    return version


def _codename(operating_system: str, version: str | None, fields: Mapping[str, str]) -> str | None:
    if operating_system not in _CODENAMES:
        return None
    named = fields.get("VERSION_CODENAME") or _CODENAMES[operating_system].get(version or "")
    if not named:
        # Before VERSION_CODENAME: "14.04.6 LTS, Trusty Tahr", "8 (jessie)"; testing and sid: "forky/sid".
        match = re.search(r"\(([a-z]+)\)|, ([A-Z][a-z]+) ", fields.get("VERSION", "") + " ")
        named = (match.group(1) or match.group(2)).lower() if match else None
    return named if named and re.match(r"[a-z]{2,40}\Z", named) else None


def _version_of_codename(operating_system: str, codename: str | None) -> str | None:
    for version, name in _CODENAMES.get(operating_system, {}).items():
        if name == codename:
            return version
    return None


def _product(known: _Known, version: str | None, codename: str | None) -> str:
    if known.operating_system == "MACOS":
        parts = (version or "").split(".")
        name = MACOS_NAMES.get(".".join(parts[:2])) or MACOS_NAMES.get(parts[0]) or "MacOS"
        return f"{name}{version or ''}"
    return f"{known.prefix}{version or (codename or '').capitalize()}"


def _unsupported(fields: Mapping[str, str], why: str) -> PatchError:
    seen = {key: _plain(fields[key]) for key in ("ID", "ID_LIKE", "VERSION_ID", "PRETTY_NAME") if fields.get(key)}
    shown = ", ".join(f"{key}={value}" for key, value in seen.items()) or "no os-release"
    like = [each for each in seen.get("ID_LIKE", "").split() if each in _BY_ID]
    fallback = "REDHAT_ENTERPRISE_LINUX" if seen.get("ID") == "fedora" else "UBUNTU"
    example = _BY_ID[like[0]].operating_system if like else fallback
    return PatchError(
        "unsupported_os",
        f"The host cannot be judged: {why} ({shown}). If it is built from one of them, map it, for example "
        f"patch_os_mappings: {{{seen.get('ID', 'its_id')}: {{operating_system: {example}}}}}.",
        seen=seen,
    )


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\x20-\x7e]", "?", text[:200]).split())
