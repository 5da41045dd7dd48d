# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the readers of dnf 4 and dnf 5: the cache of metadata and refreshing it.

Both rewrite their binary caches whenever they find them old. They work on a private folder of links here, so that what
they write lands beside the host's cache. Stands after reader_protocol.py, run_workspace.py and rpm_system.py; uses
listing, run_bounded, steady, without_passwords and begin_refresh. `sources` are those of private_sources.py, or None.
"""

import os

# Lines in which dnf and dnf5 say what failed.
FAILURES = ('Error', 'Ignoring repositories', '  - ', 'Failed', 'Cannot')
# Those of them that say nothing about a repository: the metadata came all the same.
HARMLESS = ('Failed loading plugin', 'Failed to load plugin', 'Failed to set locale', 'Cannot load plugin',
            'Cannot set locale')


def link_cache(own, private):
    """The private cache shows what the host's has at this moment."""
    for name in listing(own):
        whole, target = os.path.join(own, name), os.path.join(private, name)
        if name.endswith(('.solv', '.solvx')):
            os.symlink(whole, target)
        elif os.path.isdir(whole):
            os.mkdir(target, 0o700)
            for inner in listing(whole):
                if inner == 'solv':
                    # Where dnf 5 writes its binary caches.
                    os.mkdir(os.path.join(target, inner), 0o700)
                    for deep in listing(os.path.join(whole, inner)):
                        os.symlink(os.path.join(whole, inner, deep), os.path.join(target, inner, deep))
                elif inner != 'pubring':
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


def start_private_cache(own, private):
    """Without root the metadata is fetched into the private folder; keys that root accepted count there too."""
    empty_folder(private)
    for name in listing(own):
        if os.path.isdir(os.path.join(own, name)):
            os.mkdir(os.path.join(private, name), 0o700)
            copy_keys(os.path.join(own, name), os.path.join(private, name))


def last_current(folder):
    """Seconds when the metadata in a repository's folder was last known to be current; None where there is none."""
    found = None
    for name in listing(os.path.join(folder, 'repodata')):
        # Touched each time that the server says it is current.
        if 'primary.xml' in name:
            try:
                found = max(found or 0, os.stat(os.path.join(folder, 'repodata', name)).st_mtime)
            except OSError:
                continue
    return found


def refresh_cache(options, own, private, find_times, find_holder, command, sources=None):
    """Run `makecache` when metadata is older than asked for; a repository that fails is told, not fatal.

    Links to the host's own cache are in the private one afterwards, or what was fetched where root's may not be written.
    """
    own = sources.path('cache') if sources else own
    link_cache(own, private)
    started = steady()
    times = find_times()
    if sources and (None in times or not times):
        # Nobody else ever fetches their metadata.
        options = dict(options, refresh='always')
    result, due = begin_refresh(options, times, find_holder, command)
    if not due:
        return result
    if os.geteuid() != 0 and not sources:
        start_private_cache(own, private)
    code, output = run_makecache(command, options, None if os.geteuid() == 0 or sources else private, sources)
    result['errors'] = makecache_errors(output)
    if code is None:
        result['errors'].append('{0} makecache was stopped after {1} s'.format(
            command, int(options.get('refresh_timeout', 300))))
    elif code != 0 and not result['errors']:
        result['errors'].append('{0} makecache ended with {1}: {2}'.format(command, code, output.strip()[-500:]))
    result['ok'] = code == 0 and not result['errors']
    result['seconds'] = round(steady() - started, 3)
    if os.geteuid() == 0 or sources:
        empty_folder(private)
        link_cache(own, private)
    return result


def run_makecache(command, options, private, sources=None):
    """As run_bounded says. Without -y: a key that nobody has accepted yet stays unaccepted."""
    words = [command, '--refresh', '--setopt=*.skip_if_unavailable=1', '--setopt=*.timeout=30', 'makecache']
    if options.get('release'):
        words[1:1] = ['--releasever=' + options['release']]
    if private is not None:
        # Logs of others than root would land in their homes.
        words[1:1] = ['--setopt=cachedir=' + private, '--setopt=logdir=' + private]
    if sources:
        # A key that they name counts for their own metadata; nothing of the host is written.
        aside = sources.path('aside')
        words[1:1] = ['-y', '--setopt=plugins=0', '--setopt=logdir=' + aside, '--setopt=persistdir=' + aside,
                      ] + sources.setopts()
    return run_bounded(words, options.get('refresh_timeout', 300), 'Error')


def makecache_errors(output):
    """The lines in which dnf says what failed, in its own words."""
    found, shown = [], ''
    for line in output.splitlines():
        if '% | ' in line:
            # " Lab updates     100% | 137.0 KiB/s |   4.1 KiB |  00m00s", of dnf5; its ">>> reason" comes below.
            shown = line.rpartition('[y/N]:')[2].strip().split('  ')[0]
        elif line.startswith('>>> '):
            line = 'Error: {0}: {1}'.format(shown, line[4:])
        if line.startswith(FAILURES) and not line.startswith(HARMLESS):
            line = without_passwords(line.strip())
            if line not in found:
                found.append(line[:1000])
    return found[:50]
