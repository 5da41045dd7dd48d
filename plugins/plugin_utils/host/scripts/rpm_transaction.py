# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=undefined-variable
"""Part of the programs that change rpm systems: what they are asked, what they say, and what they may do.

A transaction is a list of rows [kind, name, arch, version, other], one per package. `other` is the installed version
that an upgrade, downgrade or kernel beside others has before it, for `obsoleted` the name of the package that takes
its place where that is known, else None. Stands after reader_protocol.py, run_workspace.py and system_facts.py; uses
ReaderError, error_text, read_text, take_stdout, answer_one, steady and lock_holder.
"""

import json
import os
import sys
import time

ANSWER = 'openfleet-patch-answer '
TOLD = 'openfleet-patch: '
ARRIVING = ('install', 'beside', 'upgrade', 'downgrade', 'reinstall')
LEAVING = ('remove', 'obsoleted', 'retired')


def nevra_word(name, arch, version):
    """acme, noarch, 1:1.0-1 -> acme-1:1.0-1.noarch, as every rpm tool understands it."""
    return '{0}-{1}.{2}'.format(name, version, arch)


def runs_now(version, release):
    """Whether a package of this version may belong to the kernel that runs, whatever its flavour adds (+rt, .debug)."""
    return os.uname()[2].startswith('{0}-{1}'.format(version, release))


def batches_of(words):
    """A B C / 0,2 1 -> [[A, C], [B]]; packages are named once, however many batches try them."""
    names, batches, _avoided = sections_of(words)
    return [[names[int(number)] for number in batch.split(',')] for batch in batches]


def sections_of(words):
    """A B / 0,1 / C -> [A, B], [0,1], [C]: packages, batches, and packages that nothing may pull in, if any."""
    sections = [[]]
    for word in words:
        if word == '/':
            sections.append([])
        else:
            sections[-1].append(word)
    return (sections + [[]])[:3]


def read_order(path):
    """What an installation may do: {'targets', 'arriving', 'leaving': NEVRAs, 'erasing': whether any of those goes
    for the sake of a target alone, 'avoided': NEVRAs that nothing may pull in, 'lock_timeout': seconds}."""
    with open(path, 'rb') as handle:
        order = json.loads(handle.read().decode('utf-8'))
    return dict((key, set(value) if isinstance(value, list) else value) for key, value in order.items())


def beyond_order(rows, order):
    """What a transaction would do, or leave out, against its order; empty when it is as ordered.

    A downgrade is ordered only where something is taken back (`downgrading`). What arrives and what leaves may be less
    than ordered, as long as every target comes and everything goes that must (`must_go`).
    """
    found, coming, going = [], set(), set()
    for kind, name, arch, version, _other in rows:
        word = nevra_word(name, arch, version)
        if kind in ARRIVING:
            coming.add(word)
            if word not in order['arriving'] or kind == 'downgrade' and not order.get('downgrading'):
                found.append('would {0} {1}'.format('install' if kind == 'beside' else kind, word))
        elif kind not in LEAVING:
            found.append('would do something unknown ({0}) with {1}'.format(kind, word))
        else:
            going.add(word)
            if word not in order['leaving']:
                found.append('would remove {0}'.format(word))
    found += ['would not install {0}'.format(word) for word in sorted(order['targets'] - coming)]
    return found + ['would not remove {0}'.format(word) for word in sorted(order.get('must_go', set()) - going)]


def split_signs(words):
    """+A -B +C -> [A, C], [B]: what comes and what goes where something is taken back."""
    return [word[1:] for word in words if word[0] == '+'], [word[1:] for word in words if word[0] == '-']


def left_of(order, present):
    """An order that takes something back, without what is done already. What is left of `arriving` are its targets. What
    came back and is still beside what it was to replace, as after a power cut, is done once that is gone (`replaced`)."""
    beside = set(old for new, old in order.get('replaced', {}).items() if new in present and old in present)
    arriving, leaving = order['arriving'] - present, (order['leaving'] | beside) & present
    untouched = arriving == order['arriving'] and leaving == order['leaving']
    return dict(order, targets=arriving, arriving=arriving, leaving=leaving, must_go=leaving, untouched=untouched)


def is_of_order(left, order):
    """Whether all that an interrupted transaction left is what the order itself had begun to take back."""
    return set(left['begun']) <= order['arriving'] and set(left['older']) <= set(order.get('replaced', {}).values())


def ended(code, order, present):
    """The exit code of taking back: what is not as it was is no success, whatever the package manager says."""
    left = left_of(order, present)
    found = sorted(left['arriving'] | left['leaving'])
    if found and code == 0:
        tell('error: not everything is as it was: {0}'.format(', '.join(found)))
    return code or (1 if found else 0)


def replaced_by_begun(words, begun):
    """Of instances of one package, those that the one which a transaction had begun to bring was to replace: older
    ones, or, where something was taken back, newer ones."""
    return [word for word in words if word not in begun] if len(set(words) & set(begun)) == 1 else []


def tell(text):
    """A line for the log of the step, which the controller understands."""
    sys.stdout.flush()
    if not isinstance(text, str):
        text = text.encode('utf-8')
    # Whatever was printed before may have left its line open.
    sys.stderr.write('\n' + TOLD + text + '\n')
    sys.stderr.flush()


def run_again(*words):
    import subprocess
    return subprocess.call([sys.executable, '-B', '-I', sys.argv[0]] + list(words))


def stay_until_rpm_ends():
    """Whoever ends this process's tree ends a script that hangs; rpm then goes on with the rest, and so does dnf, so
    that its history is complete. The list says whether that is so; before, being asked to end ends."""
    import signal
    acting = []

    def asked(_number, _frame):
        if not acting:
            os._exit(143)
        tell('asked to end; what has begun goes on')

    signal.signal(signal.SIGTERM, asked)
    return acting


def wait_for_rpm(seconds, find_holder=None):
    """Until nobody else holds rpm's lock, or what else find_holder knows, as lock_holder says it."""
    find_holder = find_holder or (lambda: lock_holder('/var/lib/rpm/.rpm.lock'))
    deadline = steady() + seconds
    holder = find_holder()
    while holder is not None and holder['pid'] != os.getpid():
        if steady() >= deadline:
            raise ReaderError('locked', '{0} (pid {1}) holds {2}, after {3} seconds of waiting still'.format(
                holder['name'] or 'another process', holder['pid'], holder['file'], seconds))
        time.sleep(1)
        holder = find_holder()


def run_program(operations):
    """Run the operation that the command line names. One that simulates answers with one line of JSON; one that acts
    returns an exit code, and what it prints is the log."""
    words = sys.argv[1:]
    name = words[0] if words else ''
    operation, answers = operations.get(name, (None, False))
    if operation is None:
        sys.exit('there is no operation {0!r}'.format(name))
    if not answers:
        try:
            code = operation(words[1:])
        except Exception as error:
            if not isinstance(error, ReaderError):
                import traceback
                traceback.print_exc()
            tell('error: ' + error_text(error))
            code = 1
        sys.stdout.flush()
        sys.exit(code)
    out = take_stdout()
    answer = answer_one({name: lambda _request: operation(words[1:])}, json.dumps({'op': name}).encode('utf-8'))
    out.write(('\n' + ANSWER + json.dumps(answer) + '\n').encode('utf-8'))
    out.close()
    os._exit(0)
