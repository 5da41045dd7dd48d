# The dialect of Python 2.6.
# ruff: noqa
"""What the stand-in for yum knows of its host: one JSON file, FAKE_YUM_WORLD or /var/lib/fake-yum.json.

{"flavour": "late" (3.4.3 of 2021), "tag" (3.4.3 of 2011) or "el6" (3.2.29), "conf": {option: value}, "arch": "x86_64",
"installed": [package], "repositories": [{"id", "name", "baseurl", "enabled", "gpgcheck", "repo_gpgcheck", "cost",
"exclude", "includepkgs", "down": reason or null, "damaged": bool, "notices": null, "broken" or [notice], "packages": [package]}],
"mdpolicy": null or "group:primary", "history": [{"tid", "begin", "end", "rows"}], "noise": bool, "key": "accepted", "configured" or "none"}.
A package is {"name", "arch", "epoch", "version", "release", ...}; see PACKAGE.
"""

import json
import os

PATH = os.environ.get("FAKE_YUM_WORLD", "/var/lib/fake-yum.json")
PACKAGE = {
    "epoch": "0", "size": 1000, "installedsize": 2000, "buildtime": 1690000000, "installtime": 1700000000,
    "vendor": "Lab", "sourcerpm": None, "requires": [], "provides": [], "obsoletes": [], "conflicts": [],
    "signed": "lab", "fails": None, "reason": "user", "from_repo": None,
}  # fmt: skip


def _plain(value):
    """Texts as Python 2 has them: str where they are ASCII, unicode otherwise; in one object by turns."""
    if isinstance(value, dict):
        return dict((str(key), _plain(each)) for key, each in value.items())
    if isinstance(value, list):
        return [_plain(each) for each in value]
    try:
        return str(value) if not isinstance(value, (bool, int, float, type(None), str)) else value
    except UnicodeError:
        return value


def load():
    handle = open(PATH)
    try:
        return _plain(json.load(handle))
    finally:
        handle.close()


def save(world):
    handle = open(PATH + ".new", "w")
    handle.write(json.dumps(world, indent=1, sort_keys=True))
    handle.close()
    os.rename(PATH + ".new", PATH)


def same(one, other):
    return all(one.get(key, PACKAGE.get(key)) == other.get(key, PACKAGE.get(key))
               for key in ("name", "arch", "epoch", "version", "release"))  # fmt: skip
