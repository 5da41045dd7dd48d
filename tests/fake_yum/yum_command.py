# The dialect of Python 2.6.
# ruff: noqa
"""The command `yum` over the same stand-in: makecache, updateinfo, check-update, and the list of what it was asked."""

from __future__ import print_function

import os
import sys

from yum import FLAVOUR, _repos, _world, packages


def setopt(words, name, default):
    start = "--setopt=%s=" % name
    return ([word[len(start) :] for word in words if word.startswith(start)] or [default])[-1]


def cache_of(world, words):
    return setopt(words, "cachedir", world["conf"].get("cachedir", "/var/cache/yum/x86_64/7"))


def enabled(world, words=()):
    """Those that the host knows, or those of the folder that the command line names."""
    folder = setopt(words, "reposdir", None)
    named = _repos.sections_in([folder]) if folder else []
    return [each for each in world["repositories"] if each.get("enabled", True)
            and (each["id"] in named if folder else not each.get("elsewhere"))]  # fmt: skip


def makecache(world, words):
    ended = 0
    only = [word.split("=", 1)[1] for word in words if word.startswith("--enablerepo=")]
    for each in [each for each in enabled(world, words) if "--disablerepo=*" not in words or each["id"] in only]:
        folder = os.path.join(cache_of(world, words), each["id"])
        if each.get("down"):
            print("http://rpm.lab/%s/repodata/repomd.xml: [Errno 14] %s" % (each["id"], each["down"]))
            if FLAVOUR != "late" and not os.path.exists(os.path.join(folder, "repomd.xml")):
                # Whatever skip_if_unavailable says.
                print("Error: Cannot retrieve repository metadata (repomd.xml) for repository: %s." % each["id"])
                return 1
            if "--setopt=%s.skip_if_unavailable=1" % each["id"] not in words:
                ended = 1
            continue
        # Older versions know no word fast.
        primary = FLAVOUR == "late" and "fast" in words and world.get("mdpolicy") == "group:primary"
        _repos.fetch(each, folder, not primary)
    return ended


def updateinfo(world, words):
    """Fetches the notices; a command of its own only in newer versions."""
    if FLAVOUR != "late":
        print("No such command: updateinfo. Please use /usr/bin/yum --help")
        return 1
    for each in enabled(world, words):
        if not each.get("down"):
            _repos.fetch(each, os.path.join(cache_of(world, words), each["id"]), True)
    return 0


def check_update(world):
    found = {}
    away = world["conf"].get("exclude", [])
    for repository in enabled(world):
        for facts in repository["packages"]:
            new = packages.Package(facts)
            old = [
                packages.Package(each)
                for each in world["installed"]
                if each["name"] == new.name and each["arch"] == new.arch
            ]
            best = found.get((new.name, new.arch))
            if (
                old
                and not [each for each in old if not new.verGT(each)]
                and not [word for word in away if packages.matches(new, word)]
                and (best is None or new.verGT(best))
            ):
                found[(new.name, new.arch)] = new
    for name, arch in sorted(found):
        new = found[(name, arch)]
        epoch = new.epoch != "0" and new.epoch + ":" or ""
        print("%s.%s %s%s-%s updates" % (name, arch, epoch, new.version, new.release))
    return 100 if found else 0


def list_installed(world):
    for facts in world["installed"]:
        each = packages.Installed(facts)
        evr = "%s:%s-%s" % (each.epoch, each.version, each.release)
        print("%s.%s %s @%s" % (each.name, each.arch, evr, facts.get("from_repo")))
    return 0


def main(words):
    world = _world.load()
    world.setdefault("calls", []).append(words)
    _world.save(world)
    asked = [word for word in words if not word.startswith("-")]
    if asked[0] == "makecache":
        return makecache(world, words)
    if asked[0] == "updateinfo":
        return updateinfo(world, words)
    if asked[0] == "check-update":
        return check_update(world)
    if asked[:2] == ["list", "installed"]:
        return list_installed(world)
    raise AssertionError("the stand-in has no yum %s" % " ".join(words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
