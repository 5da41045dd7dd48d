# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Part of a reader: what one run has for itself, its environment, its private folder and its children.

Stands after reader_protocol.py, of which it uses nothing.
"""

import os
import re
import stat
import time

MOST_COMMAND_OUTPUT = 256 * 1024
WORKSPACE = 'openfleet-patch-'
# In a workspace: its process, so that whoever comes next need not wait for one that was killed.
OWNER = 'owner'
# No run lasts as long.
LEFT_BEHIND_SECONDS = 24 * 3600
# Seconds that a file may be younger than now, as on network file systems. More, and the clock was set back since.
CLOCKS_DIFFER = 60


def steady():
    """Seconds that no change of the clock moves, to wait by; Python before 3.3 has none such."""
    return getattr(time, 'monotonic', time.time)()


def fixed_environment():
    """What package managers say is parsed, so they must say it in one language; nothing may ask."""
    environment = dict(os.environ)
    for name in list(environment):
        if name.startswith('LC_') or name == 'LANGUAGE':
            del environment[name]
    environment['LC_ALL'] = environment['LANG'] = 'C.UTF-8'
    environment['DEBIAN_FRONTEND'] = 'noninteractive'
    environment.setdefault('PATH', '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin')
    return environment


def remove_left_behind(parent):
    """The folders of our own runs that were killed: in memory they would add up until the next boot."""
    import shutil
    try:
        names = os.listdir(parent)
    except OSError:
        return
    for name in names:
        path = os.path.join(parent, name)
        try:
            seen = os.lstat(path)
        except OSError:
            continue
        ours = name.startswith(WORKSPACE) and stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid()
        if ours and (seen.st_mtime < time.time() - LEFT_BEHIND_SECONDS or owner_is_gone(path)):
            shutil.rmtree(path, True)


def owner_is_gone(folder):
    """Whether the process that made a workspace has ended; not known of those without the file."""
    try:
        with open(os.path.join(folder, OWNER)) as handle:
            pid, began = handle.read(100).split()
    except (IOError, OSError, ValueError):
        return False
    return process_began(pid) != began


def process_began(pid):
    """Ticks from the boot of the machine to the beginning of a process, as text; empty where there is none."""
    try:
        with open('/proc/{0}/stat'.format(pid)) as handle:
            return handle.read(4096).rpartition(')')[2].split()[19]
    except (IOError, OSError, IndexError):
        return ''


class Workspace(object):
    """A private folder for one run, made only when something needs it and removed at the end."""

    def __init__(self):
        self.root = None
        self.settings = {}

    def path(self, name):
        if self.root is None:
            import tempfile
            parent = '/dev/shm' if os.access('/dev/shm', os.R_OK | os.W_OK | os.X_OK) else tempfile.gettempdir()
            remove_left_behind(parent)
            self.root = tempfile.mkdtemp(prefix=WORKSPACE, dir=parent)
            with open(os.path.join(self.root, OWNER), 'w') as handle:
                handle.write('{0} {1}\n'.format(os.getpid(), process_began('self')))
        folder = os.path.join(self.root, name)
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o700)
        return folder

    def close(self):
        if self.root is not None:
            import shutil
            shutil.rmtree(self.root, True)


def run_bounded(command, seconds, word):
    """(exit code or None when it took too long, output); stdin closed, output in a file that no child can hold up.

    A command that cannot be started ends with 127 and a line that begins with word, as its own errors do.
    """
    import subprocess
    import tempfile
    with tempfile.TemporaryFile() as output:
        try:
            with open(os.devnull, 'rb') as nothing:
                process = subprocess.Popen(command, stdin=nothing, stdout=output, stderr=subprocess.STDOUT,
                                           close_fds=True, env=fixed_environment(), preexec_fn=os.setsid)
        except OSError as error:
            return 127, '{0}: {1} could not be started: {2}\n'.format(word, command[0], error)
        code = wait_or_stop(process, seconds)
        output.seek(0)
        return code, output.read(MOST_COMMAND_OUTPUT).decode('utf-8', 'replace')


def without_passwords(text):
    """https://user:word@host/x?token=y -> https://host/x, proxy_password=word -> proxy_password=..."""
    text = re.sub(r'(?i)([a-z][a-z0-9+.-]*://)[^/\s]*@', r'\1', text)
    text = re.sub(r'(?i)([a-z][a-z0-9+.-]*://[^?\s]*)\?[^\s\])]*', r'\1', text)
    return re.sub(r'(?i)(password\s*=\s*)\S+', r'\1...', text)


def wait_or_stop(process, seconds):
    """Its exit code, or None when it had to be stopped with all its children."""
    import signal
    deadline = steady() + seconds
    while process.poll() is None and steady() < deadline:
        time.sleep(0.02)
    if process.poll() is not None:
        return process.returncode
    for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 60)):
        try:
            os.killpg(process.pid, number)
        except OSError:
            pass
        given = steady() + patience
        while process.poll() is None and steady() < given:
            time.sleep(0.05)
    return None
