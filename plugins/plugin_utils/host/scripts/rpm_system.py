# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the readers of rpm systems: the form of their tables, and facts that no library has to be asked for.

Stands after reader_protocol.py and uses its read_text, listing and text_of.
"""

import os
import re

RPM_INSTALLED_COLUMNS = ['name', 'arch', 'version', 'automatic', 'installed_at', 'build_time', 'repository', 'vendor',
                         'install_only']
RPM_CANDIDATE_COLUMNS = ['name', 'arch', 'version', 'installed_version', 'repository', 'size', 'installed_size',
                         'build_time', 'source_package', 'vendor', 'kept_back']
NOTICE_COLUMNS = ['name', 'arch', 'version', 'advisory']
# issued and reboot_suggested are None where the library does not tell.
ADVISORY_COLUMNS = ['id', 'type', 'severity', 'issued', 'updated', 'reboot_suggested', 'cves', 'bugzillas']
RELEASE_FILES = ('system-release', 'redhat-release', 'centos-release', 'oracle-release')
# kernel, kernel-core, kernel-uek-core, kernel-rt-core, kernel-64k-core, kernel6.12
KERNEL_NAME = re.compile(r'kernel[\d.]*(-(uek|rt|64k|lt|ml))*(-core)?$')


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
