# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the program that changes hosts with yum 3: simulates and acts through its API.

yum's own answer to a transaction that failed is often none at all, so that the packages on the host are compared with
what was to come. Stands after all other parts of PROGRAM_PARTS["yum_transaction"] in host/payload.py, whose names it
uses.
"""

import os
import sys
import time

# Their work is done from their settings, so that what was decided to be installed is not hidden.
REPLACED_PLUGINS = ['versionlock', 'priorities']


def nevra_word_of(package):
    return nevra_word(text_of(package.name), text_of(package.arch), version_of(package))


def settle_configuration(conf):
    """What would bring or take more than was asked for, leave it out in silence, or wait for an answer."""
    settings = {'skip_broken': False, 'clean_requirements_on_remove': False, 'upgrade_requirements_on_install': False,
                'skip_missing_names_on_update': True, 'skip_missing_names_on_install': True}
    for name, value in settings.items():
        if hasattr(conf, name):
            setattr(conf, name, value)
    # What an arriving package takes the place of is taken away by rpm whether or not yum knows of it.
    conf.obsoletes = True


def hide_kept_back(yum, miscutils, base, conf_kept, wanted):
    """What excludes, locks and priorities keep away does not come along either. Of what was decided to be installed
    nothing is hidden."""
    excludes, only, locks, priorities = conf_kept
    away = []
    for repository, pattern in excludes:
        away += base.pkgSack.returnPackages(repoid=repository and str_of(repository), patterns=[str_of(pattern)])
    for repository, patterns in only.items():
        let_in = set(id(each) for each in base.pkgSack.returnPackages(
            repoid=str_of(repository), patterns=[str_of(pattern) for pattern in patterns]))
        away += [each for each in base.pkgSack.returnPackages(repoid=str_of(repository)) if id(each) not in let_in]
    if locks:
        is_locked = lock_test(locks, miscutils)
        names = set(miscutils.splitFilename(str_of(entry.lstrip('!')))[0] for entry in locks)
        away += [each for each in base.pkgSack.searchNames(sorted(names)) if is_locked(each)]
    away += less_preferred(base, priorities)
    for package in away:
        if nevra_word_of(package) not in wanted:
            base.pkgSack.delPackage(package)


def less_preferred(base, priorities):
    """Packages of which a repository of better priority has any version."""
    found, better = [], set()
    ranks = sorted(set(priorities.get(text_of(repo.id), 99) for repo in base.repos.listEnabled()))
    for rank in ranks if len(ranks) > 1 else []:
        names = set()
        for repo in base.repos.listEnabled():
            if priorities.get(text_of(repo.id), 99) == rank:
                own = set(each[0] for each in repo.sack.simplePkgList())
                found += repo.sack.searchNames(sorted(own & better))
                names |= own
        better |= names
    return found


def available(base, word):
    """The packages of the repositories with this NEVRA."""
    name, rest = word.rsplit('-', 2)[0], word.rsplit('-', 2)[1:]
    epoch, _colon, version = rest[0].rpartition(':')
    release, arch = rest[1].rsplit('.', 1)
    return base.pkgSack.searchNevra(name=str_of(name), epoch=str_of(epoch or '0'), ver=str_of(version),
                                    rel=str_of(release), arch=str_of(arch))


def add_targets(yum, base, words):
    """What is wrong, else None, after each of these NEVRAs was put into the transaction."""
    for word in sorted(words):
        found = available(base, word)
        if not found:
            return '{0} is in no repository any more'.format(word)
        best = found[0]
        if not base.update(name=best.name, arch=best.arch, epoch=best.epoch, version=best.version, release=best.release):
            return '{0} would not be installed: yum takes it for no update of what the host has'.format(word)
    return None


def work_out(yum, base, words):
    """(rows of the transaction that brings these NEVRAs, what stands against it or None).

    A repository that fails raises: going on without it would leave a transaction that does nothing, and succeeds.
    """
    problem = add_targets(yum, base, words)
    if problem is not None:
        return [], problem
    code, messages = base.buildTransaction(unfinished_transactions_check=False)
    if code == 1:
        found = []
        for each in messages:
            text = ' '.join(str_of(text_of(each)).split())
            if text not in found:
                found.append(text)
        return [], '; '.join(found[:10]) or 'yum gave no reason'
    if code != 2:
        return [], 'yum found nothing to do ({0})'.format(code)
    rows = transaction_rows(yum, base)
    coming = set(nevra_word(row[1], row[2], row[3]) for row in rows if row[0] in ARRIVING)
    missing = sorted(set(words) - coming)
    return rows, '; '.join('yum would not install {0}'.format(word) for word in missing) or None


def transaction_rows(yum, base):
    """The transaction that yum worked out, as rpm_transaction.py describes it."""
    states = yum.constants
    members = list(base.tsInfo.getMembers())
    arriving = [each for each in members if each.output_state in states.TS_INSTALL_STATES]
    coming = dict(((each.po.name, each.po.arch), each.po) for each in arriving)
    rows = []
    for each in members:
        package = each.po
        name, arch, version = text_of(package.name), text_of(package.arch), version_of(package)
        present = [old for old in base.rpmdb.searchNevra(name=package.name) if old.arch == package.arch] or (
            base.rpmdb.searchNevra(name=package.name))
        other = None
        if each in arriving:
            newest = None
            for old in present:
                newest = old if newest is None or old.verGT(newest) else newest
            kind = arriving_kind(base, package, newest)
            other = version_of(newest) if newest is not None else None
        elif each.output_state == states.TS_UPDATED or package.name in [one.name for one in each.obsoleted_by]:
            # Its successor of the same name is a row of its own.
            continue
        elif each.output_state == states.TS_OBSOLETED:
            kind = 'obsoleted'
            other = text_of(each.obsoleted_by[0].name) if each.obsoleted_by else None
        elif each.output_state == states.TS_ERASE:
            successor = coming.get((package.name, package.arch))
            if successor is not None and successor.pkgtup == package.pkgtup:
                # Installed once more.
                continue
            kind = 'remove'
            if successor is not None and base.allowedMultipleInstalls(package):
                kind = 'remove' if runs_now(package) else 'retired'
        else:
            kind = 'state {0}'.format(each.output_state)
        row = [kind, name, arch, version, other]
        if row not in rows:
            rows.append(row)
    return sorted(rows, key=lambda row: row[:4])


def arriving_kind(base, package, newest):
    if newest is None:
        return 'install'
    if base.allowedMultipleInstalls(package):
        return 'beside'
    if package.verGT(newest):
        return 'upgrade'
    return 'reinstall' if package.verEQ(newest) else 'downgrade'


def runs_now(package):
    release = os.uname()[2]
    return release in ('{0}-{1}.{2}'.format(package.version, package.release, package.arch),
                       '{0}-{1}'.format(package.version, package.release))


def words_of(error):
    return str_of(' '.join(without_passwords(error_text(error)).split()))


# -- simulating --------------------------------------------------------------------------------------------------


def simulate(words):
    os.environ.update(fixed_environment())
    yum, miscutils = load_yum()
    workspace = Workspace()
    try:
        base, own, _persistent = open_configuration(yum, workspace)
        link_cache(base, own)
        settle_configuration(base.conf)
        # yum keeps a copy of every transaction that it works out in /tmp, until it has run.
        base.save_ts = lambda filename=None, auto=False: None
        kept = what_is_kept(base)
        load_repositories(base)
        hide_kept_back(yum, miscutils, base, kept, set(words[:words.index('/')]))
        return {'simulations': [simulated(yum, base, batch) for batch in batches_of(words)]}
    except Exception as error:
        if isinstance(error, ReaderError):
            raise
        raise yum_failure('simulate', error)
    finally:
        workspace.close()


def what_is_kept(base):
    excludes, only = open_excludes(base)
    return excludes, only, read_locklist(base.conf, []), repository_priorities(base)


def simulated(yum, base, batch):
    del base.tsInfo
    del base.up
    try:
        rows, problem = work_out(yum, base, batch)
    except yum.Errors.YumBaseError as error:
        rows, problem = [], words_of(error)
    return {'rows': [] if problem else rows, 'problem': text_of(problem)}


# -- acting ------------------------------------------------------------------------------------------------------


def acting_base(yum, workspace):
    """A YumBase with the host's plugins, log and history, that answers yes: that is how keys which the configuration
    of a repository names come to be accepted, and no others."""
    base = yum.YumBase()
    base.preconf.disabled_plugins = REPLACED_PLUGINS
    settle_configuration(base.conf)
    base.conf.assumeyes = True
    save_ts = base.save_ts
    # Where the transaction fails its copy would stay in /tmp.
    base.save_ts = lambda filename=None, auto=False: save_ts(os.path.join(workspace.path('copy'), 'transaction'), auto)
    return base


def with_lock(seconds, work):
    """What work(yum, miscutils, base) returns, done under yum's lock; 1 where yum refuses."""
    yum, miscutils = load_yum()
    workspace = Workspace()
    try:
        base = acting_base(yum, workspace)
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
    deadline = time.time() + seconds
    told = False
    while True:
        try:
            return base.doLock()
        except yum.Errors.LockError as error:
            pid = getattr(error, 'pid', 0)
            name = (read_text('/proc/{0}/comm'.format(pid), 64) or '').strip() or 'another process'
            if time.time() >= deadline:
                raise ReaderError('locked', '{0} (pid {1}) holds the lock of yum, after {2} seconds of waiting '
                                  'still'.format(str_of(name), pid, seconds))
            if not told:
                tell('waiting for {0} (pid {1}), which holds the lock of yum'.format(str_of(name), pid))
                told = True
            time.sleep(1)


