# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the program that changes hosts with dnf 5: simulate and act through libdnf5.

The command dnf5 cannot be stopped between working out a transaction and running it, so the library runs it here, with
the host's plugins, logs, locks and history. Stands after all other parts of PROGRAM_PARTS["dnf5_transaction"] in
host/payload.py, whose names it uses.
"""

import os
import time

FAILED = 1
# In the history, before the job and the step that a transaction belongs to.
COMMENT = 'openfleet.patch '
# A lock of this process ends as soon as any of its bases does.
BASES = []


def settle_configuration(conf):
    """What would bring or take more than was asked for, or leave it out in silence, whatever the host's default."""
    for name, value in (('best', True), ('strict', True), ('skip_broken', False), ('skip_unavailable', False),
                        ('clean_requirements_on_remove', False), ('obsoletes', False), ('allow_downgrade', False)):
        if name == 'strict' and hasattr(conf, 'skip_broken'):
            # Its older name, which prints a warning.
            continue
        if hasattr(conf, name):
            setattr(conf, name, value)


def words_of(packages):
    return set(nevra_word(*nevra_of(each)) for each in packages)


def available_words(libdnf5, base):
    """NEVRA -> ids of the repositories that have it and that the host does not keep from dnf."""
    found = {}
    for package in package_query(libdnf5, base, 'filter_available'):
        found.setdefault(nevra_word(*nevra_of(package)), set()).add(text_of(package.get_repo_id()))
    return found


def load_for(libdnf5, make_base, wanted):
    """A base that make_base() opened, loaded. An exclude or lock of the host does not keep away what was decided to be
    installed, and everything else as ever."""
    base, excludes_of_host = make_base()
    every = available_words(libdnf5, base)
    base.get_config().disable_excludes = excludes_of_host
    base.get_rpm_package_sack().load_config_excludes_includes()
    offered = available_words(libdnf5, base)
    shown = words_of(package_query(libdnf5, base, 'filter_installed'))
    names = set(word for word in wanted if word in every)
    hidden = [word for word in names if every[word] - offered.get(word, set())]
    if not hidden:
        return base, every
    # What was excluded once stays so: once more, with all excludes but those.
    base, _excludes = make_base()
    away, moving = libdnf5.rpm.PackageSet(base), set()
    for package in package_query(libdnf5, base, 'filter_available'):
        word = nevra_word(*nevra_of(package))
        if word in names:
            moving.add(text_of(package.get_name()))
        elif text_of(package.get_repo_id()) not in offered.get(word, set()):
            away.add(package)
    for package in package_query(libdnf5, base, 'filter_installed'):
        if nevra_word(*nevra_of(package)) not in shown and text_of(package.get_name()) not in moving:
            away.add(package)
    base.get_rpm_package_sack().add_user_excludes(away)
    return base, every


def hide(libdnf5, base, words):
    """What the baseline rejects under BLOCK comes by no dependency; where something else serves it, that does."""
    away = libdnf5.rpm.PackageSet(base)
    for package in package_query(libdnf5, base, 'filter_available') if words else []:
        if nevra_word(*nevra_of(package)) in words:
            away.add(package)
    base.get_rpm_package_sack().add_user_excludes(away)


def resolved(libdnf5, base, jobs, erasing=False):
    """The transaction for [(method of Goal, NEVRA)], with its problems."""
    settings = libdnf5.base.GoalJobSettings()
    for name in ('provides', 'filenames', 'binaries'):
        getattr(settings, 'set_with_' + name)(False)
    goal = libdnf5.base.Goal(base)
    goal.set_allow_erasing(erasing)
    for method, word in jobs:
        getattr(goal, method)(word, settings)
    return goal.resolve()


def upgrades_of(batch):
    return [('add_rpm_upgrade', word) for word in sorted(batch)]


def problem_of(libdnf5, transaction):
    if transaction.get_problems() == libdnf5.base.GoalProblem_NO_PROBLEM:
        return None
    told = ' '.join('; '.join(text_of(each) for each in transaction.get_resolve_logs_as_strings()).split())
    return told or 'libdnf5 gave no reason'


