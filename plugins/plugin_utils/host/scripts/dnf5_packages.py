# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the dnf5 reader: installed packages, every newer version, the notices about them, and what is kept back.

Lists of packages travel as columns and rows, because a host has thousands. Stands after reader_protocol.py,
run_workspace.py, rpm_system.py and dnf5_cache.py; uses read_text, text_of, utc, plain_version and the columns of
rpm_system.py: RPM_INSTALLED_COLUMNS, RPM_CANDIDATE_COLUMNS, NOTICE_COLUMNS and ADVISORY_COLUMNS.
"""

import os

MOST_HISTORY_BYTES = 512 * 1024 * 1024


def nevra_of(package):
    return (text_of(package.get_name()), text_of(package.get_arch()), plain_version(package.get_evr()))


def package_query(libdnf5, base, *filters):
    """Packages that every named filter leaves: package_query(libdnf5, base, 'filter_installed')."""
    query = libdnf5.rpm.PackageQuery(base)
    for name in filters:
        getattr(query, name)()
    return query


def read_rpms(libdnf5, base, excludes_of_host):
    """Installed packages, newer versions of them, notices about them: the tables of the answer.

    The library's flags for leaving out excludes cannot be named in Python. It has been loaded without any, and loads
    those of the host, its version locks included, once everything that they hide has been seen.
    """
    installed = package_query(libdnf5, base, 'filter_installed')
    keep_beside = set(nevra_of(each) for each in package_query(libdnf5, base, 'filter_installed', 'filter_installonly'))
    automatic = automatic_reasons(libdnf5)
    rows, present = [], {}
    for package in installed:
        nevra = nevra_of(package)
        rows.append([nevra[0], nevra[1], nevra[2], automatic.get(package.get_reason()),
                     int(package.get_install_time()), int(package.get_build_time()),
                     text_of(package.get_from_repo_id()) or None, text_of(package.get_vendor()) or None,
                     nevra in keep_beside])
        present.setdefault(nevra[0], []).append(package)
    newer = package_query(libdnf5, base, 'filter_available', 'filter_upgrades')
    upgrades = [(package, nevra_of(package), text_of(package.get_repo_id())) for package in newer]
    moved = [nevra for _package, nevra, _repository in upgrades
             if nevra[1] not in [text_of(each.get_arch()) for each in present[nevra[0]]]]
    notices, advisories = read_notices(libdnf5, base, installed, newer if moved else None)
    base.get_config().disable_excludes = excludes_of_host
    sack = base.get_rpm_package_sack()
    sack.load_config_excludes_includes()
    offered = set((nevra_of(each), text_of(each.get_repo_id()))
                  for each in package_query(libdnf5, base, 'filter_available', 'filter_upgrades'))
    locked = set(nevra_of(each) for each in sack.get_versionlock_excludes())
    candidates = []
    for package, nevra, repository in upgrades:
        kept = None
        if nevra in locked:
            kept = 'versionlock'
        elif (nevra, repository) not in offered:
            kept = 'exclude'
        candidates.append([nevra[0], nevra[1], nevra[2], replaced_version(libdnf5, package, present[nevra[0]]),
                           repository, int(package.get_download_size()), int(package.get_install_size()),
                           int(package.get_build_time()), text_of(package.get_source_name()) or None,
                           text_of(package.get_vendor()) or None, kept])
    return {'replacements': read_replacements(libdnf5, base, installed),
            'kept': kept_installed(libdnf5, base, installed),
            'installed': {'columns': RPM_INSTALLED_COLUMNS, 'rows': rows},
            'candidates': {'columns': RPM_CANDIDATE_COLUMNS, 'rows': candidates},
            'notices': {'columns': NOTICE_COLUMNS, 'rows': notices},
            'advisories': {'columns': ADVISORY_COLUMNS, 'rows': advisories}}


def kept_installed(libdnf5, base, installed):
    """[name, arch, version, what keeps it] of what the host wants left as it is: installed packages that are locked to
    whatever version, or hidden from dnf. The excludes of the host have been loaded."""
    import fnmatch
    visible = set(nevra_of(each) for each in package_query(libdnf5, base, 'filter_installed'))
    names = locked_names()
    rows = []
    for nevra in set(nevra_of(each) for each in installed):
        if [name for name in names if fnmatch.fnmatchcase(nevra[0], name)]:
            rows.append(list(nevra) + ['versionlock'])
        elif nevra not in visible:
            rows.append(list(nevra) + ['exclude'])
    return sorted(rows)


def automatic_reasons(libdnf5):
    """Whether a package came as a dependency, by its reason; what another program than dnf installed is not known."""
    words = libdnf5.transaction
    return {words.TransactionItemReason_DEPENDENCY: True, words.TransactionItemReason_CLEAN: True,
            words.TransactionItemReason_WEAK_DEPENDENCY: True, words.TransactionItemReason_USER: False,
            words.TransactionItemReason_GROUP: False}


def is_newer(libdnf5, one, other):
    for part in ('get_epoch', 'get_version', 'get_release'):
        found = libdnf5.rpm.rpmvercmp(getattr(one, part)(), getattr(other, part)())
        if found:
            return found > 0
    return False


def replaced_version(libdnf5, package, present):
    """The newest installed instance that a candidate takes the place of, or stays beside."""
    same = [each for each in present if each.get_arch() == package.get_arch()] or present
    newest = same[0]
    for each in same[1:]:
        if is_newer(libdnf5, each, newest):
            newest = each
    return plain_version(newest.get_evr())


def read_replacements(libdnf5, base, installed):
    """[name, arch, version, repository, name and version of what it obsoletes]: dnf calls that an update, too."""
    replacing = package_query(libdnf5, base, 'filter_available')
    replacing.filter_obsoletes(installed)
    rows = []
    for package in replacing:
        replaced = libdnf5.rpm.PackageQuery(installed)
        replaced.filter_provides(package.get_obsoletes())
        for old in replaced:
            rows.append(list(nevra_of(package)) + [text_of(package.get_repo_id())]
                        + [text_of(old.get_name()), plain_version(old.get_evr())])
    return rows


def read_notices(libdnf5, base, installed, upgrades):
    """Every notice about a version, older or newer, of what is installed; a notice once, however often it is named.

    libdnf5 finds notices by name and architecture: `upgrades` is asked as well where one of them has another
    architecture than what it replaces (noarch before), else None.
    """
    numbers, advisories, notices, seen = {}, [], [], set()
    query = libdnf5.advisory.AdvisoryQuery(base)
    words = libdnf5.common
    asked = [(installed, each) for each in (words.QueryCmp_LT, words.QueryCmp_EQ, words.QueryCmp_GT)]
    asked += [(upgrades, words.QueryCmp_EQ)] if upgrades is not None else []
    for packages, comparison in asked:
        for package in query.get_advisory_packages_sorted(packages, comparison):
            advisory = package.get_advisory()
            # Two repositories may carry the same notice, or differ about it.
            key = (text_of(advisory.get_name()), text_of(advisory.get_type()), text_of(advisory.get_severity()),
                   advisory.get_buildtime())
            if key not in numbers:
                numbers[key] = len(advisories)
                references = [(text_of(each.get_type_cstring()), text_of(each.get_id()))
                              for each in advisory.get_references()]
                # libsolv has one date, that of the last update, or of the issue where there was none.
                advisories.append([key[0], key[1] or None, key[2] or None, None, utc(key[3]) if key[3] else None, False,
                                   reference_ids(references, 'cve'), reference_ids(references, 'bugzilla')])
            if package.get_reboot_suggested():
                advisories[numbers[key]][ADVISORY_COLUMNS.index('reboot_suggested')] = True
            row = (text_of(package.get_name()), text_of(package.get_arch()), plain_version(package.get_evr()),
                   numbers[key])
            if row not in seen:
                seen.add(row)
                notices.append(list(row))
    return notices, advisories


def reference_ids(references, kind):
    found = []
    for type_of, name in references:
        if type_of == kind and name and name not in found:
            found.append(name)
    return found


def read_toml(path):
    """A table, empty where the file is not there or cannot be read."""
    text = read_text(path, 4 << 20)
    if text is None:
        return {}
    try:
        # Python 3.11 has it, which is older than dnf 5; where it is missing nothing is known, and nothing breaks.
        return __import__('tomllib').loads(text)
    except (ImportError, ValueError):
        return {}


def read_locklist(path='/etc/dnf/versionlock.toml'):
    """`acme evr = 1.0-1` for each entry, as somebody would say it; the library judges what they keep away."""
    found = []
    packages = read_toml(path).get('packages')
    for entry in packages if isinstance(packages, list) else []:
        if isinstance(entry, dict) and entry.get('name'):
            conditions = [' '.join(str(each.get(word, '')) for word in ('key', 'comparator', 'value'))
                          for each in entry.get('conditions') or [] if isinstance(each, dict)]
            found.append(' '.join([str(entry['name']), ' and '.join(conditions)]).strip())
    return found


def locked_names(path='/etc/dnf/versionlock.toml'):
    """Names that are locked to a version; an entry that keeps versions away alone locks nothing."""
    packages = read_toml(path).get('packages')
    return [str(entry['name']) for entry in (packages if isinstance(packages, list) else [])
            if isinstance(entry, dict) and entry.get('name')
            and [each for each in entry.get('conditions') or [] if isinstance(each, dict)
                 and each.get('comparator') in ('=', '==')]]


def exclude_patterns(conf, repos):
    """[repository or None, pattern] of what the configuration keeps away."""
    disabled = set(text_of(each) for each in conf.disable_excludes)
    rows = []
    if not disabled & set(['*', 'main']):
        rows = [[None, text_of(pattern)] for pattern in conf.excludepkgs]
    for repo in repos:
        name = text_of(repo.get_id())
        if repo.is_enabled() and not disabled & set(['*', name]):
            rows += [[name, text_of(pattern)] for pattern in repo.get_config().excludepkgs]
    return rows


def module_rows(state):
    """Streams that somebody enabled or disabled: [name, stream or None, state]."""
    modules = read_toml(os.path.join(state, 'modules.toml')).get('modules')
    rows = []
    for name, fields in sorted(modules.items()) if isinstance(modules, dict) else []:
        if isinstance(fields, dict):
            rows.append([name, str(fields.get('enabled_stream') or '') or None,
                         str(fields.get('state') or '').lower() or None])
    return rows


def unfinished_transaction(path, workspace):
    """What the history says was begun last and never ended, from a copy: opening the original would change files
    beside it."""
    try:
        if os.stat(path).st_size > MOST_HISTORY_BYTES:
            return None
    except OSError:
        return None
    import shutil
    import sqlite3
    copy = os.path.join(workspace.path('history'), 'history.sqlite')
    try:
        for ending in ('', '-wal'):
            if os.path.exists(path + ending):
                shutil.copyfile(path + ending, copy + ending)
        connection = sqlite3.connect(copy)
        try:
            last = connection.execute(
                'SELECT t.id, t.dt_begin, s.name FROM trans t LEFT JOIN trans_state s ON s.id = t.state_id '
                'ORDER BY t.id DESC LIMIT 1').fetchone()
        finally:
            connection.close()
    except (IOError, OSError, sqlite3.Error):
        return None
    return {'id': last[0], 'begun_at': utc(last[1])} if last and last[2] == 'Started' else None
