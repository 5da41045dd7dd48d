# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents signed with a user's own key, by OpenSSH's ``ssh-keygen -Y``.

``STATE/signatures/RUN_ID.json`` names the digest of every document of a run; ``RUN_ID.json.sig`` is the signature of
that file, one for the run, so that a key that asks to be touched asks once. For what comes later into a run there is a
list ``RUN_ID~2.json``, of all documents of the run. No key is ever read here: ssh-keygen and ssh-agent do.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine.digests import canonical_digest
from ..errors import PatchError
from . import files

NAMESPACE = "openfleet-patch"
"""What a signature is for: one that was made for something else does not count."""
_SECONDS = 120
_FORMAT = 1


@dataclass
class Signed:
    """What trusted keys have signed."""

    digests: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    """Run id to file to every digest that was signed for it."""
    signers: set[str] = field(default_factory=set)
    problems: list[dict[str, str]] = field(default_factory=list)
    """``{"host", "run_id", "kind", "message"}`` of signatures that do not count, kind ``bad_signature``."""

    def has(self, run_id: str, digest: str) -> bool:
        """Whether a document of this run was signed."""
        return any(digest in digests for digests in self.digests.get(run_id, {}).values())


def sign_run(state_directory: Path, run_id: str, key: str, *, now: str) -> int:
    """Sign all documents of a run in one list; the number of those that were in none before. With 0 nothing was done.

    ``key``: a private key, or a public one whose private key ssh-agent has. Raises ``not_signed``, ``no_ssh_keygen``,
    ``bad_state_file`` for a document that cannot be read, and what writing raises.
    """
    folder = state_directory / "signatures"
    documents = {
        path.name: canonical_digest(files.read_json(path))
        for _name, _sequence, path in files.numbered_files(state_directory / "runs" / run_id / "hosts")
    }
    known = _listed(folder, run_id)
    new = sum(documents[name] not in known.get(name, set()) for name in documents)
    if not new:
        return 0
    files.make_private_directory(folder)
    with files.locked(folder / ".lock"):
        listing = {"format": _FORMAT, "run_id": run_id, "signed_at": now, "documents": documents}
        path = files.write_new_json(folder, run_id, listing)
        try:
            signature = _run(
                ["ssh-keygen", "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(Path(key).expanduser())],
                path.read_bytes(),
            )
            files.write_text(path.with_name(path.name + ".sig"), signature)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return new


def verify_signatures(state_directory: Path, allowed_signers: str) -> Signed:
    """Hold every list against its signature. ``allowed_signers``: a file as ssh-keygen(1) describes it.

    Raises ``no_allowed_signers`` and ``no_ssh_keygen``.
    """
    allowed = Path(allowed_signers).expanduser()
    if not allowed.is_file():
        raise PatchError("no_allowed_signers", f"{allowed} is not there; see ALLOWED SIGNERS in ssh-keygen(1)")
    signed = Signed()
    for path in _lists(state_directory / "signatures"):
        run_id = path.name.removesuffix(".json").partition("~")[0]
        try:
            signer = _verify(path, allowed)
            listing = _read(path, run_id)
        except PatchError as error:
            if error.kind == "no_ssh_keygen":
                raise
            signed.problems.append({"host": "", "run_id": run_id, "kind": "bad_signature", "message": error.message})
            continue
        signed.signers.add(signer)
        for name, digest in listing["documents"].items():
            signed.digests.setdefault(run_id, {}).setdefault(name, set()).add(digest)
    return signed


def unsigned_problems(
    state_directory: Path, signed: Signed, *, known: Mapping[tuple[str, str], str]
) -> Iterator[dict[str, str]]:
    """Documents that no trusted key has signed as they are, and signed ones that are gone.

    ``known``: ``(run id, file)`` to the digest of what is there.
    """
    for (run_id, name), digest in known.items():
        host = name.removesuffix(".json").partition("~")[0]
        digests = signed.digests.get(run_id, {}).get(name)
        path = state_directory / "runs" / run_id / "hosts" / name
        if digests is None:
            yield {"host": host, "run_id": run_id, "kind": "unsigned", "message": f"{path} is in no signed list"}
        elif digest not in digests:
            yield {"host": host, "run_id": run_id, "kind": "edited", "message": f"{path} is not what was signed"}
    for run_id, listed in signed.digests.items():
        gone = not (state_directory / "runs" / run_id).exists()
        for name in listed:
            if (run_id, name) not in known:
                host = name.removesuffix(".json").partition("~")[0]
                told = f"{name} of run {run_id} was signed and is gone"
                yield {"host": host, "run_id": run_id, "kind": "run_removed" if gone else "removed", "message": told}


def digests_of(state_directory: Path) -> dict[tuple[str, str], str]:
    """``(run id, file)`` to the digest of every document of all runs; one that cannot be read has the digest ``""``."""
    found = {}
    runs = state_directory / "runs"
    for run in sorted(runs.iterdir()) if runs.is_dir() else []:
        for _name, _sequence, path in files.numbered_files(run / "hosts"):
            try:
                found[run.name, path.name] = canonical_digest(files.read_json(path))
            except (FileNotFoundError, PatchError):
                found[run.name, path.name] = ""
    return found


def _lists(folder: Path) -> list[Path]:
    return [path for _name, _sequence, path in files.numbered_files(folder)]


def _listed(folder: Path, run_id: str) -> dict[str, set[str]]:
    """What lists of a run name already, whoever signed them."""
    found: dict[str, set[str]] = {}
    for path in files.numbered_paths(folder, run_id):
        if not path.with_name(path.name + ".sig").exists():
            continue
        for name, digest in _read(path, run_id)["documents"].items():
            found.setdefault(name, set()).add(digest)
    return found


def _read(path: Path, run_id: str) -> dict[str, Any]:
    listing = files.read_json(path)
    documents = listing.get("documents") if isinstance(listing, dict) else None
    sound = isinstance(documents, dict) and all(
        isinstance(digest, str) and os.sep not in name for name, digest in documents.items()
    )
    if not sound or listing.get("format") != _FORMAT or listing.get("run_id") != run_id:
        raise PatchError("bad_state_file", f"{path} is no list of signed documents of run {run_id}", path=str(path))
    return dict(listing)


def _verify(path: Path, allowed: Path) -> str:
    """Who signed it. Raises ``not_signed``."""
    signature = path.with_name(path.name + ".sig")
    if not signature.is_file():
        raise PatchError("not_signed", f"{path} has no signature beside it")
    common = ["-s", str(signature), "-f", str(allowed)]
    found = _run(["ssh-keygen", "-Y", "find-principals", "-n", NAMESPACE, *common], b"").split("\n")[0].strip()
    _run(["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-I", found, *common], path.read_bytes())
    return found


def _run(command: list[str], data: bytes) -> str:
    try:
        ended = subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            # Without a terminal it cannot ask for a passphrase there: that is what ssh-agent is for.
            start_new_session=True,
            env={**os.environ, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise PatchError(
            "no_ssh_keygen", "ssh-keygen is not installed on the controller (OpenSSH 8.2 or newer)"
        ) from None
    except subprocess.TimeoutExpired:
        raise PatchError("not_signed", f"ssh-keygen -Y {command[2]} did not end within {_SECONDS} seconds") from None
    if ended.returncode != 0:
        told = (ended.stderr + ended.stdout).decode("utf-8", "replace").strip()[:500]
        raise PatchError("not_signed", f"ssh-keygen -Y {command[2]}: {told}")
    return ended.stdout.decode("utf-8", "replace")
