"""The `lab` command."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time

from . import api, bases, inventories, layers, machine
from .places import Lab, LabError, LabUnavailable
from .recipes import BASES, FEATURES

UNAVAILABLE = 77
DEMO = (("web1", "bookworm"), ("web2", "trixie"), ("db1", "bookworm"), ("app1", "ubuntu2204"))


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, *, host: bool = False) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        if host:
            sub.add_argument("name", help="the host's name")
        return sub

    command("up", "bring up the demo fleet and write its inventory")
    sub = command("down", "end every host, the server and the network; bases and layers stay")
    sub.add_argument("--force", action="store_true", help="those of other runs that are still going, too")
    sub = command("base", "build bases that are missing, two at a time")
    sub.add_argument("names", nargs="*", help="default: all")
    sub = command("prepare", "build the prepared layers of these kinds")
    sub.add_argument("names", nargs="*", help="default: all")
    sub = command("host", "start one host", host=True)
    sub.add_argument("--kind", default="bookworm", choices=layers.kinds())
    sub.add_argument("--feature", action="append", default=[], choices=sorted(FEATURES))
    sub.add_argument("--bare", action="store_true", help="without the test packages")
    sub = command("rm", "destroy one host", host=True)
    sub.add_argument("--quiet", action="store_true", help="be content when there is none")
    for name, text in (
        ("cut", "cut its power"),
        ("on", "power it on again"),
        ("off", "stop it in order"),
        ("reboot", "reboot it in order"),
        ("freeze", "let it stand still"),
        ("thaw", "undo freeze"),
        ("unplug", "take its network"),
        ("plug", "undo unplug"),
    ):
        command(name, text, host=True)
    sub = command("run", "run a command in a host as root, without SSH", host=True)
    sub.add_argument("argv", nargs=argparse.REMAINDER)
    sub = command("repo", "alter the repositories that one host sees", host=True)
    sub.add_argument("change", choices=["add", "expire", "sign", "fault", "reset"])
    sub.add_argument(
        "words",
        nargs="*",
        help="add PACKAGE VERSION | expire POCKET | sign POCKET good|broken|stranger|missing"
        " | fault drop|hang|503|none | reset",
    )
    sub = command("snapshot", "keep a stopped host's root as a layer that new hosts can start from", host=True)
    sub.add_argument("snapshot")
    sub = command("inventory", "print the inventory of the hosts started by this command")
    sub.add_argument("--user", default="root")
    sub.add_argument(
        "--script", metavar="NAME", nargs="+", help="as an inventory script prints it, of these hosts alone"
    )
    command("status", "list the hosts")
    return top


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    reason = machine.why_not()
    if reason:
        sys.stderr.write(f"lab: {reason}\n")
        return UNAVAILABLE
    try:
        return act(args)
    except LabUnavailable as error:
        sys.stderr.write(f"lab: {error}\n")
        return UNAVAILABLE
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
        return 1


def act(args: argparse.Namespace) -> int:
    lab = Lab()
    if args.command == "down":
        left = api.tear_down(lab, force=args.force)
        if left:
            sys.stderr.write(
                f"lab: other runs are using the lab, their hosts stay: {', '.join(left)} (--force ends them)\n"
            )
        return 1 if left else 0
    with api.session() as lab:
        if args.command in ("up", "base", "prepare", "host"):
            return build(lab, args)
        if args.command == "status":
            for host in api.all_hosts(lab):
                with contextlib.suppress(FileNotFoundError):
                    state = "up" if host.running() else "off"
                    sys.stdout.write(f"{host.name:20} {host.address:12} {host.kind.name:12} {state}\n")
            return 0
        if args.command == "inventory":
            shown = inventories.script(lab, args.script) if args.script else inventories.inventory(lab, user=args.user)
            json.dump(shown, sys.stdout, indent=2)
            sys.stdout.write("\n")
            return 0
        return act_on_host(lab, args)


def build(lab: Lab, args: argparse.Namespace) -> int:
    started = time.monotonic()
    if args.command == "base":
        for name, seconds in bases.ensure_bases(lab, args.names or list(BASES)).items():
            sys.stdout.write(f"{name}: {f'built in {seconds:.1f} s' if seconds else 'was there'}\n")
    elif args.command == "prepare":
        names = args.names or layers.kinds()
        bases.ensure_bases(lab, sorted({layers.kind_of(name).base for name in names}))
        for name in names:
            layers.ensure_stack(lab, name)
    elif args.command == "host":
        api.start_host(lab, args.kind, args.name, features=args.feature, prepared=not args.bare, stays=True)
        inventories.write(lab)
    else:
        bases.ensure_bases(lab, sorted({layers.kind_of(kind).base for _name, kind in DEMO}))
        there = {host.name for host in api.all_hosts(lab)}
        for name, kind in DEMO:
            if name not in there:
                api.start_host(lab, kind, name, stays=True)
        sys.stdout.write(f"inventory: {inventories.write(lab)}\n")
    sys.stdout.write(f"{time.monotonic() - started:.1f} s\n")
    return 0


def act_on_host(lab: Lab, args: argparse.Namespace) -> int:
    if args.command == "rm" and args.quiet and not (lab.hosts / args.name).exists():
        return 0
    host = api.find_host(lab, args.name)
    if args.command == "run":
        done = host.run(args.argv[1:] if args.argv[:1] == ["--"] else args.argv, check=False)
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
        return done.returncode
    if args.command == "repo":
        alter(host, args.change, args.words)
    elif args.command == "snapshot":
        sys.stdout.write(f"{host.snapshot(args.snapshot)}\n")
    else:
        {
            "rm": host.destroy,
            "cut": host.power_cut,
            "on": host.power_on,
            "off": host.power_off,
            "reboot": host.reboot,
            "freeze": host.freeze,
            "thaw": host.thaw,
            "unplug": host.unplug,
            "plug": host.plug,
        }[args.command]()
        if args.command == "rm":
            inventories.write(lab)
    return 0


def alter(host: api.LabHost, change: str, words: list[str]) -> None:
    if change == "reset":
        host.common_repositories()
        return
    if change == "add":
        host.publish(words[0], words[1])
        return
    view = host.repositories() or host.own_repositories()
    if change == "expire":
        view.expire(words[0])
    elif change == "sign":
        view.sign(words[0], words[1])
    else:
        view.fault(None if words[0] == "none" else words[0])


if __name__ == "__main__":
    sys.exit(main())
