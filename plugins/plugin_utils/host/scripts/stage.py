# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What `python -c` gets: it loads the native library before it touches standard input, so that a Python without it
# leaves the input to the next one (exit code 97). Arguments as in loader.py. Started with -S: nobody's start-up hooks
# run, and Debian's library is found without them; elsewhere the site module comes second.
import os
import sys


def load():
    for name in sys.argv[1].split(","):
        __import__(name)


if __name__ == "__main__":
    sys.path[:] = [path for path in sys.path if path] + ["/usr/lib/python3/dist-packages"]
    try:
        try:
            load()
        except ImportError:
            import site
            # Before 3.3 the import alone does it.
            if sys.version_info >= (3, 3):
                site.main()
            load()
    except Exception:
        os.write(4, repr(sys.exc_info()[1]).encode("ascii", "backslashreplace"))
        os._exit(97)
    os.close(4)
    left, parts = int(sys.argv[2]), []
    while left > 0:
        part = os.read(0, min(left, 65536))
        if not part:
            os._exit(96)
        parts.append(part)
        left -= len(part)
    BODY = parts[0][:0].join(parts)
    first = sys.argv[6].split()[0].split(":")
    exec(compile(BODY[:int(first[2])], "openfleet_loader", "exec"))