def install(words):
    """Install exactly what the order says; may run again after a power cut."""
    order = read_order(words[0])
    return with_lock(order['lock_timeout'], lambda yum, miscutils, base: bring(yum, miscutils, base, order))


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
        for number in range(last + 1, last_number(base) + 1):
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
    """The number of the last transaction in yum's history, 0 before the first."""
    try:
        # history.last() takes the older one of two that began in the same second.
        return max([int(each.tid) for each in base.history.old([], 10)] + [0])
    except Exception:
        return 0


def installed_words(base):
    return set(nevra_word_of(each) for each in base.rpmdb.returnPackages() if each.name != 'gpg-pubkey')


# -- after an interruption ---------------------------------------------------------------------------------------


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
        newest = found[0]
        for each in found:
            newest = each if each.verGT(newest) else newest
        older += [each for each in found if each is not newest]
        if len(found) > 1 and newest not in begun:
            begun.append(newest)
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


def repair(_words):
    return with_lock(600, finish_interrupted)


# -- taking back -------------------------------------------------------------------------------------------------


def undo(words):
    """Take transactions of the history back, the newest first, since one cannot go before those that came after it.

    yum's own command succeeds where an old version is in no repository any more, removes what needed what it takes
    away, and lets the kernels that come back drive out others. Here such a transaction does not run.
    """
    numbers = sorted(set(int(word) for word in words), reverse=True)
    return with_lock(600, lambda yum, _miscutils, base: undo_all(yum, base, numbers))


def undo_all(yum, base, numbers):
    open_excludes(base)
    base.conf.installonly_limit = 0
    for number in numbers:
        code = undo_one(yum, base, number)
        if code != 0:
            tell('error: transaction {0} was not taken back'.format(number))
            return code
    return 0


def undo_one(yum, base, number):
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
    order = {'targets': went - present, 'arriving': went, 'leaving': came - went, 'downgrading': True,
             'lock_timeout': 600}
    return run_as_ordered(yum, base, transaction_rows(yum, base), order)


if __name__ == '__main__':
    run_program({'simulate': (simulate, True), 'install': (install, False), 'repair': (repair, False),
                 'undo': (undo, False)})
