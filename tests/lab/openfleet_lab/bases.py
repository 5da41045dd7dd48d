"""Base roots: built once per recipe, shared read-only by every host."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from .places import GUEST_FILES, Lab, run
from .recipes import BASES, COMMON, ROOT_PASSWORD, USERS, UnreleasedBase, sudoers

PREPARE = GUEST_FILES / "prepare_base.sh"


def digest_of(*parts: object) -> str:
    """Twelve hex digits that change when any part does."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def base_path(lab: Lab, name: str) -> Path:
    recipe = digest_of(
        asdict(BASES[name]), COMMON, [asdict(user) for user in USERS], ROOT_PASSWORD, sudoers(), PREPARE.read_text()
    )
    return lab.bases / f"{name}-{recipe}"


def ensure_base(lab: Lab, name: str) -> Path:
    """The root of base `name`, built now if no run has built it yet."""
    path = base_path(lab, name)
    if path.exists():
        return path
    with lab.lock(f"base-{name}"):
        if not path.exists():
            _build(lab, name, path)
    return path


def ensure_bases(lab: Lab, names: Iterable[str]) -> dict[str, float]:
    """Build several, two at a time; returns the seconds each one took (0 when it was there)."""

    def timed(name: str) -> tuple[str, float]:
        there, started = base_path(lab, name).exists(), time.monotonic()
        ensure_base(lab, name)
        return name, 0.0 if there else time.monotonic() - started

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(timed, names))


def _build(lab: Lab, name: str, path: Path) -> None:
    partial = path.with_name(path.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    recipe = BASES[name]
    argv = ["mmdebstrap", "--variant=minbase", "--format=directory", '--aptopt=Acquire::Languages "none"']
    argv += [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("doc", "man", "locale")]
    included = [*COMMON, *recipe.extra]
    if isinstance(recipe, UnreleasedBase):
        argv.append('--aptopt=Acquire::Check-Valid-Until "false"')
        included = [package for package in included if package not in recipe.without]
    argv += [f"--include={','.join(included)}", recipe.suite, str(partial)]
    # No mirror named: mmdebstrap takes the distribution's default, and this machine's proxy settings.
    if os.environ.get("OPENFLEET_LAB_MIRROR"):
        argv.append(os.environ["OPENFLEET_LAB_MIRROR"])
    run(argv)
    users = [f"root:/bin/bash:{ROOT_PASSWORD}", *(f"{u.name}:{u.shell}:{u.password}" for u in USERS)]
    run(["chroot", partial, "sh", "-s", *users], stdin=PREPARE.read_text())
    rules = partial / "etc/sudoers.d/openfleet-lab"
    rules.write_text(sudoers())
    rules.chmod(0o440)
    partial.rename(path)
    prune(lab.bases, name, path)


def prune(folder: Path, name: str, keep: Path) -> None:
    """Remove what older recipes of the same name left, unless a host or a snapshot stands on it."""
    used = Path("/proc/self/mounts").read_text()
    used += "".join(record.read_text() for record in folder.parent.glob("layers/snapshot.*.json"))
    for old in folder.iterdir():
        if old != keep and re.fullmatch(re.escape(name) + "-[0-9a-f]{12}", old.name) and str(old) not in used:
            shutil.rmtree(old)
