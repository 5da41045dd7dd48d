# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a Debian-family host through apt_pkg and answers with one JSON object.

Runs on the managed host, under the interpreter of its own distribution, as source text that nobody installed:
one file, standard library and apt_pkg only, the dialect of Python 2.6 to the newest. Lists of packages travel as
columns and rows, because a host has thousands. Apart from package lists, when asked to refresh them, nothing on
the host changes: the binary caches of apt are used where they are valid and never rewritten. Modules that only some
runs need are imported where they are used: together they would cost as much time as the reading itself.
"""

from __future__ import absolute_import, division, print_function

import errno
import fcntl
import json
import os
import re
import stat
import struct
import sys
import time

PROTOCOL = 1

INSTALLED_COLUMNS = ['name', 'arch', 'version', 'automatic', 'installed_at', 'priority', 'section', 'origins']
CANDIDATE_COLUMNS = ['name', 'arch', 'version', 'installed_version', 'priority', 'section', 'size', 'installed_size',
                     'origins', 'policy_priority', 'apt_choice', 'above_apt_choice', 'source_package',
                     'source_version', 'phased_percentage', 'deferred', 'hold']

MOST_PROCESSES = 20000
MOST_MAPS_BYTES = 8 * 1024 * 1024
SECONDS_FOR_PROCESSES = 3.0
MOST_UPDATE_OUTPUT = 256 * 1024


class ReaderError(Exception):
    """An answer for people: a stable kind and a message that says what to do."""

    def __init__(self, kind, message):
        Exception.__init__(self, message)
        self.kind = kind


# -- small effects -----------------------------------------------------------------------------------------------

def read_text(path, limit=65536):
    """The text of a small file, or None where there is none or it may not be read."""
    try:
        with open(path, 'rb') as handle:
            return handle.read(limit).decode('utf-8', 'replace')
    except (IOError, OSError):
        return None


def listing(path):
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def utc(seconds):
    """1700000000 -> 2023-11-14T22:13:20Z"""
    if seconds is None:
        return None
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))


def text_of(value):
    """JSON-ready text whatever the interpreter hands out."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    return value


