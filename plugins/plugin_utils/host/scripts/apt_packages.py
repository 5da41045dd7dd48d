# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the apt reader: installed packages, every newer version of them, and what keeps apt from taking one.

Lists of packages travel as columns and rows, because a host has thousands. Stands after reader_protocol.py and
apt_status.py; uses read_text, listing, text_of, status_file, priority_of, text_at and Odd.
"""

import os
import re

INSTALLED_COLUMNS = ['name', 'arch', 'version', 'automatic', 'installed_at', 'priority', 'section', 'origins']
CANDIDATE_COLUMNS = ['name', 'arch', 'version', 'installed_version', 'priority', 'section', 'size', 'installed_size',
                     'origins', 'policy_priority', 'apt_choice', 'above_apt_choice', 'source_package',
                     'source_version', 'phased_percentage', 'deferred', 'hold']


# apt_pkg.INSTSTATE_REINSTREQ
REINSTREQ = 1


def installed_times(folder):
    """A function package -> seconds when its files were last unpacked."""
    names = set(listing(folder))

    def look(name, arch):
        for candidate in (name + '.list', name + ':' + arch + '.list'):
            if candidate in names:
                try:
                    return max(0, int(os.stat(folder + '/' + candidate).st_mtime))
                except OSError:
                    return None
        return None
    return look


def priority_word(version):
    return text_of(version.priority_str) or None


def read_packages(apt_pkg, cache, depcache, policy, files, to_unpack=()):
    """Installed packages, every newer version of them, holds, kernels, half-done and odd packages, in one pass."""
    compare = apt_pkg.version_compare
    info = os.path.join(os.path.dirname(status_file(apt_pkg)), 'info')
    installed_at = installed_times(info)
    installed, candidates, holds, unfinished, kernels = [], [], [], [], []
    hold = apt_pkg.SELSTATE_HOLD
    complete = apt_pkg.CURSTATE_INSTALLED
    fine = apt_pkg.INSTSTATE_OK
    phasing, odd = Phasing(apt_pkg, depcache), Odd()
    for package in cache.packages:
        current = package.current_ver
        identity = odd.identity(package, current) if current else None
        if identity is None:
            continue
        name, arch, version = identity
        on_hold = package.selected_state == hold
        if on_hold:
            holds.append([name, arch, version])
        unpack_again = name in to_unpack
        if package.current_state != complete or package.inst_state not in (fine, apt_pkg.INSTSTATE_HOLD) or unpack_again:
            state = REINSTREQ if unpack_again else package.inst_state
            unfinished.append([name, arch, version, package.current_state, state])
        if name.startswith(('linux-image-', 'raspberrypi-kernel')):
            kernels.append([name, arch, version])
        installed.append([name, arch, version, bool(depcache.is_auto_installed(package)),
                          installed_at(name, package.architecture), priority_word(current), text_at(current, 'section'),
                          files.of(current)])
        newer = []
        for other in package.version_list:
            if other.id != current.id and compare(text_at(other, 'ver_str') or '', version) > 0:
                origins = files.of(other)
                if origins and odd.identity(package, other):
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
                     text_at(other, 'section'), other.size, other.installed_size, origins, priority_of(policy, other),
                     is_choice, compare(other.ver_str, choice.ver_str) > 0, source, source_version, phased,
                     phasing.defers(package, other, is_choice, source, source_version, phased), on_hold])
    return {'installed': {'columns': INSTALLED_COLUMNS, 'rows': installed},
            'candidates': {'columns': CANDIDATE_COLUMNS, 'rows': rows},
            'holds': holds, 'half_done': unfinished, 'kernel_packages': kernels, 'odd_packages': odd.names}


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
            match = re.search(r'^Phased-Update-Percentage:\s*(\d{1,3})\s*$', text_at(records, 'record') or '', re.M)
            if match:
                phased = int(match.group(1))
            self.found[version_id] = (text_at(records, 'source_pkg') or version.parent_pkg.name,
                                      text_at(records, 'source_ver') or version.ver_str, phased)

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
        if not self.machine or 'SOURCE_DATE_EPOCH' in os.environ:
            return False
        late = phase_draw('{0}-{1}-{2}'.format(source, source_version, self.machine)) > percentage
        return late and not self._in_chroot()

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
            # 127 where there is none. Importing subprocess for this alone would cost more than the call.
            self.chroot = os.spawnv(os.P_WAIT, '/usr/bin/ischroot', ['ischroot', '-t']) == 0
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
