# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Last part of the yum reader: what only yum's family has, and the operations that a request may name.

Reads a host through the API of yum 3, under Python 2.6 or 2.7. Apart from metadata, when asked to refresh it, nothing on
the host changes, and no lock is taken. Stands after all other parts of READER_PARTS["yum"] in host/payload.py, whose
names it uses.
"""

import os
import re
import sys
import time

UPDATERS = ('yum', 'yum-cron', 'yum-updatesd', 'rpm', 'packagekitd', 'yumBackend.py')


def rpm_kernel_facts(miscutils, present):
    """The running kernel and the installed ones, newest first."""
    found = []
    for name, packages in present.items():
        if KERNEL_NAME.match(name):
            for package in packages:
                release = '{0}-{1}.{2}'.format(package.version, package.release, package.arch)
                found.append((package, {'package': text_of(name), 'arch': text_of(package.arch),
                                        'version': version_of(package), 'release': text_of(release)}))
    uname = os.uname()
    return {'running': uname[2], 'build': uname[3], 'arch': uname[4], 'container': in_container(),
            'installed': newest_first(found, lambda one, other: miscutils.compareEVR(evr_of(one), evr_of(other)) > 0)}


def rpm_updater_facts(running):
    """Other programs that may install updates on their own; told, never changed."""
    # Its jobs in cron.daily and cron.hourly do nothing unless the service has made this file.
    enabled = [path for path in ('/var/lock/subsys/yum-cron',
                                 '/etc/systemd/system/multi-user.target.wants/yum-cron.service')
               if os.path.lexists(path)]
    settings = read_text('/etc/yum/yum-cron.conf')
    if settings is not None:
        match = re.search(r'^\s*apply_updates\s*=\s*(\S+)', settings, re.M)
        applied = match.group(1) if match else None
    else:
        # EL6: CHECK_ONLY=no, DOWNLOAD_ONLY=no
        switches = re.findall(r'^\s*(?:CHECK|DOWNLOAD)_ONLY=["\']?(\w+)', read_text('/etc/sysconfig/yum-cron') or '', re.M)
        applied = ('no' if 'yes' in switches else 'yes') if switches else None
    return {'timers': ['yum-cron'] if enabled else [], 'apply_updates': applied, 'running': running,
            'packagekit': os.path.exists('/usr/libexec/packagekitd')}


def read(request):
    options = request.get('options') or {}
    os.environ.update(fixed_environment())
    yum, miscutils = load_yum()
    workspace = Workspace()
    try:
        return read_host(yum, miscutils, options, workspace)
    finally:
        workspace.close()


def read_host(yum, miscutils, options, workspace):
    sources = sources_asked_for(options, workspace)
    base, own, persistent = open_configuration(yum, workspace, sources)
    conf = base.conf
    refresh = refresh_metadata(base, own, options, sources)
    times = metadata_times(base, own)
    problems = []
    excludes, only = open_excludes(base)
    locks = read_locklist(conf, problems)
    priorities = repository_priorities(base)
    try:
        missing = load_repositories(base)
        packages, present, damaged = read_rpms(yum, miscutils, base, {
            'locks': locks, 'excludes': excludes, 'only': only, 'priorities': priorities})
    except Exception as error:
        raise yum_failure('load its metadata', error)
    problems += ['{0} cannot be read: {1}'.format(name, str_of(why)) for name, why in sorted(missing.items())
                 if times.get(name) is not None]
    problems += ['the notices of {0} cannot be read: {1}'.format(name, str_of(why))
                 for name, why in sorted(damaged.items())]
    processes = process_facts(UPDATERS)
    result = {
        'collected_at': utc(time.time()),
        'privileged': os.geteuid() == 0,
        'interpreter': {'path': sys.executable or None, 'version': '.'.join(str(part) for part in sys.version_info[:3])},
        'library': {'version': text_of(yum.__version__), 'releasever': text_of(conf.yumvar['releasever'])},
        'identity_files': identity_files(),
        'refresh': refresh,
        'repositories': repository_rows(base, times, priorities, damaged, sources),
        'modules': [],
        'locks': locks,
        'excludes': excludes + [[name, 'all but ' + ' '.join(patterns)] for name, patterns in sorted(only.items())],
        'protected': sorted(set(text_of(each) for each in conf.protected_packages)),
        'metadata_problems': [lasting_words(text_of(problem), base, own)[:1000] for problem in problems],
        'kernels': rpm_kernel_facts(miscutils, present),
        'reboot_names': [],
        'processes': processes,
        'boot': boot_facts(),
        'unfinished': unfinished_transaction(persistent, workspace),
        'lock': yum_lock_holder(conf.installroot),
        'updaters': rpm_updater_facts(processes.pop('running')),
        'disk': disk_facts(('/', '/boot', '/var', '/var/cache' if sources else own)),
        'subscription': subscription_facts(),
    }
    result.update(packages)
    return result


def hello(_request):
    yum, _miscutils = load_yum()
    return {'api': 'yum', 'version': text_of(yum.__version__)}


if __name__ == '__main__':
    main({'read': read, 'hello': hello}, globals().get('REQUEST'))
