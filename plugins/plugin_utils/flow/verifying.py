# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the history is what was written: what the task ``verify_history`` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import PatchError
from ..fleet import evidence, files
from ..fleet.signatures import digests_of, sign_run, unsigned_problems, verify_signatures
from ..store.compliance_store import ComplianceStore
from .history import open_history, run_named

Problem = dict[str, str]


def verify_history(
    state_directory: str, store_url: str | None, *, heads: dict[str, str] | None
) -> tuple[list[Problem], dict[str, str], int]:
    """Problems (``{"host", "run_id", "kind", "message"}``), the heads of all chains, the number of sound documents.

    ``heads``: those of an earlier time, which must still be links of their chains.
    """
    if not store_url:
        done = evidence.verify(Path(state_directory).expanduser(), heads=heads)
        return done.problems, done.heads, done.documents
    store = ComplianceStore(store_url)
    try:
        problems = [
            {"host": host, "run_id": run_id, "kind": "edited", "message": told} for host, run_id, told in store.verify()
        ]
        for host, head in (heads or {}).items():
            if head not in store.chains(host):
                told = "the head that was kept is no link of its chain: newer documents were removed, or by retention"
                problems.append({"host": host, "run_id": "", "kind": "lost_head", "message": told})
        wrong = {(each["host"], each["run_id"]) for each in problems}
        return problems, store.heads(), store.count() - len(wrong)
    finally:
        store.close()


def signature_problems(
    state_directory: str, store_url: str | None, allowed_signers: str
) -> tuple[list[Problem], set[str]]:
    """What is wrong with the signatures, and who signed. Signatures are in the state directory, also those of documents
    in the store."""
    state = Path(state_directory).expanduser()
    signed = verify_signatures(state, allowed_signers)
    if not store_url:
        return [*signed.problems, *unsigned_problems(state, signed, known=digests_of(state))], signed.signers
    store = ComplianceStore(store_url)
    try:
        unsigned = [
            {
                "host": host,
                "run_id": run_id,
                "kind": "unsigned",
                "message": f"the document of {host} in run {run_id} is in no signed list as it is",
            }
            for host, run_id, digest in store.digests()
            if not signed.has(run_id, digest)
        ]
    finally:
        store.close()
    return signed.problems + unsigned, signed.signers


def sign_history(state_directory: str, run_id: str, key: str, *, at: str) -> dict[str, int]:
    """Sign the documents of a run (or ``all``): run id to the number of documents that were signed now."""
    state = Path(state_directory).expanduser()
    history = open_history(state_directory)
    runs = history.runs() if run_id == "all" else [run_named(history, run_id)]
    return {run.run_id: sign_run(state, run.run_id, key, now=at) for run in runs}


def read_heads(path: str) -> dict[str, str]:
    """Heads that an earlier verification wrote."""
    try:
        kept = files.read_json(Path(path).expanduser())
    except FileNotFoundError:
        raise PatchError("no_heads", f"{path} is not there; write it with write_heads first") from None
    heads: Any = kept.get("heads") if isinstance(kept, dict) else None
    if not isinstance(heads, dict) or not all(isinstance(each, str) for each in heads.values()):
        raise PatchError("bad_state_file", f"{path} holds no heads; write it with write_heads", path=path)
    return dict(heads)


def write_heads(path: str, heads: dict[str, str], at: str) -> None:
    """One file for somewhere else, to be signed there if wanted."""
    place = Path(path).expanduser()
    files.make_private_directory(place.parent)
    files.write_json(place, {"format": 1, "at": at, "heads": dict(sorted(heads.items()))})
