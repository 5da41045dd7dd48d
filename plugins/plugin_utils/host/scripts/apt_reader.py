# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the apt reader: what only Debian's family has, and the operations that a request may name.

Reads a Debian-family host through apt_pkg. Apart from package lists, when asked to refresh them, nothing on the host
changes. Stands after all other parts of READER_PARTS["apt"] in host/payload.py, whose names it uses.
"""

import json
import os
import re
import sys
import time

MOST_ODD = 100
UPDATERS = ('unattended-upgr', 'packagekitd', 'apt-get', 'apt', 'aptitude', 'dpkg', 'apt.systemd.dai', 'needrestart',
            'update-manager', 'snapd', 'gnome-software')


def identity_files():
    return {'os-release': read_text('/etc/os-release') or read_text('/usr/lib/os-release'),
            'debian_version': read_text('/etc/debian_version', 256),
            'rpi-issue': read_text('/etc/rpi-issue', 4096)}


def reboot_files():
    for folder in ('/run', '/var/run'):
        path = os.path.join(folder, 'reboot-required')
        if os.path.exists(path):
            packages = (read_text(path + '.pkgs') or '').split()
            return {'file': path, 'packages': sorted(set(packages))}
    return None


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
    sources = sources_asked_for(options, workspace, 0o711)
    if sources:
        os.chmod(workspace.root or workspace.path('etc'), 0o711)
    private = use_private_sources(apt_pkg, options, workspace, files_of_os['os-release'], sources)
    refresh = refresh_lists(apt_pkg, options, workspace, sources)
    refreshed_at, sign = lists_refreshed_at(apt_pkg, sources)
    cache, depcache, left_out, to_unpack = open_tidy_cache(apt_pkg, workspace)
    policy = policy_of(apt_pkg, cache, depcache)
    source_list = apt_pkg.SourceList()
    source_list.read_main_list()
    files = Files(apt_pkg, cache, source_list, policy)
    packages = read_packages(apt_pkg, cache, depcache, policy, files, to_unpack)
    odd_packages = left_out + packages.pop('odd_packages')
    processes = process_facts(UPDATERS)
    archives = apt_pkg.config.find_dir('Dir::Cache::archives') or '/var/cache/apt/archives'
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
        'sources': configured_sources(source_list),
        'kernels': kernel_facts(apt_pkg, packages.pop('kernel_packages')),
        'reboot_required': reboot_files(),
        'processes': processes,
        'boot': boot_facts(),
        'unfinished': {'updates': len([name for name in listing(os.path.join(os.path.dirname(
            status_file(apt_pkg)), 'updates')) if name.isdigit()]),
            'packages': packages.pop('half_done')},
        'odd_packages': odd_packages[:MOST_ODD],
        'lock': lock_facts(apt_pkg),
        'updaters': updater_facts(apt_pkg, processes.pop('running')),
        'disk': disk_facts(('/', '/boot', '/var', archives)),
        'pro': pro_facts(),
    }
    result.update(packages)
    return result


def hello(_request):
    apt_pkg = load_apt()
    apt_pkg.init_config()
    return {'api': 'apt_pkg', 'version': apt_pkg.VERSION}


if __name__ == '__main__':
    main({'read': read, 'hello': hello}, globals().get('REQUEST'))
