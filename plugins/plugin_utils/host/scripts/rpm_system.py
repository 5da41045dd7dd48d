# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the readers of rpm systems: the form of their tables, and facts that no library has to be asked for.

Stands after reader_protocol.py and run_workspace.py; uses read_text, listing, text_of, steady and CLOCKS_DIFFER.
"""

import os
import re
import time

RPM_INSTALLED_COLUMNS = ['name', 'arch', 'version', 'automatic', 'installed_at', 'build_time', 'repository', 'vendor',
                         'install_only']
RPM_CANDIDATE_COLUMNS = ['name', 'arch', 'version', 'installed_version', 'repository', 'size', 'installed_size',
                         'build_time', 'source_package', 'vendor', 'kept_back']
NOTICE_COLUMNS = ['name', 'arch', 'version', 'advisory']
# issued and reboot_suggested are None where the library does not tell.
ADVISORY_COLUMNS = ['id', 'type', 'severity', 'issued', 'updated', 'reboot_suggested', 'cves', 'bugzillas']
RELEASE_FILES = ('system-release', 'redhat-release', 'centos-release', 'oracle-release')
# kernel, kernel-core, kernel-uek-core, kernel-rt-debug-core, kernel6.12; kernel-tools and kernel-modules are none.
KERNEL_NAME = re.compile(r'kernel[\d.]*(-(uek|uek64k|rt|64k|16k|lt|ml|plus|xen|PAE|PAEdebug|smp|hugemem|largesmp|debug|'
                         r'zfcpdump|kdump|automotive|virt|uki|bigmem|tegra))*(-core)?$')


def plain_version(evr):
    """0:1.0-1 -> 1.0-1"""
    evr = text_of(evr)
    return evr[2:] if evr.startswith('0:') else evr


def identity_files():
    files = {'os-release': read_text('/etc/os-release') or read_text('/usr/lib/os-release')}
    for name in RELEASE_FILES:
        files[name] = read_text('/etc/' + name, 256)
    return files


def subscription_facts():
    """None where the host has no subscription-manager."""
    if not os.path.isdir('/etc/rhsm'):
        return None
    return {'registered': os.path.exists('/etc/pki/consumer/cert.pem'),
            'entitlements': len([name for name in listing('/etc/pki/entitlement') if name.endswith('.pem')])}


def updater_facts(running, timers, settings):
    """Other programs that may install updates on their own; told, never changed. The last of the settings counts."""
    wants = '/etc/systemd/system/timers.target.wants'
    applied = None
    for path in settings:
        match = re.search(r'^\s*apply_updates\s*=\s*(\S+)', read_text(path) or '', re.M)
        applied = match.group(1) if match else applied
    return {'timers': [name for name in listing(wants) if name.startswith(timers)], 'apply_updates': applied,
            'running': running, 'packagekit': os.path.exists('/usr/libexec/packagekitd')}


def begin_refresh(options, times, find_holder, command):
    """(What the answer says of the refresh so far, True where it is to be done).

    times: seconds since 1970 when each repository was last current, None for one that has to be fetched.
    find_holder: says who holds the package manager's lock, as lock_holder does; waited for within lock_timeout.
    """
    wish = options.get('refresh', 'auto')
    result = {'attempted': False, 'ok': None, 'errors': [], 'skipped_because': None, 'seconds': None}
    if wish == 'never':
        result['skipped_because'] = 'refresh is set to never'
        return result, False
    limit = options.get('metadata_max_age', 3600)
    now = time.time()
    known = times and None not in times
    if wish == 'auto' and known and now - min(times) <= limit and max(times) <= now + CLOCKS_DIFFER:
        result['skipped_because'] = 'metadata is {0} s old, younger than {1} s'.format(
            max(0, int(now - min(times))), int(limit))
        return result, False
    started = steady()
    result['attempted'] = True
    holder = find_holder()
    while holder is not None and steady() < started + options.get('lock_timeout', 60):
        time.sleep(0.5)
        holder = find_holder()
    if holder is not None:
        result['ok'] = False
        result['errors'] = ['{0} is locked by {1} (pid {2}); waited {3} s'.format(
            command, holder['name'] or 'another process', holder['pid'], int(steady() - started))]
    return result, holder is None


def lock_of_pid_file(path):
    """{'pid', 'name', 'file'} of the living process that a pid file names, else None."""
    word = (read_text(path, 64) or '').strip()
    if not word.isdigit() or not os.path.exists('/proc/{0}/stat'.format(word)):
        return None
    return {'pid': int(word), 'name': (read_text('/proc/{0}/comm'.format(word), 64) or '').strip() or None, 'file': path}


def kernel_key(name, release):
    """kernel is there for the sake of kernel-core; kernel-rt-core may have the very version of kernel-core."""
    return name[:-len('-core')] if name.endswith('-core') else name, release


def newest_first(kernels, is_newer):
    """Rows of [(package, row)], sorted by is_newer(package, other)."""
    placed = []
    for package, row in kernels:
        place = len([each for each, _row in placed if is_newer(each, package)])
        placed.insert(place, (package, row))
    return [row for _package, row in placed]
