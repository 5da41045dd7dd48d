# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the apt reader: apt's cache, its policy and its package files, and the sources that they come from.

The binary caches of apt are used where they are valid and never rewritten. Stands after reader_protocol.py and uses
its ReaderError, read_text, listing, utc, text_of and text_at.
"""

import os
import re
import stat
import sys


def load_apt():
    try:
        import apt_pkg
    except ImportError as error:
        raise ReaderError('no_native_library', 'The interpreter {0} cannot import apt_pkg ({1}); install the package '
                          'python3-apt on the host.'.format(sys.executable or 'in use', error))
    return apt_pkg


def status_file(apt_pkg):
    return apt_pkg.config.find_file('Dir::State::status') or '/var/lib/dpkg/status'


def newest_change(apt_pkg):
    """(of the package lists, of dpkg's status): when the binary caches of apt were last overtaken."""
    folder = apt_pkg.config.find_dir('Dir::State::lists')
    times = [0]
    for name in listing(folder):
        try:
            seen = os.stat(os.path.join(folder, name))
        except OSError:
            continue
        # The time of change: the other one is the server's.
        if stat.S_ISREG(seen.st_mode) and name != 'lock':
            times.append(seen.st_ctime)
    try:
        status = os.stat(status_file(apt_pkg)).st_mtime
    except OSError:
        status = 0
    return max(times), status


def freeze_caches(apt_pkg):
    """Let apt use its binary caches where they are valid, and never rewrite them.

    A cache is named by a descriptor open for reading, /proc/self/fd/7: apt can map it, but has no folder to put a
    new one into. One that is overtaken anyway is not offered, which spares a failing attempt.
    """
    lists, status = newest_change(apt_pkg)
    kept = []
    for setting, overtaken in (('pkgcache', max(lists, status)), ('srcpkgcache', lists)):
        name = 'Dir::Cache::' + setting
        path = apt_pkg.config.find_file(name) if apt_pkg.config.find(name) else ''
        apt_pkg.config.set(name, '')
        try:
            if path and os.stat(path).st_mtime >= overtaken:
                kept.append(os.open(path, os.O_RDONLY))
                apt_pkg.config.set(name, '/proc/self/fd/{0}'.format(kept[-1]))
        except OSError:
            pass
    return kept


def open_cache(apt_pkg):
    """The cache and its DepCache; a second attempt without binary caches where apt refused them."""
    kept = freeze_caches(apt_pkg)
    try:
        try:
            cache = apt_pkg.Cache(None)
        except Exception:
            if not kept:
                raise
            apt_pkg.config.set('Dir::Cache::pkgcache', '')
            apt_pkg.config.set('Dir::Cache::srcpkgcache', '')
            cache = apt_pkg.Cache(None)
        return cache, apt_pkg.DepCache(cache)
    except Exception as error:
        raise ReaderError('apt_failed', 'apt could not read its package lists: {0}'.format(error))
    finally:
        for descriptor in kept:
            os.close(descriptor)


def policy_of(apt_pkg, cache, depcache):
    policy = getattr(depcache, 'policy', None)
    if policy is None:
        policy = apt_pkg.Policy(cache)
        policy.read_pinfile(apt_pkg.config.find_file('Dir::Etc::preferences'))
        policy.read_pindir(apt_pkg.config.find_dir('Dir::Etc::preferencesparts'))
    return policy


def priority_of(policy, version):
    """The pin priority of a version; python-apt before 1.1 knows only that of its files."""
    try:
        return policy.get_priority(version)
    except TypeError:
        found = [policy.get_priority(package_file) for package_file, _index in version.file_list]
        return max(found) if found else 0


class Files(object):
    """The package files (one per repository, component and architecture), numbered as the rows refer to them."""

    def __init__(self, apt_pkg, cache, sources, policy):
        self.rows = []
        self.number = {}
        self.is_status = {}
        releases = release_files(apt_pkg)
        for package_file in cache.file_list:
            status = 'status' in (package_file.index_type or '') or text_at(package_file, 'archive') == 'now'
            self.is_status[package_file.id] = status
            if status:
                continue
            self.number[package_file.id] = len(self.rows)
            self.rows.append(self._describe(package_file, sources, policy, releases))

    @staticmethod
    def _describe(package_file, sources, policy, releases):
        row = {}
        for key in ('archive', 'codename', 'label', 'origin', 'component', 'site', 'version', 'architecture'):
            row[key] = text_at(package_file, key)
        row['not_automatic'] = bool(getattr(package_file, 'not_automatic', False))
        try:
            index = sources.find_index(package_file)
            row['trusted'] = bool(index.is_trusted) if index else None
        except (AttributeError, SystemError, ValueError, TypeError):
            row['trusted'] = None
        try:
            row['priority'] = policy.get_priority(package_file)
        except TypeError:
            row['priority'] = None
        filename = os.path.basename(text_of(package_file.filename) or '')
        row['list'] = filename
        row.update(release_facts(filename, releases))
        return row

    def of(self, version):
        found = []
        for package_file, _index in version.file_list:
            number = self.number.get(package_file.id)
            if number is not None:
                found.append(number)
        return found


def release_files(apt_pkg):
    """stem of the list files -> facts of their Release file."""
    folder = apt_pkg.config.find_dir('Dir::State::lists')
    found = {}
    for name in listing(folder):
        for ending in ('InRelease', 'Release'):
            if name.endswith(ending) and not name.endswith('.gpg'):
                stem = name[:-len(ending)]
                if stem not in found:
                    found[stem] = os.path.join(folder, name)
                break
    return found


def release_facts(filename, releases):
    best = None
    for stem in releases:
        if filename.startswith(stem) and (best is None or len(stem) > len(best)):
            best = stem
    if best is None:
        return {'release_file': None, 'date': None, 'valid_until': None, 'fetched_at': None}
    path = releases[best]
    head = read_text(path, 16384) or ''
    facts = {'release_file': os.path.basename(path)}
    for key, field in (('date', 'Date'), ('valid_until', 'Valid-Until')):
        match = re.search(r'^{0}:\s*(.+?)\s*$'.format(field), head, re.M)
        facts[key] = match.group(1)[:100] if match else None
    try:
        facts['fetched_at'] = utc(os.stat(path).st_ctime)
    except OSError:
        facts['fetched_at'] = None
    return facts


def without_password(uri):
    """https://user:word@host/x -> https://host/x"""
    return re.sub(r'^([a-z0-9+.-]+:/*)[^/@]*@', r'\1', uri)


def configured_sources(sources):
    """The binary sources that the source lists name, with or without lists on disk."""
    rows = []
    for entry in sources.list:
        indexes = [index for index in entry.index_files if index.has_packages]
        if indexes:
            rows.append({'uri': without_password(text_of(entry.uri)), 'dist': text_of(entry.dist),
                         'lists': bool([index for index in indexes if index.exists])})
    return rows
