"""Documents that come home from hosts."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from documents_for_tests import FakeRun, document

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet import evidence
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.collected import bring_home
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.history import FileHistory
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.checked import why_not_document

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
RUN_ID = FakeRun.run_id


def made(host: str = "web1", **changed: Any) -> dict[str, Any]:
    return {**document(host, operation="Install", reboot_option="NoReboot"), **changed}


def home(state: Path, value: Any, host: str = "web1") -> tuple[str, str]:
    return bring_home(state, host, value, now=NOW, why_not=why_not_document)


def test_what_was_lost_comes_back_into_its_run_and_its_chain_once(tmp_path: Path) -> None:
    assert home(tmp_path, made()) == ("added", RUN_ID)
    assert home(tmp_path, made()) == ("known", RUN_ID)
    history = FileHistory(tmp_path, why_not_document)
    assert [run.run_id for run in history.runs()] == [RUN_ID]
    assert list(history.newest()) == [made()]
    assert history.outcomes(RUN_ID)["web1"]["collected"] is True
    found = evidence.verify(tmp_path)
    assert (found.documents, found.problems) == (1, [])
    assert not (tmp_path / "latest").exists()


def test_one_that_differs_from_those_of_its_run_is_not_taken(tmp_path: Path) -> None:
    home(tmp_path, made())
    altered = copy.deepcopy(made())
    altered["verdict"] = "unknown"
    assert home(tmp_path, altered) == ("differs", RUN_ID)
    assert len(list((tmp_path / "runs" / RUN_ID / "hosts").iterdir())) == 1
    assert home(tmp_path, made("web2"), "web2") == ("added", RUN_ID)


def test_an_older_one_does_not_become_the_newest(tmp_path: Path) -> None:
    run = open_run(tmp_path, now=NOW, controller_key="here")
    later = made()
    later["times"] = {**later["times"], "finished_at": "2026-11-21T11:00:00Z"}
    later["run"] = {**later["run"], "id": run.run_id}
    run.write_document("web1", later)
    assert home(tmp_path, made()) == ("added", RUN_ID)
    newest = json.loads((tmp_path / "hosts" / "web1.json").read_text(encoding="utf-8"))
    assert newest["run"]["id"] == run.run_id
    assert (tmp_path / "latest").resolve().name == run.run_id


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"host": "web1"}, "no document"),
        ([], "no document"),
        (made("web2"), "is of 'web2'"),
        (made(run={**made()["run"], "started_at": "2026-11-23T12:00:00Z"}), "future: run.started_at"),
        (made(times={**made()["times"], "finished_at": "9999-11-23T12:00:00Z"}), "future: times.finished_at"),
        (made(times={**made()["times"], "finished_at": "zzz"}), "no time in times.finished_at"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path, value: Any, told: str) -> None:
    with pytest.raises(PatchError) as caught:
        home(tmp_path / "state", value)
    assert caught.value.kind == "bad_document"
    assert told in caught.value.message
    assert not (tmp_path / "state").exists()


def test_a_run_id_is_no_way_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(PatchError) as caught:
        home(tmp_path / "state", made(run={**made()["run"], "id": "../../up"}))
    assert caught.value.kind == "bad_run_id"
    assert list(tmp_path.iterdir()) == []


def test_clocks_may_be_a_little_apart(tmp_path: Path) -> None:
    soon = (NOW + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert home(tmp_path, made(times={**made()["times"], "finished_at": soon}))[0] == "added"
