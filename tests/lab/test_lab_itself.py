"""The lab does what the tests that stand on it believe it does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from openfleet_lab import api, layers, machine, network, rpm_repository
from openfleet_lab.fingerprint import differences, fingerprint
from openfleet_lab.hosts import Host
from openfleet_lab.places import BRIDGE, Lab, LabError
from openfleet_lab.rpm_distributions import RPM_DISTRIBUTIONS

pytestmark = pytest.mark.lab
HERE = Path(__file__).parent
STRICT = ["apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Retries=0"]


@pytest.fixture(scope="module")
def host(lab: Lab):
    started = api.start_host(lab, "bookworm")
    yield started
    started.destroy()


@pytest.mark.parametrize("kind", layers.kinds("apt"))
def test_every_kind_boots_and_its_package_manager_trusts_the_repositories(lab: Lab, kind: str) -> None:
    host = api.start_host(lab, kind)
    try:
        assert host.ssh(["systemctl", "is-system-running", "--wait"], check=False).stdout.strip() == "running"
        update = host.ssh(STRICT)
        assert "InRelease" in update.stdout
        assert not [line for line in update.stdout.splitlines() if line.startswith(("Err:", "Ign:", "W:", "E:"))]
        simulated = host.ssh(["apt-get", "-s", "dist-upgrade"]).stdout
        assert "Inst acme-libtls [1.0] (1.1 " in simulated
        assert "acme-held" not in [line.split()[1] for line in simulated.splitlines() if line.startswith("Inst ")]
        sources = host.ssh(["cat /etc/apt/sources.list /etc/apt/sources.list.d/*"]).stdout
        assert "trusted" not in sources.lower()
    finally:
        host.destroy()


# The others differ in names alone, and a scenario each runs on them.
@pytest.mark.parametrize("kind", ["rhel9", "amazonlinux2023", "fedora42"])
def test_hosts_with_dnf_boot_and_trusts_what_is_signed_and_nothing_else(lab: Lab, kind: str) -> None:
    host = api.start_host(lab, kind)
    try:
        assert host.ssh(["systemctl", "is-system-running", "--wait"], check=False).stdout.strip() == "running"
        configured = host.ssh(["cat /etc/dnf/dnf.conf /etc/yum.repos.d/*"]).stdout
        assert "gpgcheck=0" not in configured
        distribution = RPM_DISTRIBUTIONS[kind]
        assert configured.count("repo_gpgcheck=1") == len(distribution.repositories)
        assert host.ssh(["dnf", "-q", "--refresh", "makecache"]).returncode == 0
        checked = host.ssh(["rpm", "-q", "--qf", "%{RSAHEADER:pgpsig}%{DSAHEADER:pgpsig}", "acme-crit"]).stdout
        assert "EdDSA" in checked
        host.ssh(["dnf", "-y", "-q", "upgrade", "acme-bug"])
        assert host.ssh(["rpm", "-q", "acme-bug"]).stdout.strip() == distribution.evr("acme-bug-1.1-1.el9.noarch")
        view, first = host.own_rpm_repositories(), distribution.repositories[0].id
        for how in ("broken", "stranger", "missing") if kind == "rhel9" else ("broken",):
            view.sign(first, how)
            refused = host.ssh(["dnf", "-q", "--refresh", "makecache"], check=False)
            assert refused.returncode != 0
            assert first in refused.stderr
    finally:
        host.destroy()


def test_the_pockets_say_what_the_distribution_says(host: api.LabHost) -> None:
    policy = host.ssh(["apt-cache", "policy"]).stdout
    for line in (
        "o=Debian,a=oldstable-security,n=bookworm-security,l=Debian-Security",
        "o=Debian,a=oldstable-updates,n=bookworm-updates,l=Debian",
        "o=Debian Backports,a=oldstable-backports,n=bookworm-backports,l=Debian Backports",
        "o=Acme Corp,a=stable,n=stable,l=Acme",
        "origin security.deb.lab",
    ):
        assert line in policy
    table = host.ssh(["apt-cache", "policy", "acme-web", "acme-backport", "acme-pinned"]).stdout
    assert all(version in table for version in (" 1.2 500", " 1.1 500", "*** 1.0 500"))
    assert " 2.0~bpo1+1 100" in table


def test_every_user_logs_in_and_becomes_root_as_said(host: api.LabHost) -> None:
    for user in ("opslab", "nopw", "needtty", "fishop", "cshop", "nosudo"):
        assert host.ssh(["id", "-un"], user=user).stdout.strip() == user
    can = {
        user: host.ssh(["sudo", "-n", "id", "-un"], user=user, check=False)
        for user in ("opslab", "nopw", "needtty", "fishop", "nosudo")
    }
    assert {user for user, done in can.items() if done.stdout == "root\n"} == {"nopw", "fishop"}
    assert "must have a tty" in can["needtty"].stderr
    with_password = subprocess.run(
        [*host.ssh_argv("opslab"), "sudo -S -p '' id -un"],
        input=host.inventory("opslab")["ansible_become_password"] + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert with_password.stdout == "root\n"


def test_a_host_has_no_way_out(host: api.LabHost) -> None:
    ping = host.run(["ping", "-c", "1", "-W", "1", "192.0.2.1"], check=False)
    assert ping.returncode != 0
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "0" or "unreachable" in ping.stdout


def test_a_reboot_changes_the_boot_id_and_empties_run(lab: Lab) -> None:
    with api.lab_host() as host:
        before = host.boot_id()
        host.run(["touch", "/run/reboot-required"])
        host.reboot()
        assert host.boot_id() != before
        assert host.run(["test", "-e", "/run/reboot-required"], check=False).returncode == 1


def test_a_power_cut_kills_at_once_and_what_was_written_stays(lab: Lab) -> None:
    with api.lab_host() as host:
        before = host.boot_id()
        host.run(["sh", "-c", "echo kept > /root/kept; setsid sleep 1000 >/dev/null 2>&1 &"])
        host.power_cut()
        assert not host.running()
        with pytest.raises(OSError):
            socket.create_connection((host.address, 22), timeout=1).close()
        host.power_on()
        assert host.boot_id() != before
        assert host.ssh(["cat", "/root/kept"]).stdout == "kept\n"


def test_a_frozen_host_takes_connections_and_does_not_answer(lab: Lab) -> None:
    with api.lab_host() as host:
        host.freeze()
        with socket.create_connection((host.address, 22), timeout=2) as connection:
            connection.settimeout(1)
            with pytest.raises(TimeoutError):
                connection.recv(4)
        host.thaw()
        assert host.ssh(["echo", "back"]).stdout == "back\n"


def test_an_unplugged_host_is_out_of_reach_until_it_is_plugged_in(lab: Lab) -> None:
    with api.lab_host() as host:
        host.unplug()
        with pytest.raises(OSError):
            socket.create_connection((host.address, 22), timeout=1).close()
        assert host.run(["echo", "alive"]).stdout == "alive\n"
        host.plug()
        host.wait_until_up()


def test_one_hosts_repositories_change_without_the_others_seeing_it(lab: Lab, host: api.LabHost) -> None:
    with api.lab_host() as other:
        view = other.own_repositories()
        other.run(STRICT)
        for spoil, complaint in (
            (lambda: view.expire("security"), "is expired"),
            (lambda: (view.release.clear(), view.sign("security", "broken")), "BADSIG"),
            (lambda: view.sign("security", "stranger"), "NO_PUBKEY"),
            (lambda: view.sign("security", "missing"), "no longer signed"),
            (lambda: (view.sign("security", "good"), view.fault("503")), "503"),
            (lambda: view.fault("drop"), "E:"),
        ):
            spoil()
            failed = other.run(STRICT, check=False)
            assert failed.returncode != 0
            assert complaint in failed.stdout + failed.stderr
            assert host.run(STRICT).returncode == 0
        view.fault(None)
        assert other.run(STRICT).returncode == 0


def test_versions_come_and_go_at_test_time(lab: Lab) -> None:
    with api.lab_host() as host:
        view = host.upgrade_in_repository("python3-apt", "99.0")
        view.remove("acme-libtls", "1.1", "security")
        host.run(STRICT)
        simulated = host.run(["apt-get", "-s", "dist-upgrade"]).stdout
        assert "Inst python3-apt" in simulated
        assert "Inst acme-libtls" not in simulated
        host.run(["apt-get", "install", "-y", "-q", "python3-apt=99.0"])
        assert host.run(["python3", "-c", "import apt_pkg; apt_pkg.init(); print('ok')"]).stdout == "ok\n"


def test_a_host_is_patched_for_real(lab: Lab) -> None:
    with api.lab_host() as host:
        host.run(
            [
                "apt-get",
                "install",
                "-y",
                "-q",
                "-o",
                "Dpkg::Options::=--force-confold",
                "acme-conf=1.1",
                "acme-reboot=1.1",
            ]
        )
        assert host.run(["cat", "/etc/acme/conf.ini"]).stdout == "colour=red\n"
        assert host.run(["test", "-e", "/etc/acme/conf.ini.dpkg-dist"]).returncode == 0
        assert host.run(["cat", "/run/reboot-required.pkgs"]).stdout == "acme-reboot\n"


def test_a_fingerprint_shows_a_file_that_came_and_went(host: api.LabHost) -> None:
    host.ssh(["true"])
    before = fingerprint(host)
    host.ssh(["true"])
    assert differences(before, fingerprint(host)) == []
    host.run(["sh", "-c", "touch /var/lib/apt/lists/x && rm /var/lib/apt/lists/x"])
    assert [line.split(":")[0] for line in differences(before, fingerprint(host))] == ["/var/lib/apt/lists"]


def test_a_snapshot_starts_where_it_was_taken(lab: Lab) -> None:
    name = f"itself-{os.getpid()}"
    try:
        with api.lab_host() as host:
            host.run(["sh", "-c", "echo here > /root/mark"])
            with pytest.raises(LabError, match="running"):
                host.snapshot(name)
            host.power_off()
            host.snapshot(name)
        again = api.start_host(lab, "", snapshot=name)
        try:
            assert again.ssh(["cat", "/root/mark"]).stdout == "here\n"
        finally:
            again.destroy()
    finally:
        api.forget_snapshot(lab, name)


def test_noise_and_killed_sessions_are_as_promised(lab: Lab) -> None:
    host = api.start_host(lab, "bookworm", features=["noisy", "killuser"])
    try:
        assert host.ssh(["echo", "word"]).stdout == "noise from .bashrc\nword\n"
        host.ssh(["setsid nohup sleep 4321 >/dev/null 2>&1 </dev/null &"], user="nopw")
        until = time.monotonic() + 60
        while host.run(["pgrep", "-f", "sleep 4321"], check=False).returncode == 0 and time.monotonic() < until:
            time.sleep(0.1)
        assert host.run(["pgrep", "-f", "sleep 4321"], check=False).returncode == 1
    finally:
        host.destroy()


def test_a_destroyed_host_leaves_nothing(lab: Lab) -> None:
    host = api.start_host(lab, "bookworm")
    number, cgroup, name = host.number, host.cgroup, host.name
    assert host.running()
    host.destroy()
    assert not cgroup.exists()
    assert not Path(f"/run/netns/lab-{number}").exists() or (lab.addresses / str(number)).exists()
    assert name not in Path("/proc/self/mounts").read_text()
    assert not [pid for pid in Path("/proc").glob("[0-9]*/cmdline") if name.encode() in _read(pid)]
    assert not host.folder.exists()
    host.destroy()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_two_hosts_cannot_have_one_name_and_the_first_survives_the_attempt(lab: Lab, host: api.LabHost) -> None:
    with pytest.raises(LabError, match="already"):
        api.start_host(lab, "bookworm", host.name)
    assert host.ssh(["echo", "alive"]).stdout == "alive\n"


def test_an_address_that_another_run_gives_back_at_the_same_time_is_passed_over(tmp_path: Path) -> None:
    # Listed and not there to be read: what a file is that goes between the two.
    (tmp_path / "10").symlink_to(tmp_path / "gone")
    (tmp_path / "11").write_text("ours")
    (tmp_path / "12").write_text("theirs")
    network.release_address(SimpleNamespace(addresses=tmp_path), "ours")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "12"]


def test_a_publication_that_broke_off_is_made_again_and_a_linked_copy_keeps_its_own_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, published = Lab(tmp_path / "lab"), []
    lab.prepare()
    monkeypatch.setattr(rpm_repository.View, "publish", lambda view: published.append(view.distribution))
    view = rpm_repository.ensure_main(lab, "rhel9")
    [marker] = view.folder.glob(".digest-*")
    marker.write_text("an older recipe")
    copy = tmp_path / "marker of a copied lab"
    copy.hardlink_to(marker)
    monkeypatch.setattr(rpm_repository.View, "publish", lambda view: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rpm_repository.ensure_main(lab, "rhel9")
    monkeypatch.setattr(rpm_repository.View, "publish", lambda view: published.append(view.distribution))
    rpm_repository.ensure_main(lab, "rhel9")
    rpm_repository.ensure_main(lab, "rhel9")
    assert len(published) == 2
    assert copy.read_text() == "an older recipe"


def test_no_two_distributions_publish_into_one_folder() -> None:
    folders = [each.folder for known in rpm_repository.ALL_DISTRIBUTIONS.values() for each in known.repositories]
    assert len(folders) == len(set(folders))


def test_units_that_end_meanwhile_do_not_hide_the_hosts_processes(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").write_text("7\n")
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            for unit in range(40):
                (tmp_path / f"{unit}.service").mkdir()
            for unit in range(40):
                (tmp_path / f"{unit}.service").rmdir()

    units = threading.Thread(target=come_and_go)
    units.start()
    try:
        assert {tuple(Host.processes(SimpleNamespace(cgroup=tmp_path))) for _look in range(500)} == {(7,)}
    finally:
        ended.set()
        units.join()


def test_a_run_that_was_killed_leaves_its_hosts_to_the_next_and_down_spares_the_living(
    lab: Lab, host: api.LabHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = api.all_hosts
    # Scenarios that run beside have hosts that stay until someone says so, as `down` does.
    monkeypatch.setattr(api, "all_hosts", lambda lab: [each for each in every(lab) if each.owner != 0])
    code = (
        "import os, sys; from openfleet_lab import api\nwith api.session() as lab:\n"
        "    print(api.start_host(lab, 'bookworm').name, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-B", "-c", code], cwd=HERE, capture_output=True, text=True, check=False)
    name = killed.stdout.strip()
    assert name.startswith("bookworm-")
    # Any session that opened meanwhile may have been the one to take it away.
    assert host.name in api.tear_down(lab)
    assert not (lab.hosts / name).exists()
    assert not [pid for pid in Path("/proc").glob("[0-9]*/cmdline") if name.encode() in _read(pid)]
    assert host.ssh(["echo", "alive"]).stdout == "alive\n"


# A lab of its own, in namespaces of its own: nothing else runs there, so whatever is left is the lab's.
WHOLE_CYCLE = r"""
set -eu
umount -R /run/netns 2>/dev/null || true
mount -t tmpfs run /run; mount -t sysfs sysfs /sys; mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
"$1" up
"$1" status
"$1" down
# What was told to end may take a while on a busy machine.
for _second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    ps -e -o pid=,comm= > /run/ps
    grep -q -v -e '^ *1 ' -e ' ps$' /run/ps || break
    sleep 1
