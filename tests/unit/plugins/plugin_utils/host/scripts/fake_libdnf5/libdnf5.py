# The dialect of Python 2.6, as the script that imports it.
# ruff: noqa
"""A stand-in for libdnf5 that any interpreter from 2.6 on can import, with what the reader may use and nothing else.

FAKE_DNF_MODE chooses how it behaves: `missing`, `fails`, `noise`, or `old`, which lacks what came after 5.2.
"""

from __future__ import print_function

import os

MODE = os.environ.get("FAKE_DNF_MODE", "")
ROOT = os.environ["FAKE_DNF_ROOT"]

if MODE == "missing":
    raise ImportError("libdnf5.so.2: cannot open shared object file")


class Strict(object):
    """Setting what the real one does not have is an error."""

    NAMES = ()

    def __init__(self, **values):
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        if not hasattr(self, name):
            raise AttributeError(name)
        object.__setattr__(self, name, value)


class Namespace(object):
    def __init__(self, **values):
        self.__dict__.update(values)


def told(name):
    return lambda self: getattr(self, name)


def always(value):
    return lambda self: value


class Version(object):
    major, minor, micro = (2, 1, 0) if MODE == "old" else (4, 6, 0)
    if MODE != "old":
        prime = 5


class MainConfig(Strict):
    def __init__(self):
        Strict.__init__(
            self,
            plugins=True,
            cachedir=ROOT + "/cache",
            system_cachedir=ROOT + "/cache",
            logdir="/var/log",
            persistdir=ROOT + "/persist",
            system_state_dir=ROOT + "/state",
            cacheonly="none",
            disable_excludes=[],
            excludepkgs=["away"],
            protected_packages=["dnf5", "glob:/etc/dnf/protected.d/*.conf", "dnf5"],
        )
        if MODE != "old":
            object.__setattr__(self, "transaction_history_dir", ROOT + "/state")


class RepoConfig(Strict):
    def __init__(self, address):
        Strict.__init__(
            self,
            baseurl=[address],
            metalink=None,
            mirrorlist=None,
            repo_gpgcheck=False,
            gpgcheck=True,
            skip_if_unavailable=False,
            excludepkgs=[],
        )
        if MODE != "old":
            object.__setattr__(self, "pkg_gpgcheck", True)

    if MODE != "old":

        def get_pkg_gpgcheck_option(self):
            return True


class Repo(object):
    def __init__(self, base, name, enabled, address):
        self.base, self.name, self.enabled, self.conf = base, name, enabled, RepoConfig(address)

    def get_id(self):
        return self.name

    def get_name(self):
        return "The " + self.name

    def get_config(self):
        return self.conf

    def is_enabled(self):
        return self.enabled

    def get_cachedir(self):
        return os.path.join(self.base.config.cachedir, self.name + "-0123")

    def get_metadata_path(self, kind):
        return "/x/updateinfo.xml" if (self.name, kind) == ("base", "updateinfo") else ""

    def get_max_timestamp(self):
        return 1700000000

    def get_priority(self):
        return 99

    def get_cost(self):
        return 1000


class Package(object):
    def __init__(self, name, evr, arch="noarch", repo="@System", reason=2):
        self.name, self.evr, self.arch, self.repo, self.reason = name, evr, arch, repo, reason

    get_name = told("name")
    get_evr = told("evr")
    get_arch = told("arch")
    get_repo_id = told("repo")
    get_reason = told("reason")
    get_install_time = always(1700000000)
    get_build_time = always(1600000000)
    get_download_size = always(10)
    get_install_size = always(20)
    get_source_name = get_vendor = always("")
    get_obsoletes = always([])

    def get_from_repo_id(self):
        return "base" if self.reason == 1 else ""

    def get_epoch(self):
        return self.evr.partition(":")[0] if ":" in self.evr else "0"

    def get_version(self):
        return self.evr.rpartition(":")[2].partition("-")[0]

    def get_release(self):
        return self.evr.partition("-")[2]


INSTALLED = [
    Package("acme", "1.0-1", reason=1),
    Package("locked", "1.0-1"),
    Package("away", "1.0-1", reason=6),
    Package("kernel-core", "5-1", "x86_64"),
    Package("kernel-core", "5-2", "x86_64"),
]
AVAILABLE = [
    Package("acme", "1:0.5-1", repo="base"),
    Package("locked", "2.0-1", repo="base"),
    Package("away", "2.0-1", repo="updates"),
]


if MODE == "moved":
    INSTALLED.append(Package("moved", "1.0-1"))
    AVAILABLE.append(Package("moved", "1.1-1", "x86_64", repo="base"))


