# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the program that changes hosts with yum 3: acts through its API.

yum's own answer to a transaction that failed is often none at all, so that the packages on the host are compared with
what was to come. Stands after all other parts of PROGRAM_PARTS["yum_transaction"] in host/payload.py, whose names it
uses.
"""

import os
import sys
import time

# Their work is done from their settings, so that what was decided to be installed is not hidden.
REPLACED_PLUGINS = ['versionlock', 'priorities']
# They write repository files of the host, or bring its repositories from elsewhere.
FOREIGN_PLUGINS = ['subscription-manager', 'rhnplugin', 'spacewalk']


def acting_base(yum, workspace, sources=None):
    """A YumBase with the host's plugins, log and history, that answers yes: that is how keys which the configuration
    of a repository names come to be accepted, and no others."""
    base = yum.YumBase()
    base.preconf.disabled_plugins = REPLACED_PLUGINS + (FOREIGN_PLUGINS if sources else [])
    settle_configuration(base.conf)
    if sources:
        base.conf.cachedir = sources.path('cache')
        base.conf.reposdir = [sources.repository_folder()]
        keep_sources_alone(base, sources)
    base.conf.assumeyes = True
    save_ts = base.save_ts
    # Where the transaction fails its copy would stay in /tmp.
    base.save_ts = lambda filename=None, auto=False: save_ts(os.path.join(workspace.path('copy'), 'transaction'), auto)
    return base


def with_lock(seconds, work, private=()):
    """What work(yum, miscutils, base) returns, done under yum's lock; 1 where yum refuses. private: the words that name
    the sources, if any."""
    yum, miscutils = load_yum()
    workspace = Workspace()
    try:
        base = acting_base(yum, workspace, sources_of_file(private, workspace))
        hold_lock(yum, base, seconds)
        try:
            return work(yum, miscutils, base)
        except yum.Errors.YumBaseError as error:
            tell('error: ' + words_of(error))
            return 1
        finally:
            base.doUnlock()
    finally:
        workspace.close()


def hold_lock(yum, base, seconds):
    """yum's lock, which its API does not wait for."""
    deadline = steady() + seconds
    told = False
    while True:
        try:
            return base.doLock()
        except yum.Errors.LockError as error:
            pid = getattr(error, 'pid', 0)
            name = (read_text('/proc/{0}/comm'.format(pid), 64) or '').strip() or 'another process'
            if steady() >= deadline:
                raise ReaderError('locked', '{0} (pid {1}) holds the lock of yum, after {2} seconds of waiting '
                                  'still'.format(str_of(name), pid, seconds))
            if not told:
                tell('waiting for {0} (pid {1}), which holds the lock of yum'.format(str_of(name), pid))
                told = True
            time.sleep(1)


def install(words):
    """Install exactly what the order says; may run again after a power cut."""
    order = read_order(words[0])
    return with_lock(order['lock_timeout'], lambda yum, miscutils, base: bring(yum, miscutils, base, order), words[1:])


def bring(yum, miscutils, base, order):
    code = finish_interrupted(yum, miscutils, base)
    if code != 0:
        tell('error: an interrupted transaction could not be finished')
        return code
    order['targets'] -= installed_words(base)
    if not order['targets']:
        tell('everything is installed')
        return 0
    kept = what_is_kept(base)
    for repo in base.repos.listEnabled():
        # The plan was made from what is in the cache.
        repo.metadata_expire = -1
    hide_kept_back(yum, miscutils, base, kept, order['arriving'])
    rows, problem = work_out(yum, base, order['targets'])
    if problem is not None:
        tell('error: ' + problem)
        return 1
    return run_as_ordered(yum, base, rows, order)


def run_as_ordered(yum, base, rows, order):
    """0 when the host has what was ordered afterwards. What is not as ordered does not run."""
    against = beyond_order(rows, order)
    if against:
        tell('error: stopped before anything was changed, since {0} yum {1}'.format(
            'to take it back' if order.get('downgrading') else 'no simulation showed that', '; '.join(against[:20])))
        return 1
    wait_for_rpm(order['lock_timeout'])
    last = last_number(base)
    display = log_display(yum)
    try:
        base.processTransaction(rpmTestDisplay=yum.rpmtrans.NoOutputCallBack(), rpmDisplay=display)
    finally:
        # Where the first of both is not known, somebody else's would be taken for ours.
        for number in range(last + 1, (last_number(base) or 0) + 1) if last is not None else []:
            tell('transaction {0}'.format(number))
    base.closeRpmDB()
    return compare(rows, installed_words(base))


