# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the dnf5 reader: what only dnf 5 has, and the operations that a request may name.

Reads a host through libdnf5, without its plugins: some of them talk to servers or write. Apart from metadata, when
asked to refresh it, nothing on the host changes. Stands after all other parts of READER_PARTS["dnf5"] in
host/payload.py, whose names it uses.
"""

import os
import sys
import time

# Names in /proc/*/comm have fifteen letters: dnf5daemon-server.
UPDATERS = ('dnf5', 'dnf', 'dnf5-automatic', 'dnf5daemon-serv', 'rpm', 'packagekitd', 'microdnf', 'gnome-software')
# The later one counts.
AUTOMATIC_SETTINGS = ('/usr/share/dnf5/dnf5-plugins/automatic.conf', '/etc/dnf/dnf5-plugins/automatic.conf',
                      '/etc/dnf/automatic.conf')


def rpm_kernel_facts(libdnf5, base):
    """The running kernel and the installed ones, newest first."""
    found = {}
    for package in package_query(libdnf5, base, 'filter_installed'):
        name, arch, version = nevra_of(package)
        if KERNEL_NAME.match(name):
            release = '{0}-{1}.{2}'.format(text_of(package.get_version()), text_of(package.get_release()), arch)
            key = kernel_key(name, release)
            if key not in found or name.endswith('-core'):
                found[key] = (package, {'package': name, 'arch': arch, 'version': version, 'release': release})
    uname = os.uname()
    return {'running': uname[2], 'build': uname[3], 'arch': uname[4], 'container': in_container(),
            'installed': newest_first(found.values(), lambda one, other: is_newer(libdnf5, one, other))}


def offline_transaction(state):
    """{'status', 'command'} of a transaction that waits for the next boot, None without one."""
    header = 'offline-transaction-state'
    found = read_toml(os.path.join(state, 'offline', header + '.toml')).get(header)
    if not isinstance(found, dict):
        return None
    command = without_passwords(str(found.get('cmd_line') or ''))[:500]
    return {'status': str(found.get('status') or '') or None, 'command': command or None}


def read(request):
    options = request.get('options') or {}
    os.environ.update(fixed_environment())
    libdnf5 = load_libdnf5()
    workspace = Workspace()
    try:
        return read_host(libdnf5, options, workspace)
    finally:
        workspace.close()


def read_host(libdnf5, options, workspace):
    sources = sources_asked_for(options, workspace)
    base, places = open_configuration(libdnf5, workspace, sources)
    conf = base.get_config()
    repos = repositories_of(libdnf5, base)
    refresh = refresh_metadata(base, repos, places, options, sources)
    times = metadata_times(repos)
    excludes, excludes_of_host = exclude_patterns(conf, repos), [text_of(each) for each in conf.disable_excludes]
    optional = load_sack(base, repos)
    kernels = rpm_kernel_facts(libdnf5, base)
    packages = read_rpms(libdnf5, base, excludes_of_host)
    processes = process_facts(UPDATERS)
    result = {
        'collected_at': utc(time.time()),
        'privileged': os.geteuid() == 0,
        'interpreter': {'path': sys.executable or None, 'version': '.'.join(str(part) for part in sys.version_info[:3])},
        'library': {'version': library_version(libdnf5), 'releasever': text_of(base.get_vars().get_value('releasever'))},
        'identity_files': identity_files(),
        'refresh': refresh,
        'repositories': repository_rows(repos, times, optional),
        'modules': module_rows(places.state),
        'locks': read_locklist(),
        'excludes': excludes,
        'protected': sorted(set(text_of(each) for each in conf.protected_packages if not each.startswith('glob:'))),
        'kernels': kernels,
        'reboot_names': [],
        'processes': processes,
        'boot': boot_facts(),
        'unfinished': unfinished_transaction(places.history, workspace),
        'offline': offline_transaction(places.state),
        'lock': dnf5_lock_holder(),
        'updaters': updater_facts(processes.pop('running'), ('dnf5-automatic', 'dnf-automatic'), AUTOMATIC_SETTINGS),
        'disk': disk_facts(('/', '/boot', '/var', places.cache)),
        'subscription': subscription_facts(),
    }
    result.update(packages)
    return result


def library_version(libdnf5):
    version = libdnf5.conf.get_library_version()
    # prime is there since 5.2.
    parts = [getattr(version, name, None) for name in ('prime', 'major', 'minor', 'micro')]
    return '.'.join(str(part) for part in parts if part is not None)


def hello(_request):
    libdnf5 = load_libdnf5()
    return {'api': 'libdnf5', 'version': library_version(libdnf5)}


if __name__ == '__main__':
    main({'read': read, 'hello': hello}, globals().get('REQUEST'))
