# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the program that changes hosts with yum 3: works out through its API what a transaction would do.

Stands after the parts of the yum reader and rpm_transaction.py; uses ReaderError, Workspace, error_text, text_of,
str_of, version_of, without_passwords, fixed_environment, load_yum, open_configuration, link_cache, load_repositories,
sources_of_environment, open_excludes, read_locklist, lock_test, repository_priorities, yum_failure, batches_of,
nevra_word, runs_now, split_signs and ARRIVING.
"""

import os


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
    return ([], problem) if problem is not None else built(yum, base, words)


def work_out_back(yum, base, arriving, leaving):
    """The same for packages that go back to these versions, or go."""
    del base.tsInfo
    del base.up
    for word in sorted(arriving):
        found = available(base, word)
        if not found:
            return [], '{0} is in no repository any more'.format(word)
        best = found[0]
        older = [each for each in base.rpmdb.searchNevra(name=best.name) if each.arch == best.arch]
        if older and not base.allowedMultipleInstalls(best):
            base.downgrade(po=best)
        else:
            base.install(po=best)
    for each in base.rpmdb.returnPackages():
        if nevra_word_of(each) in leaving:
            base.remove(po=each)
    return built(yum, base, arriving)


def built(yum, base, words):
    """(rows of the transaction that yum works out of what was asked for, what stands against it or None)."""
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
            if successor is not None and (successor.pkgtup == package.pkgtup
                                          or not base.allowedMultipleInstalls(package)):
                # Installed once more, or in an older version: a row of its own.
                continue
            kind = 'remove'
            if successor is not None:
                kind = 'remove' if runs_now(package.version, package.release) else 'retired'
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


def words_of(error):
    return str_of(' '.join(without_passwords(error_text(error)).split()))


def simulate(words):
    os.environ.update(fixed_environment())
    yum, miscutils = load_yum()
    workspace = Workspace()
    try:
        base, own, _persistent = open_configuration(yum, workspace, sources_of_environment(workspace))
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


def simulate_back(words):
    os.environ.update(fixed_environment())
    yum, _miscutils = load_yum()
    workspace = Workspace()
    try:
        base, own, _persistent = open_configuration(yum, workspace)
        link_cache(base, own)
        settle_configuration(base.conf)
        base.conf.installonly_limit = 0
        base.save_ts = lambda filename=None, auto=False: None
        open_excludes(base)
        load_repositories(base)
        return {'simulations': [simulated_back(yum, base, batch) for batch in batches_of(words)]}
    except Exception as error:
        if isinstance(error, ReaderError):
            raise
        raise yum_failure('simulate', error)
    finally:
        workspace.close()


def simulated_back(yum, base, batch):
    arriving, leaving = split_signs(batch)
    try:
        rows, problem = work_out_back(yum, base, set(arriving), set(leaving))
    except yum.Errors.YumBaseError as error:
        rows, problem = [], words_of(error)
    return {'rows': [] if problem else rows, 'problem': text_of(problem)}


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
