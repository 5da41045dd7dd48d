"""Sources of a baseline replace the repositories of a host with yum 3, over the strict stand-in for its API."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from yum_stand_in import PYTHONS, WHY_NOT, StandIn, every_flavour, package, repository

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source, reader_source

READER, PROGRAM = reader_source("yum"), program_source("yum_transaction")
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "Python 2 is here")
TEXT = "[mine]\nname=mine\nbaseurl=https://rpm.example/mine\nenabled=1\ngpgcheck=1\n"
SECRET = "username=someone\npassword=s3cret\n"


def host(root: Path, flavour: str) -> StandIn:
    """What the host has of its own, in a folder and in yum.conf itself, and a source that it does not know."""
    repositories = [
        repository("base", [package("acme", "1.1-1")]),
        repository("inside", [package("acme", "1.2-1")], repofile="/etc/yum.conf"),
        repository("mine", [package("acme", "9.0-1")], elsewhere=True),
    ]
    found = StandIn(root, flavour, next(iter(PYTHONS.values())), installed=[package("acme", "1.0-1")],
                    repositories=repositories)  # fmt: skip
    found.fetched()
    return found


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}


@every_flavour
def test_a_reading_knows_the_sources_alone_and_leaves_the_cache_of_the_host(flavour: str, tmp_path: Path) -> None:
    stand_in = host(tmp_path, flavour)
    before = tree(tmp_path / "cache")
    options = {"refresh": "never", "sources": TEXT + SECRET}
    done = stand_in.run(READER, json.dumps({"protocol": 1, "op": "read", "options": options}))
    answer = json.loads(done.stdout)
    assert answer["ok"], answer["error"]["traceback"]
    result = answer["result"]
    assert [each["id"] for each in result["repositories"]] == ["mine"]
    versions = {row[2] for row in result["candidates"]["rows"]}
    assert versions == {"9.0-1"}
    assert result["refresh"]["ok"] is True, result["refresh"]
    assert tree(tmp_path / "cache") == before
    calls = " ".join(" ".join(words) for words in stand_in.world["calls"])
    assert "--noplugins" in calls
    assert "s3cret" not in calls


@every_flavour
def test_a_simulation_and_an_installation_take_the_sources_alone(
    flavour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = host(tmp_path, flavour)
    folder = tmp_path / "run"
    request = {"refresh": "auto", "sources": TEXT + SECRET, "sources_folder": str(folder)}
    assert json.loads(stand_in.run(READER, json.dumps({"protocol": 1, "op": "read", "options": request})).stdout)["ok"]
    assert "s3cret" not in "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert os.stat(folder).st_mode & 0o777 == 0o700

    extra = {"OPENFLEET_PATCH_SOURCES": TEXT, "OPENFLEET_PATCH_SOURCES_FOLDER": str(folder)}
    plain = stand_in.environment()
    monkeypatch.setattr(StandIn, "environment", lambda _self: plain | extra)
    done = stand_in.act(PROGRAM, "simulate", "acme-9.0-1.noarch", "acme-1.1-1.noarch", "/", "0", "1")
    [line] = [line for line in done.stdout.decode().splitlines() if line.startswith("openfleet-patch-answer ")]
    answer: dict[str, Any] = json.loads(line.partition(" ")[2])
    assert answer["ok"], answer["error"]["traceback"]
    first, second = answer["result"]["simulations"]
    assert [row[3] for row in first["rows"]] == ["9.0-1"]
    assert "in no repository any more" in second["problem"]

    monkeypatch.setattr(StandIn, "environment", lambda _self: plain)
    word = "acme-9.0-1.noarch"
    (tmp_path / "order.json").write_text(
        json.dumps({"targets": [word], "arriving": [word], "leaving": [], "lock_timeout": 0})
    )
    (tmp_path / "secret").write_text(f"{folder}\n{TEXT}{SECRET}")
    done = stand_in.act(PROGRAM, "install", str(tmp_path / "order.json"), str(tmp_path / "secret"))
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    assert [f"{each['version']}" for each in stand_in.world["installed"]] == ["9.0"]
