# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the yum reader: installed packages, every newer version, the notices about them, and what is kept back.

Epochs are strings in yum, and '0' where there is none; texts are str or unicode as it happens. Stands after
reader_protocol.py, run_workspace.py, system_facts.py, rpm_system.py and yum_cache.py; uses error_text, read_text,
listing, text_of, str_of, utc, plain_version, without_passwords, plugin_settings, has_updateinfo and the columns
RPM_INSTALLED_COLUMNS, RPM_CANDIDATE_COLUMNS, NOTICE_COLUMNS and ADVISORY_COLUMNS.
"""

import os
import re
import sys
import time

MOST_HISTORY_BYTES = 512 * 1024 * 1024
SOUND_WORD = re.compile(r'[A-Za-z0-9._+~^]+\Z')
SOUND_NAME = re.compile(r'[A-Za-z0-9_][A-Za-z0-9._+-]*\Z')


def version_of(package):
    return plain_version('{0}:{1}-{2}'.format(package.epoch or '0', package.version, package.release))


def evr_of(package):
    return (package.epoch, package.version, package.release)


def open_excludes(base):
    """(rows [repository or None, pattern], {repository: patterns of its includepkgs}) of what the configuration keeps
    away, and lifts it: what is excluded is a candidate, and kept back. To be called before pkgSack is."""
    conf = base.conf
    disabled = set(text_of(each) for each in conf.disable_excludes)
    including = set(text_of(each) for each in getattr(conf, 'disable_includes', []))
    rows, only = [], {}
    if not disabled & set(['all', 'main']):
        rows = [[None, text_of(pattern)] for pattern in conf.exclude]
    for repo in base.repos.listEnabled():
        name = text_of(repo.id)
        if not disabled & set(['all', name]):
            rows += [[name, text_of(pattern)] for pattern in repo.exclude]
        if repo.includepkgs and not including & set(['all', name]):
            only[name] = [text_of(pattern) for pattern in repo.includepkgs]
        repo.exclude = []
        repo.includepkgs = []
    conf.exclude = []
    return rows, only


def matching(yum, packages, pattern):
    """Those that yum's own matching takes for the pattern."""
    exact, matched, _unmatched = yum.packages.parsePackages(packages, [str(pattern)], casematch=1)
    return exact + matched


def kept_packages(yum, packages, excludes, only, priorities):
    """Ids of those packages that the configuration keeps away; packages are all of the repositories, old ones too."""
    away = set()
    for repository, pattern in excludes:
        rows = [each for each in packages if repository in (None, text_of(each.repoid))]
        away.update(id(each) for each in matching(yum, rows, pattern))
    for repository, patterns in only.items():
        rows = [each for each in packages if text_of(each.repoid) == repository]
        let_in = set(id(each) for pattern in patterns for each in matching(yum, rows, pattern))
        away.update(id(each) for each in rows if id(each) not in let_in)
    best = {}
    for each in packages:
        if id(each) in away:
            continue
        rank = priorities.get(text_of(each.repoid), 99)
        best[each.name] = min(rank, best.get(each.name, rank))
    # The priorities plugin hides a package where a better repository has any version of it.
    away.update(id(each) for each in packages if priorities.get(text_of(each.repoid), 99) > best.get(each.name, 99))
    return away


def read_locklist(conf, problems):
    """Entries of the versionlock plugin where it is installed and enabled: what yum itself would honour."""
    text = plugin_settings(conf, 'versionlock')
    match = re.search(r'^\s*locklist\s*[=:]\s*(\S.*?)\s*$', text or '', re.M)
    if not match:
        return []
    path = re.sub(r'^file:(//)?', '', match.group(1))
    words = read_text(path, 1 << 20) if path.startswith('/') else None
    if words is None:
        problems.append('the version locks in {0} cannot be read'.format(str_of(without_passwords(path))))
    return [line.strip() for line in (words or '').splitlines() if line.strip() and not line.startswith('#')]


