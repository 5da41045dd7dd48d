# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alternative patch sources as sections of a repository file, for yum, dnf and zypper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from .source_repositories import NO, OPTION, SECRET_OPTIONS, URL, YES, Repository, quoted, split_address

_SECTION = re.compile(r"\[([^\[\]]*)\]\s*\Z")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}\Z")
_ADDRESSES = ("baseurl", "metalink", "mirrorlist")
_CHECKS = ("gpgcheck", "pkg_gpgcheck")


def parse_ini(name: str, lines: Sequence[str]) -> tuple[list[Repository], list[str]]:
    """The repositories of a file, and what is wrong with it."""
    found: list[Repository] = []
    problems: list[str] = []
    for line in _joined(lines):
        header = _SECTION.match(line.strip())
        if header:
            # AWS's own examples begin with [main], which stands for the program itself elsewhere.
            ident = header[1].strip()
            found.append(Repository(name if ident in ("", "main") else ident))
            continue
        option = OPTION.match(line.strip())
        if not found or option is None:
            what = "begins with no section such as [main]" if not found else "has a line that is no 'option=value'"
            return [], [what]
        problems += _add_option(found[-1], option[1].lower(), " ".join(option[2].split()))
    if not found:
        return [], ["has no section such as [main] with a baseurl or mirrorlist"]
    for each in found:
        problems += _section_problems(each)
    if len({each.id for each in found}) < len(found):
        problems.append("has two sections of one name")
    return found, problems


def _joined(lines: Iterable[str]) -> list[str]:
    """Without comments and empty lines, and with lines that go on in the next."""
    found: list[str] = []
    for line in lines:
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if line[0] in " \t" and found and not _SECTION.match(line.strip()) and not OPTION.match(line.strip()):
            found[-1] += f" {line.strip()}"
        else:
            found.append(line)
    return found


def _add_option(repository: Repository, key: str, value: str) -> list[str]:
    if key in SECRET_OPTIONS:
        repository.secrets[key] = value
        return []
    if key in _ADDRESSES:
        values = []
        for word in re.split(r"[\s,]+", value):
            plain, credential = split_address(word)
            values.append(plain)
            if credential:
                repository.credentials.append(credential)
        repository.addresses += values
        value = " ".join(values)
    elif key == "proxy":
        value, credential = split_address(value)
        if credential:
            repository.secrets.setdefault("proxy_username", credential.login)
            repository.secrets.setdefault("proxy_password", credential.password)
    elif key in _CHECKS and value.lower() not in YES:
        return [f"sets {key}, and packages are installed only where their signature is good; leave it out"]
    elif key in ("include", "cachedir", "reposdir", "persistdir"):
        return [f"has the option {key}, which is none of a repository"]
    repository.lines.append(f"{key}={value}")
    return []


def _section_problems(repository: Repository) -> list[str]:
    options = repository.options
    found = []
    if not _ID.match(repository.id):
        found.append("has a section whose name is not of letters, digits, '_', '-', '.' and ':'")
    if not repository.addresses:
        found.append("needs baseurl, mirrorlist or metalink in each section")
    elif not all(URL.match(each) for each in repository.addresses):
        found.append("has an address that is no URL such as https://repo.example.com/path")
    logins = {(each.login, each.password) for each in repository.credentials}
    if len(logins) > 1:
        found.append("has addresses with different credentials in one section; give each a section of its own")
    if options.get("enabled", "1").lower() in NO:
        found.append("has a section that is not enabled; leave it out, or set enabled=1")
    return found


def section(repository: Repository, *, credentials: bool, in_addresses: bool) -> str:
    """The section of a repository; zypper takes credentials ``in_addresses`` alone."""
    options = {"name": repository.id, "enabled": "1"} | repository.options | {"gpgcheck": "1"}
    secrets = {**repository.secrets}
    for each in repository.credentials:
        secrets.setdefault("username", each.login)
        secrets.setdefault("password", each.password)
    if credentials and not in_addresses:
        options |= secrets
    elif credentials:
        for key in _ADDRESSES:
            if key in options:
                options[key] = " ".join(_opened(each, secrets) for each in options[key].split())
    return "".join([f"[{repository.id}]\n", *(f"{key}={value}\n" for key, value in options.items())])


def _opened(address: str, secrets: Mapping[str, str]) -> str:
    scheme, colon, rest = address.partition("://")
    if not colon or "username" not in secrets and "password" not in secrets:
        return address
    login, password = (quoted(secrets.get(key, "")) for key in ("username", "password"))
    return f"{scheme}://{login}:{password}@{rest}"
