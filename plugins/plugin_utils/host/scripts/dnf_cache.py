# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the dnf reader: dnf's configuration, its cache of metadata, refreshing it, and its repositories.

dnf rewrites its binary caches whenever it finds them old. It works on a private folder of links here, so that what it
writes lands beside the host's cache. Stands after reader_protocol.py, run_workspace.py, system_facts.py and
rpm_system.py; uses ReaderError, listing, text_of, utc, run_bounded, begin_refresh, lock_of_pid_file, lock_holder and
without_passwords.
"""

import os
import re
import sys
import time


def load_dnf():
    try:
        import dnf
        import hawkey
    except ImportError as error:
        raise ReaderError('no_native_library', 'The interpreter {0} cannot import dnf ({1}); install the package '
                          'python3-dnf on the host.'.format(sys.executable or 'in use', error))
    return dnf, hawkey


def open_configuration(dnf, workspace):
    """(Base with the host's configuration and repositories, the host's own cache folder); nothing is loaded yet."""
    base = dnf.Base()
    conf = base.conf
    conf.read()
    conf.substitutions.update_from_etc('/')
    own = text_of(conf.cachedir if os.geteuid() == 0 else getattr(conf, 'system_cachedir', conf.cachedir))
    conf.cachedir = workspace.path('cache')
    conf.logdir = workspace.path('log')
    # Repositories inherit this: what is not in the cache is left out instead of fetched.
    conf.cacheonly = True
    try:
        base.read_all_repos()
    except Exception as error:
        raise ReaderError('dnf_failed', 'dnf could not read its repository files: {0}'.format(error))
    return base, own


def link_cache(own, private):
    """The private cache shows what the host's has at this moment."""
    for name in listing(own):
        whole, target = os.path.join(own, name), os.path.join(private, name)
        if name.endswith(('.solv', '.solvx')):
            os.symlink(whole, target)
        elif os.path.isdir(whole):
            os.mkdir(target, 0o700)
            for inner in listing(whole):
                if inner != 'pubring':
                    os.symlink(os.path.join(whole, inner), os.path.join(target, inner))
            copy_keys(whole, target)


def copy_keys(whole, target):
    """The keys that root accepted for a repository's metadata: GnuPG writes beside them even to look at a signature."""
    import shutil
    for name in listing(os.path.join(whole, 'pubring')):
        if name in ('pubring.kbx', 'pubring.gpg', 'trustdb.gpg'):
            try:
                if not os.path.isdir(os.path.join(target, 'pubring')):
                    os.mkdir(os.path.join(target, 'pubring'), 0o700)
                shutil.copy(os.path.join(whole, 'pubring', name), os.path.join(target, 'pubring'))
            except (IOError, OSError):
                continue