def transaction_rows(libdnf5, base, transaction):
    """The transaction that the library worked out, as rpm_transaction.py describes it."""
    words = libdnf5.transaction
    kinds = {words.TransactionItemAction_INSTALL: 'install', words.TransactionItemAction_UPGRADE: 'upgrade',
             words.TransactionItemAction_DOWNGRADE: 'downgrade', words.TransactionItemAction_REINSTALL: 'reinstall',
             words.TransactionItemAction_REMOVE: 'remove', words.TransactionItemAction_REPLACED: 'replaced',
             words.TransactionItemAction_REASON_CHANGE: None}
    items = [(kinds.get(item.get_action(), str(item.get_action())), item)
             for item in transaction.get_transaction_packages()]
    items = [(kind, item, item.get_package()) for kind, item in items if kind]
    installed = {}
    for package in package_query(libdnf5, base, 'filter_installed'):
        installed.setdefault(text_of(package.get_name()), []).append(package)
    keep_beside = set(nevra_of(each) for each in package_query(libdnf5, base, 'filter_installonly'))
    arriving = set(nevra_of(package)[:2] for kind, _item, package in items if kind in ARRIVING)
    running = base.get_rpm_package_sack().get_running_kernel().get_id().id
    rows = []
    for kind, item, package in items:
        name, arch, version = nevra_of(package)
        other = None
        if kind in ARRIVING:
            before = [each for each in item.get_replaces() if text_of(each.get_name()) == name] or installed.get(name)
            if kind == 'install' and before and (name, arch, version) in keep_beside:
                kind = 'beside'
            other = replaced_version(libdnf5, package, before) if before else None
        elif kind == 'replaced':
            successors = [text_of(each.get_name()) for each in item.get_replaced_by()]
            if name in successors:
                # Its successor of the same name is a row of its own.
                continue
            kind, other = 'obsoleted', successors[0] if successors else None
        elif kind == 'remove' and (name, arch) in arriving and (name, arch, version) in keep_beside:
            kind = 'remove' if package.get_id().id == running else 'retired'
        rows.append([kind, name, arch, version, other])
    return rows


# -- simulating --------------------------------------------------------------------------------------------------


def simulate(words):
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    workspace = Workspace()
    caches = []
    sources = sources_of_environment(workspace)

    def make_base():
        base, places = open_configuration(libdnf5, workspace, sources)
        if not caches:
            link_cache(sources.path('cache') if sources else places.cache, text_of(base.get_config().cachedir))
            caches.append(places)
        settle_configuration(base.get_config())
        excludes = [text_of(each) for each in base.get_config().disable_excludes]
        load_sack(base, repositories_of(libdnf5, base))
        return base, excludes

    try:
        batches = batches_of(words)
        names, _batches, avoided = sections_of(words)
        base, every = load_for(libdnf5, make_base, names)
        hide(libdnf5, base, avoided)
        return {'simulations': [simulated(libdnf5, base, every, batch) for batch in batches]}
    finally:
        workspace.close()


def simulated(libdnf5, base, every, batch):
    missing = [word for word in batch if word not in every]
    if missing:
        return {'rows': [], 'problem': '; '.join('{0} is in no repository any more'.format(word) for word in missing)}
    first = None
    # What does not work without removing anything may work with that; whether it may is decided elsewhere.
    for erasing in (False, True):
        transaction = resolved(libdnf5, base, upgrades_of(batch), erasing)
        problem = problem_of(libdnf5, transaction)
        if problem is None:
            return {'rows': transaction_rows(libdnf5, base, transaction), 'problem': None}
        first = first or problem
    return {'rows': [], 'problem': first}


# -- acting ------------------------------------------------------------------------------------------------------


def open_to_act(libdnf5, lock_timeout, sources=None):
    """(Base with the host's own folders and plugins, its own disable_excludes), loaded with nothing excluded. The plan
    was made from the metadata in the cache, so no other is fetched."""
    base = libdnf5.base.Base()
    conf = base.get_config()
    base.load_config()
    conf.cacheonly = 'metadata'
    if sources:
        conf.cachedir = sources.path('cache')
    settle_configuration(conf)
    base.setup()
    BASES.append(base)
    wait_for_rpm(lock_timeout, dnf5_lock_holder)
    if hasattr(base, 'lock_system_repo') and not base.lock_system_repo():
        raise ReaderError('locked', 'another process took the lock {0} just now'.format(SYSTEM_LOCK))
    base.get_logger().add_logger(libdnf5.logger.create_rotating_file_logger(base, 'dnf5.log'))
    excludes = [text_of(each) for each in conf.disable_excludes]
    create_repositories(base, sources)
    load_sack(base, repositories_of(libdnf5, base))
    return base, excludes


def install(words):
    """Install exactly what the order says; may run again after a power cut."""
    workspace = Workspace()
    try:
        return bring(words, sources_of_file(words[1:], workspace))
    finally:
        workspace.close()


