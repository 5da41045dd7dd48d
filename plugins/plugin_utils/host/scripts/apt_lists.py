# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the apt reader: how old the package lists are, refreshing them, and sources for one run alone.

Stands after reader_protocol.py, run_workspace.py, private_sources.py, system_facts.py and apt_cache.py; uses
read_text, listing, run_bounded, steady, CLOCKS_DIFFER, without_passwords, write_private, lock_holder and release_files.
`sources` are those of private_sources.py, or None.
"""

import os
import re
import time

# What apt says once, in the end, when a list did not arrive and the old one stays in use (apt-pkg/update.cc).
SOME_FAILED = 'Some index files failed to download'
# Releases before 1.1 say that only where the network failed, and warn alone of a signature that is not good.
UPDATE_FAILED = re.compile('Failed to fetch|GPG error|signature verification|not signed|no longer signed|'
                           'does not have a Release|Release file .*(expired|not valid)|Hash Sum mismatch')


def list_folders(apt_pkg):
    lists = apt_pkg.config.find_dir('Dir::State::lists').rstrip('/')
    return [os.path.join(lists, 'partial'), lists]


def times_of_lists(apt_pkg):
    found = {}
    for path in list_folders(apt_pkg):
        try:
            found[path] = os.stat(path)
        except OSError:
            continue
    return found


def lists_refreshed_at(apt_pkg, sources=None):
    """Seconds of the last sign that the lists were brought up to date, and which sign.

    Release files carry the server's time, so they do not tell; folders that apt-get update always touches do. What is
    later than now was touched before the clock was set back: nobody knows when.
    """
    newest, sign = None, None
    latest = time.time() + CLOCKS_DIFFER
    if not release_files(apt_pkg):
        return None, None
    for path in list_folders(apt_pkg) + ([] if sources else ['/var/lib/apt/periodic/update-success-stamp']):
        try:
            seen = os.stat(path).st_mtime
        except OSError:
            continue
        if seen <= latest and (newest is None or seen > newest):
            newest, sign = seen, path
    return newest, sign


def refresh_lists(apt_pkg, options, workspace, sources=None):
    """Run `apt-get update` when the lists are older than asked for; a repository that fails is told, not fatal."""
    wish = options.get('refresh', 'auto')
    result = {'attempted': False, 'ok': None, 'errors': [], 'skipped_because': None, 'seconds': None}
    refreshed_at, _sign = lists_refreshed_at(apt_pkg, sources)
    age = None if refreshed_at is None else max(0, time.time() - refreshed_at)
    if sources and age is None:
        # Nobody else ever fetches their lists.
        wish = 'always'
    if wish == 'never':
        result['skipped_because'] = 'refresh is set to never'
        return result
    limit = options.get('metadata_max_age', 3600)
    if wish == 'auto' and age is not None and age <= limit:
        result['skipped_because'] = 'lists are {0} s old, younger than {1} s'.format(int(age), int(limit))
        return result
    if os.geteuid() != 0 and not sources:
        result['skipped_because'] = 'only root may refresh the lists'
        return result
    started = steady()
    deadline = started + options.get('lock_timeout', 60)
    result['attempted'] = True
    times = times_of_lists(apt_pkg)
    lock = os.path.join(apt_pkg.config.find_dir('Dir::State::lists'), 'lock')
    while True:
        holder = lock_holder(lock)
        if holder is None:
            code, output = run_update(apt_pkg, options, workspace)
            if not (code == 100 and 'Could not get lock' in output and steady() < deadline):
                break
        elif steady() >= deadline:
            result['ok'] = False
            result['errors'] = ['the lists are locked by {0} (pid {1}); waited {2} s'.format(
                holder['name'] or 'another process', holder['pid'], int(steady() - started))]
            return result
        time.sleep(0.5)
    result['errors'] = update_errors(output)
    if code is None:
        result['errors'].append('apt-get update was stopped after {0} s'.format(int(options.get('refresh_timeout', 300))))
    elif code != 0 and not result['errors']:
        result['errors'].append('apt-get update ended with {0}: {1}'.format(code, output.strip()[-500:]))
    result['ok'] = code == 0 and not result['errors']
    if not result['ok']:
        # A failed refresh leaves the same sign as a good one; the next scan must not take the lists for fresh.
        for path, seen in times.items():
            try:
                os.utime(path, (seen.st_atime, seen.st_mtime))
            except OSError:
                pass
    result['seconds'] = round(steady() - started, 3)
    return result


def update_command(options, workspace):
    command = ['apt-get', '-q', 'update', '-o', 'Acquire::http::Timeout=30', '-o', 'Acquire::https::Timeout=30',
               '-o', 'Acquire::Retries=1', '-o', 'Dpkg::Use-Pty=0']
    if options.get('refresh_hooks', 'skip') == 'skip':
        # Hooks of other programs (stamps, search indexes) write elsewhere on the host.
        path = os.path.join(workspace.path('etc'), 'no-hooks.conf')
        with open(path, 'w') as handle:
            for hook in ('Pre-Invoke', 'Post-Invoke', 'Post-Invoke-Success'):
                handle.write('#clear APT::Update::{0};\n'.format(hook))
        command += ['-c', path]
    return command


def run_update(apt_pkg, options, workspace):
    command = update_command(options, workspace)
    for setting, value in sorted(workspace.settings.items()):
        command += ['-o', '{0}={1}'.format(setting, value)]
    return run_bounded(command, options.get('refresh_timeout', 300), 'E')


def update_errors(output):
    """The lines in which apt-get says what failed, in its own words.

    apt warns of much that keeps no list from arriving: keys in the old keyring, a source listed twice.
    """
    found = []
    some_failed = SOME_FAILED in output
    for line in output.splitlines():
        failed = line.startswith('E: ') or (line.startswith('W: ') and (some_failed or UPDATE_FAILED.search(line)))
        if failed and SOME_FAILED not in line:
            line = without_passwords(line)
            if line not in found:
                found.append(line[:1000])
    return found[:50]


def is_debian_8(os_release):
    fields = dict(line.split('=', 1) for line in (os_release or '').splitlines() if '=' in line)
    return fields.get('ID', '').strip('"\'') == 'debian' and fields.get('VERSION_ID', '').strip('"\'') == '8'


def use_private_sources(apt_pkg, options, workspace, os_release, sources=None):
    """Debian 8 reads without jessie-backports, alternative sources replace the host's; /etc stays as it is.

    Returns what was done, for the answer, or None.
    """
    private = options.get('private') or {}
    if sources:
        return use_sources_alone(apt_pkg, workspace, sources)
    main = apt_pkg.config.find_file('Dir::Etc::sourcelist')
    parts = apt_pkg.config.find_dir('Dir::Etc::sourceparts')
    drop = list(private.get('drop') or [])
    if is_debian_8(os_release) and 'jessie-backports' not in drop:
        drop.append('jessie-backports')
    places = [main] + [os.path.join(parts, name) for name in listing(parts) if name.endswith(('.list', '.sources'))]
    if drop:
        texts, dropped = {}, 0
        for number, place in enumerate(places):
            kept, gone = without_suites(read_text(place, 1 << 20) or '', drop, place.endswith('.sources'))
            dropped += gone
            texts['{0}-{1}'.format(number, os.path.basename(place))] = kept
        if not dropped:
            return None
        workspace.settings['APT::Get::List-Cleanup'] = 'false'
    else:
        return None
    folder = workspace.path('etc')
    os.mkdir(os.path.join(folder, 'parts'), 0o700)
    for name, text in texts.items():
        with open(os.path.join(folder, 'parts', name), 'wb') as handle:
            handle.write(text.encode('utf-8'))
    use_settings(apt_pkg, workspace, os.path.join(folder, 'parts'))
    return {'dropped': drop, 'sources': 0}


def use_settings(apt_pkg, workspace, parts):
    workspace.settings['Dir::Etc::sourcelist'] = '/dev/null'
    workspace.settings['Dir::Etc::sourceparts'] = parts
    # The host's own caches describe its own sources.
    for setting in ('Dir::Cache::pkgcache', 'Dir::Cache::srcpkgcache'):
        workspace.settings[setting] = ''
    for setting, value in workspace.settings.items():
        apt_pkg.config.set(setting, value)


def use_sources_alone(apt_pkg, workspace, sources):
    """apt downloads as a user of its own, who passes through these folders to the ones that apt gives him."""
    lists, parts = sources.path('lists', 0o711), sources.path('parts')
    for folder in (lists, sources.path('archives', 0o711)):
        try:
            os.mkdir(os.path.join(folder, 'partial'), 0o700)
        except OSError:
            pass
    texts = [text for text in sources.text.split('\n\n') if text.strip()]
    for number, text in enumerate(texts):
        ending = 'list' if text.startswith('deb ') else 'sources'
        write_private(os.path.join(parts, '{0:03d}.{1}'.format(number, ending)), text.rstrip('\n') + '\n')
    workspace.settings['Dir::State::lists'] = lists
    if sources.netrc:
        path = os.path.join(workspace.path('etc'), 'netrc')
        write_private(path, sources.netrc)
        workspace.settings['Dir::Etc::netrc'] = path
        if apt_pkg.version_compare(apt_pkg.VERSION, '1.5') < 0:
            # It reads the file as that user.
            workspace.settings['APT::Sandbox::User'] = 'root'
    use_settings(apt_pkg, workspace, parts)
    return {'dropped': [], 'sources': len(texts)}


def without_suites(text, suites, deb822):
    """The source list without the entries of these suites, and how many entries went."""
    gone = 0
    kept = []
    if deb822:
        for stanza in re.split(r'\n\s*\n', text):
            match = re.search(r'^Suites:\s*(.+)$', stanza, re.M | re.I)
            if match and [suite for suite in match.group(1).split() if suite in suites]:
                rest = [suite for suite in match.group(1).split() if suite not in suites]
                gone += 1
                if rest:
                    kept.append(stanza[:match.start(1)] + ' '.join(rest) + stanza[match.end(1):])
            else:
                kept.append(stanza)
        return '\n\n'.join(kept), gone
    for line in text.splitlines():
        words = re.sub(r'\[[^\]]*\]', ' ', line.split('#', 1)[0]).split()
        if len(words) > 2 and words[2] in suites:
            gone += 1
        else:
            kept.append(line)
    return '\n'.join(kept) + '\n', gone
