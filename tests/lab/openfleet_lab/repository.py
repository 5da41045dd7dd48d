"""Signed apt repositories: publish them, serve them, and alter one host's view of them."""

from __future__ import annotations

import email.utils
import hashlib
import json
import lzma
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from . import debs, network
from .bases import digest_of
from .debs import Deb
from .distributions import DISTRIBUTIONS, Pocket
from .packages import BULK, PACKAGES, TROUBLE, Package, Version
from .places import CONTROLLER_ADDRESS, Lab, LabError, replace, run
from .signing import SigningKey


class View:
    """The repositories as one host sees them. What is in them is data (`state`), published pocket by pocket."""

    def __init__(self, lab: Lab, name: str, distribution: str) -> None:
        self.lab = lab
        self.name = name
        self.distribution = DISTRIBUTIONS[distribution]
        self.folder = lab.repositories / "views" / name
        self._state_file = self.folder / f".state-{distribution}.json"
        self.entries: dict[str, list[Deb]] = {role: [] for role in self.distribution.pockets}
        self.index_only: list[dict[str, str]] = []
        self.release: dict[str, dict[str, str]] = {}
        self.signature: dict[str, str] = {}

    def load(self) -> View:
        state = json.loads(self._state_file.read_text())
        self.entries = {
            role: [Deb(Path(path), fields) for path, fields in debs_] for role, debs_ in state["entries"].items()
        }
        self.index_only, self.release = state["index_only"], state["release"]
        self.signature = state["signature"]
        return self

    def save(self) -> None:
        state = {
            "entries": {role: [(str(deb.path), deb.fields) for deb in found] for role, found in self.entries.items()},
            "index_only": self.index_only,
            "release": self.release,
            "signature": self.signature,
        }
        replace(self._state_file, json.dumps(state).encode())

    def add(self, package: Package, version: Version, *, publish: bool = True) -> Deb:
        """Put one version into its pocket, beside what is there."""
        role = self.distribution.role(version.pocket)
        if role is None:
            raise LabError(f"{self.distribution.codename} has no pocket for {version.pocket}")
        deb = debs.build(self.lab, package, version)
        self.add_deb(deb, role, publish=publish)
        return deb

    def add_deb(self, deb: Deb, role: str, *, publish: bool = True) -> None:
        self.entries[role].append(deb)
        if publish:
            self.publish([role])

    def remove(self, name: str, version: str, role: str) -> None:
        """Take one version out of a pocket, as an archive does when a newer one comes."""
        kept = [deb for deb in self.entries[role] if (deb.name, deb.version) != (name, version)]
        if len(kept) == len(self.entries[role]):
            raise LabError(f"{role} has no {name} {version} to remove")
        self.entries[role] = kept
        self.publish([role])

    def expire(self, role: str) -> None:
        """The Release file's Valid-Until lies in the past; its signature is good."""
        self.release[role] = {"Date": _stamp(-9 * 24 * 3600), "Valid-Until": _stamp(-2 * 24 * 3600)}
        self.publish([role])

    def sign(self, role: str, how: str) -> None:
        """How a pocket is signed from now on: `good`, `broken` (altered after signing), `stranger` or `missing`."""
        self.signature[role] = how
        self.publish([role])

    def fault(self, what: str | None) -> None:
        """How the server treats this view: `drop`, `hang`, a status such as `503`, or None for properly."""
        path = self.folder / ".fault"
        if what is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(what + "\n")

    def publish(self, roles: Iterable[str] | None = None) -> None:
        """Write the pockets' indexes and signatures; each file appears whole or not at all."""
        for role in roles if roles is not None else self.distribution.pockets:
            self._publish_pocket(role, self.distribution.pockets[role])
        self.save()

    def _publish_pocket(self, role: str, pocket: Pocket) -> None:
        site = self.folder / pocket.site / pocket.path
        flat = pocket.suite_path is None
        suite = site if flat else site / "dists" / str(pocket.suite_path)
        text = "\n".join(debs.stanza(fields) for fields in self._stanzas(role, site, "" if flat else "pool/"))
        index = "Packages" if flat else "main/binary-amd64/Packages"
        files = {index: text.encode(), index + ".xz": lzma.compress(text.encode(), preset=1)}
        for name, content in files.items():
            replace(suite / name, content)
        fields = {**pocket.release, "Date": _stamp(-60), **self.release.get(role, {})}
        if not flat:
            fields |= {"Architectures": "amd64", "Components": "main"}
        sums = "".join(
            f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}\n" for name, content in files.items()
        )
        replace(suite / "Release", (debs.stanza(fields) + "SHA256:\n" + sums).encode())
        self._sign(suite, self.signature.get(role, "good"))

    def _stanzas(self, role: str, site: Path, pool: str) -> list[dict[str, str]]:
        found = []
        for deb in self.entries[role]:
            target = site / pool / deb.path.name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(deb.path, target)
            found.append(deb.fields | {"Filename": pool + deb.path.name})
        if role == "release":
            # What the base brought with it: listed as its archive lists it, but not served.
            found += [
                fields | {"Filename": f"pool/not-served/{fields['Package']}.deb", "Size": "1", "SHA256": "0" * 64}
                for fields in self.index_only
            ]
        return found

    def _sign(self, suite: Path, how: str) -> None:
        signed = suite / "InRelease"
        if how == "missing":
            signed.unlink(missing_ok=True)
            return
        partial = suite / ".InRelease"
        SigningKey(self.lab, "stranger" if how == "stranger" else "archive").ensure().clearsign(
            suite / "Release", partial
        )
        if how == "broken":
            partial.write_text(partial.read_text().replace("\nDate: ", "\nDate:  ", 1))
        partial.rename(signed)

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _stamp(offset: float) -> str:
    # apt reads "UTC"; formatdate's "GMT" is the same to it.
    return email.utils.formatdate(time.time() + offset, usegmt=True)


