"""What may be restarted instead of a reboot."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.service_restarts import choose_restarts


def stale(*processes):
    return {"processes": [{"name": name, "service": service, "pids": [7]} for name, service in processes]}


def test_services_are_restarted_once_each_and_in_order():
    chosen = choose_restarts(stale(("nginx", "nginx.service"), ("nginx", "nginx.service"), ("cron", "cron.service")))
    assert list(chosen.restart.items()) == [("cron.service", [7]), ("nginx.service", [7, 7])]
    assert (chosen.left, chosen.reexec) == ([], False)


@pytest.mark.parametrize(
    "unit",
    [
        "dbus.service",
        "dbus-broker.service",
        "systemd-logind.service",
        "user@1000.service",
        "getty@tty1.service",
        "gdm3.service",
        "NetworkManager.service",
        "systemd-networkd.service",
        "docker.service",
        "libvirtd.service",
        "iscsid.service",
        "openfleet-patch-job1-77.service",
    ],
)
def test_what_others_hang_on_is_left_for_a_reboot_and_says_why(unit):
    chosen = choose_restarts(stale(("x", unit), ("nginx", "nginx.service")))
    assert list(chosen.restart) == ["nginx.service"]
    assert [left["name"] for left in chosen.left] == [unit]
    assert chosen.left[0]["why"]


def test_the_first_process_executes_itself_anew_and_is_no_service():
    chosen = choose_restarts(stale(("systemd", None)))
    assert (chosen.reexec, chosen.restart, chosen.left) == (True, {}, [])


def test_a_users_own_systemd_is_not_the_first_process():
    chosen = choose_restarts(stale(("systemd", "user@0.service")))
    assert chosen.reexec is False
    assert [left["name"] for left in chosen.left] == ["user@0.service"]


def test_a_process_of_no_service_is_told_and_not_touched():
    chosen = choose_restarts(stale(("tmux: server", None)))
    assert chosen.restart == {}
    assert chosen.left == [{"name": "tmux: server", "why": "it belongs to no service"}]


@pytest.mark.parametrize("unit", ["a b.service", "x;reboot.service", "-f", "../x.service", "$(id).service", "x.timer"])
def test_names_that_no_service_has_never_reach_a_command(unit):
    chosen = choose_restarts(stale(("x", unit)))
    assert chosen.restart == {}
    assert [left["name"] for left in chosen.left] == [unit]


def test_nothing_found_is_nothing_to_do():
    chosen = choose_restarts({})
    assert (chosen.restart, chosen.left, chosen.reexec) == ({}, [], False)
