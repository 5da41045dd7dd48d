# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the program that changes hosts with dnf 4: simulate through its API, act through its command.

The command runs in this process, with the host's plugins, logs and history, so that it can be stopped between working
out a transaction and running it. Stands after all other parts of PROGRAM_PARTS["dnf_transaction"] in host/payload.py,
whose names it uses.
"""

import os
import time

MOST_COPIED_BYTES = 512 * 1024 * 1024
# Seconds to wait for a lock where the order does not say.
PATIENCE = 600
# In dnf's history, before the job and the step that a transaction belongs to.
COMMENT = 'openfleet.patch '


def kinds_of_actions():
    from libdnf import transaction as words
    return {
        words.TransactionItemAction_INSTALL: 'install', words.TransactionItemAction_OBSOLETE: 'install',
        words.TransactionItemAction_UPGRADE: 'upgrade', words.TransactionItemAction_DOWNGRADE: 'downgrade',
        words.TransactionItemAction_REINSTALL: 'reinstall', words.TransactionItemAction_REMOVE: 'remove',
        words.TransactionItemAction_OBSOLETED: 'obsoleted', words.TransactionItemAction_UPGRADED: 'replaced',
        words.TransactionItemAction_DOWNGRADED: 'replaced', words.TransactionItemAction_REINSTALLED: 'replaced',
        words.TransactionItemAction_REASON_CHANGE: None}


def transaction_rows(base, hawkey):
    """The transaction that dnf worked out, as rpm_transaction.py describes it."""
    kinds = kinds_of_actions()
    found = [(kinds.get(item.action, str(item.action)), item) for item in base.transaction or ()]
    # Where only the reason changes there is no package behind it.
    items = [(kind, item.pkg) for kind, item in found if kind]
    installed = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).installed()
    keep_beside = set(nevra_of(each) for each in
                      base.sack.query(flags=hawkey.IGNORE_EXCLUDES).filter(provides=list(base.conf.installonlypkgs)))
    running = base.sack.get_running_kernel()
    arriving = dict((nevra_of(package)[:2], package) for kind, package in items if kind in ARRIVING)
    gone = {}
    for kind, package in items:
        if kind == 'replaced':
            gone.setdefault(nevra_of(package)[0], []).append(package)
    rows = []
    for kind, package in items:
        name, arch, version = nevra_of(package)
        other = None
        if kind in ARRIVING:
            before = installed.filter(name=name)
            if kind == 'install' and before and (name, arch, version) in keep_beside:
                kind = 'beside'
            other = replaced_version(package, gone.get(name) or list(before))
        elif kind == 'replaced' or (kind == 'obsoleted' and (name, arch) in arriving):
            # Its successor of the same name is a row of its own.
            continue
        elif kind == 'remove' and (name, arch) in arriving and (name, arch, version) in keep_beside:
            kind = 'remove' if is_of_running(package, running) else 'retired'
        rows.append([kind, name, arch, version, other])
    return rows


def is_of_running(package, running):
    """Whether it belongs to the kernel that runs; without knowing that, nothing is said against it."""
    return running is not None and running.evr == package.evr and running.arch == package.arch


def settle_configuration(conf):
    """What would bring or take more than was asked for, or leave it out in silence, whatever the host's default."""
    for name, value in (('best', True), ('strict', True), ('clean_requirements_on_remove', False),
                        ('obsoletes', False), ('allow_downgrade', False)):
        if hasattr(conf, name):
            setattr(conf, name, value)


def wanted_packages(base, hawkey, words):
    """NEVRA -> its packages in the repositories. The host's own excludes have been judged; modules hide theirs."""
    import dnf.subject
    flags = getattr(hawkey, 'IGNORE_REGULAR_EXCLUDES', hawkey.IGNORE_EXCLUDES)
    wanted = dict((word, []) for word in words)
    names = set()
    for word in words:
        forms = dnf.subject.Subject(word).get_nevra_possibilities(forms=[hawkey.FORM_NEVRA])
        names.update(text_of(each.name) for each in forms)
    for package in base.sack.query(flags=flags).available().filter(name=sorted(names)):
        name, arch, version = nevra_of(package)
        found = wanted.get(nevra_word(name, arch, version))
        if found is not None:
            found.append(package)
    return wanted


def unhide(base, packages):
    """An exclude or lock of the host does not keep away what was decided to be installed; it hides what is installed
    from dnf, too."""
    if packages:
        import hawkey
        names = sorted(set(text_of(each.name) for each in packages))
        installed = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).installed().filter(name=names)
        base.sack.remove_excludes(query_of(base, packages).union(installed))


def hide(base, hawkey, words):
    """What the baseline rejects under BLOCK comes by no dependency; where something else serves it, that does."""
    found = [package for packages in wanted_packages(base, hawkey, words).values() for package in packages]
    if found:
        base.sack.add_excludes(query_of(base, found))


def query_of(base, packages):
    import hawkey
    return base.sack.query(flags=hawkey.IGNORE_EXCLUDES).filter(pkg=packages)


# -- simulating --------------------------------------------------------------------------------------------------


