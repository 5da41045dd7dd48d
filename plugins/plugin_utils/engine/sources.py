# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alternative patch sources of a baseline: what they say, for whom, and what of it is secret.

A configuration is one apt line or deb822 stanza on Debian's family, sections of a repository file elsewhere (Patch
Manager user guide, alternative patch source repositories). Pure text: nothing is fetched here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import without_passwords

MAX_SOURCES = 20
APT, INI, ZYPP = "apt", "ini", "zypp"

_SECTION = re.compile(r"\[([^\[\]]*)\]\s*\Z")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}\Z")
_OPTION = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)\s*=\s*(.*)\Z", re.DOTALL)
_ADDRESSES = ("baseurl", "metalink", "mirrorlist")
_SECRET_OPTIONS = ("username", "password", "proxy_username", "proxy_password")
_CHECKS = ("gpgcheck", "pkg_gpgcheck")
_NO = ("0", "no", "false", "off")
_YES = ("1", "yes", "true", "on")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/*[^\s/]")
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<info>[^/\s@]*(?:@[^/\s@]*)*)@(?P<rest>[^\s]*)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")

_APT_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)\Z")
_STANZA_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)\Z")
_STANZA_START = re.compile(r"(Types|URIs|Suites|Components|Enabled|Architectures|Signed-By|X-[A-Za-z-]+):", re.I)
_MACHINE = re.compile(r"machine\s+(\S+)\s+login\s+(\S+)\s+password\s+(\S+)\Z")
# apt's words for taking what nobody signed, or not well.
_UNCHECKED = ("trusted", "allow-insecure", "allow-weak", "allow-downgrade-to-insecure")
_ONE_LINE = "must be one line 'deb URI suite component...'"


@dataclass(frozen=True)
class Credential:
    """Who opens an address, which has none of it: ``http://rpm.example/x``, login and password as they are."""

    address: str
    login: str
    password: str


@dataclass
class Repository:
    """One repository of a source. ``lines`` are those of its section, line or stanza, without credentials."""

    id: str
    lines: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    credentials: list[Credential] = field(default_factory=list)

    @property
    def has_credentials(self) -> bool:
        return bool(self.secrets or self.credentials)


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
        return _parse_apt(name, lines)
    return _parse_ini(name, lines)


def without_credentials(configuration: str) -> str:
    """The configuration as it may be written down: still valid, and nothing that opens anything."""
    kept = []
    within = False
    for line in configuration.replace("\r\n", "\n").split("\n"):
        option = _OPTION.match(line.strip())
        goes_on = within and line[:1] in (" ", "\t") and not option
        within = goes_on or bool(option and option[1].lower() in _SECRET_OPTIONS)
        if within or _MACHINE.match(line.strip()):
            continue
        kept.append(without_passwords(_USERINFO.sub(r"\g<scheme>://\g<rest>", line)))
    return "\n".join(kept)


def warnings_about(repositories: Iterable[Repository]) -> list[str]:
    """What is allowed and should not be."""
    found = []
    for each in repositories:
        options = _options_of(each)
        login = each.secrets.get("username") or each.secrets.get("password")
        opened = {known.address for known in each.credentials} | (set(each.addresses) if login else set())
        plain = sorted(shown(address) for address in opened if address.lower().startswith(("http://", "ftp://")))
        if plain:
            found.append(f"credentials go over the network readable to everybody: {', '.join(plain)}; use https")
        if options.get("sslverify", "").lower() in _NO:
            found.append(f"{each.id} does not look at the certificate of its server (sslverify)")
    return found


def shown(address: str) -> str:
    """An address without what opens it."""
    return without_passwords(_USERINFO.sub(r"\g<scheme>://\g<rest>", address))


# -- which sources count for a host ------------------------------------------------------------------------------


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
        return any("gpgkey" in _options_of(each) for each in self.repositories)

    def text(self, *, credentials: bool) -> str:
        """The file of repositories for the package manager. apt's has never credentials, see ``netrc``."""
        kind = format_of(self.family)
        if kind == APT:
            return "\n\n".join("\n".join(each.lines) for each in self.repositories) + "\n"
        return "\n".join(_section(each, kind, credentials) for each in self.repositories)

    def netrc(self) -> str:
        """Credentials for apt, as its auth.conf has them."""
        known = dict.fromkeys(each for repository in self.repositories for each in repository.credentials)
        return "".join(line for each in known for line in _machine_lines(each))

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


# -- repository files --------------------------------------------------------------------------------------------


def _parse_ini(name: str, lines: Sequence[str]) -> tuple[list[Repository], list[str]]:
    found: list[Repository] = []
    problems: list[str] = []
    for line in _joined(lines):
        header = _SECTION.match(line.strip())
        if header:
            # AWS's own examples begin with [main], which stands for the program itself elsewhere.
            ident = header[1].strip()
            found.append(Repository(name if ident in ("", "main") else ident))
            continue
        option = _OPTION.match(line.strip())
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
        if line[0] in " \t" and found and not _SECTION.match(line.strip()) and not _OPTION.match(line.strip()):
            found[-1] += f" {line.strip()}"
        else:
            found.append(line)
    return found


def _add_option(repository: Repository, key: str, value: str) -> list[str]:
    if key in _SECRET_OPTIONS:
        repository.secrets[key] = value
        return []
    if key in _ADDRESSES:
        values = []
        for word in re.split(r"[\s,]+", value):
            plain, credential = _split_address(word)
            values.append(plain)
            if credential:
                repository.credentials.append(credential)
        repository.addresses += values
        value = " ".join(values)
    elif key == "proxy":
        value, credential = _split_address(value)
        if credential:
            repository.secrets.setdefault("proxy_username", credential.login)
            repository.secrets.setdefault("proxy_password", credential.password)
    elif key in _CHECKS and value.lower() not in _YES:
        return [f"sets {key}, and packages are installed only where their signature is good; leave it out"]
    elif key in ("include", "cachedir", "reposdir", "persistdir"):
        return [f"has the option {key}, which is none of a repository"]
    repository.lines.append(f"{key}={value}")
    return []


def _section_problems(repository: Repository) -> list[str]:
    options = _options_of(repository)
    found = []
    if not _ID.match(repository.id):
        found.append("has a section whose name is not of letters, digits, '_', '-', '.' and ':'")
    if not repository.addresses:
        found.append("needs baseurl, mirrorlist or metalink in each section")
    elif not all(_URL.match(each) for each in repository.addresses):
        found.append("has an address that is no URL such as https://repo.example.com/path")
    logins = {(each.login, each.password) for each in repository.credentials}
    if len(logins) > 1:
        found.append("has addresses with different credentials in one section; give each a section of its own")
    if options.get("enabled", "1").lower() in _NO:
        found.append("has a section that is not enabled; leave it out, or set enabled=1")
    return found


def _options_of(repository: Repository) -> dict[str, str]:
    pairs = (line.partition("=") for line in repository.lines)
    return {key: value for key, equals, value in pairs if equals}


def _section(repository: Repository, kind: str, credentials: bool) -> str:
    options = {"name": repository.id, "enabled": "1"} | _options_of(repository) | {"gpgcheck": "1"}
    secrets = {**repository.secrets}
    for each in repository.credentials:
        secrets.setdefault("username", each.login)
        secrets.setdefault("password", each.password)
    if credentials and kind == INI:
        options |= secrets
    elif credentials:
        for key in _ADDRESSES:
            if key in options:
                options[key] = " ".join(_opened(each, secrets) for each in options[key].split())
    return "".join([f"[{repository.id}]\n", *(f"{key}={value}\n" for key, value in options.items())])


def _opened(address: str, secrets: Mapping[str, str]) -> str:
    """zypper takes credentials in the address alone."""
    scheme, colon, rest = address.partition("://")
    if not colon or "username" not in secrets and "password" not in secrets:
        return address
    login, password = (_quoted(secrets.get(key, "")) for key in ("username", "password"))
    return f"{scheme}://{login}:{password}@{rest}"


def _split_address(address: str) -> tuple[str, Credential | None]:
    """``https://user:word@host/x`` -> ``https://host/x`` and who opens it."""
    found = _USERINFO.match(address)
    if found is None:
        return address, None
    login, _colon, password = found["info"].partition(":")
    plain = f"{found['scheme']}://{found['rest']}"
    return plain, Credential(plain, _unquoted(login), _unquoted(password))


_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def _quoted(text: str) -> str:
    """p@ss -> p%40ss"""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def _unquoted(text: str) -> str:
    """p%40ss -> p@ss"""
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    return raw.decode("utf-8", "replace")


# -- apt ---------------------------------------------------------------------------------------------------------


def _parse_apt(name: str, lines: Sequence[str]) -> tuple[list[Repository], list[str]]:
    repository, rest = Repository(name), []
    for line in lines:
        machine = _MACHINE.match(line.strip())
        if machine:
            repository.credentials.append(Credential(machine[1], machine[2], machine[3]))
        elif line.strip() and not line.lstrip().startswith("#"):
            rest.append(line)
    if rest and _STANZA_START.match(rest[0]):
        problems = _parse_stanza(repository, rest)
    elif len(rest) == 1:
        problems = _parse_line(repository, rest[0].strip())
    else:
        return [], [_ONE_LINE]
    if not problems and not all(_URL.match(each) for each in repository.addresses):
        problems.append("has an address that is no URI such as https://deb.example.com/debian")
    for each in repository.credentials:
        if re.search(r"\s", each.login + each.password) or not each.login:
            problems.append("has credentials with a space, or without a login, which apt cannot use")
    return [repository], problems


def _parse_line(repository: Repository, line: str) -> list[str]:
    found = _APT_LINE.match(line)
    if found is None:
        return [_ONE_LINE]
    if not found["suite"].endswith("/") and not found["components"].strip():
        return [f"{_ONE_LINE}; it names no component"]
    options = (found["options"] or "").split()
    unchecked = [word for word in options if word.partition("=")[0].rstrip("+-").lower() in _UNCHECKED]
    if any(word.partition("=")[2].lower() not in _NO for word in unchecked):
        return [f"has the option {unchecked[0].partition('=')[0]}, and what nobody signed is never installed"]
    address, credential = _split_address(found["uri"])
    repository.addresses.append(address)
    repository.credentials += [credential] if credential else []
    words = [f"[{' '.join(options)}]"] if options else []
    repository.lines.append(" ".join(["deb", *words, address, found["suite"], *found["components"].split()]))
    return []


def _parse_stanza(repository: Repository, lines: Sequence[str]) -> list[str]:
    fields: dict[str, str] = {}
    for line in lines:
        head = _STANZA_FIELD.match(line)
        if head and line[0] not in " \t":
            key, text = head[1].lower(), head[2]
            if key in fields:
                return ["has a field twice; a source has one stanza"]
            fields[key] = text
        elif fields and line[0] in " \t":
            fields[key] += f"\n{line}"
        else:
            return ["has a line that belongs to no field of its stanza"]
        if head and head[1].lower() in _UNCHECKED and head[2].strip().lower() not in _NO:
            return [f"has the field {head[1]}, and what nobody signed is never installed"]
    if not fields.get("uris", "").strip() or not fields.get("suites", "").strip():
        return ["needs the fields URIs and Suites in its stanza"]
    if fields.get("types", "").split() != ["deb"]:
        return ["needs the field 'Types: deb' in its stanza"]
    if fields.get("enabled", "yes").strip().lower() in _NO:
        return ["has a stanza that is not enabled; leave it out"]
    for word in fields["uris"].split():
        address, credential = _split_address(word)
        repository.addresses.append(address)
        repository.credentials += [credential] if credential else []
    fields["uris"] = " ".join(repository.addresses)
    names = {"uris": "URIs", "signed-by": "Signed-By"}
    for key, value in fields.items():
        repository.lines += f"{names.get(key, key.title())}: {value}".split("\n")
    return []


def _machine_lines(credential: Credential) -> list[str]:
    """apt since 1.9.5 gives nothing away over http unless the address says http; older ones know hosts alone."""
    scheme, colon, rest = credential.address.rpartition("://")
    opens = f"login {credential.login} password {credential.password}\n"
    places = [rest] if scheme in ("", "https") else [f"{scheme}{colon}{rest}", rest]
    return [f"machine {place} {opens}" for place in places]
