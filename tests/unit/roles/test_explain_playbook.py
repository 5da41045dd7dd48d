"""playbooks/explain.yml: from a document without the host, else after a scan of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playbook_runs import make_collection, play

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("core", ["2.16", "2.21"])
def test_a_host_is_scanned_once_and_explained_from_then_on_without_being_asked(core: str, tmp_path: Path) -> None:
    collections = make_collection(tmp_path / "collections")
    folder, names = tmp_path / "run", ("-e", '{"patch_names": ["libssl3", "curl"]}')
    explain = ("openfleet.patch.explain",)
    first = play(core, collections, folder, {"web1": "lacking"}, *names, playbooks=explain)
    assert first.rc == 0, first.output
    assert "libssl3.amd64:1.0-2: MISSING, approved (approved_by_rule), installed 1.0-1" in first.output
    again = play(core, collections, folder, {"web1": "unreachable"}, *names, playbooks=explain)
    assert again.rc == 0, again.output
    assert "baseline AWS-DebianDefaultPatchBaseline: predefined for DEBIAN" in again.output
    assert "curl: not in this document" in again.output
    lost = play(core, collections, tmp_path / "other", {"web2": "unreachable"}, playbooks=explain)
    assert lost.rc != 0
    assert "no route to host" in lost.output