class Sack(object):
    def __init__(self, base):
        self.base = base

    def load_config_excludes_includes(self):
        # As the real one: with an asterisk there is nothing to do, and what is excluded stays so.
        if "*" not in self.base.config.disable_excludes:
            self.base.excluded = ["away", "locked"]

    def get_versionlock_excludes(self):
        return [each for each in AVAILABLE if each.name == "locked" and "locked" in self.base.excluded]


class RepoSack(object):
    def __init__(self, base):
        self.base = base

    def create_repos_from_system_configuration(self):
        self.base.repos = [
            Repo(self.base, "base", True, "https://user:secret@rpm.example/base?token=secret"),
            Repo(self.base, "updates", True, "https://rpm.example/updates"),
            Repo(self.base, "source", False, "https://rpm.example/source"),
        ]

    def load_repos(self):
        if MODE == "fails":
            raise RuntimeError("Error loading the solv file of base")
        assert self.base.config.cacheonly == "all" and self.base.config.plugins is False
        assert all(each.conf.skip_if_unavailable for each in self.base.repos)
        Sack(self.base).load_config_excludes_includes()


class Base(object):
    def __init__(self):
        self.config, self.repos, self.excluded = MainConfig(), [], []

    def get_config(self):
        return self.config

    def load_config(self):
        if MODE == "noise":
            print("noise")
            os.write(1, b"noise on descriptor 1\n")

    def setup(self):
        # What the library finds of an older state, it writes anew.
        for folder in (self.config.system_state_dir, self.config.persistdir, self.config.cachedir):
            with open(os.path.join(folder, "written"), "w") as handle:
                handle.write("x")

    def get_repo_sack(self):
        return RepoSack(self)

    def get_rpm_package_sack(self):
        return Sack(self)

    def get_vars(self):
        return Namespace(get_value=lambda name: "42")


class PackageQuery(object):
    def __init__(self, source):
        self.base = source if isinstance(source, Base) else source.base
        self.found = [each for each in INSTALLED + AVAILABLE if each.name not in self.base.excluded]
        if not isinstance(source, Base):
            self.found = list(source.found)

    def __iter__(self):
        return iter(self.found)

    def filter_installed(self):
        self.found = [each for each in self.found if each in INSTALLED]

    def filter_available(self):
        self.found = [each for each in self.found if each in AVAILABLE]

    def filter_upgrades(self):
        self.filter_available()

    def filter_installonly(self):
        self.found = [each for each in self.found if each.name == "kernel-core"]

    def filter_obsoletes(self, _packages):
        self.found = []

    def filter_provides(self, _provides):
        self.found = []


class Advisory(object):
    get_name = always("FEDORA-2026-1")
    get_type = always("security")
    get_severity = always("Important")
    get_buildtime = always(1768003200)
    get_references = always(
        [
            Namespace(get_type_cstring=lambda: "cve", get_id=lambda: "CVE-2026-1"),
            Namespace(get_type_cstring=lambda: "bugzilla", get_id=lambda: "7"),
        ]
    )


class AdvisoryPackage(Package):
    get_advisory = always(Advisory())

    def get_reboot_suggested(self):
        return self.name == "kernel-core"


class AdvisoryQuery(object):
    def __init__(self, _base):
        pass

    def get_advisory_packages_sorted(self, installed, comparison):
        if MODE == "moved" and set(installed) == set(AVAILABLE):
            assert comparison == 2
            return [AdvisoryPackage("moved", "1.1-1", "x86_64")]
        assert set(installed) == set(INSTALLED)
        return {
            1: [],
            2: [AdvisoryPackage("kernel-core", "5-2", "x86_64")],
            3: [AdvisoryPackage("kernel-core", "5-2", "x86_64"), AdvisoryPackage("acme", "1:0.5-1")],
        }[comparison]


def rpmvercmp(one, other):
    return (one > other) - (one < other)


base = Namespace(Base=Base)
conf = Namespace(get_library_version=Version)
repo = Namespace(RepoQuery=lambda of: [Repo(of, "@System", True, "")] + of.repos)
rpm = Namespace(PackageQuery=PackageQuery, rpmvercmp=rpmvercmp)
advisory = Namespace(AdvisoryQuery=AdvisoryQuery)
common = Namespace(QueryCmp_LT=1, QueryCmp_EQ=2, QueryCmp_GT=3)
transaction = Namespace(
    TransactionItemReason_DEPENDENCY=1,
    TransactionItemReason_USER=2,
    TransactionItemReason_CLEAN=3,
    TransactionItemReason_WEAK_DEPENDENCY=4,
    TransactionItemReason_GROUP=5,
)