def bring(words, sources):
    order = read_order(words[0])
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    wait_for_rpm(order['lock_timeout'], dnf5_lock_holder)
    if unfinished_work(libdnf5, installed_base(libdnf5))['begun'] and run_again('repair', *words[1:]) != 0:
        tell('error: an interrupted transaction could not be finished')
    base, every = load_for(libdnf5, lambda: open_to_act(libdnf5, order['lock_timeout'], sources), order['targets'])
    hide(libdnf5, base, order.get('avoided') or [])
    order['targets'] -= words_of(package_query(libdnf5, base, 'filter_installed'))
    if not order['targets']:
        tell('everything is installed')
        return 0
    missing = sorted(word for word in order['targets'] if word not in every)
    if missing:
        tell('error: {0}'.format('; '.join('{0} is in no repository any more'.format(word) for word in missing)))
        return FAILED
    transaction = resolved(libdnf5, base, upgrades_of(order['targets']), order['erasing'])
    return guarded(libdnf5, base, transaction, order['lock_timeout'], lambda rows: beyond_order(rows, order))


def guarded(libdnf5, base, transaction, lock_timeout, beyond):
    """The exit code. A transaction of which beyond(rows) says anything does not run."""
    problem = problem_of(libdnf5, transaction)
    if problem is None:
        found = beyond(transaction_rows(libdnf5, base, transaction))
        if found:
            problem = ('stopped before anything was changed, since nobody asked for what dnf5 ' + '; '.join(found[:20]))
    if problem is not None:
        tell('error: ' + problem)
        return FAILED
    try:
        transaction.download()
    except Exception as error:
        tell('error: {0}'.format(' '.join(str(error).split())))
        return FAILED
    known = transaction_numbers(base)
    callbacks = progress_of(libdnf5, transaction)
    transaction.set_callbacks(libdnf5.rpm.TransactionCallbacksUniquePtr(callbacks))
    transaction.set_description('openfleet.patch')
    transaction.set_comment(COMMENT + (os.environ.get('OPENFLEET_PATCH_UNIT') or ''))
    transaction.set_user_id(os.getuid())
    acting = stay_until_rpm_ends()
    try:
        code = run_transaction(libdnf5, base, transaction, lock_timeout, acting)
    finally:
        for number in sorted(transaction_numbers(base) - known):
            tell('transaction {0}'.format(number))
    return code


def run_transaction(libdnf5, base, transaction, lock_timeout, acting):
    """Signatures are checked by the library itself; without that nothing runs."""
    deadline = time.time() + lock_timeout
    while True:
        wait_for_rpm(max(0, deadline - time.time()), dnf5_lock_holder)
        acting.append(True)
        try:
            result = transaction.run()
        finally:
            del acting[:]
        if result != libdnf5.base.Transaction.TransactionRunResult_ERROR_LOCK or time.time() >= deadline:
            break
        time.sleep(1)
    for message in transaction.get_rpm_messages() if hasattr(transaction, 'get_rpm_messages') else []:
        tell('rpm: {0}'.format(text_of(message)))
    if result == libdnf5.base.Transaction.TransactionRunResult_SUCCESS:
        return 0
    for each in list(transaction.get_gpg_signature_problems()) + list(transaction.get_transaction_problems()):
        tell('error: {0}'.format(' '.join(text_of(each).split())))
    tell('error: {0}'.format(text_of(transaction.transaction_result_to_string(result))))
    return FAILED


def progress_of(libdnf5, transaction):
    class Progress(libdnf5.rpm.TransactionCallbacks):
        """What happens, for the log of the step."""

        def install_start(self, item, total):
            say('installing', item)

        def uninstall_start(self, item, total):
            say('removing', item)

        def unpack_error(self, item):
            tell('error: package {0}: its files could not be unpacked'.format(text_of(item.get_package().get_nevra())))

        def script_error(self, item, nevra, kind, return_code):
            failed('error', nevra, self.script_type_to_string(kind))

        def script_stop(self, item, nevra, kind, return_code):
            # Where one of these fails the package stays as it was, and script_error tells.
            fatal = (self.ScriptType_PRE_INSTALL, self.ScriptType_PRE_UNINSTALL, self.ScriptType_PRE_TRANSACTION)
            if return_code and kind not in fatal:
                failed('script', nevra, self.script_type_to_string(kind))

    def failed(word, nevra, kind):
        output = transaction.get_last_script_output() if hasattr(transaction, 'get_last_script_output') else ''
        name, said = text_of(libdnf5.rpm.to_nevra_string(nevra)), ' '.join(text_of(output).split())[-500:]
        tell('{0}: package {1}: its {2} scriptlet failed: {3}'.format(word, name, text_of(kind), said or 'it said nothing'))

    return Progress()


def say(what, item):
    tell('{0} {1}'.format(what, text_of(item.get_package().get_nevra())))


# -- after an interruption ---------------------------------------------------------------------------------------


def installed_base(libdnf5):
    base = libdnf5.base.Base()
    base.load_config()
    base.setup()
    base.get_config().disable_excludes = ['*']
    base.get_repo_sack().load_repos(libdnf5.repo.Repo.Type_SYSTEM)
    return base


