# -*- coding: utf-8 -*-
# The dialect of Python 2.6, as the script that imports it.
# ruff: noqa
"""A stand-in for python3-apt that any interpreter from 2.6 on can import; FAKE_APT_MODE chooses how it behaves.

One package with a fix in the security pocket below a newer version in the updates pocket.
"""

from __future__ import print_function

import os
import subprocess

VERSION, LIB_VERSION = "2.6.1", "6.0.0"
SELSTATE_HOLD, CURSTATE_INSTALLED, INSTSTATE_OK, INSTSTATE_HOLD = 2, 6, 0, 2
MODE = os.environ.get("FAKE_APT_MODE", "")

if MODE == "missing":
    raise ImportError("libapt-pkg.so.6.0: cannot open shared object file")


class Config(dict):
    def find(self, key, default=""):
        return self.get(key, default)

    find_file = find_dir = find

    def find_b(self, key, default=False):
        return bool(self.get(key, default))

    def set(self, key, value):
        self[key] = value


config = Config()


def init():
    root = os.environ["FAKE_APT_ROOT"]
    config.update({
        "Dir::State::lists": os.path.join(root, "lists"), "Dir::State::status": os.path.join(root, "status"),
        "Dir::Cache::archives": root, "APT::Machine-ID": "0123456789abcdef0123456789abcdef",
        "Dir::Etc::sourcelist": os.path.join(root, "sources.list"), "Dir::Etc::sourceparts": os.path.join(root, "parts"),
    })  # fmt: skip


init_config = init


class Thing(object):
    def __init__(self, **facts):
        self.__dict__.update(facts)


def package_file(number, archive, label):
    return Thing(
        id=number,
        archive=archive,
        codename="jammy",
        label=label,
        origin="Ubuntu",
        component="main",
        site="archive.example",
        version="22.04",
        architecture="amd64",
        not_automatic=False,
        index_type="Debian Package Index",
        filename="/x/archive.example_dists_{0}_Packages".format(archive),
    )


UPDATES = package_file(1, "jammy-updates", "Übuntu")
SECURITY = package_file(2, "jammy-security", "Ubuntu")
STATUS = Thing(id=3, archive="now", index_type="Debian dpkg status file", filename="/x/status")


def version(number, text, files):
    return Thing(
        id=number,
        ver_str=text,
        arch="amd64",
        priority_str="important",
        section="universe/libs",
        size=10,
        installed_size=20,
        file_list=[(each, 0) for each in files],
    )


NOW = version(10, "1.0", [STATUS])
FIX = version(11, "1.1", [SECURITY])
NEWEST = version(12, "1.2", [UPDATES])
LIBTLS = Thing(
    name="libtls",
    architecture="amd64",
    current_ver=NOW,
    version_list=[NEWEST, FIX, NOW],
    selected_state=0,
    current_state=CURSTATE_INSTALLED,
    inst_state=INSTSTATE_OK,
)
ABSENT = Thing(name="absent", current_ver=None)
for each in (NOW, FIX, NEWEST):
    each.parent_pkg = LIBTLS


class Cache(object):
    packages = [ABSENT, LIBTLS]
    file_list = [UPDATES, SECURITY, STATUS]

    def __init__(self, progress):
        assert progress is None
        if MODE == "noise":
            print("Reading package lists... Done")
            os.write(1, b"noise on descriptor 1\n")
            subprocess.call(["echo", "noise of a child"])
        if MODE == "fails":
            # The words are text in Python 2 as well, which the formatter does not know.
            # fmt: off
            words = u"E:Die Paketliste ist beschädigt \u2013 /var/lib/dpkg/status"
            # fmt: on
            raise SystemError(words.encode("utf-8") if str is bytes else words)


class Policy(object):
    def get_priority(self, thing):
        # python-apt before 1.7 knows packages and their files, not versions.
        if MODE == "old" and hasattr(thing, "ver_str"):
            raise TypeError("Argument must be of Package() or PackageFile().")
        return 500


class DepCache(object):
    policy = Policy()

    def __init__(self, cache):
        pass

    def is_auto_installed(self, package):
        return True

    def get_candidate_ver(self, package):
        return NEWEST


class PackageRecords(object):
    source_pkg, source_ver = "tls", ""

    def __init__(self, cache):
        pass

    def lookup(self, place):
        self.record = "Package: libtls\nPhased-Update-Percentage: 0\n"
        return True


class SourceList(object):
    list = [
        Thing(
            uri="https://user:secret@archive.example/ubuntu",
            dist="jammy",
            index_files=[Thing(has_packages=True, exists=True)],
        )
    ]

    def read_main_list(self):
        pass

    def find_index(self, package_file):
        return Thing(is_trusted=True)


def version_compare(one, other):
    return (one > other) - (one < other)


def get_architectures():
    return ["amd64"]
