"""A PostgreSQL of its own for tests: from Debian's package, as an ordinary user, on a Unix socket and nowhere else."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "nobody"
"""Who runs the server where the tests run as root: PostgreSQL refuses to be root."""


def why_not() -> str | None:
    """Why no server can be started here, None where it can."""
    if _programs() is None:
        return "PostgreSQL's server is not installed (Debian's package postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        return f"no driver for PostgreSQL: {error}; see requirements-test.txt"
    return None


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database; the server is stopped and its files are removed at the end."""
    programs = _programs()
    assert programs is not None, why_not()
    # The path of a Unix socket has at most 107 characters: pytest's own folders are longer.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    user = pwd.getpwnam(USER) if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(program: str, *arguments: str) -> None:
        ended = subprocess.run(
            [str(programs / program), *arguments],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder), "TZ": "UTC"},
        )
        assert ended.returncode == 0, f"{program}: {ended.stdout}{ended.stderr}"

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-U", "openfleet", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions")
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=40"
        run("pg_ctl", "-D", data, "-l", str(folder / "log"), "-w", "-o", options, "start")
        try:
            run("createdb", "-h", str(folder), "-U", "openfleet", "openfleet")
            yield f"postgresql://openfleet@/openfleet?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