def lock_test(locks, miscutils):
    """A function that says whether locks keep a package away. Entries are epoch:name-version-release.arch, whatever
    the architecture; with ! in front that version alone is kept away."""
    names, kept, away = set(), set(), set()
    for entry in locks:
        name, version, release, epoch, _arch = miscutils.splitFilename(str_of(entry.lstrip('!')).lower())
        if entry.startswith('!'):
            away.add((name, epoch or '0', version, release))
        else:
            names.add(name)
            kept.add((name, epoch or '0', version, release))

    def is_locked(package):
        found = tuple(word.lower() for word in (package.name, package.epoch or '0', package.version, package.release))
        return found in away or found[0] in names and found not in kept
    return is_locked


def read_rpms(yum, miscutils, base, kept_back):
    """Installed packages, newer versions of them, notices about them: the tables of the answer.

    kept_back: {'locks', 'excludes', 'only', 'priorities'}. What replaces a package under another name is no candidate
    (Patch Manager user guide, installing patches: it comes where a dependency needs it).
    """
    rows, present = [], {}
    for package in base.rpmdb.returnPackages():
        if package.name == 'gpg-pubkey':
            continue
        present.setdefault(package.name, []).append(package)
        rows.append(installed_row(base, package))
    offered = base.pkgSack.searchNames(sorted(present)) if present else []
    newer = newer_packages(base, miscutils, present, offered)
    is_locked = lock_test(kept_back['locks'], miscutils)
    away = kept_packages(yum, offered, kept_back['excludes'], kept_back['only'], kept_back['priorities'])
    candidates = []
    for package, old in newer:
        kept = 'versionlock' if is_locked(package) else 'exclude' if id(package) in away else None
        candidates.append([text_of(package.name), text_of(package.arch), version_of(package), version_of(old),
                           text_of(package.repoid), int(package.size or 0), int(package.installedsize or 0),
                           int(package.buildtime or 0), source_name(package.sourcerpm), text_of(package.vendor) or None,
                           kept])
    notices, advisories, damaged = read_notices(yum, base, present)
    return {'replacements': read_replacements(base),
            'kept': kept_installed(yum, miscutils, present, kept_back),
            'installed': {'columns': RPM_INSTALLED_COLUMNS, 'rows': rows},
            'candidates': {'columns': RPM_CANDIDATE_COLUMNS, 'rows': candidates},
            'notices': {'columns': NOTICE_COLUMNS, 'rows': notices},
            'advisories': {'columns': ADVISORY_COLUMNS, 'rows': advisories}}, present, damaged


def kept_installed(yum, miscutils, present, kept_back):
    """[name, arch, version, what keeps it] of what the host wants left as it is: installed packages that are locked to
    whatever version, or hidden from yum."""
    names = set(miscutils.splitFilename(str_of(entry.lower()))[0] for entry in kept_back['locks']
                if not entry.startswith('!'))
    installed = [each for name in sorted(present) for each in present[name]]
    hidden = set(id(each) for repository, pattern in kept_back['excludes'] if repository is None
                 for each in matching(yum, installed, pattern))
    rows = []
    for each in installed:
        why = 'versionlock' if each.name.lower() in names else 'exclude' if id(each) in hidden else None
        if why is not None:
            rows.append([text_of(each.name), text_of(each.arch), version_of(each), why])
    return sorted(rows)


def installed_row(base, package):
    known = package.yumdb_info
    reason = known.get('reason')
    return [text_of(package.name), text_of(package.arch), version_of(package), reason == 'dep' if reason else None,
            whole_of(package.installtime), whole_of(package.buildtime), text_of(known.get('from_repo')) or None,
            text_of(package.vendor) or None, bool(base.allowedMultipleInstalls(package))]


def whole_of(value):
    """None where an odd package does not tell."""
    return None if value is None else int(value)


def source_name(sourcerpm):
    """acme-web-1.0-1.el7.src.rpm -> acme-web"""
    text = text_of(sourcerpm) or ''
    return text.rsplit('-', 2)[0] if text.count('-') > 1 else None


