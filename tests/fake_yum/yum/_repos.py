# The dialect of Python 2.6.
# ruff: noqa
"""Repositories, their files in the cache, and the sack of their packages."""

import os

import yum
from yum import Errors, _world, packages


def fits(package, name, arch, epoch, version, release):
    wanted = (name, arch, epoch, version, release)
    return all(word is None or word == own for word, own in zip(wanted, package.pkgtup))


def fetch(facts, folder, notices):
    """What yum leaves in its cache after it has asked the server."""
    for name in ("", "gen", "packages"):
        if not os.path.isdir(os.path.join(folder, name)):
            os.makedirs(os.path.join(folder, name))
    kinds = ["primary_db"] + (["updateinfo"] if facts["notices"] is not None else [])
    row = '<data type="%s"><location href="repodata/%s"/><size>6</size></data>\n'
    places = {"primary_db": "primary.sqlite.gz", "updateinfo": "updateinfo.xml.gz"}
    files = {"repomd.xml": "".join(row % (kind, places[kind]) for kind in kinds), "primary.sqlite.gz": "packed",
             "cachecookie": ""}  # fmt: skip
    if notices and "updateinfo" in kinds:
        files["updateinfo.xml.gz"] = "packed"
    for name, text in files.items():
        handle = open(os.path.join(folder, name), "w")
        handle.write(text)
        handle.close()


def sections_in(folders):
    found = []
    for folder in folders:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".repo"):
                lines = open(os.path.join(folder, name)).read().splitlines()
                found += [line[1:-1] for line in lines if line.startswith("[")]
    return found


class RepoXml(object):
    def __init__(self, path):
        self._kinds = [line.split('"')[1] for line in open(path).read().splitlines()]
        self.timestamp = 1700000000

    def fileTypes(self):
        return list(self._kinds)


class Repository(yum.Strict):
    ALLOWED = ("exclude", "includepkgs", "metadata_expire", "skip_if_unavailable", "_enabled", "_xml")

    def __init__(self, base, facts, cache):
        put = self.__dict__
        put.update(base=base, facts=facts, id=facts["id"], name=facts.get("name") or facts["id"], cache=cache,
                   baseurl=[facts["baseurl"]] if facts.get("baseurl") else [], metalink=None, mirrorlist=None,
                   gpgcheck=facts.get("gpgcheck", True), repo_gpgcheck=False, cost=facts.get("cost", 1000),
                   repofile=facts.get("repofile"), exclude=facts.get("exclude", []), _xml=None,
                   includepkgs=facts.get("includepkgs", []), _enabled=facts.get("enabled", True),
                   skip_if_unavailable=False, metadata_expire=21600)  # fmt: skip
        self.__dict__["sack"] = Sack(
            facts.get("damaged"), [packages.Available(each, self) for each in facts["packages"]]
        )

    def isEnabled(self):
        # A number, as an option that may be 0 or 1.
        return int(bool(self._enabled))

    @property
    def cachedir(self):
        return os.path.join(self.base.conf.cachedir, self.id)

    @property
    def repoXML(self):
        if self._xml is None:
            path = os.path.join(self.cachedir, "repomd.xml")
            if self.cache and yum.FLAVOUR == "el6" and not os.path.isdir(os.path.join(self.cachedir, "packages")):
                raise Errors.RepoError("Cannot access repository dir %s/packages" % self.cachedir)
            if self.cache and not os.path.exists(path):
                raise Errors.RepoError("Cannot find repomd.xml file for %s" % self.id)
            if not self.cache and (self.metadata_expire != -1 or not os.path.exists(path)):
                if self.facts.get("down"):
                    raise Errors.RepoError(self.facts["down"])
                fetch(self.facts, self.cachedir, False)
            self._xml = RepoXml(path)
        return self._xml

    def retrieveMD(self, mdtype):
        if mdtype not in self.repoXML.fileTypes():
            raise Errors.RepoMDError("requested datatype %s not available" % mdtype)
        path = os.path.join(self.cachedir, "updateinfo.xml.gz")
        if not os.path.exists(path) or os.stat(path).st_size != 6:
            if self.cache:
                raise Errors.RepoError("Caching enabled but no local cache of %s from %s" % (path, self.id))
            fetch(self.facts, self.cachedir, True)
        return path


