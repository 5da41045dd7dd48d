"""The collections that notifications and Windows go by, in ``.cache/other_collections``: real ones, out of the pinned
package ``ansible`` on PyPI, which carries them; nothing of it is installed.

``aws_python()`` is a Python with boto3 and moto (requirements-notify.txt), made on first use.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))

from interpreters import find_interpreters  # noqa: E402

PACKAGE = "ansible==12.3.0"
CORE = "2.19"
"""The ansible-core that these collections were released for."""
_WANTED = ("community/general/", "community/aws/", "amazon/aws/", "ansible/windows/")
_DONE = f"{PACKAGE} {' '.join(_WANTED)}"
_FOLDER = ROOT / ".cache" / "other_collections"


def other_collections() -> Path:
    """The path for ANSIBLE_COLLECTIONS_PATH; ``LookupError`` where the package cannot be had."""
    done = _FOLDER / ".done"
    with _alone("other_collections"):
        if done.exists() and done.read_text(encoding="ascii") == _DONE:
            return _FOLDER
        with tempfile.TemporaryDirectory() as folder:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            got = subprocess.run(
                [*pip, "--no-deps", "--only-binary=:all:", "--dest", folder, PACKAGE],
                capture_output=True,
                text=True,
                check=False,
            )
            if got.returncode != 0:
                raise LookupError(f"{PACKAGE} cannot be downloaded: {got.stderr.strip()[-300:]}")
            [wheel] = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as packed:
                inside = tuple(f"ansible_collections/{each}" for each in _WANTED)
                packed.extractall(_FOLDER, [name for name in packed.namelist() if name.startswith(inside)])
        done.write_text(_DONE, encoding="ascii")
    return _FOLDER


def aws_python() -> Path:
    """An interpreter with boto3 and moto; ``LookupError`` where there is no Python for it."""
    venv = ROOT / ".cache" / "venvs" / "notify"
    python = venv / "bin" / "python"
    requirements = ROOT / "requirements-notify.txt"
    done = venv / ".done"
    with _alone("notify"):
        if done.exists() and done.read_bytes() == requirements.read_bytes():
            return python
        found = find_interpreters()
        usable = [found[version] for version in ("3.11", "3.12", "3.13") if version in found]
        if not usable:
            raise LookupError("boto3 and moto need Python 3.11, 3.12 or 3.13; none found on this machine")
        maker = Path(__file__).with_name("make_venv.sh")
        subprocess.run([str(maker), str(venv), str(usable[0]), "-r", str(requirements)], check=True)
        done.write_bytes(requirements.read_bytes())
    return python


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Test processes side by side want the same thing at the same moment."""
    lock = ROOT / ".cache" / f"{name}.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    other_collections()
