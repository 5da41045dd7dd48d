"""The whole action against a made-up host behind a fake connection: every way in which a reboot can go wrong."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.loader import shell_loader
from ansible.template import Templar

from ansible_collections.openfleet.patch.plugins.action import reboot_host
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow import reboot as flow

OLD, NEW = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
AWAY = "away"


class Host:
    """What a host answers. ``after`` is what the looks after the wish for a reboot meet; the last one stays.

    Each is AWAY, or boot id and age of the first process in seconds.
    """

    def __init__(self, after=((NEW, 0.1),), *, before=(OLD, 5000.0), uid=0, busy=(), pending=(), go="code 0"):
        self.now = before
        self.after = list(after)
        self.uid = uid
        self.busy = list(busy)
        self.pending = pending
        self.go = go
        self.asked = []
        self.down = False

    def answer(self, program):
        nonce = re.search(r"^NONCE=([0-9a-f]+)$", program, re.M).group(1)
        words = re.findall(r"'([^']*)'", re.search(r"^set -- (.*)$", program, re.M).group(1))
        self.asked.append(words)
        lines = getattr(self, "op_" + words[0])(*words[1:])
        return "\n".join([f"openfleet-patch-answer {nonce} begin", *lines, f"openfleet-patch-answer {nonce} end", ""])

    def op_look(self):
        if self.down:
            self.now = self.after.pop(0) if len(self.after) > 1 else self.after[0]
        if self.now == AWAY:
            raise AnsibleConnectionFailure("ssh: connect to host fake port 22: Connection refused")
        boot_id, age = self.now
        busy = [self.busy.pop(0)] if self.busy else []
        waiting = [f"pending {each}" for each in self.pending]
        return [
            "ok yes",
            f"boot {boot_id}",
            f"uid {self.uid}",
            f"uptime {age + 10:.2f}",
            "first 1000 100",
            *busy,
            *waiting,
        ]

    def op_warn(self, message):
        return ["ok yes"]

    def op_go(self, boot_id, when, message):
        if self.go == AWAY:
            self.down = True
            raise AnsibleConnectionFailure("Shared connection to fake closed.")
        if self.go.startswith("kind"):
            return ["ok no", self.go, "message.hex " + b"in the way".hex()]
        self.down = when == "now"
        return ["ok yes", self.go, "output.hex " + b"said so".hex()]

    def op_restart(self, *units):
        return ["ok yes", *(f"unit 0 {unit.partition('=')[0]} " for unit in units)]

    def reboots(self):
        return [words for words in self.asked if words[0] == "go"]


class Connection(ConnectionBase):
    """Everything that carries a command is the real thing's; what is at the other end is a Host."""

    transport = "fake"
    has_pipelining = True

    def __init__(self, host, transport="fake"):
        self.become = None
        self.host = host
        self.transport = transport
        self.resets = 0
        self.options = {"pipelining": True, "timeout": 10, "remote_user": "root", "admin_users": ["root"]}
        self._shell = shell_loader.get("sh")
        self._shell.tmpdir = "/nowhere"

    def get_option(self, option, hostvars=None):
        return self.options[option]

    def set_option(self, option, value):
        self.options[option] = value

    def exec_command(self, cmd, in_data=None, sudoable=True):
        return 0, self.host.answer(in_data.decode()).encode(), b""

    def reset(self):
        self.resets += 1

    def _connect(self):
        return self

    def put_file(self, in_path, out_path):
        raise AssertionError("no file was to be sent")

    def fetch_file(self, in_path, out_path):
        raise AssertionError("no file was to be fetched")

    def close(self):
        pass


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    def short(seconds, really=time.sleep):
        really(min(seconds, 0.01))

    monkeypatch.setattr(time, "sleep", short)
    monkeypatch.setitem(flow.HostReboot.__init__.__kwdefaults__, "sleep", short)


