# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the program that changes hosts with dnf 5: acts through libdnf5.

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


def open_to_act(libdnf5, lock_timeout, sources=None, settle=None):
    """(Base with the host's own folders and plugins, its own disable_excludes), loaded with nothing excluded. The plan
    was made from the metadata in the cache, so no other is fetched."""
    base = libdnf5.base.Base()
    conf = base.get_config()
    base.load_config()
    conf.cacheonly = 'metadata'
    if sources:
        conf.cachedir = sources.path('cache')
    (settle or settle_configuration)(conf)
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
    missing = missing_of(order['targets'], every)
    if missing is not None:
        tell('error: ' + missing)
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
    deadline = steady() + lock_timeout
    while True:
        wait_for_rpm(max(0, deadline - steady()), dnf5_lock_holder)
        acting.append(True)
        try:
            result = transaction.run()
        finally:
            del acting[:]
        if result != libdnf5.base.Transaction.TransactionRunResult_ERROR_LOCK or steady() >= deadline:
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
        groups.setdefault(nevra_of(package)[:2], []).append(nevra_word(*nevra_of(package)))
    for words in groups.values():
        left['older'] += replaced_by_begun(words, left['begun'])
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
    still = present_words(libdnf5) & set(left['older'])
    if still:
        tell('error: still beside their successors: {0}; see `dnf5 check`'.format(', '.join(sorted(still))))
    return code or (1 if still else 0)


def back(words):
    """Take an installation back as the order says: by the history where that is still as the installation left it, else
    by versions. May run again after a power cut."""
    whole = read_order(words[0])
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    wait_for_rpm(whole['lock_timeout'], dnf5_lock_holder)
    base = installed_base(libdnf5)
    left = unfinished_work(libdnf5, base)
    if left['begun'] and not is_of_order(left, whole) and run_again('repair') != 0:
        tell('error: an interrupted transaction could not be finished')
    present = present_words(libdnf5)
    order = left_of(whole, present)
    if order['transactions'] and order['untouched']:
        code = run_again('undo', words[0])
        after = present_words(libdnf5)
        order = left_of(whole, after)
        if code != 0 and after != present:
            return code
    if not order['arriving'] and not order['leaving']:
        tell('everything is as it was')
        return 0
    base, every = load_for(libdnf5, lambda: open_to_act(libdnf5, order['lock_timeout'], settle=settle_to_go_back),
                           order['arriving'] | order['leaving'])
    missing = missing_of(order['arriving'], every)
    if missing is not None:
        tell('error: ' + missing)
        return FAILED
    transaction = resolved(libdnf5, base, jobs_back(order['arriving'], order['leaving']), True)
    code = guarded(libdnf5, base, transaction, order['lock_timeout'], lambda rows: beyond_order(rows, order))
    return ended(code, whole, present_words(libdnf5))


def present_words(libdnf5):
    # A query does not keep its base alive.
    base = installed_base(libdnf5)
    return words_of(package_query(libdnf5, base, 'filter_installed'))


def undo(words):
    """Take the transactions of an order back by the history. Where that would do anything else than the order says,
    nothing is done."""
    order = read_order(words[0])
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    order = left_of(order, present_words(libdnf5))
    base, _excludes = open_to_act(libdnf5, order['lock_timeout'], settle=settle_to_go_back)
    taken = libdnf5.transaction.VectorTransaction()
    for number in sorted(order['transactions']):
        for each in base.get_transaction_history().list_transactions(number, number):
            taken.append(each)
    if len(taken) != len(order['transactions']):
        raise ReaderError('unknown_transaction', 'The history of dnf5 has not all of {0}.'.format(
            ', '.join(str(number) for number in sorted(order['transactions']))))
    goal = libdnf5.base.Goal(base)
    goal.set_allow_erasing(True)
    goal.add_revert_transactions(taken)
    return guarded(libdnf5, base, goal.resolve(), order['lock_timeout'], lambda rows: beyond_order(rows, order))


if __name__ == '__main__':
    run_program({'simulate': (simulate, True), 'install': (install, False), 'repair': (repair, False),
                 'simulate-back': (simulate_back, True), 'back': (back, False), 'undo': (undo, False)})
