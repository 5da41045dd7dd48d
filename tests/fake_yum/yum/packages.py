# The dialect of Python 2.6.
# ruff: noqa
"""A stand-in for yum's package objects: what they have, and no more."""

import fnmatch

from rpmUtils.miscutils import compareEVR
from yum import _world


class Package(object):
    def __init__(self, facts, repo=None):
        known = dict(_world.PACKAGE, **facts)
        self.facts = known
        self.repo = repo
        self.repoid = repo.id if repo is not None else "installed"
        for key in ("name", "arch", "epoch", "version", "release", "vendor"):
            setattr(self, key, known[key])
        self.ver, self.rel = self.version, self.release
        self.pkgtup = (self.name, self.arch, self.epoch, self.version, self.release)
        self.provides_names = [self.name] + known["provides"]

    def __str__(self):
        # ui_envra: the epoch in front, and left out where there is none.
        epoch = self.epoch != "0" and self.epoch + ":" or ""
        return "%s%s-%s-%s.%s" % (epoch, self.name, self.version, self.release, self.arch)

    def _compared(self, other):
        return compareEVR((self.epoch, self.version, self.release), (other.epoch, other.version, other.release))

    def verGT(self, other):
        return self._compared(other) > 0

    def verEQ(self, other):
        return self._compared(other) == 0

    def verLT(self, other):
        return self._compared(other) < 0


class Available(Package):
    def __init__(self, facts, repo):
        Package.__init__(self, facts, repo)
        # Of an available package this is what is downloaded.
        self.size, self.installedsize = self.facts["size"], self.facts["installedsize"]
        self.buildtime = self.facts["buildtime"]
        self.sourcerpm = self.facts["sourcerpm"] or "%s-%s-%s.src.rpm" % (self.name, self.version, self.release)


class YumdbInfo(object):
    def __init__(self, facts):
        self._facts = facts

    def get(self, attr, default=None):
        return self._facts.get(attr) or default


class Installed(Package):
    """`no_such` raises KeyError here: the header is asked."""

    def __init__(self, facts):
        Package.__init__(self, facts)
        self.size = self.facts["installedsize"]
        self.yumdb_info = YumdbInfo(self.facts)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return {"installtime": self.facts["installtime"], "buildtime": self.facts["buildtime"]}[name]


def _forms(package):
    n, a, e, v, r = package.pkgtup
    return (n, "%s.%s" % (n, a), "%s-%s" % (n, v), "%s-%s-%s" % (n, v, r), "%s-%s-%s.%s" % (n, v, r, a),
            "%s:%s-%s-%s.%s" % (e, n, v, r, a), "%s-%s:%s-%s.%s" % (n, e, v, r, a))  # fmt: skip


def matches(package, pattern):
    return bool([form for form in _forms(package) if fnmatch.fnmatchcase(form, pattern)])


def parsePackages(pkgs, usercommands, casematch=0, unique="repo-epoch-name-version-release-arch"):
    """(exact, matched, unmatched)"""
    assert isinstance(usercommands, list) and casematch == 1
    exact, matched, unmatched = [], [], []
    for pattern in usercommands:
        assert isinstance(pattern, str)
        found = [package for package in pkgs if matches(package, pattern)]
        named = [package for package in found if pattern in _forms(package)]
        exact += named
        matched += [package for package in found if package not in named]
        if not found:
            unmatched.append(pattern)
    return exact, matched, unmatched
