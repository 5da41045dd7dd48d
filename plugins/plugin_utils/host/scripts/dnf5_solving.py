# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the program that changes hosts with dnf 5: what the library works out, for an installation or for taking one
back, on links to the host's cache and a copy of its state. Stands after the parts before it in
PROGRAM_PARTS["dnf5_transaction"] in host/payload.py; uses ARRIVING, Workspace, batches_of, fixed_environment,
link_cache, load_libdnf5, load_sack, nevra_of, nevra_word, open_configuration, package_query, replaced_version,
repositories_of, runs_now, sections_of, sources_of_environment, split_signs and text_of.
"""

import os


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
            kind = 'retired'
            if package.get_id().id == running or runs_now(text_of(package.get_version()), text_of(package.get_release())):
                kind = 'remove'
        rows.append([kind, name, arch, version, other])
    return rows


def private_bases(libdnf5, workspace, settle=settle_configuration, sources=None):
    """What opens a base that shares the host's cache and has everything else in the workspace, as load_for wants it."""
    caches = []

    def make_base():
        base, places = open_configuration(libdnf5, workspace, sources)
        if not caches:
            link_cache(sources.path('cache') if sources else places.cache, text_of(base.get_config().cachedir))
            caches.append(places)
        settle(base.get_config())
        excludes = [text_of(each) for each in base.get_config().disable_excludes]
        load_sack(base, repositories_of(libdnf5, base))
        return base, excludes

    return make_base


def simulate(words):
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    workspace = Workspace()
    try:
        batches = batches_of(words)
        names, _batches, avoided = sections_of(words)
        bases = private_bases(libdnf5, workspace, sources=sources_of_environment(workspace))
        base, every = load_for(libdnf5, bases, names)
        hide(libdnf5, base, avoided)
        return {'simulations': [simulated(libdnf5, base, every, batch) for batch in batches]}
    finally:
        workspace.close()


def simulated(libdnf5, base, every, batch):
    first = missing_of(batch, every)
    if first is not None:
        return {'rows': [], 'problem': first}
    # What does not work without removing anything may work with that; whether it may is decided elsewhere.
    for erasing in (False, True):
        transaction = resolved(libdnf5, base, upgrades_of(batch), erasing)
        problem = problem_of(libdnf5, transaction)
        if problem is None:
            return {'rows': transaction_rows(libdnf5, base, transaction), 'problem': None}
        first = first or problem
    return {'rows': [], 'problem': first}


def settle_to_go_back(conf):
    """Older versions are what is asked for; kernels that come back drive out no others."""
    settle_configuration(conf)
    conf.allow_downgrade = True
    conf.installonly_limit = 0


def simulate_back(words):
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    workspace = Workspace()
    try:
        names = split_signs(sections_of(words)[0])
        base, every = load_for(libdnf5, private_bases(libdnf5, workspace, settle_to_go_back), names[0] + names[1])
        found = []
        for batch in batches_of(words):
            arriving, leaving = split_signs(batch)
            problem = missing_of(arriving, every)
            if problem is None:
                transaction = resolved(libdnf5, base, jobs_back(arriving, leaving), True)
                problem = problem_of(libdnf5, transaction)
            rows = [] if problem else transaction_rows(libdnf5, base, transaction)
            found.append({'rows': rows, 'problem': problem})
        return {'simulations': found}
    finally:
        workspace.close()


def jobs_back(arriving, leaving):
    return ([('add_rpm_install', word) for word in sorted(arriving)]
            + [('add_rpm_remove', word) for word in sorted(leaving)])


def missing_of(words, every):
    missing = sorted(word for word in words if word not in every)
    return '; '.join('{0} is in no repository any more'.format(word) for word in missing) or None
