"""reboot_host, the role and the playbook on a real systemd host: it goes down, or it does not, and each is told.

The lab's hosts are containers of this machine's kernel; a reboot gives them another boot id and another first process.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import textwrap
import time
from pathlib import Path

import core_venvs
import pytest
from openfleet_lab.api import lab_host

from ansible_collections.openfleet.patch.plugins.plugin_utils.host import job_client
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.job_plan import Plan, Step

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".cache" / "collections"
OLD_PYTHON = Path("/root/.pyenv/versions/2.7.18")
pytestmark = [pytest.mark.lab, pytest.mark.slow]


@pytest.fixture(scope="module")
def host():
    with lab_host("bookworm") as started:
        yield started


@pytest.fixture(params=list(core_venvs.CORES))
def core(request):
    problem = core_venvs.ensure(request.param)
    if problem:
        pytest.skip(problem)
    return request.param


class Play:
    """One ansible-playbook against the host; ``result`` is what the task registered."""

    def __init__(self, folder, host, core="2.19", user="root"):
        problem = core_venvs.ensure(core)
        if problem:
            pytest.skip(problem)
        self.folder = folder
        self.bin = core_venvs.venv_path(core) / "bin"
        self.inventory = folder / "inventory.json"
        hosts = {"target": host.inventory(user)} if host is not None else {"target": {"ansible_connection": "local"}}
        self.inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        self.state = folder / "state"

    def run(self, playbook, *arguments, timeout=180):
        environment = os.environ | {
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
        }
        command = [str(self.bin / "ansible-playbook"), "-i", str(self.inventory), str(playbook), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env=environment, cwd=self.folder, check=False
        )

    def task(self, *arguments, keywords="", variables=None, **options):
        """The result of reboot_host in a play of its own; of a failed task too."""
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        options = {"state_directory": str(self.state), "reboot_timeout": 60, **options}
        text = textwrap.dedent(
            """\
            - hosts: target
              gather_facts: false
              vars: VARIABLES
              module_defaults:
                group/openfleet.patch.patch: {state_directory: /nowhere/but/overridden}
              tasks:
                - openfleet.patch.reboot_host: OPTIONS
                  register: outcome
                  ignore_errors: true
                  KEYWORDS
                - ansible.builtin.copy:
                    content: "{{ outcome | to_json }}"
                    dest: ANSWER
                    mode: "0600"
                  delegate_to: localhost
                  check_mode: false
                  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
            """
        )
        for name, value in {
            "VARIABLES": json.dumps(variables or {}),
            "OPTIONS": json.dumps(options),
            "KEYWORDS": keywords,
            "ANSWER": str(answer),
        }.items():
            text = text.replace(name, value)
        playbook = self.folder / "play.yml"
        playbook.write_text(text)
        done = self.run(playbook, *arguments)
        assert answer.exists(), done.stdout + done.stderr
        return json.loads(answer.read_text())


@pytest.fixture
def play(tmp_path, host):
    return Play(tmp_path, host)


@contextlib.contextmanager
def shutdown_replaced(host, text):
    """The host's shutdown command is a script of ours for a while; the real one is kept aside."""
    path = host.root / "usr/sbin/shutdown"
    kept = path.with_name("shutdown.kept")
    path.rename(kept)
    try:
        path.write_text(text)
        path.chmod(0o755)
        yield
    finally:
        kept.replace(path)


@pytest.mark.parametrize("interpreter", [None, "/nonexistent/python"])
def test_a_host_reboots_whatever_its_python(tmp_path, host, core, interpreter):
    before = host.boot_id()
    variables = {"ansible_python_interpreter": interpreter} if interpreter else {}
    result = Play(tmp_path, host, core).task(variables=variables, installed_count=2)
    assert (result["state"], result["rebooted"], result["changed"]) == ("rebooted", True, True), result
    after = host.boot_id()
    assert after != before
    assert (result["boot"]["before"], result["boot"]["after"]) == (before, after)
    assert 0 <= result["boot"]["first_process_age"] <= result["elapsed"] + 1


