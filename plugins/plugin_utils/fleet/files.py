# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small, careful file operations under the state directory: private, atomic, locked, append-only.

Everything here belongs to the user who runs Ansible: directories 0700, files 0600.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import PatchError

LOCK_TIMEOUT = 60.0
"""Seconds. A lock is held for milliseconds; longer means a stuck file system or a stopped process."""
_LONGEST_NAME = 180
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")


def safe_name(name: str) -> str:
    """A file name for any inventory name: one path component, never hidden, different for different names.

    Bytes outside ``A-Za-z0-9_-.`` become ``%XX``, as does a leading dot; long names end in ``=`` and a hash.
    ``~`` and ``=`` never come out of the encoding, so callers may append ``~2``.
    """
    raw = name.encode("utf-8", "surrogatepass")
    encoded = "".join(
        chr(byte) if byte in _PLAIN and not (byte == 0x2E and position == 0) else f"%{byte:02X}"
        for position, byte in enumerate(raw)
    )
    if not encoded:
        return "%"
    if len(encoded) > _LONGEST_NAME:
        encoded = f"{encoded[: _LONGEST_NAME - 33]}={hashlib.sha256(raw).hexdigest()[:32]}"
    return encoded


def make_private_directory(path: Path) -> None:
    """Create ``path`` and its missing parents; what is created here is 0700."""
    missing = []
    here = path
    while not here.exists():
        missing.append(here)
        here = here.parent
    try:
        for directory in reversed(missing):
            directory.mkdir(mode=0o700, exist_ok=True)
        if not path.is_dir():
            raise NotADirectoryError(20, "exists and is not a directory", str(path))
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def locked(path: Path, *, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Hold an exclusive lock on the file ``path``, which is created; raises ``state_locked`` after ``timeout``."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _wait_for_lock(descriptor, path, timeout)
        yield
    finally:
        # Closing releases the lock, also when the process is killed.
        os.close(descriptor)


def _wait_for_lock(descriptor: int, path: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise PatchError(
                    "state_locked",
                    f"waited {timeout:.0f} s for the lock {path}; another process holds it. Look who with"
                    f" 'fuser -v {path}', or give this run its own state directory",
                    path=str(path),
                ) from None
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        except OSError as error:
            raise _unwritable(path, error) from error


def read_json(path: Path) -> Any:
    """The JSON value in ``path``; ``FileNotFoundError`` passes, anything unreadable is ``bad_state_file``."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise PatchError(
            "bad_state_file",
            f"{path} cannot be read as JSON ({error}); it may come from an interrupted write or an edit."
            " Move it away to go on without it",
            path=str(path),
        ) from error


def read_event(line: str, path: Path) -> dict[str, Any]:
    """An entry of the log ``path``, one JSON object a line; anything else is ``bad_state_file``."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        message = f"{path} cannot be read; it may come from an interrupted write or an edit. Start a new run."
        raise PatchError("bad_state_file", message, path=str(path))
    return event


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` in one step: readers see the old content or the new one, never a part."""
    try:
        temporary = _write_temporary(path, json.dumps(value, indent=1) + "\n")
        os.replace(temporary, path)
        _sync_directory(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` with UTF-8 text in one step."""
    try:
        os.replace(_write_temporary(path, text), path)
    except OSError as error:
        raise _unwritable(path, error) from error


def append_line(path: Path, line: str) -> None:
    """Add a line to a private file, which is made where it is missing. The caller holds a lock."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(line + "\n")
    except OSError as error:
        raise _unwritable(path, error) from error


def write_pieces(path: Path, pieces: Iterable[str], *, mode: int = 0o600) -> None:
    """Replace ``path`` in one step with UTF-8 text that comes in pieces and need not fit in memory."""
    try:
        temporary = _write_temporary(path, pieces)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from error


def append(path: Path, content: bytes) -> None:
    """Add to the end of ``path`` in one write, on the disk when this returns; the caller holds its lock."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            written = os.write(descriptor, content)
            if written != len(content):
                raise OSError(28, "no space left for all of it", str(path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_new_json(directory: Path, name: str, value: Any) -> Path:
    """Add ``name.json``, or ``name~2.json`` and so on where it exists: nothing is ever overwritten."""
    try:
        temporary = _write_temporary(directory / f"{name}.json", json.dumps(value, separators=(",", ":")) + "\n")
        try:
            for sequence in range(1, 1_000_000):
                target = directory / (f"{name}.json" if sequence == 1 else f"{name}~{sequence}.json")
                if _claim(temporary, target):
                    _sync_directory(directory)
                    return target
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(directory, error) from error
    raise PatchError("state_unwritable", f"{directory} holds a million files for {name}", path=str(directory))


def _claim(temporary: str, target: Path) -> bool:
    try:
        os.link(temporary, target)
        return True
    except FileExistsError:
        return False
    except OSError:
        # A file system without hard links (some shared folders): reserve the name, then move over it.
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        os.replace(temporary, target)
        return True


def _write_temporary(path: Path, text: str | Iterable[str]) -> str:
    descriptor, temporary = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.writelines([text] if isinstance(text, str) else text)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def point_link(link: Path, target: str) -> bool:
    """Make the symbolic link ``link`` point at ``target`` in one step; False where links cannot be made."""
    temporary = link.with_name(f".linking-{os.getpid()}-{link.name[:100]}")
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        os.replace(temporary, link)
    except OSError:
        return False
    return True


def numbered_files(directory: Path) -> list[tuple[str, int, Path]]:
    """``(name, sequence, path)`` of every file that ``write_new_json`` made, in order."""
    found = []
    try:
        entries = sorted(directory.iterdir())
    except FileNotFoundError:
        return []
    for path in entries:
        if path.suffix != ".json" or path.name.startswith("."):
            continue
        name, _tilde, sequence = path.name[: -len(".json")].partition("~")
        found.append((name, int(sequence) if sequence.isdigit() else 1, path))
    return sorted(found, key=lambda entry: entry[:2])


def numbered_paths(directory: Path, name: str) -> list[Path]:
    """The files that ``write_new_json`` made for one name, in order; without reading the whole directory."""
    found = []
    path = directory / f"{name}.json"
    while path.exists():
        found.append(path)
        path = directory / f"{name}~{len(found) + 1}.json"
    return found


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> PatchError:
    return PatchError(
        "state_unwritable",
        f"cannot write {path} on the controller ({error.strerror or error}). Free space, mend its permissions"
        " or choose another patch_state_directory",
        path=str(path),
    )