done
echo "processes: $(grep -v -e '^ *1 ' -e ' ps$' /run/ps | tr '\n' ';')"
echo "mounts: $(grep -e "$OPENFLEET_LAB" -e /run/netns /proc/mounts | tr '\n' ';')"
echo "links: $(ip -br link | grep -v -e '^lo' -e '^ifb' | tr '\n' ';')"
echo "namespaces: $(ip netns list | tr '\n' ';')"
echo "hosts: $(ls "$OPENFLEET_LAB/hosts" "$OPENFLEET_LAB/addresses" "$OPENFLEET_LAB/users" | grep -v : | tr -d '\n')"
"""


def test_up_then_down_leaves_nothing_behind(lab: Lab) -> None:
    folder = lab.folder / f"cycle-{os.getpid()}"
    folder.mkdir()
    (folder / "bases").symlink_to(lab.bases)
    try:
        done = subprocess.run(
            ["unshare", "-m", "-n", "-p", "--fork", "--mount-proc", "sh", "-c", WHOLE_CYCLE, "sh", str(HERE / "lab")],
            env={**os.environ, "OPENFLEET_LAB": str(folder), "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count(" up\n") == 4
        tail = done.stdout.splitlines()[-5:]
        assert tail == ["processes: ", "mounts: ", "links: ", "namespaces: ", "hosts: "]
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


def test_where_the_lab_cannot_run_it_says_so_in_one_line_with_exit_code_77() -> None:
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-B", "-m", "openfleet_lab", "status"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 77
    assert done.stderr.count("\n") == 1
    assert "root" in done.stderr


def test_this_machine_has_the_labs_own_cgroup_and_bridge_while_a_host_runs(host: api.LabHost) -> None:
    assert (machine.cgroup_root() / host.lab.cgroup_name / host.name).is_dir()
    assert Path(f"/sys/class/net/{BRIDGE}").exists()