def simulate(words):
    os.environ.update(fixed_environment())
    dnf, hawkey = load_dnf()
    workspace = Workspace()
    try:
        sources = sources_of_environment(workspace)
        base, own = open_configuration(dnf, workspace, sources)
        link_cache(sources.path('cache') if sources else own, text_of(base.conf.cachedir))
        locks = read_locklist(base.conf)
        base.conf.persistdir = copy_of_state(text_of(base.conf.persistdir), workspace)
        settle_configuration(base.conf)
        load_sack(base)
        hide_locked(base, hawkey, locks)
        batches = batches_of(words)
        names, _batches, avoided = sections_of(words)
        hide(base, hawkey, avoided)
        wanted = wanted_packages(base, hawkey, names)
        unhide(base, [package for found in wanted.values() for package in found])
        return {'simulations': [simulated(dnf, hawkey, base, wanted, batch) for batch in batches]}
    finally:
        workspace.close()


def copy_of_state(own, workspace):
    """dnf opens its history for writing, and notes modules."""
    import shutil
    private = os.path.join(workspace.path('state'), 'dnf')
    size = sum(os.path.getsize(os.path.join(folder, name))
               for folder, _folders, names in os.walk(own) for name in names
               if os.path.isfile(os.path.join(folder, name)))
    if size <= MOST_COPIED_BYTES:
        try:
            shutil.copytree(own, private)
        except (IOError, OSError, shutil.Error):
            shutil.rmtree(private, True)
    return private


def hide_locked(base, hawkey, locks):
    """What the plugin versionlock does in a real run."""
    away = locked_away(base, getattr(hawkey, 'IGNORE_REGULAR_EXCLUDES', hawkey.IGNORE_EXCLUDES), locks)
    if away:
        every = base.sack.query().available().filter(name=sorted(set(name for name, _arch, _version in away)))
        found = [package for package in every if nevra_of(package) in away]
        if found:
            base.sack.add_excludes(query_of(base, found))


def simulated(dnf, hawkey, base, wanted, batch):
    missing = [word for word in batch if not wanted[word]]
    if missing:
        return {'rows': [], 'problem': '; '.join('{0} is in no repository any more'.format(word) for word in missing)}
    problem = None
    # What does not work without removing anything may work with that; whether it may is decided elsewhere.
    for erasing in (False, True):
        base.reset(goal=True)
        try:
            for word in batch:
                base.upgrade(word)
            base.resolve(erasing)
        except dnf.exceptions.Error as error:
            problem = problem or ' '.join(str(error).split()) or 'dnf gave no reason'
        else:
            return {'rows': transaction_rows(base, hawkey), 'problem': None}
    return {'rows': [], 'problem': problem}


# -- acting ------------------------------------------------------------------------------------------------------


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


def guarded(dnf, hawkey, words, order, against=None, sources=None):
    """dnf's exit code. It works out the transaction itself; what is not as ordered does not run."""
    import dnf.base
    import dnf.cli.cli
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
        found = against(rows) if against else beyond_order(rows, order)
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
    return dnf.cli.main.main(['-y', '--color=never'] + words)


def last_transaction(base):
    """Its number, 0 before the first."""
    last = base.history.last()
    return last.tid if last is not None else 0


def bound_locks(dnf, seconds):
    """dnf waits for another one as long as it takes; from now on no longer than allowed, and says for whom."""
    import dnf.lock
    enter = dnf.lock.ProcessLock.__enter__
    deadline = time.time() + seconds

    def bounded(lock):
        lock.blocking = False
        told = False
        while True:
            try:
                return enter(lock)
            except dnf.exceptions.ProcessLockError as error:
                name = (read_text('/proc/{0}/comm'.format(error.pid), 64) or '').strip() or 'another process'
                if time.time() >= deadline:
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
        found.sort(reverse=True)
        if nevra_word(*nevra_of(found[0])) in left['begun']:
            left['older'] += [nevra_word(*nevra_of(each)) for each in found[1:]]
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
    """Install once more what was begun, so that its scripts run and its older ones go."""
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


def undo(words):
    """Take transactions of the history back by dnf's own means; those at its end in one go. What had been there before
    them stays, in which version ever: where dnf's history does not know how it was, nothing is done."""
    dnf, hawkey = load_dnf()
    bound_locks(dnf, PATIENCE)
    base = installed_sack(dnf)
    numbers = sorted(int(word) for word in words)
    last = last_transaction(base)
    added = added_by(base, numbers)
    base.close()

    def against(rows):
        taken = [nevra_word(name, arch, version) for kind, name, arch, version, _other in rows if kind in LEAVING]
        return ['would remove {0}, which was there before'.format(word) for word in taken if word not in added]

    order = {'lock_timeout': PATIENCE}
    if numbers == list(range(numbers[0], last + 1)) and numbers[0] > 1:
        return guarded(dnf, hawkey, ['history', 'rollback', str(numbers[0] - 1)], order, against)
    if len(numbers) > 1:
        # One cannot be undone before those that came after it. A child that was killed has a negative code.
        codes = (run_again('undo', str(number)) for number in reversed(numbers))
        return next((code for code in codes if code != 0), 0)
    return guarded(dnf, hawkey, ['history', 'undo', str(numbers[0])], order, against)


def added_by(base, numbers):
    """What transactions brought that had not been there in another version."""
    kinds, found = kinds_of_actions(), set()
    for transaction in base.history.old(numbers):
        found.update(word_of_item(item) for item in transaction._trans.getItems()
                     if item.getRPMItem() is not None and kinds.get(item.getAction()) == 'install')
    return found


if __name__ == '__main__':
    run_program({'simulate': (simulate, True), 'install': (install, False), 'repair': (repair, False),
                 'undo': (undo, False)})
