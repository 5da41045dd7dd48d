# The dialect of Python 2.6.
# ruff: noqa
"""A strict stand-in for the API of yum 3: what it does not have raises, and so does what yum 3 punishes later.

Made from what is known of yum 3.4.3 and 3.2.29 by running them; see docs/testing.md. It keeps its host in a file
(_world.py), talks on standard output as yum does, and writes where yum writes while it is only asked.
"""

from __future__ import print_function

import os
import sys

from yum import _world

FLAVOUR = _world.load()["flavour"]
__version__ = "3.2.29" if FLAVOUR == "el6" else "3.4.3"


def noise(words):
    if _world.load().get("noise"):
        print(words)
        sys.stdout.flush()
        os.write(1, b"noise on descriptor 1\n")


def gen_unpack(path, name):
    """yum unpacks beside the packed file; through a link it would write into the folder that the link leads to."""
    target = os.path.join(os.path.dirname(path), "gen", name)
    if os.path.exists(target) and int(os.stat(target).st_mtime) == int(os.stat(path).st_mtime):
        return target
    handle = open(target, "w")
    handle.write("unpacked")
    handle.close()
    os.utime(target, (os.stat(path).st_mtime, os.stat(path).st_mtime))
    return target


class Strict(object):
    """Takes no attribute that the class does not name."""

    ALLOWED = ()

    def __setattr__(self, name, value):
        if name not in self.ALLOWED:
            raise AttributeError("yum's %s has no %s" % (type(self).__name__, name))
        object.__setattr__(self, name, value)


noise("Loaded plugins: fastestmirror")

from rpmUtils.miscutils import compareEVR  # noqa
from yum import Errors, constants, misc  # noqa
from yum import config, packages, rpmtrans, update_md  # noqa
from yum import _repos, _transaction  # noqa


class PreConf(Strict):
    ALLOWED = ("fn", "root", "init_plugins", "plugin_types", "debuglevel", "errorlevel", "releasever",
               "disabled_plugins", "enabled_plugins", "uuid")  # fmt: skip


class PreRepoConf(Strict):
    ALLOWED = ("cachedir", "cache", "progressbar", "callback")


class Conf(Strict):
    ALLOWED = ("cachedir", "persistdir", "_repos_persistdir", "cache", "exclude", "disable_excludes", "installroot",
               "installonlypkgs", "installonly_limit", "yumvar", "uid", "plugins", "pluginpath", "pluginconfpath",
               "protected_packages", "obsoletes", "skip_broken", "assumeyes", "logfile", "debuglevel",
               "reposdir") + (
        ("disable_includes", "clean_requirements_on_remove", "upgrade_requirements_on_install",
         "skip_missing_names_on_update", "skip_missing_names_on_install") if FLAVOUR == "late" else ())  # fmt: skip

    def __init__(self, options):
        defaults = {
            "cachedir": "/var/cache/yum/x86_64/7", "persistdir": "/var/lib/yum", "cache": 0, "exclude": [],
            "disable_excludes": [], "installroot": "/", "installonlypkgs": ["kernel"], "installonly_limit": 3,
            "yumvar": {"releasever": "7", "basearch": "x86_64"}, "plugins": True, "pluginpath": ["/usr/lib/yum-plugins"],
            "pluginconfpath": ["/etc/yum/pluginconf.d"], "protected_packages": ["yum", "systemd"], "obsoletes": True,
            "skip_broken": False, "assumeyes": False, "logfile": "/var/log/yum.log", "debuglevel": 2,
            "reposdir": ["/etc/yum/repos.d", "/etc/yum.repos.d"],
        }  # fmt: skip
        if FLAVOUR == "late":
            defaults.update(disable_includes=[], clean_requirements_on_remove=False, skip_missing_names_on_update=True,
                            upgrade_requirements_on_install=False, skip_missing_names_on_install=True)  # fmt: skip
        defaults.update(options)
        for name, value in defaults.items():
            setattr(self, name, value)
        self.uid = os.geteuid()


class Arch(object):
    canonarch = bestarch = basearch = "x86_64"


class RpmDb(object):
    def __init__(self, base):
        self._packages = [packages.Installed(facts) for facts in _world.load()["installed"]]
        folder = os.path.join(base.conf.persistdir, "yumdb")
        if not os.path.isdir(folder):
            os.makedirs(folder)

    def returnPackages(self):
        return list(self._packages)

    def searchNames(self, names=()):
        assert isinstance(names, list)
        return [each for each in self._packages if each.name in names]

    def searchNevra(self, name=None, epoch=None, ver=None, rel=None, arch=None):
        return [each for each in self._packages if _repos.fits(each, name, arch, epoch, ver, rel)]