def compare(rows, present):
    """yum's API neither raises nor returns anything where a package failed, or where nothing was done at all."""
    code = 0
    for kind, name, arch, version, other in rows:
        word = nevra_word(name, arch, version)
        if kind in ARRIVING and word not in present:
            tell('failed {0}: yum went on without it'.format(word))
            code = 1
        elif kind in LEAVING and word in present:
            tell('failed {0}: it is still there'.format(word))
            code = 1
        elif kind in ('upgrade', 'downgrade') and nevra_word(name, arch, other) in present:
            tell('failed {0}: {1} is still there beside it'.format(word, nevra_word(name, arch, other)))
            code = 1
    return code


def log_display(yum):
    class Display(yum.rpmtrans.RPMBaseCallback):
        """Lines for the log of the step. Nothing may be raised in here: yum does not catch it."""

        def event(self, package, action, te_current, te_total, ts_current, ts_total):
            if te_current == te_total:
                # An object for what arrives, a name for what leaves.
                self.say('{0}: {1} [{2}/{3}]'.format(self.action.get(action, action), package, ts_current, ts_total))

        def scriptout(self, package, msgs):
            if msgs:
                # rpm's own lines among them are understood where they begin at the margin.
                self.say('output of {0}:\n{1}'.format(package, str_of(text_of(msgs)).rstrip()))

        def errorlog(self, msg):
            self.say('RPM: error: {0}'.format(str_of(text_of(msg))))

        def say(self, text):
            try:
                sys.stdout.write(text + '\n')
                sys.stdout.flush()
            except Exception:
                return

    return Display()


def last_number(base):
    """The number of the last transaction in yum's history, 0 before the first, None where it cannot be read."""
    try:
        # history.last() takes the older one of two that began in the same second.
        return max([int(each.tid) for each in base.history.old([], 10)] + [0])
    except Exception:
        return None


def installed_words(base):
    return set(nevra_word_of(each) for each in base.rpmdb.returnPackages() if each.name != 'gpg-pubkey')


def interrupted_work(yum, miscutils, base):
    """(lists that yum left, packages beside their successors, packages whose scripts may not have run to their end)."""
    folder = base.conf.persistdir
    lists = yum.misc.find_unfinished_transactions(yumlibpath=folder)
    left, groups, older, begun = {}, {}, [], []
    for stamp in lists:
        for state, spec in yum.misc.find_ts_remaining(stamp, yumlibpath=folder):
            # install 0:acme-1.1-1.el7.noarch
            name, version, release, epoch, arch = miscutils.splitFilename(spec)
            left.setdefault(name, []).append((state, arch, (epoch, version, release)))
    for each in base.rpmdb.searchNames(sorted(left)) if left else []:
        if not base.allowedMultipleInstalls(each):
            groups.setdefault((each.name, each.arch), []).append(each)
        if ('install', each.arch, evr_of(each)) in left[each.name]:
            begun.append(each)
    for found in groups.values():
        # What was taken back is older than what it replaces.
        coming = [each for each in found if each in begun] or [found[0]]
        if len(coming) > 1 or coming[0] not in begun:
            for each in found:
                coming = [each] if each.verGT(coming[0]) else coming[:1]
        older += [each for each in found if each is not coming[0]]
        if len(found) > 1 and coming[0] not in begun:
            begun.append(coming[0])
    return lists, older, [each for each in begun if each not in older]


