"""Which pocket a package file is, by what its Release file says, never by its URL."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt_pockets import is_security, pocket_id

# archive (Suite), codename, label, origin -> id, security
POCKETS = [
    ("oldoldstable", "jessie", "Debian-Security", "Debian", "jessie-security", True),
    ("oldoldstable", "stretch", "Debian-Security", "Debian", "stretch-security", True),
    ("oldoldstable", "buster", "Debian-Security", "Debian", "buster-security", True),
    ("oldstable-security", "bullseye-security", "Debian-Security", "Debian", "bullseye-security", True),
    ("stable-security", "bookworm-security", "Debian-Security", "Debian", "bookworm-security", True),
    ("stable-security", "trixie-security", "Debian-Security", "Debian", "trixie-security", True),
    ("testing-security", "forky-security", "Debian-Security", "Debian", "forky-security", True),
    ("oldstable", "jessie", "Debian", "Debian", "jessie", False),
    ("stable", "bookworm", "Debian", "Debian", "bookworm", False),
    ("stable-updates", "bookworm-updates", "Debian", "Debian", "bookworm-updates", False),
    ("stable-proposed-updates", "bookworm-proposed-updates", "Debian", "Debian", "bookworm-proposed-updates", False),
    ("stable-backports", "bookworm-backports", "Debian Backports", "Debian Backports", "bookworm-backports", False),
    *((f"{name}-security", name, "Ubuntu", "Ubuntu", f"{name}-security", True)
      for name in "trusty xenial bionic focal groovy jammy noble plucky questing resolute".split()),
    ("jammy-updates", "jammy", "Ubuntu", "Ubuntu", "jammy-updates", False),
    ("jammy-backports", "jammy", "Ubuntu", "Ubuntu", "jammy-backports", False),
    ("jammy", "jammy", "Ubuntu", "Ubuntu", "jammy", False),
    ("jammy-infra-security", "jammy", "UbuntuESM", "UbuntuESM", "jammy-infra-security", True),
    ("jammy-infra-updates", "jammy", "UbuntuESM", "UbuntuESM", "jammy-infra-updates", False),
    ("trusty-infra-security", "trusty", "UbuntuESM", "UbuntuESM", "trusty-infra-security", True),
    ("trusty-security", "trusty", "UbuntuESM", "UbuntuESM", "trusty-security", True),
    ("jammy-apps-security", "jammy", "UbuntuESMApps", "UbuntuESMApps", "jammy-apps-security", True),
    ("jammy-apps-updates", "jammy", "UbuntuESMApps", "UbuntuESMApps", "jammy-apps-updates", False),
    ("oldstable", "bookworm", "Raspbian", "Raspbian", "bookworm", False),
    ("stable", "bookworm", "Raspberry Pi Foundation", "Raspberry Pi Foundation", "bookworm", False),
    # Somebody else's repository is not the distribution's security team, whatever it calls itself.
    ("jammy-security", "jammy", "Ubuntu", "Evil", "mirror.example/jammy", False),
    ("bookworm-security", "bookworm-security", "Debian-Security", "Evil", "mirror.example/bookworm-security", False),
    ("stable", "bookworm", "Docker CE", "Docker", "mirror.example/bookworm", False),
    (None, None, None, None, "mirror.example", False),
]  # fmt: skip


@pytest.mark.parametrize(("archive", "codename", "label", "origin", "expected", "security"), POCKETS)
def test_a_pocket_has_its_id_and_says_whether_it_is_security(
    archive: str | None, codename: str | None, label: str | None, origin: str | None, expected: str, security: bool
) -> None:
    assert pocket_id(archive, codename, label, origin, "mirror.example") == expected
    assert is_security(archive, codename, label, origin) is security


def test_the_site_of_a_mirror_changes_nothing() -> None:
    for site in ("security.debian.example", "mirror.example", None):
        assert pocket_id("stable", "bookworm", "Debian", "Debian", site) == "bookworm"
