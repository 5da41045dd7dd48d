"""A build of the collection holds what git tracks; caches and environments of a checkout stay out."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# What ansible-galaxy leaves out by itself (ansible.galaxy.collection, _build_files_manifest).
BY_ITSELF = (".git", "*.pyc", "*.retry", "tests/output", "__pycache__", "*/__pycache__")


def test_what_git_ignores_is_not_built() -> None:
    ignored = [line.strip().strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()]
    patterns = (*BY_ITSELF, *yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"])
    assert ignored
    assert [name for name in ignored if name and not any(fnmatch(name, pattern) for pattern in patterns)] == []