@pytest.fixture
def act(tmp_path):
    def run(host, *, transport="fake", check_mode=False, async_val=0, **arguments):
        task = SimpleNamespace(
            action="openfleet.patch.reboot_host",
            args={"state_directory": str(tmp_path / "state"), "reboot_timeout": 1, "lock_timeout": 0, **arguments},
            async_val=async_val,
            check_mode=check_mode,
            delegate_to=None,
            environment=[],
            diff=False,
            no_log=False,
            become=False,
        )
        context = SimpleNamespace(
            check_mode=check_mode,
            become=False,
            executable="/bin/sh",
            remote_user="root",
            remote_addr="fake",
            shell="sh",
        )
        loader = DataLoader()
        connection = Connection(host, transport)
        action = reboot_host.ActionModule(task, connection, context, loader, Templar(loader), None)
        result = action.run(task_vars={"inventory_hostname": "web1"})
        result["resets"] = connection.resets
        return result

    return run


def test_a_reboot_is_proved_by_boot_id_and_a_young_first_process(act):
    result = act(Host([AWAY, AWAY, (NEW, 0.0)]), installed_count=3)
    assert (result["state"], result["rebooted"], result["changed"]) == ("rebooted", True, True)
    assert result["boot"] == {"before": OLD, "after": NEW, "first_process_age": pytest.approx(0.0)}
    assert result["reason"] == "This run installed 3 patches."
    assert result["reboots"] == 1
    assert not result.get("failed")
    assert result["resets"] >= 1


@pytest.mark.slow
def test_a_host_that_never_goes_down_is_told_from_one_that_never_comes_back(act):
    up = act(Host([(OLD, 5001.0)]), installed_count=1)
    away = act(Host([AWAY]), installed_count=1)
    for result, state in ((up, "did_not_go_down"), (away, "did_not_come_back")):
        assert result["failed"] is True
        assert (result["state"], result["error"]["kind"]) == (state, state)
        assert (result["rebooted"], result["changed"]) == (False, True)
    assert f"its boot id is still {OLD}" in up["msg"]
    assert "Connection refused" in away["msg"]


def test_a_host_that_was_away_and_has_the_same_boot_id_has_not_rebooted(act):
    result = act(Host([AWAY, (OLD, 5003.0)]), installed_count=1)
    assert result["error"]["kind"] == "did_not_go_down"


def test_another_boot_id_with_an_old_first_process_proves_nothing(act):
    result = act(Host([(NEW, 5003.0)]), installed_count=1)
    assert result["error"]["kind"] == "did_not_go_down"
    assert "its first process has run for 5003 seconds" in result["msg"]


def test_a_host_that_comes_back_and_goes_away_again_did_not_come_back(act):
    result = act(Host([(NEW, 0.0), AWAY]), installed_count=1)
    assert result["error"]["kind"] == "did_not_come_back"
    assert "came back once" in result["msg"]


def test_a_connection_that_ends_with_the_wish_is_how_a_reboot_begins(act):
    result = act(Host(go=AWAY), installed_count=1)
    assert result["state"] == "rebooted"


def test_a_wish_that_arrives_twice_is_one_reboot(act):
    result = act(Host(go="kind other_boot"), installed_count=1)
    # The host refuses the second; that it has booted is seen by the looks that follow.
    assert result["error"]["kind"] == "did_not_go_down"
    host = Host(go="kind other_boot")
    host.down = True
    host.after = [(OLD, 5000.0), (NEW, 0.0)]
    assert act(host, installed_count=1)["state"] == "rebooted"


def test_a_reboot_command_that_fails_fails_at_once_with_its_words(act):
    result = act(Host(go="code 1"), installed_count=1)
    assert (result["error"]["kind"], result["changed"]) == ("reboot_refused", False)
    assert "said so" in result["msg"]


def test_the_sixth_reboot_of_a_run_is_refused_and_the_host_left_alone(act):
    for number in range(1, 6):
        assert act(Host(), installed_count=1)["reboots"] == number
    host = Host()
    result = act(host, installed_count=1)
    assert (result["failed"], result["error"]["kind"]) == (True, "too_many_reboots")
    assert host.reboots() == []
    assert act(host, installed_count=1, max_reboots=6)["state"] == "rebooted"


