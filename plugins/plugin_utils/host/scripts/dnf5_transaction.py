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

# What Python is given instead of the names of these exit states.
FAILED = 1


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


def resolved(libdnf5, base, batch, erasing, job='add_rpm_upgrade'):
    """The transaction for these NEVRAs, with its problems."""
    settings = libdnf5.base.GoalJobSettings()
    for name in ('provides', 'filenames', 'binaries'):
        getattr(settings, 'set_with_' + name)(False)
    goal = libdnf5.base.Goal(base)
    goal.set_allow_erasing(erasing)
    for word in sorted(batch):
        getattr(goal, job)(word, settings)
    return goal.resolve()


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

    def make_base():
        base, places = open_configuration(libdnf5, workspace)
        if not caches:
            link_cache(places.cache, text_of(base.get_config().cachedir))
            caches.append(places)
        settle_configuration(base.get_config())
        excludes = [text_of(each) for each in base.get_config().disable_excludes]
        load_sack(base, repositories_of(libdnf5, base))
        return base, excludes

    try:
        batches = batches_of(words)
        base, every = load_for(libdnf5, make_base, words[:words.index('/')])
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
        transaction = resolved(libdnf5, base, batch, erasing)
        problem = problem_of(libdnf5, transaction)
        if problem is None:
            return {'rows': transaction_rows(libdnf5, base, transaction), 'problem': None}
        first = first or problem
    return {'rows': [], 'problem': first}


# -- acting ------------------------------------------------------------------------------------------------------


def open_to_act(libdnf5):
    """(Base with the host's own folders and plugins, its own disable_excludes), loaded with nothing excluded. The plan
    was made from the metadata in the cache, so no other is fetched."""
    base = libdnf5.base.Base()
    conf = base.get_config()
    base.load_config()
    conf.cacheonly = 'metadata'
    settle_configuration(conf)
    base.setup()
    base.get_logger().add_logger(libdnf5.logger.create_rotating_file_logger(base, 'dnf5.log'))
    excludes = [text_of(each) for each in conf.disable_excludes]
    base.get_repo_sack().create_repos_from_system_configuration()
    load_sack(base, repositories_of(libdnf5, base))
    return base, excludes


def install(words):
    """Install exactly what the order says; may run again after a power cut."""
    order = read_order(words[0])
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    wait_for_rpm(order['lock_timeout'], lock_of_host)
    if any(unfinished_work(libdnf5).values()) and run_again('repair') != 0:
        tell('error: an interrupted transaction could not be finished')
    base, every = load_for(libdnf5, lambda: open_to_act(libdnf5), order['targets'])
    order['targets'] -= words_of(package_query(libdnf5, base, 'filter_installed'))
    if not order['targets']:
        tell('everything is installed')
        return 0
    missing = sorted(word for word in order['targets'] if word not in every)
    if missing:
        tell('error: {0}'.format('; '.join('{0} is in no repository any more'.format(word) for word in missing)))
        return FAILED
    return guarded(libdnf5, base, resolved(libdnf5, base, order['targets'], order['erasing']), order)


def lock_of_host():
    for path in (TRANSACTION_LOCK, '/var/lib/rpm/.rpm.lock'):
        holder = lock_holder(path)
        if holder is not None and holder['pid'] != os.getpid():
            return holder
    return None


def guarded(libdnf5, base, transaction, order):
    """The exit code. What is not as ordered does not run."""
    problem = problem_of(libdnf5, transaction)
    if problem is None:
        against = beyond_order(transaction_rows(libdnf5, base, transaction), order)
        if against:
            problem = ('stopped before anything was changed, since no simulation showed that dnf5 '
                       + '; '.join(against[:20]))
    if problem is not None:
        tell('error: ' + problem)
        return FAILED
    try:
        transaction.download()
    except Exception as error:
        tell('error: {0}'.format(' '.join(str(error).split())))
        return FAILED
    history = base.get_transaction_history()
    known = set(history.list_transaction_ids())
    callbacks = progress_of(libdnf5)
    transaction.set_callbacks(libdnf5.rpm.TransactionCallbacksUniquePtr(callbacks))
    transaction.set_description('openfleet.patch')
    transaction.set_comment('openfleet.patch ' + (os.environ.get('OPENFLEET_PATCH_UNIT') or ''))
    transaction.set_user_id(os.getuid())
    acting = stay_until_rpm_ends()
    try:
        code = run_transaction(libdnf5, base, transaction, order, acting)
    finally:
        for number in sorted(set(history.list_transaction_ids()) - known):
            tell('transaction {0}'.format(number))
    return code


