"""The worked examples of docs/hooks.md: a real HAProxy, and a stand-in for Alertmanager that checks each request."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alert_stand_in import Alerts, serving
from hook_stand_ins import ACTIONS
from playbook_runs import ROOT, make_collection, play

pytestmark = pytest.mark.slow
EXAMPLES = ROOT / "docs" / "examples"
HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend admin
  bind 127.0.0.1:{port}
  stats enable
  stats uri /stats
  stats auth ops:in-front
  stats admin if TRUE
backend web
  server web1 127.0.0.1:1
  server web2 127.0.0.1:1
"""
# What the balancer and the alerts say while the host is between its installation and its reboot.
LOOK = """
import base64, csv, sys, urllib.request
stats, alerts, host, events = sys.argv[1:]
request = urllib.request.Request(stats + ";csv")
request.add_header("Authorization", "Basic " + base64.b64encode(b"ops:in-front").decode())
rows = csv.reader(urllib.request.urlopen(request).read().decode().splitlines())
[state] = [row[17] for row in rows if row[:2] == ["web", host]]
silent = urllib.request.urlopen(alerts + "/silent/" + host + ":9100").read().decode()
open(events, "a").write("%s %s %s\\n" % (host, state, silent))
"""


@contextmanager
def balancer(folder: Path) -> Iterator[str]:
    """The address of HAProxy's statistics page."""
    program = shutil.which("haproxy") or "/usr/sbin/haproxy"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port))
    with subprocess.Popen([program, "-db", "-f", str(folder / "haproxy.cfg")]) as process:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/stats"
        finally:
            process.terminate()


def states(url: str) -> dict[str, str]:
    """Server to its state in HAProxy."""
    request = urllib.request.Request(f"{url};csv")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"ops:in-front").decode())
    rows = [line.split(",") for line in urllib.request.urlopen(request).read().decode().splitlines()]
    return {row[1]: row[17] for row in rows if row[0] == "web" and row[1].startswith("web")}


def test_a_host_is_out_of_service_and_silent_while_it_is_patched(tmp_path: Path) -> None:
    if not (shutil.which("haproxy") or Path("/usr/sbin/haproxy").exists()):
        pytest.skip("haproxy is not installed (Debian's package haproxy)")
    alerts = Alerts()
    with balancer(tmp_path) as stats, serving(alerts) as alertmanager:
        look = [sys.executable, "-c", LOOK, stats, alertmanager, "{{ inventory_hostname }}", str(tmp_path / "events")]
        variables: dict[str, Any] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "haproxy_stats_url": stats,
            "haproxy_backend": "web",
            "haproxy_user": "ops",
            "haproxy_password": "in-front",
            "alertmanager_url": alertmanager,
            "patch_pre_install": [str(EXAMPLES / "silence.yml"), str(EXAMPLES / "haproxy_drain.yml")],
            "patch_post_install": {"name": "look", "command": look},
            "patch_on_exit": [str(EXAMPLES / "haproxy_undrain.yml"), str(EXAMPLES / "unsilence.yml")],
        }
        (tmp_path / "group_vars").mkdir()
        (tmp_path / "group_vars" / "all.json").write_text(json.dumps(variables))
        assert states(stats) == {"web1": "no check", "web2": "no check"}
        try:
            played = play(
                "2.21",
                make_collection(tmp_path / "collections", actions=ACTIONS),
                tmp_path,
                {"web1": "lacking", "web2": "reboot_fails"},
                playbooks=("openfleet.patch.install",),
                seconds=300,
            )
        except LookupError as missing:
            pytest.skip(str(missing))
        events = (tmp_path / "events").read_text().splitlines()
        assert {'web1 DRAIN "yes"', 'web2 DRAIN "yes"'} <= set(events), played.output
        assert played.outcomes() == {"web1": "ok", "web2": "timed_out"}, played.output
        # The host that failed stays out of service; nobody is kept silent.
        assert states(stats) == {"web1": "no check", "web2": "DRAIN"}
        assert [each["status"]["state"] for each in alerts.silences.values()] == ["expired", "expired"]
        assert alerts.refused == []
        documents = [(played.state / "hosts" / f"{host}.json").read_text() for host in ("web1", "web2")]
        assert "in-front" not in "".join(documents) + played.output