def test_a_reboot_that_failed_counts(act):
    assert act(Host([AWAY]), installed_count=1, max_reboots=1)["error"]["kind"] == "did_not_come_back"
    assert act(Host(), installed_count=1, max_reboots=1)["error"]["kind"] == "too_many_reboots"


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_controller_itself_is_refused_by_a_local_connection(act, check_mode):
    host = Host()
    result = act(host, transport="local", check_mode=check_mode, installed_count=1)
    assert (result["failed"], result["error"]["kind"]) == (True, "controller_itself")
    assert host.reboots() == []


def test_the_controller_itself_is_refused_by_its_boot_id(act):
    own = flow.read_boot_id()
    if own is None:
        pytest.skip("this machine has no boot id")
    host = Host(before=(own, 5000.0))
    assert act(host, installed_count=1)["error"]["kind"] == "controller_itself"
    assert host.reboots() == []


def test_the_controller_that_is_allowed_is_put_off_by_a_minute_and_proves_nothing(act):
    host = Host()
    result = act(host, transport="local", installed_count=1, allow_controller=True)
    assert (result["state"], result["rebooted"], result["changed"]) == ("scheduled", False, True)
    assert [words[2] for words in host.reboots()] == ["+1"]


def test_no_reboot_on_the_controller_is_nothing_to_refuse(act):
    assert act(Host(), transport="local")["state"] == "not_rebooted"


def test_without_root_there_is_no_reboot(act):
    host = Host(uid=1000)
    result = act(host, installed_count=1)
    assert result["error"]["kind"] == "no_privilege"
    assert host.reboots() == []


@pytest.mark.parametrize(
    ("busy", "kind", "named"),
    [
        ("job job-1 run Install\\0040of\\00403", "job_running", "Install of 3 (job job-1) is at work"),
        ("lock 812 /var/lib/dpkg/lock-frontend apt-get", "packages_locked", "apt-get (pid 812) holds /var/lib/dpkg"),
    ],
)
def test_a_host_where_packages_are_being_changed_is_waited_for_and_then_named(act, busy, kind, named):
    host = Host(busy=[busy] * 1000)
    result = act(host, installed_count=1)
    assert (result["error"]["kind"], result["changed"]) == (kind, False)
    assert named in result["msg"]
    assert host.reboots() == []
    patient = act(Host(busy=[busy] * 3), installed_count=1, lock_timeout=30)
    assert patient["state"] == "rebooted"


def test_a_job_that_begins_between_the_look_and_the_wish_keeps_the_host_up(act):
    result = act(Host(go="kind job_running"), installed_count=1)
    assert (result["error"]["kind"], result["changed"]) == ("job_running", False)


def test_check_mode_says_that_it_would_reboot_and_asks_for_nothing(act):
    host = Host()
    result = act(host, check_mode=True, installed_count=1)
    assert (result["state"], result["changed"], result["rebooted"]) == ("would_reboot", True, False)
    assert [words[0] for words in host.asked] == ["look"]


def test_nothing_installed_and_nothing_pending_is_no_reboot(act):
    host = Host()
    result = act(host, installed_count=0)
    assert (result["state"], result["changed"]) == ("not_rebooted", False)
    assert host.reboots() == []


def test_what_the_hosts_own_list_says_is_pending_reboots_it(act):
    result = act(Host(pending=["openssl amd64 3.0.2-1"]))
    assert result["state"] == "rebooted"
    assert result["reason"] == "Installed since the last boot: openssl amd64 3.0.2-1."


def document(boot_id=OLD, required=None, pending=(), stale=()):
    return {
        "boot_id": boot_id,
        "reboot": {
            "required": required,
            "reasons": [{"kind": "kernel", "detail": "a newer kernel"}] if required else [],
        },
        "findings": {"deleted_libraries": {"processes": [{"name": n, "service": s, "pids": [7, 8]} for n, s in stale]}},
        "summary": {},
        "patches": [{"state": "INSTALLED_PENDING_REBOOT", "title": title} for title in pending],
    }