def fixed_environment():
    """What apt says is parsed, so it must say it in one language; nothing may ask."""
    environment = dict(os.environ)
    for name in list(environment):
        if name.startswith('LC_') or name == 'LANGUAGE':
            del environment[name]
    environment['LC_ALL'] = environment['LANG'] = 'C.UTF-8'
    environment['DEBIAN_FRONTEND'] = 'noninteractive'
    environment.setdefault('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    return environment


# -- apt: the cache ----------------------------------------------------------------------------------------------

def load_apt():
    try:
        import apt_pkg
    except ImportError as error:
        raise ReaderError('no_native_library', 'The interpreter {0} cannot import apt_pkg ({1}); install the package '
                          'python3-apt on the host.'.format(sys.executable or 'in use', error))
    return apt_pkg


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


def status_file(apt_pkg):
    return apt_pkg.config.find_file('Dir::State::status') or '/var/lib/dpkg/status'


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
            status = 'status' in (package_file.index_type or '') or package_file.archive == 'now'
            self.is_status[package_file.id] = status
            if status:
                continue
            self.number[package_file.id] = len(self.rows)
            self.rows.append(self._describe(package_file, sources, policy, releases))

    @staticmethod
    def _describe(package_file, sources, policy, releases):
        row = {}
        for key in ('archive', 'codename', 'label', 'origin', 'component', 'site', 'version', 'architecture'):
            row[key] = text_of(getattr(package_file, key, None)) or None
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


# -- apt: packages -----------------------------------------------------------------------------------------------

def installed_times(folder):
    """A function package -> seconds when its files were last unpacked."""
    names = set(listing(folder))

    def look(name, arch):
        for candidate in (name + '.list', name + ':' + arch + '.list'):
            if candidate in names:
                try:
                    return int(os.stat(os.path.join(folder, candidate)).st_mtime)
                except OSError:
                    return None
        return None
    return look


def priority_word(version):
    return text_of(version.priority_str) or None


def read_packages(apt_pkg, cache, depcache, policy, files):
    """Installed packages, every newer version of them, holds, kernels and half-done packages, in one pass."""
    compare = apt_pkg.version_compare
    info = os.path.join(os.path.dirname(status_file(apt_pkg)), 'info')
    installed_at = installed_times(info)
    installed, candidates, holds, unfinished, kernels = [], [], [], [], []
    hold = apt_pkg.SELSTATE_HOLD
    complete = apt_pkg.CURSTATE_INSTALLED
    fine = apt_pkg.INSTSTATE_OK
    phasing = Phasing(apt_pkg, depcache)
    for package in cache.packages:
        current = package.current_ver
        if not current:
            continue
        name, arch, version = package.name, current.arch, current.ver_str
        on_hold = package.selected_state == hold
        if on_hold:
            holds.append([name, arch, version])
        if package.current_state != complete or package.inst_state not in (fine, apt_pkg.INSTSTATE_HOLD):
            unfinished.append([name, arch, version, package.current_state, package.inst_state])
        if name.startswith(('linux-image-', 'raspberrypi-kernel')):
            kernels.append([name, arch, version])
        installed.append([name, arch, version, bool(depcache.is_auto_installed(package)),
                          installed_at(name, package.architecture), priority_word(current), current.section or None,
                          files.of(current)])
        newer = []
        for other in package.version_list:
            if compare(other.ver_str, version) > 0:
                origins = files.of(other)
                if origins:
                    newer.append((other, origins))
        if newer:
            choice = depcache.get_candidate_ver(package) or current
            for other, origins in newer:
                candidates.append((package, other, origins, choice, on_hold))
    records = SourceRecords(apt_pkg, cache, [other for _package, other, _origins, _choice, _hold in candidates])
    rows = []
    for package, other, origins, choice, on_hold in candidates:
        source, source_version, phased = records.of(other)
        is_choice = other.id == choice.id
        rows.append([package.name, other.arch, other.ver_str, package.current_ver.ver_str, priority_word(other),
                     other.section or None, other.size, other.installed_size, origins, priority_of(policy, other),
                     is_choice, compare(other.ver_str, choice.ver_str) > 0, source, source_version, phased,
                     phasing.defers(package, other, is_choice, source, source_version, phased), on_hold])
    return {'installed': {'columns': INSTALLED_COLUMNS, 'rows': installed},
            'candidates': {'columns': CANDIDATE_COLUMNS, 'rows': rows},
            'holds': holds, 'half_done': unfinished, 'kernel_packages': kernels}


class SourceRecords(object):
    """Source package and phasing of versions, looked up in file order: lists may be compressed, seeking back is slow."""

    def __init__(self, apt_pkg, cache, versions):
        self.found = {}
        records = apt_pkg.PackageRecords(cache)
        wanted = []
        for version in versions:
            for package_file, index in version.file_list:
                if 'status' not in (package_file.index_type or ''):
                    wanted.append((package_file.id, index, version.id, (package_file, index), version))
                    break
        wanted.sort(key=lambda item: item[:3])
        for _file_id, _offset, version_id, place, version in wanted:
            if not records.lookup(place):
                continue
            phased = None
            match = re.search(r'^Phased-Update-Percentage:\s*(\d{1,3})\s*$', text_of(records.record) or '', re.M)
            if match:
                phased = int(match.group(1))
            self.found[version_id] = (text_of(records.source_pkg) or version.parent_pkg.name,
                                      text_of(records.source_ver) or version.ver_str, phased)

    def of(self, version):
        return self.found.get(version.id, (None, None, None))


class Phasing(object):
    """Whether apt puts a phased update off on this host (apt-pkg/depcache.cc, PhasingApplied and its seed)."""

    def __init__(self, apt_pkg, depcache):
        find = apt_pkg.config.find_b
        self.always = find('APT::Get::Always-Include-Phased-Updates',
                           find('Update-Manager::Always-Include-Phased-Updates', False))
        self.never = find('APT::Get::Never-Include-Phased-Updates',
                          find('Update-Manager::Never-Include-Phased-Updates', False))
        self.machine = (apt_pkg.config.find('APT::Machine-ID') or read_text('/etc/machine-id', 256) or '').strip()
        self.applied = getattr(depcache, 'phasing_applied', None)
        self.chroot = None

    def defers(self, package, version, is_choice, source, source_version, percentage):
        if percentage is None or percentage >= 100 or self._has_security_fix(package, version):
            return False
        if is_choice and self.applied is not None:
            return bool(self.applied(package))
        if self.always:
            return False
        if self.never:
            return True
        if not self.machine or 'SOURCE_DATE_EPOCH' in os.environ or self._in_chroot():
            return False
        return phase_draw('{0}-{1}-{2}'.format(source, source_version, self.machine)) > percentage

    @staticmethod
    def _has_security_fix(package, version):
        """True where this version, or one between it and the installed one, comes from a security pocket."""
        reached = False
        for other in package.version_list:
            if package.current_ver and other.id == package.current_ver.id:
                return False
            reached = reached or other.id == version.id
            if reached:
                for package_file, _index in other.file_list:
                    if (package_file.archive or '').endswith('-security'):
                        return True
        return False

    def _in_chroot(self):
        if self.chroot is None:
            import subprocess
            try:
                self.chroot = subprocess.call(['/usr/bin/ischroot', '-t']) == 0
            except OSError:
                self.chroot = False
        return self.chroot


def phase_draw(seed_text):
    """The number 0..100 that apt draws: std::seed_seq, std::minstd_rand and uniform_int_distribution of libstdc++."""
    mask = 0xffffffff
    seed = list(bytearray(seed_text.encode('utf-8')))
    count, length = 4, len(seed)
    state = [0x8b8b8b8b] * count
    rounds = max(length + 1, count)
    for k in range(rounds):
        mixed = state[k % count] ^ state[(k + 1) % count] ^ state[(k - 1) % count]
        first = (1664525 * (mixed ^ (mixed >> 27))) & mask
        if k == 0:
            second = first + length
        elif k <= length:
            second = first + k % count + seed[k - 1]
        else:
            second = first + k % count
        second &= mask
        state[(k + 1) % count] = (state[(k + 1) % count] + first) & mask
        state[(k + 2) % count] = (state[(k + 2) % count] + second) & mask
        state[k % count] = second
    for k in range(rounds, rounds + count):
        mixed = (state[k % count] + state[(k + 1) % count] + state[(k - 1) % count]) & mask
        third = (1566083941 * (mixed ^ (mixed >> 27))) & mask
        fourth = (third - k % count) & mask
        state[(k + 1) % count] ^= third
        state[(k + 2) % count] ^= fourth
        state[k % count] = fourth
    modulus = 2147483647
    number = state[3] % modulus or 1
    scaling = (modulus - 2) // 101
    while True:
        number = number * 48271 % modulus
        if number - 1 < 101 * scaling:
            return (number - 1) // scaling


# -- apt: refreshing the lists -----------------------------------------------------------------------------------

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


def lists_refreshed_at(apt_pkg):
    """Seconds of the last sign that the lists were brought up to date, and which sign.

    Release files carry the server's time, so they do not tell; folders that apt-get update always touches do.
    """
    newest, sign = None, None
    if not release_files(apt_pkg):
        return None, None
    for path in list_folders(apt_pkg) + ['/var/lib/apt/periodic/update-success-stamp']:
        try:
            seen = os.stat(path).st_mtime
        except OSError:
            continue
        if newest is None or seen > newest:
            newest, sign = seen, path
    return newest, sign


def refresh_lists(apt_pkg, options, workspace):
    """Run `apt-get update` when the lists are older than asked for; a repository that fails is told, not fatal."""
    wish = options.get('refresh', 'auto')
    result = {'attempted': False, 'ok': None, 'errors': [], 'skipped_because': None, 'seconds': None}
    refreshed_at, _sign = lists_refreshed_at(apt_pkg)
    age = None if refreshed_at is None else max(0, time.time() - refreshed_at)
    if wish == 'never':
        result['skipped_because'] = 'refresh is set to never'
        return result
    limit = options.get('metadata_max_age', 3600)
    if wish == 'auto' and age is not None and age <= limit:
        result['skipped_because'] = 'lists are {0} s old, younger than {1} s'.format(int(age), int(limit))
        return result
    if os.geteuid() != 0:
        result['skipped_because'] = 'only root may refresh the lists'
        return result
    started = time.time()
    deadline = started + options.get('lock_timeout', 60)
    result['attempted'] = True
    times = times_of_lists(apt_pkg)
    lock = os.path.join(apt_pkg.config.find_dir('Dir::State::lists'), 'lock')
    while True:
        holder = lock_holder(lock)
        if holder is None:
            code, output = run_update(apt_pkg, options, workspace)
            if not (code == 100 and 'Could not get lock' in output and time.time() < deadline):
                break
        elif time.time() >= deadline:
            result['ok'] = False
            result['errors'] = ['the lists are locked by {0} (pid {1}); waited {2} s'.format(
                holder['name'] or 'another process', holder['pid'], int(time.time() - started))]
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
    result['seconds'] = round(time.time() - started, 3)
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
    """(exit code or None when it took too long, output); stdin closed, output in a file that no child can hold up."""
    command = update_command(options, workspace)
    for setting, value in sorted(workspace.settings.items()):
        command += ['-o', '{0}={1}'.format(setting, value)]
    import subprocess
    import tempfile
    limit = options.get('refresh_timeout', 300)
    with tempfile.TemporaryFile() as output:
        try:
            with open(os.devnull, 'rb') as nothing:
                process = subprocess.Popen(command, stdin=nothing, stdout=output, stderr=subprocess.STDOUT,
                                           close_fds=True, env=fixed_environment(), preexec_fn=os.setsid)
        except OSError as error:
            return 127, 'E: apt-get could not be started: {0}\n'.format(error)
        code = wait_or_stop(process, limit)
        output.seek(0)
        return code, output.read(MOST_UPDATE_OUTPUT).decode('utf-8', 'replace')


def wait_or_stop(process, seconds):
    """Its exit code, or None when it had to be stopped with all its children."""
    import signal
    deadline = time.time() + seconds
    while process.poll() is None and time.time() < deadline:
        time.sleep(0.02)
    if process.poll() is not None:
        return process.returncode
    for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 60)):
        try:
            os.killpg(process.pid, number)
        except OSError:
            pass
        given = time.time() + patience
        while process.poll() is None and time.time() < given:
            time.sleep(0.05)
    return None


