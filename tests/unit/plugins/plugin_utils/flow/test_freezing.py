"""A snapshot file from the documents of a run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.snapshot import parse_snapshot
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.freezing import freeze_run, write_snapshot


def document(host: str) -> dict[str, Any]:
    patch = {"id": "curl.amd64", "name": "curl", "arch": "amd64", "installed_version": "2:1.10", "state": "INSTALLED"}
    return {
        "host": host, "operating_system": "UBUNTU", "product": "Ubuntu22.04", "operation": "Install", "error": None,
        "verdict": "compliant", "run": {"id": "r1", "as_of": "2026-11-20T00:00:00Z"}, "installation": {},
        "baseline": {"name": "web", "digest": "sha256:b"}, "patches": [patch], "pulled_in": [],
        "times": {"finished_at": "2026-11-20T01:00:00Z"},
    }  # fmt: skip


def history(hosts: list[str], outcomes: dict[str, str]) -> Any:
    run = SimpleNamespace(run_id="r1", as_of="2026-11-20T00:00:00Z", started_at="2026-11-20T00:00:00Z")
    return SimpleNamespace(
        runs=lambda: [run],
        run_documents=lambda _run: (document(host) for host in hosts),
        outcomes=lambda _run: {host: {"status": status} for host, status in outcomes.items()},
    )


GOOD = history(["a", "b"], {"a": "ok", "b": "ok"})


def frozen(comment: str = "") -> dict[str, Any]:
    return freeze_run(GOOD, "latest", hosts=None, comment=comment)


def test_the_file_is_read_back_as_it_was_and_stays_when_it_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "s.yml"
    assert write_snapshot(str(path), frozen(), force=False, check_mode=True)
    assert not path.exists()
    assert write_snapshot(str(path), frozen(), force=False, check_mode=False)
    raw = yaml.safe_load(path.read_text())
    assert parse_snapshot(raw, named="it").of("UBUNTU", "Ubuntu22.04").has("curl", "amd64", "2:1.10")
    signed = path.read_text().replace("signed_off_by: ''", "signed_off_by: the board")
    path.write_text(signed)
    assert not write_snapshot(str(path), frozen(), force=False, check_mode=False)
    assert path.read_text() == signed
    with pytest.raises(PatchError, match="says something else"):
        write_snapshot(str(path), frozen("another"), force=False, check_mode=False)
    assert write_snapshot(str(path), frozen("another"), force=True, check_mode=False)


def test_some_hosts_of_a_run_may_be_the_canaries() -> None:
    [system] = freeze_run(GOOD, "r1", hosts=["b"], comment="")["systems"]
    assert list(system["hosts"]) == ["b"]


@pytest.mark.parametrize(
    ("known", "hosts", "told"),
    [
        (history(["a"], {"a": "ok", "b": "unreachable"}), None, "no document of b"),
        (history(["a"], {"a": "failed"}), None, "did not go well on a"),
        (GOOD, ["c"], "no document of c"),
    ],
)
def test_a_run_that_did_not_go_well_is_not_frozen(known: Any, hosts: Any, told: str) -> None:
    with pytest.raises(PatchError, match=told) as caught:
        freeze_run(known, "latest", hosts=hosts, comment="")
    assert caught.value.kind == "bad_canary"