@pytest.mark.skipif(not OLD_PYTHON.exists(), reason=f"no Python 2.7 at {OLD_PYTHON}")
def test_a_host_reboots_with_a_python_that_modules_no_longer_run_on(tmp_path, host):
    shutil.copytree(OLD_PYTHON, host.root / "opt/python2.7", symlinks=True, dirs_exist_ok=True)
    variables = {"ansible_python_interpreter": "/opt/python2.7/bin/python2.7"}
    play = Play(tmp_path, host, "2.21")
    ping = tmp_path / "ping.yml"
    ping.write_text(json.dumps([{"hosts": "target", "gather_facts": False, "tasks": [{"ansible.builtin.ping": None}]}]))
    refused = play.run(ping, "-e", json.dumps(variables))
    assert refused.returncode != 0, "ansible-core 2.21 was expected to refuse Python 2.7"
    result = play.task(variables=variables, installed_count=1)
    assert result["state"] == "rebooted", result


def test_a_user_with_sudo_reboots_and_one_without_root_is_refused(tmp_path, host):
    play = Play(tmp_path, host, user="nopw")
    before = host.boot_id()
    refused = play.task(installed_count=1, variables={"ansible_become": False})
    assert refused["error"]["kind"] == "no_privilege"
    assert host.boot_id() == before
    assert play.task(installed_count=1)["state"] == "rebooted"
    assert host.boot_id() != before


def test_check_mode_says_so_and_does_not_reboot(play, host):
    before = host.boot_id()
    result = play.task("--check", installed_count=1)
    assert (result["state"], result["changed"], result["rebooted"]) == ("would_reboot", True, False)
    assert host.boot_id() == before
    assert not (play.state / "runs").exists() or not list((play.state / "runs").glob("*/reboots/*"))


HOLD = """
import fcntl, sys, time
handle = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(handle, fcntl.LOCK_EX)
open("/run/lock-is-held", "w").close()
time.sleep(int(sys.argv[1]))
"""


def hold_lock(host, unit, seconds):
    """Returns once the lock is held."""
    host.run(["rm", "-f", "/run/lock-is-held"])
    host.run(["systemd-run", f"--unit={unit}", "/usr/bin/python3", "-c", HOLD, str(seconds)])
    deadline = time.monotonic() + 120
    while host.run(["test", "-e", "/run/lock-is-held"], check=False).returncode:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_package_manager_at_work_keeps_the_host_up_and_is_named(play, host):
    before = host.boot_id()
    hold_lock(host, "holder", 600)
    try:
        refused = play.task(installed_count=1, lock_timeout=2)
        assert (refused["error"]["kind"], refused["changed"]) == ("packages_locked", False), refused
        assert "python3 (pid " in refused["msg"]
        assert "/var/lib/dpkg/lock-frontend" in refused["msg"]
        assert host.boot_id() == before
    finally:
        host.run(["systemctl", "stop", "holder"])
    hold_lock(host, "short-holder", 6)
    assert play.task(installed_count=1, lock_timeout=60)["state"] == "rebooted"


def test_a_patch_job_at_work_keeps_the_host_up_and_is_named(play, host):
    before = host.boot_id()
    plan = Plan("reboot-test", "Install of 3 patches", (Step("wait", ("/bin/sleep", "600")),))
    request = job_client.start_request(plan)
    answer = job_client.parse_answer(host.run(["/bin/sh"], stdin=request.program).stdout, request.nonce)
    assert answer.state in ("starting", "running")
    try:
        refused = play.task(installed_count=1, lock_timeout=2)
        assert (refused["error"]["kind"], refused["changed"]) == ("job_running", False), refused
        assert "Install of 3 patches (job reboot-test)" in refused["msg"]
        assert host.boot_id() == before
    finally:
        undo = job_client.undo_request("reboot-test")
        host.run(["/bin/sh"], stdin=undo.program)
    assert play.task(installed_count=1, lock_timeout=60)["state"] == "rebooted"


def test_a_host_that_takes_the_wish_and_stays_up_did_not_go_down(play, host):
    before = host.boot_id()
    with shutdown_replaced(host, "#!/bin/sh\nexit 0\n"):
        result = play.task(installed_count=1, reboot_timeout=5)
    assert (result["failed"], result["state"]) == (True, "did_not_go_down"), result
    assert before in result["msg"]
    assert host.boot_id() == before


def test_a_host_that_refuses_says_why(play, host):
    with shutdown_replaced(host, "#!/bin/sh\necho 'Call to Reboot failed: no' >&2\nexit 1\n"):
        result = play.task(installed_count=1)
    assert (result["error"]["kind"], result["changed"]) == ("reboot_refused", False)
    assert "Call to Reboot failed: no" in result["msg"]