def unfinished_work(libdnf5, base):
    """What an interrupted transaction left, as NEVRAs: `begun` came by the last transaction of the history without its
    having ended, so that their scripts may not have run; `older` are still beside those that were to replace them.
    Packages that somebody else put beside each other are his own."""
    present = words_of(package_query(libdnf5, base, 'filter_installed'))
    left = {'begun': [word for word in begun_items(libdnf5, base) if word in present], 'older': []}
    groups = {}
    for package in package_query(libdnf5, base, 'filter_installed', 'filter_duplicates'):
        groups.setdefault(nevra_of(package)[:2], []).append((package, nevra_word(*nevra_of(package))))
    for found in groups.values():
        words = newest_first(found, lambda one, other: is_newer(libdnf5, one, other))
        if words[0] in left['begun']:
            left['older'] += words[1:]
    return left


def transaction_numbers(base):
    return set(each.get_id() for each in base.get_transaction_history().list_all_transactions())


def last_transaction(base):
    """A list of the newest of the history, empty before the first. What is in it does not live longer than it."""
    number = max(transaction_numbers(base) or [0])
    return base.get_transaction_history().list_transactions(number, number)


def begun_items(libdnf5, base):
    last, words = last_transaction(base), libdnf5.transaction
    if not len(last) or last[0].get_state() != words.TransactionState_STARTED:
        return []
    packages = last[0].get_packages()
    return [word_of_item(item) for item in packages
            if words.transaction_item_action_is_inbound(item.get_action())
            and item.get_state() != words.TransactionItemState_OK]


def word_of_item(item):
    epoch = str(item.get_epoch())
    version = '{0}{1}-{2}'.format(epoch + ':' if epoch not in ('', '0') else '', text_of(item.get_version()),
                                  text_of(item.get_release()))
    return nevra_word(text_of(item.get_name()), text_of(item.get_arch()), version)


def repair(words):
    """Install once more what was begun, so that its scripts run, and take away what it was to replace."""
    workspace = Workspace()
    try:
        return finish(sources_of_file(words, workspace))
    finally:
        workspace.close()


def finish(sources):
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    wait_for_rpm(600, dnf5_lock_holder)
    base = installed_base(libdnf5)
    left, last = unfinished_work(libdnf5, base), last_transaction(base)
    if left['begun'] and text_of(last[0].get_comment()).startswith(COMMENT):
        # It could not tell its number itself.
        tell('transaction {0}'.format(last[0].get_id()))
    tell('left by an interrupted transaction: {0}'.format(', '.join(left['begun'] + left['older']) or 'nothing'))
    if not left['begun']:
        return 0
    order = {'targets': set(), 'arriving': set(left['begun']), 'leaving': set(left['older'])}
    base, _excludes = open_to_act(libdnf5, 600, sources)
    base.get_config().protected_packages = []
    jobs = [('add_rpm_reinstall', word) for word in left['begun']] + [('add_rpm_remove', word) for word in left['older']]
    code = guarded(libdnf5, base, resolved(libdnf5, base, jobs), 600, lambda rows: beyond_order(rows, order))
    still = words_of(package_query(libdnf5, installed_base(libdnf5), 'filter_installed')) & set(left['older'])
    if still:
        tell('error: still beside their successors: {0}; see `dnf5 check`'.format(', '.join(sorted(still))))
    return code or (1 if still else 0)


def undo(words):
    """Take transactions of the history back. What had been there before them stays, in which version ever."""
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    base, _excludes = open_to_act(libdnf5, 600)
    conf = base.get_config()
    conf.allow_downgrade = True
    taken = libdnf5.transaction.VectorTransaction()
    for word in words:
        for each in base.get_transaction_history().list_transactions(int(word), int(word)):
            taken.append(each)
    if len(taken) != len(words):
        raise ReaderError('unknown_transaction', 'The history of dnf5 has not all of {0}.'.format(', '.join(words)))
    added = set(word_of_item(item) for each in taken for item in each.get_packages()
                if item.get_action() == libdnf5.transaction.TransactionItemAction_INSTALL)

    def beyond(rows):
        gone = [nevra_word(name, arch, version) for kind, name, arch, version, _other in rows if kind in LEAVING]
        return ['would remove {0}, which was there before'.format(word) for word in gone if word not in added]

    goal = libdnf5.base.Goal(base)
    goal.set_allow_erasing(True)
    goal.add_revert_transactions(taken)
    return guarded(libdnf5, base, goal.resolve(), 600, beyond)


if __name__ == '__main__':
    run_program({'simulate': (simulate, True), 'install': (install, False), 'repair': (repair, False),
                 'undo': (undo, False)})
