# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the apt reader: one broken package must not keep all others from being read.

apt opens nothing at all where dpkg's status file holds one paragraph that it does not understand, or one package that
has to be unpacked again and has no archive. Stands after apt_cache.py; uses text_at, open_cache,
status_file and ReaderError.
"""

import os
import re

# What a name, an architecture and a version are to the controller, joined by spaces; dpkg accepts no others in an
# archive, but takes what its status file has.
FORM = re.compile(r'[A-Za-z0-9][A-Za-z0-9+._-]{0,199} [A-Za-z0-9][A-Za-z0-9_-]{0,39} '
                  r'[A-Za-z0-9][A-Za-z0-9.+:~_-]{0,255}\Z')
# The words of dpkg's "Status: want flag state".
STATUS = re.compile(br'Status:[ \t]+(unknown|install|hold|deinstall|purge)[ \t]+(ok|reinstreq|hold|hold-reinstreq)[ \t]+'
                    br'(not-installed|config-files|half-installed|unpacked|half-configured|triggers-awaited|'
                    br'triggers-pending|installed|post-inst-failed|removal-failed)[ \t]*\Z')
FIELD = re.compile(br'[!-9;-~][!-9;-~]*:')


class Odd(object):
    """Packages that are left out of a reading, because what they are called cannot be passed on."""

    def __init__(self):
        self.names = []

    def identity(self, package, version):
        """(name, architecture, version), or None for a package that is left out."""
        try:
            words = [package.name, version.arch, version.ver_str]
            if FORM.match(' '.join(words)):
                return words
        except (UnicodeDecodeError, TypeError):
            words = [text_at(package, 'name'), text_at(version, 'arch'), text_at(version, 'ver_str')]
        self.names.append(' '.join([word or '?' for word in words]))
        return None


def tidy_status(content):
    """(dpkg's status without what apt refuses to open, names left out, names whose need to be unpacked again is hidden).

    Bytes as on the host; names are text.
    """
    kept, left_out, hidden = [], [], []
    for paragraph in re.split(br'\n[ \t]*\n', content):
        lines = paragraph.strip(b'\n').split(b'\n')
        if lines == [b'']:
            continue
        name = b'?'
        good = True
        for number, line in enumerate(lines):
            if line.startswith(b'Package:'):
                name = line[8:].strip()
            elif line.startswith(b'Status:'):
                found = STATUS.match(line)
                good = good and found is not None
                if found and b'reinstreq' in found.group(2):
                    lines[number] = line.replace(b'hold-reinstreq', b'ok').replace(b'reinstreq', b'ok')
                    hidden.append(name.decode('utf-8', 'replace'))
            elif not line.startswith((b' ', b'\t')) and not FIELD.match(line):
                good = False
        if good:
            kept.append(b'\n'.join(lines))
        else:
            left_out.append(name.decode('utf-8', 'replace'))
    return b'\n\n'.join(kept) + b'\n', left_out, hidden


def open_tidy_cache(apt_pkg, workspace):
    """(cache, its DepCache, names left out, names to be unpacked again): what open_cache opens; where that fails for
    what dpkg's status file says, the same with a private copy that says it not."""
    try:
        return open_cache(apt_pkg) + ([], [])
    except ReaderError as error:
        path = status_file(apt_pkg)
        tidied, left_out, hidden = tidy_status(read_bytes(path))
        if not left_out and not hidden:
            raise error
        private = os.path.join(workspace.path('etc'), 'status')
        with open(private, 'wb') as handle:
            handle.write(tidied)
        try:
            use_status(apt_pkg, private)
            return open_cache(apt_pkg) + (left_out, hidden)
        except ReaderError:
            raise error
        finally:
            apt_pkg.config.set('Dir::State::status', path)


def read_bytes(path):
    try:
        with open(path, 'rb') as handle:
            return handle.read()
    except (IOError, OSError):
        return b''


def use_status(apt_pkg, path):
    """apt looks for the file when its system begins."""
    apt_pkg.config.set('Dir::State::status', path)
    apt_pkg.init_system()