def empty_folder(folder):
    import shutil
    for name in listing(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def metadata_times(base):
    """repository -> seconds when its metadata was last known to be current; None where there is none."""
    times = {}
    for repo in base.repos.iter_enabled():
        folder = os.path.join(text_of(repo._repo.getCachedir()), 'repodata')
        found = None
        for name in listing(folder):
            # dnf touches the file each time that the server says it is current.
            if 'primary.xml' in name:
                try:
                    found = max(found or 0, os.stat(os.path.join(folder, name)).st_mtime)
                except OSError:
                    continue
        times[text_of(repo.id)] = found
    return times


def refresh_metadata(base, own, options, workspace):
    """Run `dnf makecache` when metadata is older than asked for; a repository that fails is told, not fatal."""
    link_cache(own, text_of(base.conf.cachedir))
    started = time.time()
    result, due = begin_refresh(options, list(metadata_times(base).values()),
                                lambda: dnf_lock_holder(own, text_of(base.conf.persistdir)), 'dnf')
    if not due:
        return result
    private = text_of(base.conf.cachedir)
    if os.geteuid() != 0:
        start_private_cache(own, private)
    code, output = run_makecache(options, None if os.geteuid() == 0 else private)
    result['errors'] = makecache_errors(output)
    if code is None:
        result['errors'].append('dnf makecache was stopped after {0} s'.format(int(options.get('refresh_timeout', 300))))
    elif code != 0 and not result['errors']:
        result['errors'].append('dnf makecache ended with {0}: {1}'.format(code, output.strip()[-500:]))
    result['ok'] = code == 0 and not result['errors']
    result['seconds'] = round(time.time() - started, 3)
    if os.geteuid() == 0:
        empty_folder(private)
        link_cache(own, private)
    return result


def start_private_cache(own, private):
    """Without root the metadata is fetched into the private folder; keys that root accepted count there too."""
    empty_folder(private)
    for name in listing(own):
        if os.path.isdir(os.path.join(own, name)):
            os.mkdir(os.path.join(private, name), 0o700)
            copy_keys(os.path.join(own, name), os.path.join(private, name))


def run_makecache(options, private):
    """As run_bounded says. Without -y: a key that nobody has accepted yet stays unaccepted."""
    command = ['dnf', '--refresh', '--setopt=*.skip_if_unavailable=1', '--setopt=*.timeout=30', 'makecache']
    if private is not None:
        command.insert(1, '--setopt=cachedir=' + private)
    return run_bounded(command, options.get('refresh_timeout', 300), 'Error')


def makecache_errors(output):
    """The lines in which dnf says what failed, in its own words."""
    found = []
    for line in output.splitlines():
        if line.startswith(('Error', 'Ignoring repositories', '  - ')):
            line = without_passwords(line.strip())
            if line not in found:
                found.append(line[:1000])
    return found[:50]


def dnf_lock_holder(cache, persistent):
    """{'pid', 'name', 'file'} of a dnf that works on this host, or of whoever holds rpm's own lock; else None."""
    for path in (os.path.join(cache, 'metadata_lock.pid'), os.path.join(cache, 'download_lock.pid'),
                 os.path.join(persistent, 'rpmdb_lock.pid')):
        holder = lock_of_pid_file(path)
        if holder is not None:
            return holder
    return lock_holder('/var/lib/rpm/.rpm.lock')


def load_sack(base):
    """Load what the cache has. dnf itself switches off the repositories of which it has nothing.

    Returns the ids of those that the host's own configuration lets dnf go on without.
    """
    optional = set()
    for repo in base.repos.iter_enabled():
        if repo.skip_if_unavailable:
            optional.add(text_of(repo.id))
        repo.skip_if_unavailable = True
    try:
        base.fill_sack()
    except Exception as error:
        raise ReaderError('dnf_failed', 'dnf could not load its metadata: {0}'.format(error))
    return optional


def repository_rows(base, wanted, optional):
    """One row per repository of the configuration; `wanted` are the ids of those that are enabled there, `optional`
    of those that may be missing."""
    rows = []
    for repo in base.repos.all():
        name = text_of(repo.id)
        loaded = bool(repo.enabled) and name in wanted
        addresses = [text_of(each) for each in (repo.baseurl or [])] + [
            text_of(each) for each in (getattr(repo, 'metalink', None), getattr(repo, 'mirrorlist', None)) if each]
        moment = wanted.get(name)
        rows.append({
            'id': name, 'name': text_of(repo.name), 'enabled': name in wanted, 'loaded': loaded,
            'address': without_passwords(addresses[0]) if addresses else None,
            'updateinfo': has_updateinfo(repo) if loaded else None,
            'age': None if moment is None or not loaded else max(0, int(time.time() - moment)),
            'published_at': published_at(repo) if loaded else None,
            'gpgcheck': bool(repo.gpgcheck), 'repo_gpgcheck': bool(repo.repo_gpgcheck),
            'skip_if_unavailable': name in optional, 'priority': int(repo.priority), 'cost': int(repo.cost)})
    return rows


def has_updateinfo(repo):
    path = getattr(repo._repo, 'getMetadataPath', None)
    if path is not None:
        return bool(path('updateinfo'))
    folder = os.path.join(text_of(repo._repo.getCachedir()), 'repodata')
    return bool([name for name in listing(folder) if 'updateinfo.xml' in name])


def published_at(repo):
    try:
        seconds = repo._repo.getMaxTimestamp()
    except (AttributeError, RuntimeError):
        return None
    return utc(seconds) if seconds else None
