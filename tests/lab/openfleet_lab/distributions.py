"""What each distribution's repositories say about themselves, as data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Pocket:
    """One Release file. `path` is below the site; `suite_path` is the folder under dists (None: a flat repository)."""

    site: str
    path: str
    suite_path: str | None
    release: dict[str, str]


@dataclass(frozen=True)
class Distribution:
    """`falls_to`: where a fix goes when there is no such pocket. `deb822`: its sources are a .sources file."""

    codename: str
    pockets: dict[str, Pocket] = field(default_factory=dict)
    falls_to: dict[str, str] = field(default_factory=dict)
    deb822: str = ""

    def role(self, wanted: str) -> str | None:
        """The pocket that carries what the package table puts into `wanted`, or None."""
        return wanted if wanted in self.pockets else self.falls_to.get(wanted)

    def sources(self, keyring: str) -> dict[str, str]:
        """The host's source files: path -> content. Every line names the keyring; none is `trusted`."""
        lines: dict[str, list[str]] = {}
        for role, pocket in self.pockets.items():
            third_party = role in VENDOR
            place = "/etc/apt/sources.list.d/acme.list" if third_party else self.deb822 or "/etc/apt/sources.list"
            url = f"http://{pocket.site}/{pocket.path}"
            suite, component = (pocket.suite_path, " main") if pocket.suite_path else ("./", "")
            if place.endswith(".sources"):
                text = f"Types: deb\nURIs: {url}\nSuites: {suite}\nComponents: main\nSigned-By: {keyring}\n"
            else:
                text = f"deb [arch=amd64 signed-by={keyring}] {url} {suite}{component}"
            lines.setdefault(place, []).append(text)
        return {
            place: "\n".join(found) + ("" if place.endswith(".sources") else "\n") for place, found in lines.items()
        }


def _release(
    origin: str, label: str, suite: str, codename: str, version: str = "", *, backports: bool = False
) -> dict[str, str]:
    fields = {"Origin": origin, "Label": label, "Suite": suite, "Codename": codename}
    if version:
        fields["Version"] = version
    if backports:
        fields |= {"NotAutomatic": "yes", "ButAutomaticUpgrades": "yes"}
    return fields


VENDOR = {
    "vendor": Pocket("packages.acme.lab", "apt", "stable", _release("Acme Corp", "Acme", "stable", "stable")),
    "flat": Pocket("packages.acme.lab", "flat", None, {}),
}


def _debian(codename: str, suite: str, version: str) -> Distribution:
    old_security = codename in ("jessie", "stretch", "buster")
    security_path = f"{codename}/updates" if old_security else f"{codename}-security"
    return Distribution(
        codename,
        {
            "release": Pocket("deb.lab", "debian", codename, _release("Debian", "Debian", suite, codename, version)),
            "updates": Pocket(
                "deb.lab",
                "debian",
                f"{codename}-updates",
                _release("Debian", "Debian", f"{suite}-updates", f"{codename}-updates"),
            ),
            "security": Pocket(
                "security.deb.lab",
                "debian-security",
                security_path,
                _release(
                    "Debian",
                    "Debian-Security",
                    suite if old_security else f"{suite}-security",
                    codename if old_security else f"{codename}-security",
                    version,
                ),
            ),
            "backports": Pocket(
                "deb.lab",
                "debian",
                f"{codename}-backports",
                _release(
                    "Debian Backports",
                    "Debian Backports",
                    f"{suite}-backports",
                    f"{codename}-backports",
                    backports=True,
                ),
            ),
            **VENDOR,
        },
        deb822="/etc/apt/sources.list.d/debian.sources" if codename == "trixie" else "",
    )


def _ubuntu(codename: str, version: str) -> Distribution:
    def pocket(site: str, suffix: str, backports: bool = False) -> Pocket:
        suite = codename + suffix
        return Pocket(
            site, "ubuntu", suite, _release("Ubuntu", "Ubuntu", suite, codename, version, backports=backports)
        )

    return Distribution(
        codename,
        {
            "release": pocket("ubuntu.lab", ""),
            "updates": pocket("ubuntu.lab", "-updates"),
            "security": pocket("security.ubuntu.lab", "-security"),
            "backports": pocket("ubuntu.lab", "-backports", backports=True),
            "esm": Pocket(
                "esm.ubuntu.lab",
                "infra/ubuntu",
                f"{codename}-infra-security",
                _release("UbuntuESM", "UbuntuESM", f"{codename}-infra-security", codename, version),
            ),
            **VENDOR,
        },
        deb822="/etc/apt/sources.list.d/ubuntu.sources" if codename == "noble" else "",
    )


def _raspbian(codename: str, suite: str) -> Distribution:
    """Raspbian has one pocket: no security archive of its own. The foundation's archive comes beside it."""
    return Distribution(
        codename,
        {
            "release": Pocket("raspbian.lab", "raspbian", codename, _release("Raspbian", "Raspbian", suite, codename)),
            "updates": Pocket(
                "archive.raspberrypi.lab",
                "debian",
                codename,
                _release("Raspberry Pi Foundation", "Raspberry Pi Foundation", suite, codename),
            ),
            **VENDOR,
        },
        falls_to={"security": "release"},
    )


DISTRIBUTIONS = {
    "bookworm": _debian("bookworm", "oldstable", "12.11"),
    "trixie": _debian("trixie", "stable", "13.1"),
    "bullseye": _debian("bullseye", "oldoldstable", "11.11"),
    "jessie": _debian("jessie", "oldoldstable", "8.11"),
    "bionic": _ubuntu("bionic", "18.04"),
    "jammy": _ubuntu("jammy", "22.04"),
    "noble": _ubuntu("noble", "24.04"),
    "raspbian-bookworm": _raspbian("bookworm", "oldstable"),
}


RPM_SITES = ("rpm.lab", "rpm.acme.lab")


def site_names() -> list[str]:
    """Every name the hosts must resolve to the lab's server."""
    return sorted({*RPM_SITES, *(pocket.site for each in DISTRIBUTIONS.values() for pocket in each.pockets.values())})
