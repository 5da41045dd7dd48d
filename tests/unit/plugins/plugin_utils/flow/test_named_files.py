"""Where paths that an operator gives begin."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.named_files import path_of

ROOT = Path(__file__).resolve().parents[5]


def loader(folder: Path) -> SimpleNamespace:
    return SimpleNamespace(get_basedir=lambda: str(folder))


def test_a_relative_path_begins_at_the_playbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    path = path_of(loader(tmp_path))
    assert path("lists/a.yml") == str(tmp_path / "lists" / "a.yml")
    assert path("/etc/a.yml") == "/etc/a.yml"
    assert path("~/a.yml") == "/home/somebody/a.yml"


def test_with_a_playbook_of_the_collection_it_begins_where_the_command_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(ROOT)
    for folder in (ROOT / "playbooks", tmp_path / "link" / "playbooks"):
        assert path_of(loader(folder))("a.yml") == str(tmp_path / "a.yml")
