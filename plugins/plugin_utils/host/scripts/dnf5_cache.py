# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the dnf5 reader: dnf 5's configuration, its lock, its metadata and its repositories.

Stands after reader_protocol.py, run_workspace.py, system_facts.py, rpm_system.py and rpm_cache.py; uses ReaderError,
listing, text_of, utc, refresh_cache, last_current, lock_holder and without_passwords. `sources` are those of
private_sources.py, or None.
"""

import os
import sys
import time

# What whoever changes the host through dnf 5 holds; the second one since 5.3, by those who look only, too.
TRANSACTION_LOCK = '/run/dnf/rpmtransaction.lock'
SYSTEM_LOCK = '/var/lib/dnf/system-repo.lock'


def load_libdnf5():
    try:
        import libdnf5
    except ImportError as error:
        raise ReaderError('no_native_library', 'The interpreter {0} cannot import libdnf5 ({1}); install the package '
                          'python3-libdnf5 on the host.'.format(sys.executable or 'in use', error))
    return libdnf5


class Places(object):
    """Where the host itself keeps what the library is shown copies of."""

    def __init__(self, conf):
        self.cache = text_of(conf.cachedir if os.geteuid() == 0 else conf.system_cachedir)
        self.state = text_of(conf.system_state_dir)
        history = getattr(conf, 'transaction_history_dir', None)
        self.history = os.path.join(text_of(history) or self.state, 'transaction_history.sqlite')


def open_configuration(libdnf5, workspace, sources=None):
    """(Base with the host's configuration and repositories, its Places); nothing is loaded yet.

    The library takes over what it finds of dnf 4 and writes it down, so that it gets folders of its own for its state.
    """
    base = libdnf5.base.Base()
    conf = base.get_config()
    try:
        base.load_config()
        places = Places(conf)
        conf.plugins = False
        conf.cachedir = workspace.path('cache')
        conf.logdir = workspace.path('log')
        conf.persistdir = workspace.path('persistent')
        conf.system_state_dir = copy_of_state(places.state, workspace)
        # Repositories inherit this: what is not in the cache is left out instead of fetched.
        conf.cacheonly = 'all'
        base.setup()
        create_repositories(base, sources)
    except Exception as error:
        raise ReaderError('dnf5_failed', 'libdnf5 could not read its configuration: {0}'.format(
            without_passwords(str(error))))
    return base, places


def create_repositories(base, sources):
    if sources:
        base.get_repo_sack().create_repos_from_file(sources.repository_file())
    else:
        base.get_repo_sack().create_repos_from_system_configuration()


def copy_of_state(own, workspace):
    """Why packages were installed and where from, and which module streams are enabled."""
    import shutil
    private = workspace.path('state')
    for name in listing(own):
        if name.endswith('.toml'):
            try:
                shutil.copyfile(os.path.join(own, name), os.path.join(private, name))
            except (IOError, OSError):
                continue
    return private


def repositories_of(libdnf5, base):
    """Those of the configuration, without the one of installed packages."""
    return [repo for repo in libdnf5.repo.RepoQuery(base) if not repo.get_id().startswith('@')]


def metadata_times(repos):
    """repository -> seconds when its metadata was last known to be current; None where there is none."""
    return dict((text_of(repo.get_id()), last_current(text_of(repo.get_cachedir())))
                for repo in repos if repo.is_enabled())


def refresh_metadata(base, repos, places, options, sources=None):
    return refresh_cache(options, places.cache, text_of(base.get_config().cachedir),
                         lambda: list(metadata_times(repos).values()), dnf5_lock_holder, 'dnf5', sources)


def dnf5_lock_holder():
    """{'pid', 'name', 'file'} of another process that works on this host's packages; else None."""
    for path in (TRANSACTION_LOCK, SYSTEM_LOCK, '/var/lib/rpm/.rpm.lock'):
        holder = lock_holder(path)
        if holder is not None and holder['pid'] != os.getpid():
            return holder
    return None


def load_sack(base, repos):
    """Load what the cache has, with nothing excluded; repositories of which it has nothing are left out.

    Returns the ids of those that the host's own configuration lets dnf go on without.
    """
    conf, optional = base.get_config(), set()
    for repo in repos:
        if repo.get_config().skip_if_unavailable:
            optional.add(text_of(repo.get_id()))
        repo.get_config().skip_if_unavailable = True
    conf.disable_excludes = ['*']
    try:
        base.get_repo_sack().load_repos()
    except Exception as error:
        raise ReaderError('dnf5_failed', 'libdnf5 could not load its metadata: {0}'.format(
            without_passwords(str(error))))
    return optional


def repository_rows(repos, times, optional):
    """One row per repository of the configuration; `times` has those that are enabled there, `optional` those that may
    be missing."""
    rows = []
    for repo in repos:
        name, conf = text_of(repo.get_id()), repo.get_config()
        moment = times.get(name)
        loaded = moment is not None
        addresses = [text_of(each) for each in conf.baseurl] + [
            text_of(each) for each in (conf.metalink, conf.mirrorlist) if each]
        rows.append({
            'id': name, 'name': text_of(repo.get_name()), 'enabled': name in times, 'loaded': loaded,
            'address': without_passwords(addresses[0]) if addresses else None,
            'updateinfo': bool(repo.get_metadata_path('updateinfo')) if loaded else None,
            'age': max(0, int(time.time() - moment)) if loaded else None,
            'published_at': published_at(repo) if loaded else None,
            'gpgcheck': checks_packages(conf), 'repo_gpgcheck': bool(conf.repo_gpgcheck),
            'skip_if_unavailable': name in optional,
            'priority': int(repo.get_priority()), 'cost': int(repo.get_cost())})
    return rows


def checks_packages(conf):
    # Its name until 5.2; asking for that of newer ones prints a warning.
    return bool(conf.pkg_gpgcheck if hasattr(conf, 'get_pkg_gpgcheck_option') else conf.gpgcheck)


def published_at(repo):
    seconds = repo.get_max_timestamp()
    return utc(seconds) if seconds > 0 else None
