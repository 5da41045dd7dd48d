# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the dnf reader: what only dnf's family has, and the operations that a request may name.

Reads a host through the API of dnf 4, without dnf's plugins: some of them talk to servers or write. Apart from
metadata, when asked to refresh it, nothing on the host changes. Stands after all other parts of READER_PARTS["dnf"]
in host/payload.py, whose names it uses.
"""

import os
import sys
import time

UPDATERS = ('dnf', 'dnf-3', 'dnf-automatic', 'yum', 'yum-cron', 'rpm', 'packagekitd', 'microdnf', 'gnome-software')


def rpm_kernel_facts(base, hawkey):
    """The running kernel and the installed ones, newest first."""
    found = {}
    for package in base.sack.query(flags=hawkey.IGNORE_EXCLUDES).installed().filter(name__glob='kernel*'):
        name, arch, version = nevra_of(package)
        if KERNEL_NAME.match(name):
            release = '{0}-{1}.{2}'.format(text_of(package.version), text_of(package.release), arch)
            key = kernel_key(name, release)
            if key not in found or name.endswith('-core'):
                found[key] = (package, {'package': name, 'arch': arch, 'version': version, 'release': release})
    uname = os.uname()
    return {'running': uname[2], 'build': uname[3], 'arch': uname[4], 'container': in_container(),
            'installed': newest_first(found.values(), lambda one, other: one.evr_cmp(other) > 0)}


def reboot_names():
    """Packages of which the administrator says that they call for a reboot (needs-restarting's own folder)."""
    folder, names = '/etc/dnf/plugins/needs-restarting.d', set()
    for name in listing(folder):
        if name.endswith('.conf'):
            names.update((read_text(os.path.join(folder, name)) or '').split())
    return sorted(names)


def newest_release(options):
    """The release to read instead of the one that Amazon Linux 2023 is locked to; None for the host's own."""
    fields = parse_release_file(read_text('/etc/os-release') or read_text('/usr/lib/os-release') or '')
    locked = (fields.get('ID'), (fields.get('VERSION_ID') or '')[:4]) == ('amzn', '2023')
    return 'latest' if options.get('newest_release') is True and locked else None


def parse_release_file(text):
    pairs = [line.split('=', 1) for line in text.splitlines() if '=' in line]
    return dict((key.strip(), value.strip().strip('"')) for key, value in pairs)


def own_release(dnf):
    conf = dnf.Base().conf
    conf.read()
    conf.substitutions.update_from_etc('/')
    return text_of(conf.substitutions.get('releasever'))


def read(request):
    options = dict(request.get('options') or {})
    os.environ.update(fixed_environment())
    # hawkey hands out the dates of notices in local time.
    os.environ['TZ'] = 'UTC'
    time.tzset()
    dnf, hawkey = load_dnf()
    workspace = Workspace()
    try:
        return read_host(dnf, hawkey, options, workspace)
    finally:
        workspace.close()


def read_host(dnf, hawkey, options, workspace):
    sources = sources_asked_for(options, workspace)
    release = newest_release(options)
    options['release'] = release
    base, own = open_configuration(dnf, workspace, sources, release)
    conf = base.conf
    persistent = text_of(conf.persistdir)
    refresh = refresh_metadata(base, own, options, sources)
    times = metadata_times(base)
    optional = load_sack(base, excludes=False)
    history = History(persistent, workspace)
    locks = read_locklist(conf)
    packages = read_rpms(base, hawkey, history, locks)
    processes = process_facts(UPDATERS)
    result = {
        'collected_at': utc(time.time()),
        'privileged': os.geteuid() == 0,
        'interpreter': {'path': sys.executable or None, 'version': '.'.join(str(part) for part in sys.version_info[:3])},
        'library': {'version': text_of(dnf.VERSION), 'releasever': text_of(conf.substitutions.get('releasever')),
                    'own_releasever': own_release(dnf) if release else None},
        'identity_files': identity_files(),
        'refresh': refresh,
        'repositories': repository_rows(base, times, optional),
        'modules': module_rows(),
        'locks': locks,
        'excludes': exclude_patterns(base),
        'protected': sorted(set(text_of(each) for each in conf.protected_packages)),
        'kernels': rpm_kernel_facts(base, hawkey),
        'reboot_names': reboot_names(),
        'processes': processes,
        'boot': boot_facts(),
        'unfinished': history.unfinished,
        'lock': dnf_lock_holder(own, persistent),
        'updaters': updater_facts(processes.pop('running'), ('dnf-automatic',), ('/etc/dnf/automatic.conf',)),
        'disk': disk_facts(('/', '/boot', '/var', own)),
        'subscription': subscription_facts(),
    }
    result.update(packages)
    return result


def hello(_request):
    dnf, hawkey = load_dnf()
    return {'api': 'dnf', 'version': text_of(dnf.VERSION)}


if __name__ == '__main__':
    main({'read': read, 'hello': hello}, globals().get('REQUEST'))
