# The dialect of Python 2.6.
# ruff: noqa
"""What yum makes of a wish, and how it goes about it: no exception and no result where one package failed."""

import os
import sqlite3
import time

import yum
from yum import Errors, _world, constants, rpmtrans


class Member(object):
    def __init__(self, po, output_state, ts_state):
        self.po, self.name, self.pkgtup = po, po.name, po.pkgtup
        self.output_state, self.ts_state = output_state, ts_state
        self.updates, self.updated_by, self.obsoletes, self.obsoleted_by, self.downgraded_by = [], [], [], [], []


class TsInfo(object):
    def __init__(self):
        self._members = []

    def getMembers(self):
        return list(self._members)

    def add(self, po, output_state, ts_state):
        for each in self._members:
            if each.po is po:
                return each
        self._members.append(Member(po, output_state, ts_state))
        return self._members[-1]


class Transactions(object):
    @property
    def tsInfo(self):
        if self._ts is None:
            self._ts = TsInfo()
        return self._ts

    @tsInfo.deleter
    def tsInfo(self):
        self._ts = None

    @property
    def up(self):
        raise AssertionError("nobody needs to ask for updates by name alone")

    @up.deleter
    def up(self):
        self._up = None

    def update(self, po=None, requiringPo=None, name=None, arch=None, epoch=None, version=None, release=None):
        """Members, the same one twice; none, and no word, where nothing fits."""
        if po is None and name is None:
            raise AssertionError("everything would be updated")
        wanted = [po] if po is not None else self.pkgSack.searchNevra(name, epoch, version, release, arch)
        if not wanted:
            return []
        chosen = wanted[0]
        if self.conf.obsoletes and po is None:
            for each in self.pkgSack.returnPackages():
                if chosen.name in each.facts["obsoletes"] and each.name != chosen.name:
                    return self.update(po=each)
        return self._arrive(chosen)

    def _arrive(self, chosen):
        present = [each for each in self.rpmdb.searchNames([chosen.name]) if each.arch in (chosen.arch, "noarch")]
        if present and not max(present, key=lambda each: each.verGT(present[0])).verLT(chosen):
            return []
        member = self.tsInfo.add(chosen, constants.TS_UPDATE if present else constants.TS_INSTALL, "u")
        if not self.allowedMultipleInstalls(chosen):
            for old in present:
                self.tsInfo.add(old, constants.TS_UPDATED, "ud").updated_by.append(chosen)
        if self.conf.obsoletes:
            for old in self.rpmdb.searchNames(chosen.facts["obsoletes"]):
                member.output_state = constants.TS_OBSOLETING
                self.tsInfo.add(old, constants.TS_OBSOLETED, "od").obsoleted_by.append(chosen)
        return [member, member]

    def remove(self, po=None, pkgtup=None):
        found = [po] if po is not None else [each for each in self.rpmdb.returnPackages() if each.pkgtup == pkgtup]
        return [self.tsInfo.add(each, constants.TS_ERASE, "e") for each in found]

    def downgrade(self, po=None):
        """Erases what is newer and installs; what may stay beside others is skipped with a word to a logger."""
        newer = [old for old in self.rpmdb.searchNames([po.name]) if old.arch == po.arch and old.verGT(po)]
        if not newer or self.allowedMultipleInstalls(po):
            yum.noise("Skipping %s" % po.name)
            return []
        return [self.tsInfo.add(old, constants.TS_ERASE, "e") for old in newer] + [
            self.tsInfo.add(po, constants.TS_INSTALL, "u")
        ]

    def install(self, po=None):
        present = [old for old in self.rpmdb.searchNames([po.name]) if old.arch == po.arch]
        if present and not self.allowedMultipleInstalls(po):
            return self.update(po=po)
        return [self.tsInfo.add(po, constants.TS_TRUEINSTALL, "i")]

    def history_undo(self, transaction):
        """What cannot come back is told to a logger, and everything else goes on; so yum 3 does."""
        rows = transaction.trans_data
        available = dict((each.pkgtup, each) for each in self.pkgSack.returnPackages())
        for each in [row for row in rows if row.state == "Updated"]:
            newer = [old for old in self.rpmdb.searchNames([str(each.name)]) if old.arch == each.arch]
            if each.pkgtup not in available or not newer:
                yum.noise("Failed to downgrade: %s" % each.name)
                continue
            self.tsInfo.add(available[each.pkgtup], constants.TS_INSTALL, "u")
            for old in newer:
                self.tsInfo.add(old, constants.TS_ERASE, "e")
        for each in [row for row in rows if row.state_installed]:
            if each.state != "Update":
                self.remove(pkgtup=each.pkgtup)
        for each in [row for row in rows if row.state in ("Obsoleted", "Erase")]:
            if each.pkgtup not in available:
                raise Errors.InstallError("No package(s) available to install")
            self.tsInfo.add(available[each.pkgtup], constants.TS_TRUEINSTALL, "i")
        return bool(self.tsInfo.getMembers())

    def reinstall(self, po=None, name=None, arch=None, epoch=None, version=None, release=None):
        [old] = self.rpmdb.searchNevra(name, epoch, version, release, arch)
        self.tsInfo.add(old, constants.TS_ERASE, "e")
        new = self.pkgSack.searchNevra(name, epoch, version, release, arch)[0]
        return [self.tsInfo.add(new, constants.TS_INSTALL, "u")]

    def buildTransaction(self, unfinished_transactions_check=True):
        if unfinished_transactions_check and yum.misc.find_unfinished_transactions(self.conf.persistdir):
            raise AssertionError("yum sleeps here for seconds, to let somebody press Ctrl-C")
        yum.noise("Resolving Dependencies")
        for each in self.repos.listEnabled():
            each.repoXML
        problems, index = [], 0
        while index < len(self.tsInfo.getMembers()):
            each = self.tsInfo.getMembers()[index]
            if each.output_state in constants.TS_INSTALL_STATES:
                problems += self._solve(each.po)
            index += 1
        self._drop_what_needs_more()
        self.save_ts(auto=True)
        for each in self.tsInfo.getMembers():
            if each.output_state in (constants.TS_ERASE, constants.TS_OBSOLETED):
                if each.po.name in self.conf.protected_packages:
                    problems.append('Trying to remove "%s", which is protected' % each.po.name)
        if problems:
            # A repeated problem is told each time.
            return 1, problems + problems
        if not self.tsInfo.getMembers():
            return 0, ["Nothing to do"]
        self._limit_kernels()
        return 2, ["Success - deps resolved"]

    def _save_ts(self, filename):
        self._ts_save_file = filename or os.path.join(os.environ.get("TMPDIR", "/tmp"), "yum_save_tx.stand-in.yumtx")
        open(self._ts_save_file, "w").close()

    def _drop_what_needs_more(self):
        """What needs something that is taken away goes as well."""
        members = self.tsInfo.getMembers()
        leaving = [each.po for each in members if each.output_state in constants.TS_REMOVE_STATES]
        staying = [each for each in self.rpmdb.returnPackages() if each not in leaving]
        staying += [each.po for each in members if each.output_state in constants.TS_INSTALL_STATES]
        for each in self.rpmdb.returnPackages():
            for need in each.facts["requires"] if each in staying else []:
                if not [other for other in staying if need in other.provides_names]:
                    self.tsInfo.add(each, constants.TS_ERASE, "e")

    def _solve(self, po):
        leaving = [each.po for each in self.tsInfo.getMembers() if each.output_state in constants.TS_REMOVE_STATES]
        present = [each for each in self.rpmdb.returnPackages() if each not in leaving]
        coming = [each.po for each in self.tsInfo.getMembers() if each.output_state in constants.TS_INSTALL_STATES]
        problems = []
        for need in po.facts["requires"]:
            if [each for each in present + coming if need in each.provides_names]:
                continue
            found = [each for each in self.pkgSack.returnPackages() if need in each.provides_names]
            if not found or not self._arrive(found[-1]):
                problems.append("%s requires %s" % (po, need))
        for word in po.facts["conflicts"]:
            if [each for each in present if each.name == word]:
                problems.append("%s conflicts with %s" % (po.name, word))
        return problems

    def _limit_kernels(self):
        if self.conf.installonly_limit < 1:
            return
        for each in self.tsInfo.getMembers():
            if each.output_state in constants.TS_INSTALL_STATES and self.allowedMultipleInstalls(each.po):
                beside = self.rpmdb.searchNames([each.po.name])
                for old in beside[: max(0, len(beside) + 1 - self.conf.installonly_limit)]:
                    self.tsInfo.add(old, constants.TS_ERASE, "e")

    def processTransaction(self, callback=None, rpmTestDisplay=None, rpmDisplay=None):
        for display in (rpmTestDisplay, rpmDisplay):
            if display is not None and not isinstance(display, rpmtrans.RPMBaseCallback):
                raise AssertionError("yum takes instances here, whatever its documentation says")
        coming = [each.po for each in self.tsInfo.getMembers() if each.output_state in constants.TS_INSTALL_STATES]
        failed = [
            "%s: [Errno 256] No more mirrors to try." % each for each in coming if each.facts["fails"] == "download"
        ]
        if failed:
            raise Errors.YumDownloadError(["Errors were encountered while downloading packages."] + failed)
        for each in coming:
            self._check_signature(each)
        yum.noise("Running Transaction Check")
        for each in coming:
            if each.facts["fails"] == "conflict":
                raise Errors.YumTestTransactionError("Test Transaction Errors:   file /x from install of %s conflicts with "
                                                     "file from package other-1-1.noarch\n" % each)  # fmt: skip
        self._run(rpmDisplay)

    def _check_signature(self, po):
        if not po.repo.gpgcheck:
            return
        if po.facts["signed"] == "no":
            raise Errors.YumGPGCheckError("Package %s.rpm is not signed" % po)
        world = _world.load()
        if world.get("key", "accepted") != "accepted":
            if world["key"] == "none":
                raise Errors.YumGPGCheckError(
                    "You have enabled checking of packages via GPG keys. This is a good thing."
                )
            if not self.conf.assumeyes:
                raise Errors.YumBaseError("Didn't install any keys")
            world["key"] = "accepted"
            _world.save(world)
        if po.facts["signed"] == "stranger":
            raise Errors.YumBaseError("The GPG keys listed for the \"%s\" repository are already installed but they are "
                                      "not correct for this package.\n\n Failing package is: %s\n" % (po.repo.name, po))  # fmt: skip

    def _run(self, display):
        world = _world.load()
        if world.get("runs_nothing"):
            return
        if yum.FLAVOUR == "el6" or self._ts_save_file is not None:
            os.unlink(self._ts_save_file)
        self._ts_save_file = None
        tid = (world["history"][-1]["tid"] if world["history"] else 0) + 1
        members = self.tsInfo.getMembers()
        world["history"].append({"tid": tid, "begin": int(time.time()), "end": None, "rows": []})
        _world.save(world)
        kept = set()
        for number, member in enumerate(members):
            self._step(world, member, kept, display, number + 1, len(members))
            _world.save(world)
        world["history"][-1]["end"] = int(time.time())
        _world.save(world)
        write_history(self.conf.persistdir, world)

    def _step(self, world, member, kept, display, number, count):
        po, facts = member.po, member.po.facts
        arriving = member.output_state in constants.TS_INSTALL_STATES
        if arriving and facts["fails"] == "pre":
            kept.add((po.name, po.arch))
            display.scriptout(
                po if yum.FLAVOUR != "el6" else str(po), "error: %%prein(%s) scriptlet failed, exit status 1\n" % po
            )
            display.errorlog("Error in PREIN scriptlet in rpm package %s" % po)
            return
        if not arriving and ((po.name, po.arch) in kept or facts["fails"] == "preun"):
            if facts["fails"] == "preun":
                display.errorlog("Error in PREUN scriptlet in rpm package %s" % po)
            return
        if arriving:
            row = dict(facts, installtime=int(time.time()), from_repo=po.repoid)
            world["installed"] = [each for each in world["installed"] if not _world.same(each, row)] + [row]
            if facts["fails"] == "post":
                words = "warning: %%post(%s) scriptlet failed, exit status 1\n" % po
                display.scriptout(po if yum.FLAVOUR != "el6" else str(po), words)
                display.errorlog("Non-fatal POSTIN scriptlet failure in rpm package %s" % po)
        else:
            coming = [each.po.pkgtup for each in self.tsInfo.getMembers()
                      if each.output_state in constants.TS_INSTALL_STATES]  # fmt: skip
            if po.pkgtup not in coming:
                world["installed"] = [each for each in world["installed"] if not _world.same(each, facts)]
        world["history"][-1]["rows"].append([arriving, facts])
        # An object for what arrives, a name for what leaves.
        display.event(po if arriving else po.name, member.output_state, 1, 1, number, count)


def write_history(persistdir, world):
    folder = os.path.join(persistdir, "history")
    if not os.path.isdir(folder):
        os.makedirs(folder)
    connection = sqlite3.connect(os.path.join(folder, "history-2026-01-01.sqlite"))
    connection.execute("CREATE TABLE IF NOT EXISTS trans_beg (tid INTEGER PRIMARY KEY, timestamp INTEGER)")
    connection.execute("CREATE TABLE IF NOT EXISTS trans_end (tid INTEGER PRIMARY KEY, timestamp INTEGER)")
    for each in world["history"]:
        connection.execute("INSERT OR REPLACE INTO trans_beg VALUES (?, ?)", (each["tid"], each["begin"]))
        if each["end"] is not None:
            connection.execute("INSERT OR REPLACE INTO trans_end VALUES (?, ?)", (each["tid"], each["end"]))
    connection.commit()
    connection.close()