def run_transaction(libdnf5, base, transaction, order, acting):
    """Signatures are checked by the library itself; without that nothing runs."""
    deadline = time.time() + order['lock_timeout']
    while True:
        wait_for_rpm(max(0, deadline - time.time()), lock_of_host)
        lock_system(libdnf5, base)
        acting.append(True)
        try:
            result = transaction.run()
        finally:
            del acting[:]
        if result != libdnf5.base.Transaction.TransactionRunResult_ERROR_LOCK or time.time() >= deadline:
            break
        time.sleep(1)
    if result == libdnf5.base.Transaction.TransactionRunResult_SUCCESS:
        return 0
    for each in list(transaction.get_gpg_signature_problems()) + list(transaction.get_transaction_problems()):
        tell('error: {0}'.format(' '.join(text_of(each).split())))
    tell('error: {0}'.format(text_of(transaction.transaction_result_to_string(result))))
    return FAILED


def lock_system(libdnf5, base):
    """What the command holds while it changes the host, since 5.3."""
    if hasattr(base, 'lock_system_repo'):
        words = libdnf5.utils
        base.lock_system_repo(words.LockAccess_WRITE, words.LockBlocking_BLOCKING)


def progress_of(libdnf5):
    class Progress(libdnf5.rpm.TransactionCallbacks):
        """What happens, for the log of the step."""

        def install_start(self, item, total):
            say('installing', item)

        def uninstall_start(self, item, total):
            say('removing', item)

        def unpack_error(self, item):
            tell('error: package {0}: its files could not be unpacked'.format(text_of(item.get_package().get_nevra())))

        def script_error(self, item, nevra, type, return_code):
            name = text_of(libdnf5.rpm.to_full_nevra_string(nevra))
            tell('error: package {0}: its {1} scriptlet failed, exit status {2}'.format(
                name, text_of(self.script_type_to_string(type)), return_code))

    return Progress()


def say(what, item):
    tell('{0} {1}'.format(what, text_of(item.get_package().get_nevra())))


# -- after an interruption ---------------------------------------------------------------------------------------


def unfinished_work(libdnf5):
    """What an interrupted transaction left, as NEVRAs: `older` beside their successors, which are `doubled`, and
    `begun`, which came by the last transaction of the history without its having ended: their scripts may not have
    run."""
    base = libdnf5.base.Base()
    base.load_config()
    base.setup()
    base.get_config().disable_excludes = ['*']
    base.get_repo_sack().load_repos(libdnf5.repo.Repo.Type_SYSTEM)
    groups = {}
    for package in package_query(libdnf5, base, 'filter_installed', 'filter_duplicates'):
        groups.setdefault(nevra_of(package)[:2], []).append((package, nevra_word(*nevra_of(package))))
    left = {'older': [], 'doubled': []}
    for found in groups.values():
        words = newest_first(found, lambda one, other: is_newer(libdnf5, one, other))
        if len(words) > 1:
            left['doubled'].append(words[0])
            left['older'] += words[1:]
    present = words_of(package_query(libdnf5, base, 'filter_installed'))
    left['begun'] = [word for word in begun_items(libdnf5, base) if word in present and word not in left['doubled']]
    return left


def begun_items(libdnf5, base):
    history = base.get_transaction_history()
    numbers = list(history.list_transaction_ids())
    if not numbers:
        return []
    [last] = history.list_transactions([max(numbers)])
    words = libdnf5.transaction
    if last.get_state() != words.TransactionState_STARTED:
        return []
    found = []
    for item in last.get_packages():
        arrives = words.transaction_item_action_is_inbound(item.get_action())
        if arrives and item.get_state() != words.TransactionItemState_OK:
            epoch = '{0}:'.format(item.get_epoch()) if str(item.get_epoch()) not in ('', '0') else ''
            found.append(nevra_word(text_of(item.get_name()), text_of(item.get_arch()), '{0}{1}-{2}'.format(
                epoch, text_of(item.get_version()), text_of(item.get_release()))))
    return found


def repair(words):
    """Install once more what was begun, so that its scripts run, and take away what it was to replace.

    What has no older one beside it comes first: that it was begun, the history alone knows, and only until the next
    transaction.
    """
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    wait_for_rpm(600, lock_of_host)
    left = unfinished_work(libdnf5)
    order = {'targets': set(), 'arriving': set(left['begun'] + left['doubled']), 'leaving': set(left['older']),
             'lock_timeout': 600}
    if not words:
        tell('left by an interrupted transaction: {0}'.format(', '.join(sum(left.values(), [])) or 'nothing'))
        codes = [run_again('repair', part) for part in ('begun', 'older') if left[part]]
        return max(codes or [0])
    base, _excludes = open_to_act(libdnf5)
    base.get_config().protected_packages = []
    job = 'add_rpm_reinstall' if words[0] == 'begun' else 'add_rpm_remove'
    return guarded(libdnf5, base, resolved(libdnf5, base, left[words[0]], False, job), order)


def undo(words):
    """Take one transaction of the history back, by dnf5's own means."""
    import subprocess
    return subprocess.call(['dnf5', '-y', 'history', 'undo', words[0]], env=fixed_environment())


if __name__ == '__main__':
    run_program({'simulate': (simulate, True), 'install': (install, False), 'repair': (repair, False),
                 'undo': (undo, False)})
