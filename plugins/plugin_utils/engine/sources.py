# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alternative patch sources of a baseline: what they say, for whom, and what of it is secret.

A configuration is one apt line or deb822 stanza on Debian's family, sections of a repository file elsewhere (Patch
Manager user guide, alternative patch source repositories). Pure text: nothing is fetched here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .source_apt import machine_lines, parse_apt
from .source_ini import parse_ini, section
from .source_repositories import NO, Repository, shown

MAX_SOURCES = 20
APT, INI, ZYPP = "apt", "ini", "zypp"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")


def format_of(family: str) -> str:
    """The format of configurations for a family of operating systems (``deb``, ``suse``, ``rpm``)."""
    return {"deb": APT, "suse": ZYPP}.get(family, INI)


def parse(name: str, configuration: str, family: str) -> tuple[list[Repository], list[str]]:
    """The repositories of one source, and what is wrong with its configuration; no problem repeats the text, which may
    hold secrets."""
    if _CONTROL.search(configuration.replace("\r\n", "\n")):
        return [], ["has a control character"]
    lines = configuration.replace("\r\n", "\n").split("\n")
    if format_of(family) == APT:
        return parse_apt(name, lines)
    return parse_ini(name, lines)


def warnings_about(repositories: Iterable[Repository]) -> list[str]:
    """What is allowed and should not be."""
    found = []
    for each in repositories:
        options = each.options
        login = each.secrets.get("username") or each.secrets.get("password")
        opened = {known.address for known in each.credentials} | (set(each.addresses) if login else set())
        plain = sorted(shown(address) for address in opened if address.lower().startswith(("http://", "ftp://")))
        if plain:
            found.append(f"credentials go over the network readable to everybody: {', '.join(plain)}; use https")
        if options.get("sslverify", "").lower() in NO:
            found.append(f"{each.id} does not look at the certificate of its server (sslverify)")
    return found


def applies(source: Mapping[str, Any], product: str) -> bool:
    """Whether a source is for hosts of this product (``RedhatEnterpriseLinux9.4``)."""
    return "*" in source["products"] or product in source["products"]


@dataclass(frozen=True)
class PatchSources:
    """What replaces the repositories of a host: the repositories of all sources that count for it."""

    family: str
    sources: tuple[tuple[Mapping[str, Any], tuple[Repository, ...]], ...]

    @property
    def repositories(self) -> list[Repository]:
        return [each for _source, repositories in self.sources for each in repositories]

    @property
    def names_keys(self) -> bool:
        """Whether a repository names keys that rpm may come to trust."""
        return any("gpgkey" in each.options for each in self.repositories)

    def text(self, *, credentials: bool) -> str:
        """The file of repositories for the package manager. apt's has never credentials, see ``netrc``."""
        kind = format_of(self.family)
        if kind == APT:
            return "\n\n".join("\n".join(each.lines) for each in self.repositories) + "\n"
        return "\n".join(
            section(each, credentials=credentials, in_addresses=kind == ZYPP) for each in self.repositories
        )

    def netrc(self) -> str:
        """Credentials for apt, as its auth.conf has them."""
        known = dict.fromkeys(each for repository in self.repositories for each in repository.credentials)
        return "".join(line for each in known for line in machine_lines(each))

    def described(self) -> list[dict[str, Any]]:
        """For documents: name, products, and its repositories with their addresses."""
        return [
            {
                "name": source["name"],
                "products": list(source["products"]),
                "repositories": [
                    {"id": each.id, "addresses": [shown(address) for address in each.addresses]}
                    for each in repositories
                ],
            }
            for source, repositories in self.sources
        ]


def sources_for(baseline: Mapping[str, Any], *, product: str, family: str) -> PatchSources | None:
    """The sources of a checked baseline that count for a product; None where none does, and the host's own
    repositories stay (Patch Manager user guide, alternative patch source repositories)."""
    taken: set[str] = set()
    found = []
    for source in baseline["sources"]:
        if not applies(source, product):
            continue
        repositories, _problems = parse(source["name"], source["configuration"], family)
        for each in repositories:
            own, number = each.id, 2
            while each.id in taken:
                each.id, number = f"{own}-{number}", number + 1
            taken.add(each.id)
        found.append((source, tuple(repositories)))
    return PatchSources(family, tuple(found)) if found else None