def finish_interrupted(yum, miscutils, base):
    """Take away what a transaction was to replace, install once more what it had begun so that its scripts run, and
    lay its lists aside as yum-complete-transaction does."""
    folder = base.conf.persistdir
    lists, older, begun = interrupted_work(yum, miscutils, base)
    if not lists:
        return 0
    words = [nevra_word_of(each) for each in older]
    again = [nevra_word_of(each) for each in begun]
    tell('left by an interrupted transaction: {0}'.format(', '.join(sorted(words + again)) or 'nothing'))
    code = 0
    for leaving, arriving, mark in ((words, [], lambda: [base.remove(po=each) for each in older]),
                                    ([], again, lambda: [reinstall(base, word) for word in again])):
        if not leaving and not arriving or code != 0:
            continue
        del base.tsInfo
        mark()
        result, messages = base.buildTransaction(unfinished_transactions_check=False)
        if result != 2:
            tell('error: ' + '; '.join(str_of(text_of(each)) for each in messages[:5]))
            return 1
        order = {'targets': set(arriving), 'arriving': set(arriving), 'leaving': set(leaving), 'lock_timeout': 600}
        code = run_as_ordered(yum, base, transaction_rows(yum, base), order)
    if code == 0:
        for stamp in lists:
            for kind in ('all', 'done'):
                path = os.path.join(folder, 'transaction-{0}.{1}'.format(kind, stamp))
                if os.path.exists(path):
                    os.rename(path, path + '.disabled')
    return code


def reinstall(base, word):
    found = available(base, word)
    if found:
        base.reinstall(name=found[0].name, arch=found[0].arch, epoch=found[0].epoch, version=found[0].version,
                       release=found[0].release)


def repair(words):
    return with_lock(600, finish_interrupted, words)


def back(words):
    """Take an installation back as the order says: by yum's history where that is still as the installation left it,
    else by versions. May run again after a power cut."""
    order = read_order(words[0])
    return with_lock(order['lock_timeout'], lambda yum, miscutils, base: take_back(yum, miscutils, base, order))


def take_back(yum, miscutils, base, order):
    code = finish_interrupted(yum, miscutils, base)
    if code != 0:
        tell('error: an interrupted transaction could not be finished')
        return code
    open_excludes(base)
    base.conf.installonly_limit = 0
    for repo in base.repos.listEnabled():
        # The plan was made from what is in the cache.
        repo.metadata_expire = -1
    present = installed_words(base)
    whole, order = order, left_of(order, present)
    if order['transactions'] and order['untouched']:
        code = undo_all(yum, base, order)
        after = installed_words(base)
        order = left_of(whole, after)
        if code != 0 and after != present:
            return code
    if not order['arriving'] and not order['leaving']:
        tell('everything is as it was')
        return 0
    rows, problem = work_out_back(yum, base, order['arriving'], order['leaving'])
    if problem is not None:
        tell('error: ' + problem)
        return 1
    return ended(run_as_ordered(yum, base, rows, order), whole, installed_words(base))


def undo_all(yum, base, order):
    """The newest transaction first, since one cannot go before those that came after it.

    yum's own command succeeds where an old version is in no repository any more, removes what needed what it takes
    away, and lets the kernels that come back drive out others. Here such a transaction does not run.
    """
    for number in sorted(order['transactions'], reverse=True):
        code = undo_one(yum, base, number, order)
        if code != 0:
            tell('error: transaction {0} was not taken back'.format(number))
            return code
    return 0


def undo_one(yum, base, number, order):
    found = base.history.old([number])
    if not found:
        tell('error: the history of yum has no transaction {0}'.format(number))
        return 1
    came, went = set(), set()
    for each in found[0].trans_data:
        (came if each.state_installed else went).add(nevra_word_of(each))
    present = installed_words(base)
    if went <= present and not (came - went) & present:
        tell('nothing that transaction {0} did is left'.format(number))
        return 0
    del base.tsInfo
    del base.up
    base.history_undo(found[0])
    code, messages = base.buildTransaction(unfinished_transactions_check=False)
    if code == 1:
        tell('error: ' + '; '.join(str_of(text_of(each)) for each in messages[:5]))
        return 1
    # One of several brings a part of what is ordered.
    part = dict(order, targets=went - present, must_go=(came - went) & order['leaving'] & present)
    return run_as_ordered(yum, base, transaction_rows(yum, base), part)


if __name__ == '__main__':
    run_program({'simulate': (simulate, True), 'install': (install, False), 'repair': (repair, False),
                 'simulate-back': (simulate_back, True), 'back': (back, False)})
