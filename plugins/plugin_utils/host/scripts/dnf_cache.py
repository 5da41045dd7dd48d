# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the dnf reader: dnf's configuration, its lock, its metadata and its repositories.

Stands after reader_protocol.py, run_workspace.py, system_facts.py, rpm_system.py and rpm_cache.py; uses ReaderError,
listing, text_of, utc, refresh_cache, copy_keys, last_current, lock_of_pid_file, lock_holder and without_passwords.
`sources` are those of private_sources.py, or None.
"""

import os
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


def open_configuration(dnf, workspace, sources=None, release=None):
    """(Base with the host's configuration and repositories, the host's own cache folder); nothing is loaded yet.

    `release` stands in for the host's own releasever.
    """
    try:
        base = dnf.Base()
    except Exception as error:
        raise ReaderError('rpm_failed', "dnf could not open rpm's database ({0}); see `rpm -qa` and `rpm --rebuilddb` on "
                          'the host.'.format(' '.join(str(error).split())))
    conf = base.conf
    conf.read()
    conf.substitutions.update_from_etc('/')
    if release is not None:
        conf.substitutions['releasever'] = release
    own = text_of(conf.cachedir if os.geteuid() == 0 else getattr(conf, 'system_cachedir', conf.cachedir))
    conf.cachedir = workspace.path('cache')
    conf.logdir = workspace.path('log')
    # Repositories inherit this: what is not in the cache is left out instead of fetched.
    conf.cacheonly = True
    if sources:
        conf.reposdir = [sources.repository_folder()]
    try:
        base.read_all_repos()
        if sources:
            keep_sources_alone(base, sources)
    except Exception as error:
        raise ReaderError('dnf_failed', 'dnf could not read its repository files: {0}'.format(
            without_passwords(str(error))))
    return base, own


def keep_sources_alone(base, sources):
    """Without those in dnf's main configuration, and those that plugins add."""
    for repo in list(base.repos.all()):
        if text_of(repo.id) not in sources.ids:
            del base.repos[repo.id]


def metadata_times(base):
    """repository -> seconds when its metadata was last known to be current; None where there is none."""
    times = {}
    for repo in base.repos.iter_enabled():
        times[text_of(repo.id)] = last_current(text_of(repo._repo.getCachedir()))
    return times


def bring_keys(base, own):
    """Another release of a repository has a cache of its own; what root accepted for this repository counts there too."""
    for repo in base.repos.iter_enabled():
        folder = os.path.join(own, os.path.basename(text_of(repo._repo.getCachedir())))
        if os.path.isdir(os.path.join(folder, 'pubring')):
            continue
        for name in listing(own):
            # amazonlinux-0a9f6c2b6a8e31f1
            if name.rpartition('-')[0] == text_of(repo.id) and os.path.isdir(os.path.join(own, name, 'pubring')):
                if not os.path.isdir(folder):
                    os.mkdir(folder, 0o755)
                copy_keys(os.path.join(own, name), folder)
                break


def refresh_metadata(base, own, options, sources=None):
    private = text_of(base.conf.cachedir)
    if options.get('release') and not sources and os.geteuid() == 0 and options.get('refresh') != 'never':
        bring_keys(base, own)
    return refresh_cache(options, own, private, lambda: list(metadata_times(base).values()),
                         lambda: dnf_lock_holder(own, text_of(base.conf.persistdir)), 'dnf', sources)


def dnf_lock_holder(cache, persistent):
    """{'pid', 'name', 'file'} of a dnf that works on this host, or of whoever holds rpm's own lock; else None."""
    for path in (os.path.join(cache, 'metadata_lock.pid'), os.path.join(cache, 'download_lock.pid'),
                 os.path.join(persistent, 'rpmdb_lock.pid')):
        holder = lock_of_pid_file(path)
        if holder is not None:
            return holder
    return lock_holder('/var/lib/rpm/.rpm.lock')


def load_sack(base, excludes=True):
    """Load what the cache has. dnf itself switches off the repositories of which it has nothing.

    Returns the ids of those that the host's own configuration lets dnf go on without. With `excludes` left out those of
    the host count only after `load_excludes`: what they hide, dnf's filter of modules does not see.
    """
    disabled = list(base.conf.disable_excludes)
    if not excludes:
        base.conf.disable_excludes = ['all']
    optional = set()
    for repo in base.repos.iter_enabled():
        if repo.skip_if_unavailable:
            optional.add(text_of(repo.id))
        repo.skip_if_unavailable = True
    try:
        base.fill_sack()
    except Exception as error:
        raise ReaderError('dnf_failed', 'dnf could not load its metadata: {0}'.format(without_passwords(str(error))))
    base.conf.disable_excludes = disabled
    return optional


def load_excludes(base):
    base._setup_excludes_includes()


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