def newer_packages(base, miscutils, present, offered):
    """[(package, the installed one that it takes the place of or stays beside)], of every repository."""
    own = set([base.arch.canonarch, base.arch.bestarch, base.arch.basearch, 'noarch'])
    found = []
    for package in offered:
        beside = [each for each in present[package.name] if each.arch == package.arch]
        if not beside and package.arch in own:
            # A package may change from an architecture to none and back.
            beside = [each for each in present[package.name] if 'noarch' in (each.arch, package.arch)]
        newest = None
        for each in beside:
            if newest is None or miscutils.compareEVR(evr_of(each), evr_of(newest)) > 0:
                newest = each
        if newest is not None and miscutils.compareEVR(evr_of(package), evr_of(newest)) > 0:
            found.append((package, newest))
    found.sort(key=lambda pair: (pair[0].name, pair[0].arch, pair[0].repoid, pair[0].version, pair[0].release))
    return found


def read_replacements(base):
    """[name, arch, version, repository, name and version of what it obsoletes]: not among what yum calls updates."""
    rows = []
    for new, old in base.doPackageLists('obsoletes').obsoletesTuples:
        rows.append([text_of(new.name), text_of(new.arch), version_of(new), text_of(new.repoid), text_of(old.name),
                     version_of(old)])
    return sorted(rows)


class Listener(object):
    """Stands for yum's loggers, to which it tells what is wrong with a repository's notices before it goes on, and for
    sys.stderr, on which yum 3.4.3 of 2011 prints that."""

    def __init__(self):
        self.heard = []
        self.printed = ''

    def critical(self, words, *arguments):
        self.heard.append(text_of(words % arguments if arguments else words))

    error = critical

    def warning(self, *_arguments):
        pass

    warn = info = debug = log = warning

    def write(self, text):
        self.printed += text_of(text)

    def problem(self):
        """None where nothing is wrong with the notices as a whole: one that is left out for itself is no problem."""
        lines = [line for line in self.printed.splitlines() if line and not line.startswith('An update notice is broken')]
        return '; '.join((self.heard + lines)[:3]) or None


def read_notices(yum, base, present):
    """(rows, notices, {repository: what is wrong with its notices}): every notice about a version, older or newer, of
    what is installed; a notice once, however often it is named."""
    numbers, advisories, notices, seen, damaged = {}, [], [], set(), {}
    for repo in base.repos.listEnabled():
        if not has_updateinfo(repo):
            continue
        listed, problem = repository_notices(yum, repo)
        if problem is not None:
            damaged[text_of(repo.id)] = problem
        for notice in listed:
            packages = notice_packages(notice, present)
            if not packages:
                continue
            row = notice_row(notice)
            # Two repositories may carry the same notice, or differ about it.
            key = tuple(row[:6])
            if key not in numbers:
                numbers[key] = len(advisories)
                advisories.append(row)
            for package in packages:
                named = package + (numbers[key],)
                if named not in seen:
                    seen.add(named)
                    notices.append(list(named))
    return notices, advisories, damaged


def repository_notices(yum, repo):
    """(The notices of one repository, what is wrong with them or None). yum's own object for all repositories would
    keep one of two notices with the same name, and end at the first damaged file."""
    listener = Listener()
    try:
        metadata = yum.update_md.UpdateMetadata(logger=listener, vlogger=listener)
    except TypeError:
        metadata = yum.update_md.UpdateMetadata()
    problem, usual = None, sys.stderr
    sys.stderr = listener
    try:
        metadata.add(repo)
    except Exception as error:
        # RepoMDError, but also IOError, a parser's own SyntaxError and UpdateNoticeException, which is a plain one.
        problem = '{0}: {1}'.format(type(error).__name__, str_of(without_passwords(error_text(error))))
    finally:
        sys.stderr = usual
    problem = problem or listener.problem()
    return sorted(metadata.get_notices(), key=lambda notice: text_of(notice['update_id']) or ''), problem