def test_a_host_whose_sshd_stays_away_did_not_come_back(play, host):
    host.run(["systemctl", "mask", "ssh.service"])
    try:
        result = play.task(installed_count=1, reboot_timeout=8)
        assert (result["failed"], result["state"]) == (True, "did_not_come_back"), result
    finally:
        host.run(["systemctl", "unmask", "ssh.service"])
        host.run(["systemctl", "start", "ssh.service"])
        host.wait_until_up()


def test_a_host_that_stands_still_is_given_up_in_time(play, host):
    script = "#!/bin/sh\n: > /run/asked\nexit 0\n"
    with shutdown_replaced(host, script):
        (host.root / "run").mkdir(exist_ok=True)
        freezer = subprocess.Popen(
            [
                "sh",
                "-c",
                f"while ! [ -e /proc/{host.init_pid()}/root/run/asked ]; do sleep 0.1; done;"
                f" echo 1 > {host.cgroup}/cgroup.freeze",
            ]
        )
        started = time.monotonic()
        try:
            result = play.task(installed_count=1, reboot_timeout=10, connect_timeout=3)
        finally:
            freezer.terminate()
            freezer.wait()
            host.thaw()
        elapsed = time.monotonic() - started
    host.run(["rm", "-f", "/run/asked"])
    assert (result["failed"], result["state"]) == (True, "did_not_come_back"), result
    # One look that hangs is ended after 30 seconds; nothing waits for the connection's own death.
    assert elapsed < 75


def test_the_tasks_own_timeout_ends_the_wait(tmp_path, host, core):
    with shutdown_replaced(host, "#!/bin/sh\nexit 0\n"):
        started = time.monotonic()
        result = Play(tmp_path, host, core).task(installed_count=1, reboot_timeout=120, keywords="timeout: 6")
        elapsed = time.monotonic() - started
    assert result["failed"] is True
    # ansible-core 2.16: "failed to execute in the expected time frame (6) and was terminated"
    assert any(word in result["msg"].lower() for word in ("time frame", "timed out", "timeout"))
    assert elapsed < 40


def test_async_is_refused_and_a_loop_works(play, host):
    before = host.boot_id()
    refused = play.task(installed_count=1, keywords="async: 60")
    assert refused["failed"] is True
    assert "async" in refused["msg"]
    assert host.boot_id() == before
    looped = play.task(installed_count=1, max_reboots=1, keywords="loop: [1, 2]")
    first, second = looped["results"]
    assert first["state"] == "rebooted"
    assert second["error"]["kind"] == "too_many_reboots"


def pending_count(host_documents):
    return [document["summary"]["installed_pending_reboot_count"] for document in host_documents]


