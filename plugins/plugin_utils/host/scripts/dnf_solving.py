# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the program that changes hosts with dnf 4: what the library works out, for an installation or for taking one
back, on links to the host's cache and a copy of its state. Stands after the parts before it in
PROGRAM_PARTS["dnf_transaction"] in host/payload.py; uses ARRIVING, Workspace, batches_of, fixed_environment,
link_cache, load_dnf, load_sack, locked_away, nevra_of, nevra_word, open_configuration, read_locklist, replaced_version,
runs_now, sections_of, sources_of_environment, split_signs and text_of.
"""

import os

MOST_COPIED_BYTES = 512 * 1024 * 1024
# Not None in a plan that was made for another release than the host's own.
RELEASE = None


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
    """Whether it belongs to the kernel that runs, which libdnf knows only where a package brought its file in /boot."""
    if running is not None:
        return running.evr == package.evr and running.arch == package.arch
    return runs_now(text_of(package.version), text_of(package.release))


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


def open_to_simulate(dnf, hawkey, workspace, sources=None):
    base, own = open_configuration(dnf, workspace, sources, RELEASE)
    link_cache(sources.path('cache') if sources else own, text_of(base.conf.cachedir))
    locks = read_locklist(base.conf)
    base.conf.persistdir = copy_of_state(text_of(base.conf.persistdir), workspace)
    settle_configuration(base.conf)
    load_sack(base)
    hide_locked(base, hawkey, locks)
    return base


def simulate(words):
    os.environ.update(fixed_environment())
    dnf, hawkey = load_dnf()
    workspace = Workspace()
    try:
        base = open_to_simulate(dnf, hawkey, workspace, sources_of_environment(workspace))
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


def simulate_back(words):
    os.environ.update(fixed_environment())
    dnf, hawkey = load_dnf()
    workspace = Workspace()
    try:
        base = open_to_simulate(dnf, hawkey, workspace)
        found = []
        for batch in batches_of(words):
            base.reset(goal=True)
            problem = None
            try:
                mark_back(dnf, hawkey, base, *split_signs(batch))
                base.resolve(True)
            except dnf.exceptions.Error as error:
                problem = ' '.join(str(error).split()) or 'dnf gave no reason'
            found.append({'rows': [] if problem else transaction_rows(base, hawkey), 'problem': problem})
        return {'simulations': found}
    finally:
        workspace.close()


def mark_back(dnf, hawkey, base, arriving, leaving):
    """Asks for exactly these versions and for these to go; raises where one is not to be had."""
    wanted = wanted_packages(base, hawkey, arriving)
    missing = sorted(word for word in arriving if not wanted[word])
    if missing:
        raise dnf.exceptions.Error('; '.join('{0} is in no repository any more'.format(word) for word in missing))
    installed = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).installed()
    going = [each for each in installed if nevra_word(*nevra_of(each)) in leaving]
    unhide(base, [wanted[word][0] for word in arriving] + going)
    # Kernels that come back drive out no others.
    base.conf.installonly_limit = 0
    for word in sorted(arriving):
        base.package_install(wanted[word][0])
    for package in going:
        base.package_remove(package)
