# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the dnf reader: installed packages, every newer version, the notices about them, and what is kept back.

Lists of packages travel as columns and rows, because a host has thousands. Stands after reader_protocol.py,
run_workspace.py, rpm_system.py and dnf_cache.py; uses load_excludes, read_text, listing, text_of, utc, plain_version and
the columns
of rpm_system.py: RPM_INSTALLED_COLUMNS, RPM_CANDIDATE_COLUMNS, NOTICE_COLUMNS and ADVISORY_COLUMNS.
"""

import os
import re

MOST_HISTORY_BYTES = 512 * 1024 * 1024
# libdnf: TransactionItemReason, TransactionItemAction and TransactionState.
AUTOMATIC_REASONS = (1, 3, 4)
REMOVING_ACTIONS = (3, 5, 7, 8, 10)
STATE_BEGUN, STATE_DONE = 0, 1


def nevra_of(package):
    return (text_of(package.name), text_of(package.arch), plain_version(package.evr))


def read_rpms(base, hawkey, history, locks):
    """Installed packages, newer versions of them, notices about them: the tables of the answer.

    The sack has been loaded without the excludes of the host.
    """
    everything = hawkey.IGNORE_EXCLUDES
    installed = base.sack.query(flags=everything).installed()
    keep_beside = set(nevra_of(each) for each in installed.filter(provides=list(base.conf.installonlypkgs)))
    rows, present = [], {}
    for package in installed:
        name, arch, version = nevra_of(package)
        known = history.of(name, arch)
        rows.append([name, arch, version, known[0], int(package.installtime), int(package.buildtime), known[1],
                     vendor_of(package), (name, arch, version) in keep_beside])
        present.setdefault(name, []).append(package)
    # What modules hide is no candidate; what the administrator excludes is one, and kept back.
    newer = base.sack.query().available().upgrades()
    upgrades = list(newer)
    moved = [each for each in upgrades
             if text_of(each.arch) not in [text_of(old.arch) for old in present.get(text_of(each.name), [])]]
    notices, advisories = read_notices(base, hawkey, installed, newer if moved else None)
    load_excludes(base)
    offered = set((nevra_of(each), text_of(each.reponame)) for each in base.sack.query().available().upgrades())
    locked = locked_away(base, everything, locks)
    candidates = []
    for package in upgrades:
        nevra = nevra_of(package)
        kept = None
        if nevra in locked:
            kept = 'versionlock'
        elif (nevra, text_of(package.reponame)) not in offered:
            kept = 'exclude'
        candidates.append([nevra[0], nevra[1], nevra[2], replaced_version(package, present.get(nevra[0], [])),
                           text_of(package.reponame), int(package.downloadsize), int(package.installsize),
                           int(package.buildtime), text_of(package.source_name) or None,
                           text_of(package.vendor) or None, kept])
    return {'replacements': read_replacements(base, installed),
            'kept': kept_installed(base, installed, locks),
            'installed': {'columns': RPM_INSTALLED_COLUMNS, 'rows': rows},
            'candidates': {'columns': RPM_CANDIDATE_COLUMNS, 'rows': candidates},
            'notices': {'columns': NOTICE_COLUMNS, 'rows': notices},
            'advisories': {'columns': ADVISORY_COLUMNS, 'rows': advisories}}


def vendor_of(package):
    """None too where its bytes are no text: a package from elsewhere must not end the scan."""
    try:
        vendor = text_of(package.vendor) or None
    except UnicodeError:
        return None
    # hawkey's word where a package has none.
    return vendor if vendor != '<NULL>' else None


def replaced_version(package, present):
    """The newest installed instance that a candidate takes the place of, or stays beside."""
    same = [each for each in present if each.arch == package.arch] or present
    newest = None
    for each in same:
        if newest is None or newest.evr_cmp(each) < 0:
            newest = each
    return plain_version(newest.evr) if newest is not None else None


def read_replacements(base, installed):
    """[name, arch, version, repository, name and version of what it obsoletes]: dnf calls that an update, too."""
    rows = []
    offered = base.sack.query().available()
    try:
        replacing = offered.filter(obsoletes_by_priority=installed)
    except ValueError:
        # The first hawkey of EL 8 does not know that key.
        replacing = offered.filter(obsoletes=installed)
    for package in replacing:
        for old in installed.filter(provides=list(package.obsoletes)):
            rows.append(list(nevra_of(package)) + [text_of(package.reponame), text_of(old.name), plain_version(old.evr)])
    return rows


def read_notices(base, hawkey, installed, upgrades):
    """Every notice about a version, older or newer, of what is installed; a notice once, however often it is named.

    hawkey finds notices by name and architecture: `upgrades` is asked as well where one of them has another architecture
    than what it replaces (noarch before), else None.
    """
    words = {hawkey.ADVISORY_SECURITY: 'security', hawkey.ADVISORY_BUGFIX: 'bugfix',
             hawkey.ADVISORY_ENHANCEMENT: 'enhancement', hawkey.ADVISORY_NEWPACKAGE: 'newpackage'}
    numbers, advisories, notices, seen = {}, [], [], set()
    named = list(installed.get_advisory_pkgs(hawkey.LT | hawkey.EQ | hawkey.GT))
    named += list(upgrades.get_advisory_pkgs(hawkey.EQ)) if upgrades is not None else []
    for package in named:
        advisory = package.get_advisory(base.sack)
        # Two repositories may carry the same notice, or differ about it.
        key = (text_of(advisory.id), advisory.type, text_of(advisory.severity), advisory.updated)
        if key not in numbers:
            numbers[key] = len(advisories)
            references = advisory.references
            advisories.append([key[0], words.get(advisory.type), key[2] or None, None, moment_of(advisory.updated), None,
                               reference_ids(references, hawkey.REFERENCE_CVE),
                               reference_ids(references, hawkey.REFERENCE_BUGZILLA)])
        row = (text_of(package.name), text_of(package.arch), plain_version(package.evr), numbers[key])
        if row not in seen:
            seen.add(row)
            notices.append(list(row))
    return notices, advisories


def moment_of(moment):
    """hawkey's datetime, which libsolv takes from `updated`, else `issued`, and which is 1970-01-01 where a notice has
    neither; the process runs in UTC."""
    return moment.strftime('%Y-%m-%dT%H:%M:%SZ') if moment is not None and moment.year > 1970 else None


def reference_ids(references, kind):
    found = []
    for each in references:
        name = text_of(each.id)
        if each.type == kind and name and name not in found:
            found.append(name)
    return found


def read_locklist(conf):
    """Entries of the versionlock plugin where it is installed and enabled: what dnf itself would honour."""
    if not conf.plugins or not [path for path in conf.pluginpath
                                if os.path.exists(os.path.join(text_of(path), 'versionlock.py'))]:
        return []
    for folder in conf.pluginconfpath:
        text = read_text(os.path.join(text_of(folder), 'versionlock.conf'))
        if text is None:
            continue
        if re.search(r'^\s*enabled\s*[=:]\s*(0|no|false|off)\s*$', text, re.M | re.I):
            return []
        match = re.search(r'^\s*locklist\s*[=:]\s*(\S.*?)\s*$', text, re.M)
        lines = (read_text(match.group(1), 1 << 20) or '').splitlines() if match else []
        return [line.strip() for line in lines if line.strip() and not line.startswith('#')]
    return []


def locked_away(base, flags, locks):
    """Versions that locks keep away, as name, architecture and version."""
    names, kept, away = read_locks(base, locks)
    if names:
        others = base.sack.query(flags=flags).available().filter(name__glob=sorted(names))
        away |= set(nevra_of(each) for each in others) - kept
    return away


def kept_installed(base, installed, locks):
    """[name, arch, version, what keeps it] of what the host wants left as it is: installed packages that are locked to
    whatever version, or hidden from dnf."""
    names = read_locks(base, locks)[0]
    kept = {}
    if names:
        kept = dict((nevra_of(each), 'versionlock') for each in installed.filter(name__glob=sorted(names)))
    if base.conf.excludepkgs or base.conf.includepkgs:
        visible = set(nevra_of(each) for each in base.sack.query().installed())
        for each in installed:
            if nevra_of(each) not in visible:
                kept.setdefault(nevra_of(each), 'exclude')
    return sorted(list(nevra) + [why] for nevra, why in kept.items())


def read_locks(base, locks):
    """(patterns of names that are locked, versions that they are locked to, versions that are kept away by themselves)."""
    names, kept, away = set(), set(), set()
    if not locks:
        return names, kept, away
    import dnf.subject
    import hawkey
    forms = [hawkey.FORM_NEVRA, hawkey.FORM_NEVR, hawkey.FORM_NEV, hawkey.FORM_NA, hawkey.FORM_NAME]
    for entry in locks:
        excluding = entry.startswith('!')
        for nevra in dnf.subject.Subject(entry.lstrip('!')).get_nevra_possibilities(forms=forms):
            fitting = set(nevra_of(each) for each in nevra.to_query(base.sack))
            if excluding:
                away |= fitting
            else:
                names.add(text_of(nevra.name))
                kept |= fitting
            if fitting:
                break
    return names, kept, away


def exclude_patterns(base):
    """[repository or None, pattern] of what the configuration keeps away."""
    disabled = set(text_of(each) for each in base.conf.disable_excludes)
    rows = []
    if not disabled & set(['all', 'main']):
        rows = [[None, text_of(pattern)] for pattern in base.conf.excludepkgs]
    for repo in base.repos.iter_enabled():
        if not disabled & set(['all', text_of(repo.id)]):
            rows += [[text_of(repo.id), text_of(pattern)] for pattern in repo.excludepkgs]
    return rows


def module_rows(folder='/etc/dnf/modules.d'):
    """Streams that somebody enabled or disabled: [name, stream or None, state]."""
    rows = []
    for name in listing(folder):
        text = read_text(os.path.join(folder, name)) if name.endswith('.module') else None
        if text:
            fields = dict(re.findall(r'^(\w+)\s*=[ \t]*(.*?)[ \t]*$', text, re.M))
            rows.append([fields.get('name') or name[:-len('.module')], fields.get('stream') or None,
                         fields.get('state') or None])
    return rows


class History(object):
    """What dnf wrote down about its transactions, from a copy: opening the original would change files beside it."""

    def __init__(self, folder, workspace):
        self.known = {}
        self.unfinished = None
        path = os.path.join(folder, 'history.sqlite')
        try:
            if os.stat(path).st_size > MOST_HISTORY_BYTES:
                return
        except OSError:
            return
        import shutil
        import sqlite3
        copy = os.path.join(workspace.path('history'), 'history.sqlite')
        try:
            for ending in ('', '-wal'):
                if os.path.exists(path + ending):
                    shutil.copyfile(path + ending, copy + ending)
            connection = sqlite3.connect(copy)
            try:
                self._read(connection)
            finally:
                connection.close()
        except (IOError, OSError, sqlite3.Error):
            # Somebody else's, half written or of another format: what it would tell is unknown then.
            self.known, self.unfinished = {}, None

    def _read(self, connection):
        last = connection.execute('SELECT id, dt_begin, dt_end, state FROM trans ORDER BY id DESC LIMIT 1').fetchone()
        if last and not last[2] and last[3] == STATE_BEGUN:
            self.unfinished = {'id': last[0], 'begun_at': utc(last[1])}
        rows = connection.execute(
            'SELECT r.name, r.arch, i.reason, i.action, p.repoid, MAX(i.id) FROM trans_item i '
            'JOIN rpm r ON r.item_id = i.item_id JOIN trans t ON t.id = i.trans_id '
            'LEFT JOIN repo p ON p.id = i.repo_id WHERE t.state = ? GROUP BY r.name, r.arch', (STATE_DONE,))
        for name, arch, reason, action, repository, _newest in rows:
            if action not in REMOVING_ACTIONS:
                self.known[(name, arch)] = (reason in AUTOMATIC_REASONS if reason else None, repository or None)

    def of(self, name, arch):
        """(installed as a dependency or None when unknown, the repository it came from or None)."""
        return self.known.get((name, arch), (None, None))
