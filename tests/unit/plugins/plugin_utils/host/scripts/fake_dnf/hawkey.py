# The dialect of Python 2.6, as the script that imports it.
# ruff: noqa
"""A stand-in for hawkey: what dnf 4 hands out, and nothing more; an attribute that is not here raises."""

import fnmatch
import os

VERSION = "0.69.0"
MODE = os.environ.get("FAKE_DNF_MODE", "")
LT, EQ, GT = 1, 2, 4
IGNORE_EXCLUDES = 3
if MODE != "old":
    IGNORE_MODULAR_EXCLUDES, IGNORE_REGULAR_EXCLUDES = 1, 2
ADVISORY_UNKNOWN, ADVISORY_SECURITY, ADVISORY_BUGFIX, ADVISORY_ENHANCEMENT, ADVISORY_NEWPACKAGE = 0, 1, 2, 4, 8
REFERENCE_UNKNOWN, REFERENCE_BUGZILLA, REFERENCE_CVE, REFERENCE_VENDOR = 0, 1, 2, 3
FORM_NEVRA, FORM_NEVR, FORM_NEV, FORM_NA, FORM_NAME = range(5)


class Thing(object):
    def __init__(self, **facts):
        self.__dict__.update(facts)


class Package(Thing):
    def evr_cmp(self, other):
        return (self.rank > other.rank) - (self.rank < other.rank)


def package(name, evr, rank, reponame, arch="noarch", provides=(), excluded=False, obsoletes=()):
    bare = evr.split(":")[-1].split("-")
    return Package(
        name=name, arch=arch, evr=evr, rank=rank, reponame=reponame, version=bare[0], release=bare[1],
        installtime=1700000000, buildtime=1690000000, downloadsize=1000, installsize=2000, source_name=name,
        vendor="Lab", provides=provides, excluded=excluded, obsoletes=obsoletes,
    )  # fmt: skip


# Whether those of the configuration have been loaded.
EXCLUDES = []


class Query(object):
    def __init__(self, packages, flags):
        self.packages = packages
        self.flags = flags

    def __iter__(self):
        return iter(each for each in self.packages if not (each.excluded and EXCLUDES) or self.flags)

    def _of(self, packages):
        return Query(packages, self.flags)

    def installed(self):
        return self._of([each for each in self.packages if each.reponame == "@System"])

    def available(self):
        return self._of([each for each in self.packages if each.reponame != "@System"])

    def upgrades(self):
        newest = {}
        for each in PACKAGES:
            if each.reponame == "@System":
                newest[each.name] = max(each.rank, newest.get(each.name, 0))
        return self._of([each for each in self.packages if each.rank > newest.get(each.name, 99)])

    def filter(self, name__glob=None, provides=None, obsoletes_by_priority=None, obsoletes=None):
        found = self.packages
        if obsoletes_by_priority is not None and MODE == "old":
            raise ValueError("Unrecognized key name: obsoletes_by_priority")
        if obsoletes_by_priority is not None or obsoletes is not None:
            names = [each.name for each in obsoletes_by_priority or obsoletes]
            found = [each for each in found if set(each.obsoletes) & set(names)]
        if name__glob is not None:
            globs = name__glob if isinstance(name__glob, list) else [name__glob]
            found = [each for each in found if [glob for glob in globs if fnmatch.fnmatch(each.name, glob)]]
        if provides is not None:
            found = [each for each in found if set(each.provides) & set(provides) or each.name in provides]
        return self._of(found)

    def get_advisory_pkgs(self, _kinds):
        # As the real one: of the same name and architecture, whatever their order says.
        named = set((each.name, each.arch) for each in self)
        return [each for each in ADVISED if (each.name, each.arch) in named]


PACKAGES = [
    package("acme", "1.0-1", 1, "@System"), package("acme", "1.1-1", 2, "base"), package("acme", "1:1.0-1", 3, "updates"),
    package("locked", "1.0-1", 1, "@System"), package("locked", "1.1-1", 2, "base"),
    package("away", "1.0-1", 1, "@System", excluded=True), package("away", "1.1-1", 2, "base", excluded=True),
    package("kernel-core", "5-1", 1, "@System", "x86_64", ("installonlypkg(kernel)",)),
    package("kernel-core", "5-2", 2, "@System", "x86_64", ("installonlypkg(kernel)",)),
    package("kernel-core", "5-3", 3, "base", "x86_64", ("installonlypkg(kernel)",)),
    package("kernel-headers", "5-1", 1, "@System", "x86_64"),
    package("instead", "2.0-1", 1, "updates", obsoletes=("kernel-headers",)),
]  # fmt: skip


def advisory(identifier, kind, severity, moment, references):
    import datetime

    return Thing(
        id=identifier, type=kind, severity=severity, updated=datetime.datetime(*moment),
        references=[Thing(type=of, id=name) for of, name in references],
    )  # fmt: skip


def advised(name, evr, notice, arch="noarch"):
    return Thing(name=name, evr=evr, arch=arch, get_advisory=lambda _sack: notice)


FIX = advisory(
    "RHSA-1",
    ADVISORY_SECURITY,
    "Important",
    (2026, 1, 2, 3, 4, 5),
    [(REFERENCE_CVE, "CVE-1"), (REFERENCE_CVE, "CVE-1"), (REFERENCE_BUGZILLA, "7"), (REFERENCE_VENDOR, "x")],
)
SAME = advisory("RHSA-1", ADVISORY_SECURITY, "Important", (2026, 1, 2, 3, 4, 5), [])
OTHER = advisory("X-1", ADVISORY_UNKNOWN, None, (1970, 1, 1) if MODE == "dateless" else (2026, 1, 1), [])
ADVISED = [advised("acme", "0:1.1-1", FIX), advised("acme", "0:1.1-1", SAME), advised("acme", "1:1.0-1", OTHER),
           advised("elsewhere", "1-1", OTHER)]  # fmt: skip
if MODE == "moved":
    PACKAGES += [package("moved", "1.0-1", 1, "@System"), package("moved", "1.1-1", 2, "base", "x86_64")]
    ADVISED += [advised("moved", "1.1-1", FIX, "x86_64")]
