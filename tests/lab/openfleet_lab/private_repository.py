"""A repository that one host alone sees, outside those of its distribution, open to whoever knows a password."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from . import debs, packages, rpm_packages, rpm_repository
from .api import LabHost
from .places import run
from .signing import SigningKey


def publish_debs(host: LabHost, table: tuple[packages.Package, ...], password: str) -> str:
    """A flat repository of these packages, signed by the lab's key; its address."""
    host.own_repositories()
    place = _place(host, "deb.lab", password)
    stanzas = []
    for package in table:
        for version in package.versions:
            deb = debs.build(host.lab, package, version)
            os.link(deb.path, place / deb.path.name)
            stanzas.append(debs.stanza(deb.fields | {"Filename": f"./{deb.path.name}"}))
    content = "\n".join(stanzas).encode()
    (place / "Packages").write_bytes(content)
    fields = {"Origin": "Private", "Label": "Private", "Date": "Mon, 02 Mar 2026 00:00:00 UTC"}
    sums = f"SHA256:\n {hashlib.sha256(content).hexdigest()} {len(content)} Packages\n"
    (place / "Release").write_text(debs.stanza(fields) + sums)
    SigningKey(host.lab).ensure().clearsign(place / "Release", place / "InRelease")
    return "http://deb.lab/private"


def publish_rpms(
    host: LabHost, table: tuple[rpm_packages.Package, ...], notices: tuple[rpm_packages.Notice, ...], password: str
) -> str:
    """The same for rpm; the address of its key, which anybody may fetch, ends in -keys/stranger.asc."""
    host.own_rpm_repositories()
    place = _place(host, "rpm.lab", password)
    for package in table:
        for version in package.versions:
            built = rpm_repository.build(host.lab, package, version, "noarch")
            os.link(built, place / built.name)
    run(["createrepo_c", "-q", "--revision=1", place])
    rpm_repository._add_metadata(place, "updateinfo.xml", rpm_repository.updateinfo(notices))
    index = place / "repodata" / "repomd.xml"
    rpm_repository.signer(host.lab).detach_sign(index, index.with_name("repomd.xml.asc"))
    stranger = SigningKey(host.lab, "stranger").ensure()
    keys = place.with_name("private-keys")
    keys.mkdir()
    key = run(["gpg", "--homedir", stranger.home, "--batch", "--armor", "--export"]).stdout
    (keys / "stranger.asc").write_text(key)
    return "http://rpm.lab/private"


def requests_of(host: LabHost, since: int = 0) -> list[str]:
    """What the host asked the lab's server for, from this byte of its log on: paths in their order."""
    with open(host.lab.logs / "server.log", "rb") as log:
        log.seek(since)
        lines = log.read().decode().splitlines()
    # 1763740800.123 10.77.0.17 "GET /private/repodata/repomd.xml HTTP/1.1" 200 -
    return [line.split()[3] for line in lines if line.split()[1:2] == [host.address] and '"GET' in line]


def _place(host: LabHost, site: str, password: str) -> Path:
    place = host.lab.repositories / "views" / host.address / site / "private"
    place.mkdir(parents=True)
    (place / ".password").write_text(f"{password}\n")
    return place