class RepoStorage(object):
    def __init__(self, base, cache):
        base.conf
        self._base = base
        self.pkgSack = Sacks()
        known = _world.load()["repositories"]
        if "/etc/yum.repos.d" not in base.conf.reposdir:
            named = sections_in(base.conf.reposdir)
            # What stands in yum.conf itself counts whatever the folder is.
            known = [each for each in known if each["id"] in named or each.get("repofile") == "/etc/yum.conf"]
        else:
            known = [each for each in known if not each.get("elsewhere")]
        self.repos = dict((each["id"], Repository(base, each, cache)) for each in known)

    def listEnabled(self):
        return sorted([each for each in self.repos.values() if each.isEnabled()], key=lambda each: each.id)

    def getRepo(self, repoid):
        if repoid not in self.repos:
            raise Errors.RepoError("Error getting repository data for %s, repository not found" % repoid)
        return self.repos[repoid]

    def disableRepo(self, repoid):
        self.getRepo(repoid)._enabled = False
        return [repoid]

    def populateSack(self, which="enabled", mdtype="metadata", callback=None, cacheonly=0):
        for repo in self.listEnabled() if which == "enabled" else which:
            try:
                repo.repoXML
                self.pkgSack.sacks[repo.id] = repo.sack
                if repo.facts.get("damaged") and yum.FLAVOUR == "late":
                    del self.pkgSack.sacks[repo.id]
                    raise Errors.RepoError("Caching enabled and local cache: %s does not match checksum"
                                           % os.path.join(repo.cachedir, "primary.sqlite.gz"))  # fmt: skip
                # A database that was made from XML is brought up to date where it lies.
                made = os.path.join(
                    repo.cachedir, "gen/primary.xml.sqlite" if yum.FLAVOUR == "late" else "primary.xml.gz.sqlite"
                )
                if os.path.exists(made):
                    handle = open(made, "a")
                    handle.write("newer")
                    handle.close()
                if yum.FLAVOUR == "late":
                    yum.gen_unpack(os.path.join(repo.cachedir, "primary.sqlite.gz"), "primary_db.sqlite")
            except Errors.RepoError:
                if not repo.skip_if_unavailable:
                    raise
                self.disableRepo(repo.id)


class Sack(object):
    def __init__(self, damaged, listed):
        self._damaged = damaged
        self._listed = listed

    def simplePkgList(self):
        return [each.pkgtup for each in self._listed]

    def searchNames(self, names=()):
        assert isinstance(names, list)
        if self._damaged and yum.FLAVOUR != "late":
            raise Errors.RepoError("file is not a database")
        return [each for each in self._listed if each.name in names]


class Sacks(object):
    """What repos.pkgSack is: the sacks by repository, of those that were switched off as well."""

    def __init__(self):
        self.sacks = {}


class MetaSack(object):
    def __init__(self, base):
        for sack in base.repos.pkgSack.sacks.values():
            sack.searchNames(["yum"])
        self._listed = [each for repo in base.repos.listEnabled() for each in repo.sack._listed]
        for repo, patterns in [(None, base.conf.exclude)] + [(repo, repo.exclude) for repo in base.repos.listEnabled()]:
            self._listed = [
                each
                for each in self._listed
                if repo not in (None, each.repo)
                or not [pattern for pattern in patterns if packages.matches(each, pattern)]
            ]

    def searchNames(self, names=()):
        assert isinstance(names, list)
        return [each for each in self._listed if each.name in names]

    def searchNevra(self, name=None, epoch=None, ver=None, rel=None, arch=None):
        return [each for each in self._listed if fits(each, name, arch, epoch, ver, rel)]

    def returnPackages(self, repoid=None, patterns=None, ignore_case=False):
        assert patterns is None or isinstance(patterns, list)
        found = [each for each in self._listed if repoid in (None, each.repoid)]
        return [
            each
            for each in found
            if patterns is None or [pattern for pattern in patterns if packages.matches(each, pattern)]
        ]

    def delPackage(self, obj):
        self._listed = [each for each in self._listed if each is not obj]