def recipe_digest() -> str:
    sources = [Path(__file__).read_text(), Path(debs.__file__).read_text()]
    return digest_of(sources, [repr(p) for p in (*PACKAGES, *TROUBLE, *BULK)], repr(DISTRIBUTIONS))


def ensure_main(lab: Lab, distribution: str, base_root: Path) -> View:
    """The common view of one distribution, published when its recipe changed."""
    view = View(lab, "main", distribution)
    digest = digest_of(recipe_digest(), base_root.name)
    marker = view.folder / f".digest-{distribution}"
    with lab.lock("repositories"):
        SigningKey(lab).ensure()
        if marker.exists() and marker.read_text() == digest:
            return view.load()
        view.folder.mkdir(parents=True, exist_ok=True)
        # Half a publication must not pass for a whole one.
        marker.unlink(missing_ok=True)
        for package in (*PACKAGES, *TROUBLE, *BULK):
            for version in package.versions:
                if view.distribution.role(version.pocket):
                    view.add(package, version, publish=False)
        view.index_only = debs.installed_stanzas(base_root)
        view.publish()
        replace(marker, digest.encode())
        for name in ("archive", "stranger"):
            SigningKey(lab, name).end_agent()
    return view


def own_view(lab: Lab, address: str, distribution: str) -> View:
    """A view of its own for one host, equal to the common one until it is altered. Package files are shared."""
    view = View(lab, address, distribution)
    view.discard()
    with lab.lock("repositories"):
        main = View(lab, "main", distribution).load()
        run(["cp", "-al", main.folder, view.folder])
    return view.load()


def ensure_server(lab: Lab) -> None:
    """The web server on the controller's address, one per lab folder."""
    network.ensure_bridge(lab)
    with lab.lock("server"):
        if server_pid(lab):
            return
        (lab.repositories / "views").mkdir(parents=True, exist_ok=True)
        with open(lab.logs / "server.log", "ab") as log:
            subprocess.run(
                [
                    "setsid",
                    "--fork",
                    sys.executable,
                    "-B",
                    str(Path(__file__).with_name("server.py")),
                    str(lab.repositories / "views"),
                    CONTROLLER_ADDRESS,
                    "80",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection((CONTROLLER_ADDRESS, 80), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise LabError("the repository server did not come up:\n" + (lab.logs / "server.log").read_text()[-1000:])


def server_pid(lab: Lab) -> int | None:
    """The server's process id, found by its own arguments: a pid file could name a stranger."""
    wanted = str(lab.repositories / "views").encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in words and any(word.endswith(b"/server.py") for word in words):
            return int(path.parent.name)
    return None


def end_server(lab: Lab) -> None:
    with lab.lock("server"):
        pid = server_pid(lab)
        if pid:
            os.kill(pid, signal.SIGTERM)
            until = time.monotonic() + 30
            while server_pid(lab) and time.monotonic() < until:
                time.sleep(0.02)