def test_the_playbook_reboots_what_is_pending_and_a_fresh_scan_clears_it(play, host):
    before = host.boot_id()
    installed = host.run(["dpkg-query", "-W", "-f", "${Package} ${Architecture} ${Version}", "acme-admin"]).stdout
    folder = host.root / "var/lib/openfleet-patch/pending"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / before).write_text(installed + "\n")
    arguments = ["-e", json.dumps({"patch_state_directory": str(play.state)})]
    scanned = play.run("openfleet.patch.scan", *arguments)
    assert pending_count(documents(play)) == [1], scanned.stdout + scanned.stderr
    done = play.run("openfleet.patch.reboot", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "openfleet.patch reboot: 1 host" in done.stdout
    assert host.boot_id() != before
    assert pending_count(documents(play)) == [0]
    after = host.boot_id()
    again = play.run("openfleet.patch.reboot", *arguments)
    assert again.returncode == 0, again.stdout + again.stderr
    assert host.boot_id() == after
    assert "changed=0" in again.stdout


def documents(play):
    """The newest document of every host."""
    return [json.loads(path.read_text()) for path in sorted((play.state / "hosts").glob("*.json"))]


def test_the_playbook_counts_a_host_that_fails_and_ends_with_its_exit_code(play, host):
    with shutdown_replaced(host, "#!/bin/sh\nexit 0\n"):
        extra = {
            "patch_state_directory": str(play.state),
            "patch_reboot_installed_count": 1,
            "patch_reboot_timeout": 3,
        }
        done = play.run("openfleet.patch.reboot", "-e", json.dumps(extra))
    assert done.returncode != 0
    assert "1 failed" in done.stdout
    assert "did not go down" in done.stdout


def test_only_if_required_follows_the_hosts_own_sign(play, host):
    host.run(["rm", "-f", "/run/reboot-required", "/run/reboot-required.pkgs"])
    calm = play.task(reboot_option="OnlyIfRequired", installed_count=4)
    assert (calm["state"], calm["required"]) == ("not_rebooted", False), calm
    host.run(["sh", "-c", "touch /run/reboot-required; echo linux-image-lab > /run/reboot-required.pkgs"])
    needed = play.task(reboot_option="OnlyIfRequired")
    assert (needed["state"], needed["required"]) == ("rebooted", True), needed


def test_services_that_run_replaced_files_are_listed_and_restarted_instead(play, host):
    before = host.boot_id()
    unit = "[Service]\nExecStart=/usr/local/bin/demo-sleep infinity\n"
    (host.root / "etc/systemd/system/demo.service").write_text(unit)
    host.run(["cp", "/usr/bin/sleep", "/usr/local/bin/demo-sleep"])
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "start", "demo.service"])
    session = subprocess.Popen([*host.ssh_argv(), "echo open; sleep 600"], stdout=subprocess.PIPE)
    assert session.stdout.readline() == b"open\n"
    for path in ("/usr/local/bin/demo-sleep", "/usr/sbin/sshd", "/usr/bin/dbus-daemon"):
        host.run(["sh", "-c", f"cp -a {path} {path}.fresh && mv {path}.fresh {path}"])
    old = main_pid(host, "demo.service")
    listed = play.task(reboot_option="NoReboot", installed_count=1)
    assert (listed["state"], listed["changed"]) == ("not_rebooted", False), listed
    assert "services" in listed, listed
    assert {"demo.service", "ssh.service"} <= set(listed["services"]["stale"])
    assert "dbus.service" in {left["name"] for left in listed["services"]["left"]}
    assert main_pid(host, "demo.service") == old
    bus = main_pid(host, "dbus.service")
    restarted = play.task(reboot_option="NoReboot", installed_count=1, restart_services=True)
    assert {"demo.service", "ssh.service"} <= set(restarted["services"]["restarted"]), restarted
    assert restarted["changed"] is True
    assert main_pid(host, "demo.service") != old
    assert main_pid(host, "dbus.service") == bus
    again = play.task(reboot_option="NoReboot", installed_count=1, restart_services=True)
    # A session that the old sshd started lives on, and restarting again would not renew it.
    assert session.poll() is None
    session.terminate()
    session.wait()
    assert (again["changed"], again["services"]["stale"]) == (False, ["ssh.service"]), again
    assert "sessions" in {left["name"]: left["why"] for left in again["services"]["left"]}["ssh.service"]
    assert host.boot_id() == before


def main_pid(host, unit):
    return host.run(["systemctl", "show", "-p", "MainPID", "--value", unit]).stdout.strip()


USER_TASKS = """\
- name: A user's task that calls the builtin by its short name
  reboot:
    msg: from a hook
"""


def test_a_task_file_included_from_a_role_of_ours_gets_the_builtin_reboot_by_its_short_name(tmp_path, core):
    """No host is needed: the builtin refuses a local connection in its own words before it does anything."""
    copy = tmp_path / "collections/ansible_collections/openfleet/patch"
    copy.mkdir(parents=True)
    for name in ("plugins", "meta", "galaxy.yml"):
        (copy / name).symlink_to(ROOT / name)
    (copy / "roles").mkdir()
    (copy / "roles/reboot").symlink_to(ROOT / "roles/reboot")
    hook = tmp_path / "hook.yml"
    hook.write_text(USER_TASKS)
    includer = copy / "roles/includer/tasks/main.yml"
    includer.parent.mkdir(parents=True)
    includer.write_text(f"- ansible.builtin.include_tasks: {hook}\n")
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["openfleet.patch.includer"]}]))
    play = Play(tmp_path, None, core)
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [str(play.bin / "ansible-playbook"), "-i", str(play.inventory), str(playbook), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert "with local connection would reboot the control node" in done.stdout + done.stderr, done.stdout + done.stderr
    assert "controller_itself" not in done.stdout
