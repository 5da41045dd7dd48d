# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the readers and programs: repositories that replace those of the host for one run.

Their metadata lies in a folder that all questions of an installing run share, or in the workspace of a reading alone.
What opens them lies in the workspace alone. Stands after reader_protocol.py and run_workspace.py; uses ReaderError and
listing.
"""

import os
import re
import stat

# Between the questions of a run; told by the controller. Others' folders there are of runs that were cut off.
SOURCES_PARENT = '/var/cache/openfleet-patch'


def write_private(path, text):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, 'wb') as handle:
        handle.write(text.encode('utf-8'))


def private_directory(path, mode=0o700):
    """Made where it is missing; never one that somebody else put there."""
    try:
        os.mkdir(path, mode)
        os.chmod(path, mode)
    except OSError:
        pass
    seen = os.lstat(path)
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
        raise ReaderError('bad_folder', '{0} is no folder of the user who reads the host'.format(path))
    return path


def shared_folder(path, mode):
    """The folder of a run, and none of an earlier one beside it."""
    import shutil
    parent = os.path.dirname(path)
    if parent == SOURCES_PARENT:
        private_directory(parent, 0o711)
        for name in listing(parent):
            if os.path.join(parent, name) != path:
                shutil.rmtree(os.path.join(parent, name), True)
    return private_directory(path, mode)


class PrivateSources(object):
    """folder: where their metadata lies; text: as the package manager reads them; netrc: what opens them, for apt.

    mode is that of the folder: apt fetches as a user of its own, who passes through it.
    """

    def __init__(self, text, folder, workspace, netrc='', mode=0o700):
        self.text, self.netrc = text, netrc
        self.folder = shared_folder(folder, mode) if folder else workspace.path('sources')
        os.chmod(self.folder, mode)
        self.ids = re.findall(r'^\[([^\]]+)\]$', text, re.M)
        self._workspace = workspace

    def path(self, name, mode=0o700):
        return private_directory(os.path.join(self.folder, name), mode)

    def repository_folder(self):
        """A folder with nothing but their file, for rpm systems; with credentials, so it is the workspace's."""
        folder = self._workspace.path('repos')
        write_private(os.path.join(folder, 'openfleet-patch.repo'), self.text)
        return folder

    def repository_file(self):
        return os.path.join(self.repository_folder(), 'openfleet-patch.repo')

    def setopts(self):
        """Words for a package manager of rpm systems. They are seen by everybody, and hold paths and names alone."""
        words = ['--setopt=reposdir=' + self.repository_folder(), '--setopt=cachedir=' + self.path('cache'),
                 '--disablerepo=*']
        return words + ['--enablerepo=' + each for each in self.ids]


def sources_asked_for(options, workspace, mode=0o700):
    """Those of a reading, None without any."""
    text = options.get('sources')
    if not text:
        return None
    return PrivateSources(text, options.get('sources_folder'), workspace, options.get('sources_netrc') or '', mode)


def sources_of_environment(workspace):
    """Those of a simulation: a command line would show them to everybody."""
    text = os.environ.pop('OPENFLEET_PATCH_SOURCES', '')
    folder = os.environ.pop('OPENFLEET_PATCH_SOURCES_FOLDER', '')
    return PrivateSources(text, folder, workspace) if text else None


def sources_of_file(words, workspace):
    """Those of a job: its last word is a file that begins with the line of the folder."""
    if not words:
        return None
    with open(words[-1], 'rb') as handle:
        folder, text = handle.read().decode('utf-8').split('\n', 1)
    return PrivateSources(text, folder, workspace)