class History(object):
    class Transaction(object):
        def __init__(self, entry):
            self.tid = entry["tid"]
            rows = [packages.Package(facts) for _arriving, facts in entry["rows"]]
            for each, (arriving, facts) in zip(rows, entry["rows"]):
                before = [other for came, other in entry["rows"] if came != arriving and other["name"] == each.name]
                alone = "True-Install" if arriving else "Erase"
                each.state_installed = arriving
                each.state = ("Update" if arriving else "Updated") if before and each.name != "kernel" else alone
            self.trans_data = rows

    def old(self, tids=(), limit=None, complete_transactions_only=False):
        """The newest first, by the second in which they began; of one second the older first before 2013."""
        listed = [each for each in _world.load()["history"] if not tids or each["tid"] in tids]
        found = [self.Transaction(each) for each in listed]
        return found[-(limit or 0) :] if FLAVOUR != "late" else found[::-1][:limit]


class YumBase(_transaction.Transactions):
    # What may be set from outside: two methods, and what is reset by deleting it.
    ALLOWED = ("doFileLogSetup", "save_ts")

    def __init__(self):
        put = self.__dict__
        put["preconf"], put["prerepoconf"] = PreConf(), PreRepoConf()
        put.update(_conf=None, _repos=None, _rpmdb=None, _sack=None, _ts=None, _locked=None, _up=None,
                   _ts_save_file=None)  # fmt: skip
        put["arch"] = Arch()
        put["skipped_packages"] = []

    def __setattr__(self, name, value):
        if name not in self.ALLOWED and not name.startswith("_"):
            raise AttributeError("yum's YumBase has no %s to be set" % name)
        self.__dict__[name] = value

    def doFileLogSetup(self, uid, logfile):
        open(logfile, "a").close()

    def save_ts(self, filename=None, auto=False):
        self._save_ts(filename)

    @property
    def conf(self):
        if self._conf is None:
            preconf, world = self.preconf, _world.load()
            if world.get("bad_conf"):
                raise Errors.ConfigError(world["bad_conf"])
            self._conf = Conf(world["conf"])
            # Deleted by yum as soon as it has been used.
            del self.__dict__["preconf"]
            if FLAVOUR != "late":
                config.get_uuid(os.path.join(self._conf.persistdir, "uuid"))
            if getattr(preconf, "debuglevel", 2) >= 0:
                noise("Config time: 0.1")
            self.__dict__["plugins_on"] = getattr(preconf, "init_plugins", True)
            self.__dict__["plugins_off"] = getattr(preconf, "disabled_plugins", None) or []
            self.doFileLogSetup(self._conf.uid, self._conf.logfile)
        return self._conf

    @property
    def repos(self):
        if self._repos is None:
            self.__dict__["_repos"] = _repos.RepoStorage(self, getattr(self.prerepoconf, "cache", None))
            del self.__dict__["prerepoconf"]
        return self._repos

    @property
    def rpmdb(self):
        if self._rpmdb is None:
            self._rpmdb = RpmDb(self)
        return self._rpmdb

    @property
    def pkgSack(self):
        if self._sack is None:
            self.repos.populateSack()
            self._sack = _repos.MetaSack(self)
        return self._sack

    @property
    def history(self):
        return History()

    if FLAVOUR == "late":

        @property
        def upinfo(self):
            return self.repos.populateSack()

    def doPackageLists(self, pkgnarrow="all", patterns=None, showdups=None, ignore_case=False):
        """Package objects; what obsoletes others is not in `updates`."""
        if pkgnarrow != "obsoletes":
            raise AssertionError("only the newest of each name is in the other lists")

        class Lists(object):
            obsoletesTuples = [
                (new, old)
                for new in self.pkgSack.returnPackages()
                for old in self.rpmdb.searchNames(new.facts["obsoletes"])
                if self.conf.obsoletes
            ]

        return Lists()

    def allowedMultipleInstalls(self, po):
        return bool(set(po.provides_names) & set(self.conf.installonlypkgs))

    def closeRpmDB(self):
        self._rpmdb = self._ts = None

    def doLock(self, lockfile="/var/run/yum.pid"):
        path = os.path.normpath(self.conf.installroot + lockfile)
        if os.path.exists(path):
            pid = int(open(path).read())
            if pid != os.getpid() and os.path.exists("/proc/%d" % pid):
                raise Errors.LockError(0, "Existing lock %s: another copy is running as pid %s." % (path, pid), pid)
        handle = open(path, "w")
        handle.write(str(os.getpid()))
        handle.close()
        self._locked = path

    def doUnlock(self, lockfile=None):
        if self._locked:
            os.unlink(self._locked)
            self._locked = None
