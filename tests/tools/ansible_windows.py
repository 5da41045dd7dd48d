"""The collection ansible.windows for tests, out of the Python package ``ansible`` (pip is there already)."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The release of the package, and of the collection in it; 3.x works with every ansible-core from 2.16 on.
PACKAGE, COLLECTION = "12.3.0", "3.3.0"
_INSIDE = "ansible_collections/ansible/windows/"


def collections_path() -> Path:
    """A folder for ANSIBLE_COLLECTIONS_PATH with that collection alone; fetched once."""
    folder = ROOT / ".cache" / "ansible.windows" / COLLECTION
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as held:
        # Test processes side by side want it at the same moment.
        fcntl.flock(held, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary=:all:", "--dest", scratch, f"ansible=={PACKAGE}"], check=True)
        [wheel] = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith(_INSIDE)]
            archive.extractall(Path(scratch) / "tree", members)
        shutil.move(Path(scratch) / "tree", folder)


if __name__ == "__main__":
    collections_path()
