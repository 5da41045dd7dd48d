# The dialect of Python 2.6, as the script that imports it.
# ruff: noqa
"""A stand-in for dnf 4 that any interpreter from 2.6 on can import; FAKE_DNF_MODE chooses how it behaves."""

from __future__ import absolute_import, print_function

import os
import subprocess

import hawkey

VERSION = "4.14.0"
# With this the module is a package too: dnf.subject lies beside it.
__path__ = [os.path.dirname(os.path.abspath(__file__))]
MODE = os.environ.get("FAKE_DNF_MODE", "")
ROOT = os.environ["FAKE_DNF_ROOT"]

if MODE == "missing":
    raise ImportError("libdnf.so.2: cannot open shared object file")


class Substitutions(dict):
    def update_from_etc(self, _root):
        self.update(releasever="9", basearch="x86_64")


class Conf(object):
    def __init__(self):
        self.substitutions = Substitutions()
        self.cacheonly = False
        self.plugins = True
        self.cachedir = self.system_cachedir = os.path.join(ROOT, "cache")
        self.logdir = "/var/log"
        self.persistdir = os.path.join(ROOT, "persist")
        self.pluginpath = [os.path.join(ROOT, "plugins")]
        self.pluginconfpath = [os.path.join(ROOT, "conf")]
        self.installonlypkgs = ["installonlypkg(kernel)"]
        self.protected_packages = ["dnf", "dnf", "systemd"]
        self.disable_excludes = []
        self.excludepkgs = ["away"]
        self.includepkgs = []

    def read(self):
        if MODE == "noise":
            print("Updating Subscription Management repositories.")
            os.write(1, b"noise on descriptor 1\n")
            subprocess.call(["sh", "-c", "echo noise of a child"])


class Inner(object):
    """The libdnf side of a repository."""

    def __init__(self, repo):
        self.repo = repo

    def getCachedir(self):
        return os.path.join(self.repo.base.conf.cachedir, self.repo.id + "-0123")

    if MODE != "old":

        def getMetadataPath(self, kind):
            return "/x/updateinfo.xml" if self.repo.id == "base" and kind == "updateinfo" else ""

        def getMaxTimestamp(self):
            return 1700000000


class Repo(object):
    def __init__(self, base, name, enabled=True):
        self.base = base
        self.id = name
        self.name = "The " + name
        self.enabled = enabled
        self.baseurl = ["https://user:secret@rpm.example/" + name + "?token=secret"]
        self.metalink = self.mirrorlist = None
        self.gpgcheck, self.repo_gpgcheck = True, False
        self.priority, self.cost = 99, 1000
        self.excludepkgs = ["*-debug"] if name == "updates" else []
        self.skip_if_unavailable = name == "updates"
        self._repo = Inner(self)

    def disable(self):
        self.enabled = False


class Repos(list):
    def iter_enabled(self):
        return iter([each for each in self if each.enabled])

    def all(self):
        return list(self)


class Sack(object):
    def query(self, flags=0):
        return hawkey.Query(hawkey.PACKAGES, flags)


class Base(object):
    def __init__(self):
        if MODE == "no rpmdb":
            raise ValueError("Error: rpmdb open failed")
        self.conf = Conf()
        self.repos = Repos()
        self.sack = None

    def read_all_repos(self):
        if not self.conf.cacheonly:
            raise AssertionError("a scan must not fetch")
        names = [("base", True), ("updates", True), ("source", False)]
        self.repos.extend(Repo(self, name, enabled) for name, enabled in names)

    def fill_sack(self):
        if MODE == "fails":
            raise ValueError("Failed to load /var/cache/dnf/base.solv")
        for repo in self.repos.iter_enabled():
            if not os.path.isdir(repo._repo.getCachedir()):
                if not repo.skip_if_unavailable:
                    raise AssertionError("one repository without metadata must not end the scan")
                repo.disable()
        # As libdnf does with a cache that it finds old.
        path = os.path.join(self.conf.cachedir, "base.solv")
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w") as handle:
            handle.write("rebuilt")
        self.sack = Sack()
        self._setup_excludes_includes()

    def _setup_excludes_includes(self):
        if "all" not in self.conf.disable_excludes:
            hawkey.EXCLUDES.append(self.conf.excludepkgs)
