# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pocket of a distribution a package file is: its id, and whether it is a security pocket.

Decided by what the signed Release file says of itself (origin, label, suite, codename), never by URL, because
mirrors have any URL (Patch Manager user guide, how security patches are selected; ESM pockets: a choice of
this project, since Patch Manager does not speak of them).
"""

from __future__ import annotations

from dataclasses import dataclass

from . import apt_answer
from .apt_answer import Part

# Origin of the Release file -> how the suites that carry security updates end. Debian's rule looks at the label.
_SECURITY_SUITES = {
    "Ubuntu": "-security",
    "UbuntuESM": "-infra-security",
    "UbuntuESMApps": "-apps-security",
}
# Before infra and apps were told apart (Ubuntu 12.04 and 14.04) ESM had one pocket.
_OLD_ESM_SUITE = "-security"

_OWN_NAMES = frozenset({
    "Debian", "Debian Backports", "Ubuntu", "UbuntuESM", "UbuntuESMApps", "Raspbian", "Raspberry Pi Foundation",
})  # fmt: skip


@dataclass(frozen=True)
class Pocket:
    """One package file: a component of a suite for one architecture."""

    id: str
    security: bool
    archive: str | None
    codename: str | None
    label: str | None
    origin: str | None
    component: str | None
    site: str | None
    architecture: str | None
    trusted: bool | None
    not_automatic: bool
    priority: int | None
    release_file: str | None
    date: str | None
    valid_until: str | None
    fetched_at: str | None


def read_pocket(part: Part) -> Pocket:
    archive, codename = part.text("archive"), part.text("codename")
    label, origin, site = part.text("label"), part.text("origin"), part.text("site")
    return Pocket(
        id=pocket_id(archive, codename, label, origin, site),
        security=is_security(archive, codename, label, origin),
        archive=archive,
        codename=codename,
        label=label,
        origin=origin,
        component=part.text("component"),
        site=site,
        architecture=part.text("architecture"),
        trusted=part.maybe_flag("trusted"),
        not_automatic=part.flag("not_automatic"),
        priority=part.maybe_integer("priority", -32768, 32767),
        release_file=part.text("release_file", 500),
        date=part.text("date"),
        valid_until=part.text("valid_until"),
        fetched_at=part.instant("fetched_at"),
    )


def is_security(archive: str | None, codename: str | None, label: str | None, origin: str | None) -> bool:
    """Whether the distribution itself calls the pocket one of security updates.

    Debian 8 to 10: label ``Debian-Security``, codename ``jessie``; since 11 the codename is ``bullseye-security``,
    and the suite was never stable to look at (``oldstable-security``). Ubuntu: suite ``jammy-security``.
    Raspberry Pi OS has no pocket of its own; it is Debian's.
    """
    if origin == "Debian":
        return label == "Debian-Security" or _ends((archive, codename), "-security")
    ending = _SECURITY_SUITES.get(origin or "")
    if ending is None:
        return False
    if _ends((archive,), ending):
        return True
    return origin == "UbuntuESM" and _ends((archive,), _OLD_ESM_SUITE)


def _ends(names: tuple[str | None, ...], ending: str) -> bool:
    return any(name is not None and name.endswith(ending) for name in names)


def pocket_id(
    archive: str | None, codename: str | None, label: str | None, origin: str | None, site: str | None
) -> str:
    """``jammy-security``, ``bookworm-security``, ``download.docker.com/bookworm``.

    Debian's suites change their names with every release, its codenames do not; Ubuntu's suites have the pocket in
    them, its codenames have not. A repository of somebody else says whose it is.
    """
    if origin in ("Debian", "Debian Backports", "Raspbian", "Raspberry Pi Foundation"):
        name = codename or archive
        if name and label == "Debian-Security" and "security" not in name:
            name = name.split("/", 1)[0] + "-security"
    else:
        name = archive or codename
    if origin in _OWN_NAMES and name:
        return name
    return "/".join(word for word in (site or origin or label or "local", codename or archive) if word)


def origins_of(part: Part, pockets: list[Pocket]) -> list[Pocket]:
    """The pockets that list a version, security pockets first: a fix is often copied to the updates pocket too."""
    found = []
    for index, number in enumerate(part.items("origins", 1000)):
        where = f"{part.where}.origins[{index}]"
        found.append(pockets[apt_answer.integer(number, where, 0, len(pockets) - 1)])
    return sorted(found, key=lambda pocket: not pocket.security)
