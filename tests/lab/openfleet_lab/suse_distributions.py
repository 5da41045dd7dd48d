"""What SUSE's distributions say about themselves and their repositories, as data."""

from __future__ import annotations

from .rpm_distributions import Repository, RpmDistribution
from .suse_packages import NOTICES, PACKAGES, POOL, TROUBLE, UPDATES


def _sles(version: str, title: str) -> dict[str, str | None]:
    product = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<product schemeversion="0"><vendor>SUSE</vendor><name>SLES</name>'
        f"<version>{version}</version><release>0</release><arch>x86_64</arch><productline>sles</productline>"
        f"<summary>{title}</summary></product>\n"
    )
    return {
        "/etc/os-release": "-> ../usr/lib/os-release",
        "/usr/lib/os-release": f'NAME="SLES"\nVERSION="{version}"\nVERSION_ID="{version}"\nPRETTY_NAME="{title}"\n'
        f'ID="sles"\nID_LIKE="suse"\nANSI_COLOR="0;32"\nCPE_NAME="cpe:/o:suse:sles:{version}"\n',
        "/etc/products.d/SLES.prod": product,
        "/etc/products.d/baseproduct": "-> SLES.prod",
        "/etc/debian_version": None,
        "/etc/dpkg/origins/default": None,
        # Where others look for rpm's database.
        "/etc/rpm/macros.lab": "%_dbpath /var/lib/rpm\n",
    }


SUSE_DISTRIBUTIONS = {
    "sles15": RpmDistribution(
        (
            Repository(POOL, "rpm.lab", "sles15/pool", notices=False),
            Repository(UPDATES, "rpm.lab", "sles15/updates"),
            Repository("acme", "rpm.acme.lab", "sles15", notices=False),
        ),
        releasever="15.6",
        files=_sles("15.6", "SUSE Linux Enterprise Server 15 SP6"),
        base="bookworm-zypp",
        manager="zypper",
        published=(*PACKAGES, *TROUBLE),
        published_notices=NOTICES,
    ),
}
