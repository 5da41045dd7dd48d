# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of a reader: facts of a Linux host that no package manager decides, read from /proc and the file system.

Stands after reader_protocol.py and uses its read_text, listing and utc.
"""

import errno
import fcntl
import os
import re
import struct
import time

MOST_PROCESSES = 20000
MOST_MAPS_BYTES = 8 * 1024 * 1024
SECONDS_FOR_PROCESSES = 3.0


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


def in_container():
    if os.path.exists('/run/systemd/container') or os.path.exists('/.dockerenv'):
        return True
    return 'container=' in (read_text('/proc/1/environ', 65536) or '')


def process_facts(updaters):
    """Processes that still use files of packages that were replaced, and those named in updaters (as /proc/*/comm).

    Needs root for the whole.
    """
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


def disk_facts(paths):
    rows = []
    for path in paths:
        try:
            seen = os.statvfs(path)
        except OSError:
            continue
        rows.append({'path': path, 'free_bytes': seen.f_bavail * seen.f_frsize, 'size_bytes': seen.f_blocks * seen.f_frsize,
                     'free_inodes': seen.f_favail})
    return rows


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
