"""The lab's wires: one bridge with the controller on it, one network namespace per host, no way out."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .places import BRIDGE, CONTROLLER_ADDRESS, OWNER_FILE, SUBNET, Lab, LabError, run

FIRST_HOST, LAST_HOST = 10, 250


def ensure_bridge(lab: Lab) -> None:
    with lab.lock("network"):
        if Path(f"/sys/class/net/{BRIDGE}").exists():
            owner = OWNER_FILE.read_text().strip() if OWNER_FILE.exists() else "something else"
            if owner != str(lab.folder):
                raise LabError(f"the bridge {BRIDGE} belongs to {owner}; end that lab first (lab down)")
            return
        OWNER_FILE.write_text(f"{lab.folder}\n")
        run(["ip", "link", "add", BRIDGE, "type", "bridge"])
        run(["ip", "addr", "add", f"{CONTROLLER_ADDRESS}/24", "dev", BRIDGE])
        run(["ip", "link", "set", BRIDGE, "up"])


def remove_bridge(lab: Lab) -> None:
    with lab.lock("network"):
        if Path(f"/sys/class/net/{BRIDGE}").exists():
            run(["ip", "link", "del", BRIDGE])
        OWNER_FILE.unlink(missing_ok=True)
        # iproute2 mounts its folder onto itself at the first namespace and leaves that mount for good.
        names = Path("/run/netns")
        if f" {names} " in Path("/proc/self/mounts").read_text() and not any(names.iterdir()):
            run(["umount", names])


def claim_address(lab: Lab, name: str) -> int:
    """The lowest free number; a file per number, made exclusively, keeps it."""
    for number in range(FIRST_HOST, LAST_HOST + 1):
        with contextlib.suppress(FileExistsError):
            with open(lab.addresses / str(number), "x") as handle:
                handle.write(name)
            return number
    raise LabError(f"all addresses {SUBNET}.{FIRST_HOST}-{LAST_HOST} are taken")


def release_address(lab: Lab, name: str) -> None:
    for path in lab.addresses.iterdir():
        # Other runs give theirs back at the same time.
        with contextlib.suppress(FileNotFoundError):
            if path.read_text() == name:
                path.unlink()


def plug_in(netns: str, number: int) -> None:
    """A namespace with one wire to the bridge. The MAC is fixed per address: a stale ARP entry costs ten seconds."""
    mac = f"02:4c:41:42:00:{number:02x}"
    run(["ip", "netns", "add", netns])
    run(["ip", "link", "add", f"vl-{number}", "type", "veth", "peer", "name", "host0", "netns", netns])
    run(["ip", "link", "set", f"vl-{number}", "master", BRIDGE, "up"])
    for words in (
        ["link", "set", "host0", "address", mac],
        ["addr", "add", f"{SUBNET}.{number}/24", "dev", "host0"],
        ["link", "set", "lo", "up"],
    ):
        run(["ip", "-n", netns, *words])
    plug(netns)


def pull_out(netns: str, number: int) -> None:
    if Path(f"/sys/class/net/vl-{number}").exists():
        run(["ip", "link", "del", f"vl-{number}"], check=False)
    if Path(f"/run/netns/{netns}").exists():
        run(["ip", "netns", "del", netns])


def unplug(netns: str) -> None:
    run(["ip", "-n", netns, "link", "set", "host0", "down"])


def plug(netns: str) -> None:
    """Wire up again; the default route went with the link."""
    run(["ip", "-n", netns, "link", "set", "host0", "up"])
    run(["ip", "-n", netns, "route", "replace", "default", "via", CONTROLLER_ADDRESS])