def notice_packages(notice, present):
    """Sorted (name, arch, version) of what a notice names and the host has. `key in notice` would never end on 3.2.29."""
    found = set()
    for collection in notice['pkglist'] or []:
        for package in collection['packages'] or []:
            name, arch = package.get('name'), package.get('arch')
            words = (arch, package.get('version'), package.get('release'))
            if name not in present or not SOUND_NAME.match(name):
                continue
            if arch == 'src' or [word for word in words if not word or not SOUND_WORD.match(word)]:
                continue
            epoch = package.get('epoch')
            version = '{0}:{1}-{2}'.format(epoch if epoch and epoch.isdigit() else '0', words[1], words[2])
            found.add((text_of(name), text_of(arch), plain_version(version)))
    return sorted(found)


def notice_row(notice):
    references = notice['references'] or []
    return [text_of(notice['update_id']), text_of(notice['type']) or None, text_of(notice['severity']) or None,
            moment_of(notice['issued']), moment_of(notice['updated']), bool(notice['reboot_suggested']),
            reference_ids(references, 'cve'), reference_ids(references, 'bugzilla')]


def moment_of(text):
    """2026-01-02 03:04:05, 2026-01-02 03:04, 2026-01-02T03:04:05Z, 2026-01-02 and seconds since 1970 -> ISO 8601, UTC."""
    text = (text_of(text) or '').strip()
    match = re.match(r'(\d{4})-(\d\d?)-(\d\d?)(?:[ T]+(\d\d?):(\d\d)(?::(\d\d))?)?', text)
    try:
        if match:
            import calendar
            fields = [int(word or 0) for word in match.groups()]
            moment = calendar.timegm(tuple(fields) + (0, 0, 0))
            return utc(moment) if fields[1:3] == list(time.gmtime(moment)[1:3]) else None
        return utc(int(text)) if re.match(r'\d{9,10}\Z', text) else None
    except (ValueError, OverflowError):
        return None


def reference_ids(references, kind):
    found = []
    for each in references:
        name = text_of(each.get('id'))
        if each.get('type') == kind and name and name not in found:
            found.append(name)
    return found


def unfinished_transaction(persistent, workspace):
    """{'id', 'begun_at'} of a transaction that never ended: yum leaves a list of what was to be done, and its history
    has a beginning without an end. id is 0 where only the list tells."""
    lists = [name for name in listing(persistent) if name.startswith('transaction-all.')
             and not name.endswith('.disabled')]
    last = last_transaction(os.path.join(persistent, 'history'), workspace)
    if last is not None and last[2] is None:
        return {'id': last[0], 'begun_at': utc(last[1])}
    if lists:
        # transaction-all.2026-11-21.12:33.04
        match = re.match(r'transaction-all\.(\d{4}-\d\d-\d\d)\.(\d\d:\d\d)\.(\d\d)\Z', lists[-1])
        begun = None
        if match:
            begun = int(time.mktime(time.strptime(' '.join(match.groups()), '%Y-%m-%d %H:%M %S')))
        return {'id': 0, 'begun_at': utc(begun)}
    return None


def last_transaction(folder, workspace):
    """(number, begin, end or None) from a copy of yum's history: opening the original may write beside it."""
    names = [name for name in listing(folder) if re.match(r'history-[\d-]+\.sqlite\Z', name)]
    path = os.path.join(folder, names[-1]) if names else None
    try:
        if path is None or os.stat(path).st_size > MOST_HISTORY_BYTES:
            return None
        import shutil
        import sqlite3
        copy = os.path.join(workspace.path('history'), names[-1])
        for ending in ('', '-journal'):
            if os.path.exists(path + ending):
                shutil.copyfile(path + ending, copy + ending)
    except (IOError, OSError, ImportError):
        return None
    try:
        connection = sqlite3.connect(copy)
        try:
            return connection.execute('SELECT b.tid, b.timestamp, e.timestamp FROM trans_beg b LEFT JOIN trans_end e '
                                      'ON e.tid = b.tid ORDER BY b.tid DESC LIMIT 1').fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return None
