# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the program that changes hosts with dnf 4: acts through its command.

The command runs in this process, with the host's plugins, logs and history, so that it can be stopped between working
out a transaction and running it. Stands after all other parts of PROGRAM_PARTS["dnf_transaction"] in host/payload.py,
whose names it uses.
"""

import os
import time

# Seconds to wait for a lock where the order does not say.
PATIENCE = 600
# In dnf's history, before the job and the step that a transaction belongs to.
COMMENT = 'openfleet.patch '


def install(words):
    """Install exactly what the order says; may run again after a power cut."""
    workspace = Workspace()
    try:
        return bring(words, sources_of_file(words[1:], workspace))
    finally:
        workspace.close()


def bring(words, sources):
    order = read_order(words[0])
    dnf, hawkey = load_dnf()
    bound_locks(dnf, order['lock_timeout'])
    if any(unfinished_work(dnf, hawkey).values()) and run_again('repair', *words[1:]) != 0:
        tell('error: an interrupted transaction could not be finished')
    present = installed_words(dnf, hawkey)
    order['targets'] -= present
    if not order['targets']:
        tell('everything is installed')
        return 0
    order['wanted'] = sorted(order['targets'])
    erasing = ['--allowerasing'] if order['erasing'] else []
    return guarded(dnf, hawkey, erasing + ['upgrade'] + order['wanted'], order, sources=sources)


def guarded(dnf, hawkey, words, order, mark=None, sources=None):
    """dnf's exit code. It works out the transaction itself, the command `downgrade` by mark(base) where that is given;
    what is not as ordered does not run."""
    import dnf.base
    import dnf.cli.cli
    import dnf.cli.commands.downgrade
    import dnf.cli.main
    os.environ.update(fixed_environment())
    fill, run = dnf.base.Base.fill_sack, dnf.cli.cli.BaseCli.do_transaction
    change = dnf.base.Base.do_transaction
    acting = stay_until_rpm_ends()
    own = []

    def filled(base, *args, **options):
        if sources:
            keep_sources_alone(base, sources)
        settle_configuration(base.conf)
        base.conf.comment = COMMENT + (os.environ.get('OPENFLEET_PATCH_UNIT') or '')
        for repo in base.repos.iter_enabled():
            # The plan was made from what is in the cache.
            repo.metadata_expire = -1
        found = fill(base, *args, **options)
        hide(base, hawkey, sorted(order.get('avoided') or []))
        wanted = wanted_packages(base, hawkey, order.get('wanted') or [])
        unhide(base, [package for packages in wanted.values() for package in packages])
        return found

    def checked(base, *args, **options):
        rows = transaction_rows(base, hawkey)
        found = beyond_order(rows, order)
        if found:
            raise dnf.exceptions.Error('stopped before anything was changed, since nobody asked for what dnf '
                                       + '; '.join(found[:20]))
        try:
            return run(base, *args, **options)
        finally:
            # After dnf's own summary: the controller reads the end of a log.
            for number in own:
                tell('transaction {0}'.format(number))

    def changed(base, *args, **options):
        wait_for_rpm(order['lock_timeout'])
        acting.append(True)
        # Not before: while packages come over the network somebody else may have run one.
        last = last_transaction(base)
        try:
            return change(base, *args, **options)
        finally:
            del acting[:]
            own.extend(range(last + 1, last_transaction(base) + 1))

    dnf.base.Base.fill_sack, dnf.cli.cli.BaseCli.do_transaction = filled, checked
    dnf.base.Base.do_transaction = changed
    if sources:
        # These write repository files of the host, or bring its repositories from elsewhere.
        words = sources.setopts() + ['--disableplugin=subscription-manager,spacewalk,rhnplugin'] + words
    if mark:
        dnf.cli.commands.downgrade.DowngradeCommand.run = lambda command: mark(command.base)
    release = ['--releasever=' + RELEASE] if RELEASE else []
    return dnf.cli.main.main(['-y', '--color=never'] + release + words)


def last_transaction(base):
    """Its number, 0 before the first."""
    last = base.history.last()
    return last.tid if last is not None else 0


def bound_locks(dnf, seconds):
    """dnf waits for another one as long as it takes; from now on no longer than allowed, and says for whom."""
    import dnf.lock
    enter = dnf.lock.ProcessLock.__enter__
    deadline = steady() + seconds

    def bounded(lock):
        lock.blocking = False
        told = False
        while True:
            try:
                return enter(lock)
            except dnf.exceptions.ProcessLockError as error:
                name = (read_text('/proc/{0}/comm'.format(error.pid), 64) or '').strip() or 'another process'
                if steady() >= deadline:
                    raise ReaderError('locked', '{0} (pid {1}) holds {2}, after {3} seconds of waiting still'.format(
                        name, error.pid, lock.target, seconds))
                if not told:
                    tell('waiting for {0} (pid {1}), which holds {2}'.format(name, error.pid, lock.target))
                    told = True
                time.sleep(1)

    dnf.lock.ProcessLock.__enter__ = bounded


def installed_sack(dnf):
    base = dnf.Base()
    base.conf.read()
    base.conf.substitutions.update_from_etc('/')
    base.fill_sack(load_available_repos=False)
    return base


def installed_words(dnf, hawkey):
    base = installed_sack(dnf)
    found = set(nevra_word(*nevra_of(each)) for each in base.sack.query(flags=hawkey.IGNORE_EXCLUDES).installed())
    base.close()
    return found


# -- after an interruption ---------------------------------------------------------------------------------------


def unfinished_work(dnf, hawkey):
    """What an interrupted transaction left, as NEVRAs: `begun` came by the last transaction of the history without its
    having ended, so that their scripts may not have run; `older` are still beside those that were to replace them.
    Packages that somebody else put beside each other are his own."""
    base = installed_sack(dnf)
    installed = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).installed()
    present = set(nevra_word(*nevra_of(each)) for each in installed)
    left = {'begun': [word for word in begun_items(base) if word in present], 'older': []}
    keep_beside = installed.filter(provides=list(base.conf.installonlypkgs))
    for _key, found in installed.duplicated().difference(keep_beside)._na_dict().items():
        left['older'] += replaced_by_begun([nevra_word(*nevra_of(each)) for each in found], left['begun'])
    base.close()
    return left


def begun_items(base):
    from libdnf import transaction as words
    last = base.history.last()
    if last is None or last._trans.getState() != words.TransactionState_UNKNOWN:
        return []
    kinds = kinds_of_actions()
    return [word_of_item(item) for item in last._trans.getItems()
            if item.getRPMItem() is not None and kinds.get(item.getAction()) in ARRIVING
            and item.getState() != words.TransactionItemState_DONE]


def word_of_item(item):
    package = item.getRPMItem()
    epoch = '{0}:'.format(package.getEpoch()) if package.getEpoch() else ''
    version = '{0}{1}-{2}'.format(epoch, text_of(package.getVersion()), text_of(package.getRelease()))
    return nevra_word(text_of(package.getName()), text_of(package.getArch()), version)


def tell_begun(dnf):
    """The transaction that was cut off, if it was one of ours: it could not tell its number itself."""
    base = installed_sack(dnf)
    last = base.history.last()
    if begun_items(base) and text_of(last._trans.getComment()).startswith(COMMENT):
        tell('transaction {0}'.format(last.tid))
    base.close()


def repair(words):
    """Install once more what was begun, so that its scripts run and what it was to replace goes."""
    workspace = Workspace()
    try:
        return finish(sources_of_file(words, workspace))
    finally:
        workspace.close()


def finish(sources):
    dnf, hawkey = load_dnf()
    bound_locks(dnf, PATIENCE)
    left = unfinished_work(dnf, hawkey)
    tell_begun(dnf)
    tell('left by an interrupted transaction: {0}'.format(', '.join(left['begun'] + left['older']) or 'nothing'))
    if not left['begun']:
        return 0
    order = {'targets': set(), 'arriving': set(left['begun']), 'leaving': set(left['older']), 'lock_timeout': PATIENCE}
    code = guarded(dnf, hawkey, ['reinstall'] + left['begun'], order, sources=sources)
    still = sorted(installed_words(dnf, hawkey) & set(left['older']))
    if still:
        tell('error: still beside their successors: {0}; see `dnf check`'.format(', '.join(still)))
    return code or (1 if still else 0)


def back(words):
    """Take an installation back as the order says: by dnf's history where that is still as the installation left it,
    else by versions. May run again after a power cut."""
    whole = read_order(words[0])
    dnf, hawkey = load_dnf()
    bound_locks(dnf, whole['lock_timeout'])
    left = unfinished_work(dnf, hawkey)
    if any(left.values()) and not is_of_order(left, whole) and run_again('repair') != 0:
        tell('error: an interrupted transaction could not be finished')
    present = installed_words(dnf, hawkey)
    order = left_of(whole, present)
    if order['transactions'] and order['untouched']:
        code = run_again('undo', words[0])
        after = installed_words(dnf, hawkey)
        order = left_of(whole, after)
        if code != 0 and after != present:
            return code
    if not order['arriving'] and not order['leaving']:
        tell('everything is as it was')
        return 0
    order['wanted'] = sorted(order['arriving'])
    named = order['wanted'] + sorted(order['leaving'])
    code = guarded(dnf, hawkey, ['--allowerasing', 'downgrade'] + named, order, lambda base: mark_back(
        dnf, hawkey, base, order['arriving'], order['leaving']))
    return ended(code, whole, installed_words(dnf, hawkey))


def undo(words):
    """Take the transactions of an order, or this one of them, back by dnf's own history; those at its end in one go.
    Where dnf would do anything else than the order says, it does nothing."""
    order = read_order(words[0])
    dnf, hawkey = load_dnf()
    bound_locks(dnf, order['lock_timeout'])
    base = installed_sack(dnf)
    numbers = sorted(order['transactions'])
    last = last_transaction(base)
    base.close()
    order = left_of(order, installed_words(dnf, hawkey))
    if len(words) > 1:
        # One of several brings a part of it.
        return guarded(dnf, hawkey, ['history', 'undo', words[1]], dict(order, targets=set(), must_go=set()))
    if numbers == list(range(numbers[0], last + 1)) and numbers[0] > 1:
        return guarded(dnf, hawkey, ['history', 'rollback', str(numbers[0] - 1)], order)
    if len(numbers) > 1:
        # One cannot be undone before those that came after it. A child that was killed has a negative code.
        codes = (run_again('undo', words[0], str(number)) for number in reversed(numbers))
        return next((code for code in codes if code != 0), 0)
    return guarded(dnf, hawkey, ['history', 'undo', str(numbers[0])], order)


if __name__ == '__main__':
    run_program({'simulate': (simulate, True), 'install': (install, False), 'repair': (repair, False),
                 'simulate-back': (simulate_back, True), 'back': (back, False), 'undo': (undo, False)})