def test_a_document_of_this_boot_decides(act):
    assert act(Host(), document=document(pending=["openssl 3"]))["state"] == "rebooted"
    assert act(Host(pending=["a b c"]), document=document())["state"] == "not_rebooted"
    needed = act(Host(), document=document(required=True), reboot_option="OnlyIfRequired")
    assert (needed["state"], needed["reason"]) == ("rebooted", "The operating system needs a reboot: a newer kernel.")
    assert act(Host(), document=document(required=False), reboot_option="OnlyIfRequired")["state"] == "not_rebooted"


def test_a_document_of_an_earlier_boot_reboots_nothing_a_second_time(act):
    # A hook may have rebooted it since the installation.
    result = act(Host(), document=document(boot_id=NEW, pending=["openssl 3"]), installed_count=3)
    assert (result["state"], result["pending"]) == ("not_rebooted", [])
    assert any("present boot" in warning for warning in result["warnings"])


def test_an_unknown_need_waits_and_warns(act):
    host = Host()
    result = act(host, document=document(required=None), reboot_option="OnlyIfRequired", installed_count=2)
    assert (result["state"], result["required"]) == ("not_rebooted", None)
    assert any("unknown" in warning for warning in result["warnings"])
    assert host.reboots() == []


def test_what_is_no_document_is_said_to_be_none(act):
    result = act(Host(), document={"patches": []})
    assert result["error"]["kind"] == "bad_arguments"


def test_without_a_reboot_services_are_listed_and_restarted_only_if_asked(act):
    stale = [("nginx", "nginx.service"), ("dbus-daemon", "dbus.service"), ("systemd", None)]
    listed_by, restarted_by = Host(), Host()
    listed = act(listed_by, document=document(stale=stale), reboot_option="NoReboot")
    assert (listed["services"]["stale"], listed["services"]["restarted"]) == (["nginx.service"], [])
    assert listed["services"]["first_process"] is True
    assert [left["name"] for left in listed["services"]["left"]] == ["dbus.service"]
    assert (listed["changed"], [words[0] for words in listed_by.asked]) == (False, ["look"])
    done = act(restarted_by, document=document(stale=stale), reboot_option="NoReboot", restart_services=True)
    assert restarted_by.asked[-1] == ["restart", "nginx.service=7,8", "."]
    assert (done["services"]["restarted"], done["changed"]) == (["nginx.service", "systemd"], True)


def test_check_mode_restarts_no_service_and_says_that_it_would(act):
    host = Host()
    stale = [("nginx", "nginx.service")]
    result = act(host, check_mode=True, document=document(stale=stale), reboot_option="NoReboot", restart_services=True)
    assert (result["changed"], result["services"]["restarted"]) == (True, [])
    assert [words[0] for words in host.asked] == ["look"]


def test_who_is_logged_in_is_told_before_a_delay_and_locks_are_looked_at_after_it(act):
    host = Host()
    act(host, installed_count=1, pre_reboot_delay=2, message="Patched")
    assert [words[0] for words in host.asked][:4] == ["look", "warn", "look", "go"]
    assert host.asked[1][1] == "Patched (in 2 seconds)"


def test_async_is_refused(act):
    with pytest.raises(AnsibleActionFail, match="async"):
        act(Host(), async_val=30, installed_count=1)


@pytest.mark.parametrize("name", ["reboot_timeout", "max_reboots", "lock_timeout", "pre_reboot_delay"])
def test_times_and_counts_below_nought_are_refused(act, name):
    host = Host()
    result = act(host, installed_count=1, **{name: -1})
    assert result["error"]["kind"] == "bad_arguments"
    assert host.asked == []


def test_an_unreachable_host_is_ansibles_own_unreachable(act):
    with pytest.raises(AnsibleConnectionFailure, match="refused"):
        act(Host(before=AWAY), installed_count=1)
