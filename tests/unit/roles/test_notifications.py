"""Notifications of real playbooks, by the real modules of other collections, to servers on loopback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from core_venvs import CORES
from other_collections import CORE, other_collections
from playbook_runs import Played, make_collection, play
from sinks import http_sink, self_signed, smtp_sink

pytestmark = pytest.mark.slow
FLEET = {"good": "compliant", "lacking": "lacking", "old": "failed", "gone": "unreachable"}
COUNTS = {"failed": 1, "unreachable": 1, "non_compliant": 1, "compliant": 1}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collection(tmp_path_factory.mktemp("collections"), install=True)


def told(
    core: str, collections: Path, folder: Path, hosts: dict[str, str], notifications: Any, *more: str, **options: Any
) -> Played:
    settings = json.dumps({"patch_notifications": notifications, "patch_comment": "change 4711"})
    try:
        return play(core, collections, folder, hosts, "-e", settings, *more, **options)
    except LookupError as missing:
        pytest.skip(str(missing))


def kept(played: Played) -> list[dict[str, Any]]:
    lines = (played.run / "notifications.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_mail_slack_and_teams_are_told_by_their_own_modules(collections: Path, tmp_path: Path) -> None:
    try:
        others = other_collections()
    except LookupError as missing:
        pytest.skip(str(missing))
    (tmp_path / "own.j2").write_text("{{ vars.team }}: {% include 'subject.txt.j2' %}", encoding="utf-8")
    certificate = self_signed(tmp_path / "localhost.pem")
    with smtp_sink() as mails, http_sink(certificate) as slack, http_sink() as teams:
        notifications = [
            {
                "via": "mail",
                "attach": True,
                "options": {
                    "host": "127.0.0.1",
                    "port": mails.port,
                    "secure": "never",
                    "from": "patching@example.com",
                    "to": ["ops@example.com"],
                },
            },
            {
                "via": "slack",
                "events": ["failure"],
                "template": str(tmp_path / "own.j2"),
                "vars": {"team": "<!channel>"},
                "options": {"domain": f"localhost:{slack.port}", "token": "s3cret-token", "channel": "#patching"},
            },
            {"via": "teams_connector", "options": {"webhook": f"http://127.0.0.1:{teams.port}/s3cret-hook"}},
            {"name": "nobody", "via": "slack", "events": ["threshold"], "options": {"token": "s3cret-token"}},
        ]
        path = f"{collections}:{others}"
        environment = {"ANSIBLE_COLLECTIONS_PATH": path, "SSL_CERT_FILE": str(certificate)}
        played = told(CORE, collections, tmp_path, FLEET, notifications, "-vvv", environment=environment)
    assert [(each["name"], each["sent"], each["message"]) for each in kept(played)] == [
        ("mail", True, ""),
        ("slack", True, ""),
        ("teams_connector", True, ""),
    ], played.output
    [(sender, to, mail)] = mails.received
    assert ("patching@example.com" in sender, to) == (True, ["ops@example.com"])
    told_subject = "[openfleet.patch] Scan failed: 4 hosts, 1 failed, 1 unreachable, 1 non compliant, 1 compliant"
    assert mail["subject"] == told_subject
    body = mail.get_body()
    assert body is not None
    text = body.get_content()
    assert "no interpreter has apt_pkg; install python3-apt" in text
    assert "* UNSPECIFIED libssl3.amd64 1.0-1 -> 1.0-2, 1 host" in text
    [attached] = mail.iter_attachments()
    assert attached.get_filename() == "summary.txt"
    assert "openfleet.patch scan: 4 hosts" in attached.get_payload(decode=True).decode()
    [request] = slack.received
    assert request.path.endswith("token=s3cret-token")
    assert json.loads(request.body)["text"] == f"&lt;!channel&gt;: {told_subject}"
    [request] = teams.received
    card = json.loads(request.body)
    assert card["summary"] == told_subject
    assert "no route to host" in card["text"]
    assert "s3cret" not in played.output.replace(json.dumps(notifications), "")
    assert "s3cret" not in (played.run / "notifications.jsonl").read_text(encoding="utf-8") + played.summary


@pytest.mark.parametrize("core", [min(CORES), max(CORES)])
def test_webhooks_and_uploads_need_no_other_collection(core: str, collections: Path, tmp_path: Path) -> None:
    with http_sink() as sink:
        base = f"http://127.0.0.1:{sink.port}"
        notifications = [
            {"via": "webhook", "options": {"url": f"{base}/hook"}},
            {"via": "teams", "events": ["non_compliant"], "options": {"url": f"{base}/teams"}},
            {
                "via": "put",
                "options": {
                    "url": f"{base}/store/{{operation}}/{{file}}?sig=s3cret",
                    "headers": {"x-ms-blob-type": "B"},
                },
            },
        ]
        playbooks = ("openfleet.patch.scan", "openfleet.patch.report")
        played = told(
            core, collections, tmp_path, FLEET, notifications, "-e", '{"patch_fail_on": []}', playbooks=playbooks
        )
    assert played.rc == 0, played.output
    assert [(each.method, each.path) for each in sink.received] == [
        ("POST", "/hook"),
        ("POST", "/teams"),
        ("PUT", "/store/scan/summary.txt?sig=s3cret"),
        ("POST", "/hook"),
        ("POST", "/teams"),
        ("PUT", "/store/report/report.html?sig=s3cret"),
    ], played.output
    hook = json.loads(sink.received[0].body)
    assert hook["counts"] == COUNTS
    assert hook["events"] == ["finish", "failure", "non_compliant"]
    assert hook["run"]["id"] == played.run.name
    assert [each["name"] for each in hook["hosts"]] == ["old", "gone", "lacking", "good"]
    card = json.loads(sink.received[1].body)["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert {"title": "unreachable", "value": "1"} in card["body"][1]["facts"]
    assert {name.lower(): value for name, value in sink.received[2].headers.items()}["x-ms-blob-type"] == "B"
    assert b"openfleet.patch scan: 4 hosts" in sink.received[2].body
    assert sink.received[5].body == (played.state / "reports" / "report.html").read_bytes()


def test_a_run_that_stopped_is_told_once_as_stopped(collections: Path, tmp_path: Path) -> None:
    with http_sink() as sink:
        url = f"http://127.0.0.1:{sink.port}/"
        notifications = [{"via": "webhook", "events": ["threshold"], "options": {"url": url}}]
        hosts = {"a": "ok", "b": "failed", "c": "ok", "d": "ok"}
        played = told(
            max(CORES),
            collections,
            tmp_path,
            hosts,
            notifications,
            *("-e", "patch_concurrency=1", "-e", "patch_error_threshold=0"),
            playbooks=("openfleet.patch.install",),
        )
    assert played.rc == 2, played.output
    [request] = sink.received
    made = json.loads(request.body)
    assert (made["verdict"], made["counts"]["failed"], made["counts"]["not_started"]) == ("stopped", 1, 2)
    assert made["stopped"]


def test_what_cannot_be_sent_is_said_and_fails_nothing(collections: Path, tmp_path: Path) -> None:
    with http_sink() as sink:
        sink.status = 503
        url = f"http://127.0.0.1:{sink.port}"
        notifications = [
            {"name": "no module", "via": "slack", "options": {"token": "s3cret-token"}},
            {"name": "refused", "via": "webhook", "options": {"url": f"{url}/s3cret-hook"}},
            {"name": "wrong", "via": "webhook", "template": "nowhere.j2", "options": {"url": f"{url}/s3cret-hook"}},
            {"name": "no file", "via": "put", "files": ["/nowhere"], "options": {"url": f"{url}/{{file}}"}},
        ]
        played = told(max(CORES), collections, tmp_path, {"a": "compliant"}, notifications)
    assert played.rc == 0, played.output
    said = {each["name"]: each["message"] for each in kept(played)}
    assert "'ansible-galaxy collection install community.general'" in said["no module"]
    assert "503" in said["refused"]
    assert "nowhere.j2" in said["wrong"]
    assert said["no file"] == "/nowhere is not there, or is no file"
    assert "'no module' will not be told" in played.output.replace("\n", " ")
    flat = " ".join(played.summary.split())
    for name, message in said.items():
        assert f"The notification '{name}' could not be sent: {message}" in flat
        assert f"The notification '{name}' could not be sent" in " ".join(played.output.split())
    assert "s3cret" not in played.output
    assert len(sink.received) == 1


def test_what_is_set_wrongly_is_told_before_a_host_is_touched(collections: Path, tmp_path: Path) -> None:
    notifications = [{"via": "pigeon"}, {"via": "mail", "events": ["end"], "options": {"host": "s3cret"}}]
    played = told(max(CORES), collections, tmp_path, {"a": "compliant"}, notifications)
    assert played.rc == 2
    assert "patch_notifications[0].via" in played.output
    assert "patch_notifications[1].events" in played.output
    assert "cannot do without 'to'" in played.output
    assert not (tmp_path / "state").exists()
    undefined = [{"via": "webhook", "options": {"url": "{{ nothing_of_this_name }}"}}]
    reported = told(
        max(CORES), collections, tmp_path, {"a": "compliant"}, undefined, playbooks=("openfleet.patch.report",)
    )
    assert reported.rc == 0, reported.output
    assert "patch_notifications cannot be worked out" in " ".join(reported.output.split())


def test_check_mode_sends_nothing(collections: Path, tmp_path: Path) -> None:
    with http_sink() as sink:
        url = f"http://127.0.0.1:{sink.port}/"
        played = told(
            max(CORES),
            collections,
            tmp_path,
            {"a": "compliant"},
            [{"name": "hook", "via": "webhook", "options": {"url": url}}],
            "--check",
        )
    assert played.rc == 0, played.output
    assert "Check mode: 'hook' would be told by ansible.builtin.uri" in played.output
    assert sink.received == []
