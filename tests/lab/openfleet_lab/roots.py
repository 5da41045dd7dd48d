"""Changing a root that is not booted: run in it, write files into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .places import run


def chroot(root: Path, argv: Sequence[str], *, stdin: str = "") -> str:
    """Run in a root that is not booted, with /proc and /dev of its own for that moment; returns its output.

    What it leaves running (gpg-agent) ends with it.
    """
    script = (
        'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 1\n'
        "root=$1; shift; exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root "
        'DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"'
    )
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    return run([*alone, "sh", "-c", script, "sh", str(root), *argv], stdin=stdin).stdout


def write_files(root: Path, files: dict[str, str | None]) -> None:
    """Content per path; None removes, `-> TARGET` makes a symbolic link."""
    for path, content in files.items():
        target = root / path.lstrip("/")
        if target.is_symlink() or (content is None and target.exists()):
            target.unlink()
        if content is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("-> "):
            target.unlink(missing_ok=True)
            target.symlink_to(content[3:])
        else:
            target.write_text(content)
