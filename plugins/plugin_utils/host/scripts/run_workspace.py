# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Part of a reader: what one run has for itself, its environment, its private folder and its children.

Stands after reader_protocol.py, of which it uses nothing.
"""

import os
import time


def fixed_environment():
    """What package managers say is parsed, so they must say it in one language; nothing may ask."""
    environment = dict(os.environ)
    for name in list(environment):
        if name.startswith('LC_') or name == 'LANGUAGE':
            del environment[name]
    environment['LC_ALL'] = environment['LANG'] = 'C.UTF-8'
    environment['DEBIAN_FRONTEND'] = 'noninteractive'
    environment.setdefault('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    return environment


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
