"""What tests use: a lab session, and fresh hosts inside it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace as replace_fields
from pathlib import Path

from . import debs, layers, machine, network, packages, repository, rpm_packages, rpm_repository
from .distributions import site_names
from .hosts import Host
from .places import Lab, LabError, replace, run
from .signing import SigningKey

__all__ = [
    "Lab",
    "LabHost",
    "all_hosts",
    "find_host",
    "forget_snapshot",
    "lab_host",
    "session",
    "start_host",
    "tear_down",
]


class LabHost(Host):
    """A host with the repositories it sees."""

    @property
    def kind(self) -> layers.Kind:
        return layers.kind_of(str(self.facts["kind"]))

    def own_repositories(self) -> repository.View:
        """From now on the host has repositories of its own, which a test may alter without disturbing others."""
        return repository.own_view(self.lab, self.address, self.kind.distribution)

    def own_rpm_repositories(self) -> rpm_repository.View:
        """The same for a host with dnf."""
        return rpm_repository.own_view(self.lab, self.address, self.kind.distribution)

    def rpm_repositories(self) -> rpm_repository.View:
        """The host's own repositories, made where it saw the common ones so far."""
        view = rpm_repository.View(self.lab, self.address, self.kind.distribution)
        return view if view.folder.exists() else self.own_rpm_repositories()

    def upgrade_in_repository(self, package: str, version: str, pocket: str = "updates") -> repository.View:
        """A newer `version` of a package of the distribution itself (python3-apt, say), in this host's repositories."""
        view = self.repositories() or self.own_repositories()
        view.add_deb(debs.repack(self.lab, layers.ensure_base_of(self.lab, self.kind), package, version), pocket)
        return view

    def publish(self, name: str, version: str) -> None:
        """One more version of a test package, like its newest one, in repositories of this host's own."""
        if self.kind.manager == "apt":
            table = {each.name: each for each in (*packages.PACKAGES, *packages.TROUBLE)}
            view = self.repositories() or self.own_repositories()
            view.add(table[name], replace_fields(table[name].versions[-1], version=version, pocket="updates"))
            return
        rpms = {each.name: each for each in (*rpm_packages.PACKAGES, *rpm_packages.TROUBLE)}
        self.rpm_repositories().add(rpms[name], replace_fields(rpms[name].versions[-1], evr=version))

    def repositories(self) -> repository.View | None:
        """The host's own repositories, or None while it sees the common ones."""
        view = repository.View(self.lab, self.address, self.kind.distribution)
        return view.load() if view.folder.exists() else None

    def common_repositories(self) -> None:
        """Back to the repositories that every host sees."""
        repository.View(self.lab, self.address, self.kind.distribution).discard()

    def snapshot(self, name: str) -> Path:
        """Keep what this host changed, as a layer for `start_host(..., snapshot=name)`; the host must be off."""
        if self.running():
            raise LabError(f"{self.name} is running: a snapshot of a running root would be torn")
        target = layers.snapshot_path(self.lab, name)
        if target.exists():
            raise LabError(f"there is a snapshot called {name} already")
        run(["cp", "-a", self.changes, target])
        replace(layers.snapshot_record(self.lab, name), json.dumps(self.facts).encode())
        return target

    def destroy(self) -> None:
        if (self.folder / "host.json").exists():
            shutil.rmtree(self.lab.repositories / "views" / self.address, ignore_errors=True)
        super().destroy()


@contextlib.contextmanager
def session(folder: str | Path | None = None) -> Iterator[Lab]:
    """The lab, usable; the last session to leave takes network and server down when no host is left."""
    machine.require()
    lab = Lab(folder)
    lab.prepare()
    lab.ensure_ssh_key()
    ticket = lab.users / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with lab.lock("leaving"):
        ticket.touch()
        _destroy_orphans(lab)
    try:
        yield lab
    finally:
        ticket.unlink(missing_ok=True)
        with lab.lock("leaving"):
            if not _others(lab) and not any(lab.hosts.iterdir()):
                take_down_network(lab)


def _others(lab: Lab) -> bool:
    alive = False
    for ticket in lab.users.iterdir():
        if Path(f"/proc/{ticket.name.split('-')[0]}").exists():
            alive = True
        else:
            ticket.unlink(missing_ok=True)
    return alive


def _destroy_orphans(lab: Lab) -> None:
    """Hosts of a run that was killed."""
    for host in all_hosts(lab):
        if host.owner is None:
            host.destroy()


def start_host(
    lab: Lab,
    kind: str,
    name: str | None = None,
    *,
    features: Sequence[str] = (),
    prepared: bool = True,
    power: bool = True,
    snapshot: str | None = None,
    stays: bool = False,
) -> LabHost:
    """A fresh host of `kind` (bookworm, ubuntu2204, ...), up unless `power` is off; the caller destroys it.

    With `snapshot` it starts where that one was taken, whatever `kind` says. A host that `stays` outlives this process;
    any other is taken away by the next session if this process dies before it could.
    """
    if snapshot:
        kind, stack = layers.snapshot_stack(lab, snapshot)
        repository.ensure_server(lab)
    else:
        stack = layers.ensure_stack(lab, kind, features, prepared=prepared)
    host = LabHost(lab, name or f"{kind}-{uuid.uuid4().hex[:6]}")
    host.claim_name(0 if stays else os.getpid())
    try:
        host.create(stack, kind=kind, names=site_names())
        if power:
            host.power_on()
    except BaseException:
        host.destroy()
        raise
    return host


@contextlib.contextmanager
def lab_host(
    kind: str = "bookworm",
    name: str | None = None,
    *,
    features: Sequence[str] = (),
    prepared: bool = True,
    folder: str | Path | None = None,
) -> Iterator[LabHost]:
    """A fresh host for the length of a `with` block, gone afterwards."""
    with session(folder) as lab:
        host = start_host(lab, kind, name, features=features, prepared=prepared)
        try:
            yield host
        finally:
            host.destroy()


def forget_snapshot(lab: Lab, name: str) -> None:
    layers.snapshot_record(lab, name).unlink(missing_ok=True)
    shutil.rmtree(layers.snapshot_path(lab, name), ignore_errors=True)


def all_hosts(lab: Lab) -> list[LabHost]:
    return [LabHost(lab, path.name) for path in sorted(lab.hosts.iterdir())] if lab.hosts.exists() else []


def find_host(lab: Lab, name: str) -> LabHost:
    found = [host for host in all_hosts(lab) if host.name == name]
    if not found:
        raise LabError(f"no host is called {name}; there are {', '.join(h.name for h in all_hosts(lab)) or 'none'}")
    return found[0]


def take_down_network(lab: Lab) -> None:
    repository.end_server(lab)
    network.remove_bridge(lab)
    for name in ("archive", "stranger"):
        if SigningKey(lab, name).home.exists():
            SigningKey(lab, name).end_agent()
    with contextlib.suppress(OSError):
        (machine.cgroup_root() / lab.cgroup_name).rmdir()


def tear_down(lab: Lab, *, force: bool = False) -> list[str]:
    """Hosts, server and bridge go; bases, layers and keys stay for the next run.

    What living runs of others use stays, unless forced; the names of their hosts are returned.
    """
    lab.prepare()
    with lab.lock("leaving"):
        for host in all_hosts(lab):
            if force or not host.owner:
                host.destroy()
        left = [host.name for host in all_hosts(lab)]
        if left or (_others(lab) and not force):
            return left or ["(none yet)"]
        for path in lab.layers.glob(".*.partial/root"):
            while os.path.ismount(path):
                run(["umount", path])
        take_down_network(lab)
    return []
