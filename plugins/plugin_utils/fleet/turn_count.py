# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the hosts of a play have had their turn, counted by workers that run at once and batch after batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from . import files
from .run_directory import Run


def count_turn(run: Run, host: str, *, play: str, hosts: Sequence[str]) -> int | None:
    """How many of ``hosts`` have had their turn with this one; None where it had it before, or is none of them.

    ``hosts``: all of the play, those of later batches too. Plays of one ansible-playbook are told apart by ``play``,
    their name, and their hosts; those of another one never count.
    """
    if host not in hosts:
        return None
    identity = "\n".join([run.process, play, *sorted(hosts)])
    path = run.path / "turn_counts" / hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    files.make_private_directory(path.parent)
    with files.locked(path.with_suffix(".lock")):
        name = files.safe_name(host)
        known = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        if name in known:
            return None
        files.append_line(path, name)
        return len(known) + 1