def update_errors(output):
    """The lines in which apt-get says what failed, in its own words."""
    found = []
    for line in output.splitlines():
        if line.startswith(('E: ', 'W: ')):
            line = re.sub(r'([a-z]+://)[^/@\s]*@', r'\1', line)
            if line not in found and 'Some index files failed to download' not in line:
                found.append(line[:1000])
    return found[:50]


def lock_holder(path):
    """{'pid', 'name'} of the process that holds a lock on the file, None when free or not to be known."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        asked = struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0)
        kind, _whence, _start, _length, pid = struct.unpack('hhqqi', fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    except (IOError, OSError):
        return None
    finally:
        os.close(descriptor)
    if kind == fcntl.F_UNLCK:
        return None
    return {'pid': pid, 'name': (read_text('/proc/{0}/comm'.format(pid), 64) or '').strip() or None,
            'file': path}


# -- run-private configuration -----------------------------------------------------------------------------------

class Workspace(object):
    """A private folder for one run, made only when something needs it and removed at the end."""

    def __init__(self):
        self.root = None
        self.settings = {}

    def path(self, name):
        if self.root is None:
            import tempfile
            parent = '/dev/shm' if os.access('/dev/shm', os.W_OK | os.X_OK) else None
            self.root = tempfile.mkdtemp(prefix='openfleet-patch-', dir=parent)
        folder = os.path.join(self.root, name)
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o700)
        return folder

    def close(self):
        if self.root is not None:
            import shutil
            shutil.rmtree(self.root, True)


def is_debian_8(os_release):
    fields = dict(line.split('=', 1) for line in (os_release or '').splitlines() if '=' in line)
    return fields.get('ID', '').strip('"\'') == 'debian' and fields.get('VERSION_ID', '').strip('"\'') == '8'


def use_private_sources(apt_pkg, options, workspace, os_release):
    """Debian 8 reads without jessie-backports, alternative sources replace the host's; /etc stays as it is.

    Returns what was done, for the answer, or None.
    """
    private = options.get('private') or {}
    main = apt_pkg.config.find_file('Dir::Etc::sourcelist')
    parts = apt_pkg.config.find_dir('Dir::Etc::sourceparts')
    drop = list(private.get('drop') or [])
    if is_debian_8(os_release) and 'jessie-backports' not in drop:
        drop.append('jessie-backports')
    places = [main] + [os.path.join(parts, name) for name in listing(parts) if name.endswith(('.list', '.sources'))]
    if private.get('sources'):
        texts = {'0.list': '\n'.join(private['sources']) + '\n'}
        lists = workspace.path('lists')
        os.mkdir(os.path.join(lists, 'partial'), 0o700)
        workspace.settings['Dir::State::lists'] = lists
    elif drop:
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
    workspace.settings['Dir::Etc::sourcelist'] = '/dev/null'
    workspace.settings['Dir::Etc::sourceparts'] = os.path.join(folder, 'parts')
    # The host's own caches describe its own sources.
    for setting in ('Dir::Cache::pkgcache', 'Dir::Cache::srcpkgcache'):
        workspace.settings[setting] = ''
    for setting, value in workspace.settings.items():
        apt_pkg.config.set(setting, value)
    return {'dropped': drop if not private.get('sources') else [], 'sources': len(private.get('sources') or [])}


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


# -- the system --------------------------------------------------------------------------------------------------

def boot_facts():
    """When this system was started. In a container the machine's boot is older than its own first process."""
    facts = {'boot_id': (read_text('/proc/sys/kernel/random/boot_id', 64) or '').strip() or None,
             'booted_at': None, 'machine_booted_at': None}
    match = re.search(r'^btime (\d+)', read_text('/proc/stat', 1 << 20) or '', re.M)
    if match:
        facts['machine_booted_at'] = utc(int(match.group(1)))
        started = (read_text('/proc/1/stat', 4096) or '').rpartition(')')[2].split()
        if len(started) > 19:
            facts['booted_at'] = utc(int(match.group(1)) + int(started[19]) // os.sysconf('SC_CLK_TCK'))
    return facts


def reboot_files():
    for folder in ('/run', '/var/run'):
        path = os.path.join(folder, 'reboot-required')
        if os.path.exists(path):
            packages = (read_text(path + '.pkgs') or '').split()
            return {'file': path, 'packages': sorted(set(packages))}
    return None


def process_facts():
    """Processes that still use files of packages that were replaced, and updaters at work. Needs root for the whole."""
    updaters = ('unattended-upgr', 'packagekitd', 'apt-get', 'apt', 'aptitude', 'dpkg', 'apt.systemd.dai', 'needrestart',
                'update-manager', 'snapd', 'gnome-software')
    stale, running, unreadable, seen, truncated = {}, [], 0, 0, False
    deadline = time.time() + SECONDS_FOR_PROCESSES
    own = str(os.getpid())
    for pid in listing('/proc'):
        if not pid.isdigit() or pid == own:
            continue
        seen += 1
        if seen > MOST_PROCESSES or time.time() > deadline:
            truncated = True
            break
        name = (read_text('/proc/' + pid + '/comm', 64) or '').strip()
        if name in updaters:
            running.append({'pid': int(pid), 'name': name})
        try:
            with open('/proc/' + pid + '/maps', 'rb') as handle:
                maps = handle.read(MOST_MAPS_BYTES)
        except (IOError, OSError) as error:
            if error.errno in (errno.EACCES, errno.EPERM):
                unreadable += 1
            continue
        if b'(deleted)' in maps:
            gone = deleted_libraries(maps.decode('utf-8', 'replace'))
            if gone:
                note_stale(stale, pid, name, gone)
    return {'stale': [stale[key] for key in sorted(stale)], 'running': running, 'unreadable': unreadable,
            'seen': seen, 'truncated': truncated}


def deleted_libraries(maps):
    """7f.. r-xp .. /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted) -> that path, for libraries of packages."""
    found = set()
    for line in maps.splitlines():
        if line.endswith(' (deleted)'):
            path = line[:-len(' (deleted)')].split(None, 5)[-1]
            # dpkg unpacks beside the old file, so its name may carry .dpkg-new or .dpkg-tmp.
            path = re.sub(r'\.dpkg-(new|tmp)$', '', path)
            if re.match(r'/(usr/)?(local/)?(lib|lib32|lib64|libx32|libexec|bin|sbin)/', path):
                found.add(path)
    return sorted(found)


def note_stale(stale, pid, name, libraries):
    cgroup = read_text('/proc/' + pid + '/cgroup', 65536) or ''
    if re.search(r'docker|kubepods|containerd|/lxc|machine\.slice|libpod', cgroup):
        return
    match = re.search(r'([^/\n]+\.service)', cgroup)
    service = match.group(1) if match else None
    entry = stale.setdefault((service or '', name), {'name': name, 'service': service, 'pids': [], 'libraries': []})
    entry['pids'].append(int(pid))
    entry['libraries'] = sorted(set(entry['libraries'] + libraries))[:20]


def kernel_facts(apt_pkg, packages):
    """The running kernel and the installed ones, newest first."""
    installed = []
    for name, arch, version in packages:
        match = re.match(r'linux-image-(?:unsigned-)?(\d[\w.+~-]*)$', name)
        if match and not name.endswith(('-dbg', '-dbgsym')):
            installed.append({'package': name, 'arch': arch, 'version': version, 'release': match.group(1)})
    installed.sort(key=version_key(apt_pkg, 'release'), reverse=True)
    uname = os.uname()
    return {'running': uname[2], 'build': uname[3], 'arch': uname[4], 'installed': installed,
            'signature': (read_text('/proc/version_signature', 256) or '').strip() or None,
            'container': in_container()}


def version_key(apt_pkg, field):
    """A sort key by Debian order (functools.cmp_to_key is absent in 2.6)."""
    class Key(object):
        def __init__(self, item):
            self.value = item[field]

        def __lt__(self, other):
            return apt_pkg.version_compare(self.value, other.value) < 0
    return Key


def in_container():
    if os.path.exists('/run/systemd/container') or os.path.exists('/.dockerenv'):
        return True
    return 'container=' in (read_text('/proc/1/environ', 65536) or '')


def disk_facts(apt_pkg):
    rows = []
    for path in ('/', '/boot', '/var', apt_pkg.config.find_dir('Dir::Cache::archives') or '/var/cache/apt/archives'):
        try:
            seen = os.statvfs(path)
        except OSError:
            continue
        rows.append({'path': path, 'free_bytes': seen.f_bavail * seen.f_frsize, 'size_bytes': seen.f_blocks * seen.f_frsize,
                     'free_inodes': seen.f_favail})
    return rows


def updater_facts(apt_pkg, running):
    """Other programs that may install updates on their own; told, never changed."""
    periodic = {}
    for key in ('Enable', 'Update-Package-Lists', 'Unattended-Upgrade'):
        periodic[key] = apt_pkg.config.find('APT::Periodic::' + key) or None
    wants = '/etc/systemd/system/timers.target.wants'
    timers = [name for name in ('apt-daily.timer', 'apt-daily-upgrade.timer') if os.path.lexists(os.path.join(wants, name))]
    return {'periodic': periodic, 'timers': timers, 'running': running,
            'packagekit': os.path.exists('/usr/libexec/packagekitd') or os.path.exists('/usr/lib/packagekit/packagekitd')}


def pro_facts():
    """Ubuntu Pro as its client last wrote it down; None where there is no client."""
    text = read_text('/var/lib/ubuntu-advantage/status.json', 1 << 20)
    if text is None:
        return None
    try:
        status = json.loads(text)
        services = dict((service.get('name'), service.get('status')) for service in status.get('services') or [])
        return {'attached': bool(status.get('attached')),
                'services': dict((name, services[name]) for name in ('esm-infra', 'esm-apps') if name in services)}
    except (ValueError, AttributeError, TypeError):
        return None


def lock_facts(apt_pkg):
    dpkg = os.path.dirname(status_file(apt_pkg))
    for path in (os.path.join(dpkg, 'lock-frontend'), os.path.join(dpkg, 'lock'),
                 os.path.join(apt_pkg.config.find_dir('Dir::State::lists'), 'lock')):
        holder = lock_holder(path)
        if holder:
            return holder
    return None


def identity_files():
    return {'os-release': read_text('/etc/os-release') or read_text('/usr/lib/os-release'),
            'debian_version': read_text('/etc/debian_version', 256),
            'rpi-issue': read_text('/etc/rpi-issue', 4096)}


# -- operations --------------------------------------------------------------------------------------------------

def read(request):
    options = request.get('options') or {}
    # apt_pkg forks and translates by the environment of this process.
    os.environ.update(fixed_environment())
    apt_pkg = load_apt()
    apt_pkg.init()
    workspace = Workspace()
    try:
        return read_host(apt_pkg, options, workspace)
    finally:
        workspace.close()


def read_host(apt_pkg, options, workspace):
    files_of_os = identity_files()
    private = use_private_sources(apt_pkg, options, workspace, files_of_os['os-release'])
    refresh = refresh_lists(apt_pkg, options, workspace)
    refreshed_at, sign = lists_refreshed_at(apt_pkg)
    cache, depcache = open_cache(apt_pkg)
    policy = policy_of(apt_pkg, cache, depcache)
    sources = apt_pkg.SourceList()
    sources.read_main_list()
    files = Files(apt_pkg, cache, sources, policy)
    packages = read_packages(apt_pkg, cache, depcache, policy, files)
    processes = process_facts()
    result = {
        'collected_at': utc(time.time()),
        'privileged': os.geteuid() == 0,
        'interpreter': {'path': sys.executable or None, 'version': '.'.join(str(part) for part in sys.version_info[:3])},
        'apt': {'version': apt_pkg.VERSION, 'library': apt_pkg.LIB_VERSION,
                'architectures': [text_of(arch) for arch in apt_pkg.get_architectures()]},
        'identity_files': files_of_os,
        'refresh': refresh,
        'lists': {'refreshed_at': utc(refreshed_at), 'sign': sign,
                  'age': None if refreshed_at is None else max(0, int(time.time() - refreshed_at))},
        'private': private,
        'files': files.rows,
        'sources': configured_sources(sources),
        'kernels': kernel_facts(apt_pkg, packages.pop('kernel_packages')),
        'reboot_required': reboot_files(),
        'processes': processes,
        'boot': boot_facts(),
        'unfinished': {'updates': len([name for name in listing(os.path.join(os.path.dirname(
            status_file(apt_pkg)), 'updates')) if name.isdigit()]),
            'packages': packages.pop('half_done')},
        'lock': lock_facts(apt_pkg),
        'updaters': updater_facts(apt_pkg, processes.pop('running')),
        'disk': disk_facts(apt_pkg),
        'pro': pro_facts(),
    }
    result.update(packages)
    return result


def hello(_request):
    apt_pkg = load_apt()
    apt_pkg.init_config()
    return {'api': 'apt_pkg', 'version': apt_pkg.VERSION}


def take_stdout():
    """Descriptor 1 belongs to the answer: whatever else prints goes to descriptor 2."""
    keep = os.dup(1)
    fcntl.fcntl(keep, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    os.dup2(2, 1)
    return os.fdopen(keep, 'wb')


def answer_one(operations, request_bytes):
    try:
        if request_bytes is None:
            request_bytes = os.fdopen(0, 'rb', closefd=False).read() if sys.version_info[0] > 2 else sys.stdin.read()
        request = json.loads(request_bytes.decode('utf-8'))
        operation = operations.get(request.get('op'))
        if operation is None:
            raise ReaderError('bad_request', 'unknown operation {0!r}'.format(request.get('op')))
        return {'ok': True, 'result': operation(request)}
    except Exception as error:
        import traceback
        return {'ok': False, 'error': {'kind': getattr(error, 'kind', 'reader_failed'),
                                       'message': '{0}: {1}'.format(type(error).__name__, error),
                                       'traceback': traceback.format_exc()[-8000:]}}


def main(operations, request_bytes=None):
    out = take_stdout()
    answer = dict(answer_one(operations, request_bytes), protocol=PROTOCOL)
    out.write(json.dumps(answer).encode('utf-8'))
    out.close()


if __name__ == '__main__':
    main({'read': read, 'hello': hello}, globals().get('REQUEST'))
