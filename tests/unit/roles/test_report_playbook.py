"""A scan and the report about it in one command, on the oldest and the newest ansible-core."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from core_venvs import CORES
from playbook_runs import ROOT, make_collection, play

pytestmark = pytest.mark.slow
FORMATS = ["html", "csv", "json", "markdown", "junit", "prometheus", "ocsf", "aws"]
FLEET = {"good": "compliant", "lacking": "lacking", "old": "failed", "gone": "unreachable"}


@pytest.mark.parametrize("core", [min(CORES), max(CORES)])
def test_the_report_tells_every_host_of_the_inventory(core: str, tmp_path: Path) -> None:
    collections = make_collection(tmp_path / "collections")
    settings = json.dumps({"patch_report_formats": FORMATS, "patch_fail_on": []})
    playbooks = ("openfleet.patch.scan", "openfleet.patch.report")
    try:
        scanned = play(core, collections, tmp_path, FLEET, "-e", settings, playbooks=playbooks)
    except LookupError as missing:
        pytest.skip(str(missing))
    assert scanned.rc == 0, scanned.output
    assert "Patch compliance: non_compliant" in scanned.output
    reports = scanned.state / "reports"
    assert {path.name for path in reports.iterdir()} == {
        "report.html",
        "hosts.csv",
        "patches.csv",
        "report.json",
        "report.md",
        "junit.xml",
        "openfleet_patch.prom",
        "openfleet_patch.ocsf.jsonl",
        "aws_compliance_items.json",
        "aws_instance_patch_states.json",
    }
    assert {path.stat().st_mode & 0o777 for path in reports.iterdir()} == {0o600}
    made = json.loads((reports / "report.json").read_text(encoding="utf-8"))
    assert {host["name"]: host["status"] for host in made["hosts"]} == {
        "good": "compliant",
        "lacking": "non_compliant",
        "old": "unknown",
        "gone": "unreachable",
    }
    assert made["scope"]["kind"] == "fleet"
    assert [sum(run["counts"].values()) for run in made["trend"]] == [4]

    of_run = play(
        core,
        collections,
        tmp_path,
        {**FLEET, "new": "compliant"},
        *("-e", settings, "-e", "patch_report_run_id=latest", "-e", "patch_report_mode='0640'"),
        playbooks=("openfleet.patch.report",),
    )
    assert of_run.rc == 0, of_run.output
    made = json.loads((reports / "report.json").read_text(encoding="utf-8"))
    assert made["scope"]["run_id"] == scanned.run.name
    statuses = {host["name"]: host["status"] for host in made["hosts"]}
    assert statuses["new"] == "not_started"
    assert statuses["old"] == "failed"
    assert {path.stat().st_mode & 0o777 for path in reports.iterdir()} == {0o640}

    asked = play(
        core,
        collections,
        tmp_path,
        FLEET,
        *("-e", "patch_question=where_open", "-e", "patch_patch=libssl3"),
        playbooks=("openfleet.patch.query",),
    )
    assert asked.rc == 0, asked.output
    assert '"host": "lacking"' in asked.output
    assert '"host": "good"' not in asked.output

    verified = play(core, collections, tmp_path, FLEET, playbooks=("openfleet.patch.verify",))
    assert verified.rc == 0, verified.output
    assert "Documents that are as they were written: 3" in verified.output
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    kind, public, _comment = key.with_suffix(".pub").read_text(encoding="ascii").split()
    (tmp_path / "allowed").write_text(f"audit@example.com {kind} {public}\n", encoding="ascii")
    signed = play(
        core,
        collections,
        tmp_path,
        FLEET,
        *("-e", f"patch_signing_key={key}", "-e", f"patch_allowed_signers={tmp_path / 'allowed'}"),
        playbooks=("openfleet.patch.sign", "openfleet.patch.verify"),
    )
    assert signed.rc == 0, signed.output
    (scanned.run / "hosts" / "lacking.json").unlink()
    wrong = play(core, collections, tmp_path, FLEET, playbooks=("openfleet.patch.verify",))
    assert wrong.rc == 2
    assert "1 problems in the history: lacking:" in wrong.output


def test_the_playbook_for_awx_keeps_what_was_found_before_it_fails(tmp_path: Path) -> None:
    """That of docs/awx.md as it is for an installation, with a report in place of the store."""
    page = (ROOT / "docs" / "awx.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(# scan.yml\n.*?)```", page, flags=re.DOTALL)
    text = text.replace("openfleet.patch.scan", "openfleet.patch.install").replace("patch.store", "patch.report")
    (tmp_path / "site.yml").write_text(text, encoding="utf-8")
    collections = make_collection(tmp_path / "collections", install=True)
    try:
        installed = play(
            max(CORES), collections, tmp_path, {"good": "ok", "bad": "failed"}, playbooks=(str(tmp_path / "site.yml"),)
        )
    except LookupError as missing:
        pytest.skip(str(missing))
    assert installed.outcomes() == {"good": "ok", "bad": "failed"}
    assert (installed.state / "reports" / "report.html").exists(), installed.output
    assert installed.rc == 2
    assert "of 2 hosts: 1 failed" in installed.output
