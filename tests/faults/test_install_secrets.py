"""The become password and a secret in `environment:` stay out of command lines, units, journals and documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from install_runs import STATE, Installer, go_on, only, slow_until_told, version, wait_for_slow
from openfleet_lab.api import LabHost
from seen_command_lines import CommandLines

pytestmark = [pytest.mark.lab, pytest.mark.slow]
Fresh = Callable[..., tuple[LabHost, Installer]]
SECRET = "proxy-pass-5ecret"
PASSWORD = "lab-ops-pass"
# The same as patterns for grep, whose own command line must not hold them.
PATTERNS = {SECRET: "proxy-pass-[5]ecret", PASSWORD: "lab-[o]ps-pass"}


def test_no_secret_is_seen_while_a_host_is_patched_or_left_when_it_is(fresh: Fresh) -> None:
    host, controller = fresh("trouble", user="opslab")
    slow_until_told(host)
    # A proxy that apt does not need here, since the lab's names are excluded from it.
    proxy = {
        "http_proxy": f"http://someone:{SECRET}@127.0.0.1:9",
        "no_proxy": "deb.lab,security.deb.lab,packages.acme.lab",
    }
    with CommandLines() as lines:
        running = controller.begin(only("acme-slow"), keywords={"environment": proxy, "become": True})
        wait_for_slow(host)
        [job] = host.run(["ls", f"{STATE}/jobs"]).stdout.split()
        kept = host.run(["grep", "-rl", PATTERNS[SECRET], STATE]).stdout.split()
        modes = host.run(["stat", "-c", "%a %U", *kept]).stdout.split("\n")[:-1]
        units = host.run(["systemctl", "show", "openfleet-patch-*"]).stdout
        # It did reach the package manager.
        environment = host.run(["sh", "-c", "cat /proc/$(pgrep -f acme-slow.postinst | head -n 1)/environ"]).stdout
        go_on(host)
        play = controller.end(running)
    assert play.only().status == "ok", play.output
    assert version(host, "acme-slow") == "ii 1.1"
    assert SECRET in environment
    assert kept == [f"{STATE}/jobs/{job}/secrets/environment"]
    assert modes == ["600 root"]
    assert any(b"acme-slow" in line for line in lines.seen)
    for secret in (SECRET, PASSWORD):
        assert [line for line in lines.seen if secret.encode() in line] == []
        assert secret not in units
        assert secret not in play.output
        left = [
            "grep",
            "-rlI",
            PATTERNS[secret],
            "/var/lib",
            "/var/log",
            "/etc/apt",
            "/tmp",
            "/run/systemd",
            "/root",
            "/home",
        ]
        assert host.run(left, check=False).stdout == ""
        assert (
            host.run(["sh", "-c", f"journalctl --no-pager | grep -c '{PATTERNS[secret]}'"], check=False).stdout.strip()
            == "0"
        )
        for path in controller.state.rglob("*"):
            assert not (path.is_file() and secret in path.read_text(errors="replace")), path
