"""Installing on a host that says it is Debian 8: sources and keys are as they were afterwards, whatever happened.

The host's programs are those of Debian 11 (apt 2.2, Python 3.9). A throw-away key of the lab, which the host does not
trust, signs its security repository and plays the part of the stretch security key.
"""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import core_venvs
import pytest
from openfleet_lab.api import LabHost, lab_host
from openfleet_lab.packages import Package, Version
from openfleet_lab.repository import View
from openfleet_lab.signing import SigningKey

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".cache" / "collections"
pytestmark = [pytest.mark.lab, pytest.mark.slow]

KEY = "/etc/apt/trusted.gpg.d/openfleet-patch-debian8.gpg"
API = "9:9.9"
FRESH = Package("acme-current", "its fix is in lists that only the key makes readable", (Version("1.0", "release"),))
DEB822 = "Types: deb\nURIs: http://deb.lab/gone\nSuites: jessie-backports\nComponents: main\n"

# Every kind of place where people name it; the repository behind it is dead.
DRESS = """\
set -e
sed -i '/security.deb.lab/s/ signed-by=[^] ]*//' /etc/apt/sources.list
cd /etc/apt/sources.list.d
printf 'deb http://deb.lab/gone jessie-backports main # old\\n#deb-src http://deb.lab/gone jessie-backports main' \
    >jessie-backports.list
cp jessie-backports.list jessie-backports
printf '%s' "$1" >old.sources
ln -s /opt/linked.list linked.list
printf 'deb [arch=amd64]\\thttp://deb.lab/gone\\tjessie-backports\\tmain\\n' >/opt/linked.list
chown 1234:4321 jessie-backports.list
chmod 604 jessie-backports.list
touch -d '2014-05-13 16:53:20.123456789 UTC' jessie-backports.list old.sources /etc/apt/sources.list
touch -h -d '2015-05-13 16:53:20.5 UTC' linked.list
"""


def apt_configuration(host: LabHost) -> str:
    """Every file and link of /etc/apt: owner, mode, time, target and content."""
    look = "find /etc/apt /opt ! -type d -printf '%p %u:%g %m %T@ %l\\n' | sort"
    return host.run(["sh", "-c", f"{look}; find /etc/apt /opt -type f -exec cksum {{}} + | sort"]).stdout


def version(host: LabHost, package: str) -> str:
    show = ["dpkg-query", "-W", "-f", "${Version} ${db:Status-Abbrev}", package]
    return host.run(show, check=False).stdout.strip()


def fingerprint_of(key: SigningKey) -> str:
    shown = subprocess.run(
        ["gpg", "--homedir", str(key.home), "--with-colons", "--show-keys", str(key.public)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return next(line.split(":")[9] for line in shown.splitlines() if line.startswith("fpr:"))


class Scene:
    """One host, its repositories, and plays against it."""

    def __init__(self, host: LabHost, folder: Path) -> None:
        problem = core_venvs.ensure("2.19")
        if problem:
            pytest.skip(problem)
        self.host, self.folder = host, folder
        self.view: View = host.upgrade_in_repository("python3-apt", API, "security")
        self.view.add(FRESH, Version("1.1", "security"))
        self.key = SigningKey(host.lab, "stranger").ensure()
        self.view.sign("security", "stranger")
        host.run(["sh", "-c", DRESS, "sh", DEB822])
        host.run(["sh", "-c", "echo 6 >/etc/acme-slow"])
        self.before = apt_configuration(host)

    def options(self, *packages: str, **more: Any) -> dict[str, Any]:
        return {
            "state_directory": str(self.folder / "state"),
            "debian8_signing_key": str(self.key.public),
            "debian8_signing_key_fingerprint": [fingerprint_of(self.key)],
            "baselines": [{"name": "these", "operating_system": "DEBIAN", "approved_patches": list(packages)}],
            "default_baselines": {"DEBIAN": "these"},
            **more,
        }

    def start(
        self, *packages: str, check: bool = False, task: str = "install_patches", **more: Any
    ) -> subprocess.Popen[str]:
        options = self.options(*packages, **more)
        if task == "scan_host":
            options = {"state_directory": options["state_directory"], **more}
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": {"old": self.host.inventory()}}}))
        play = self.folder / "play.yml"
        text = """\
            - hosts: old
              gather_facts: false
              tasks:
                - openfleet.patch.TASK: OPTIONS
                  register: outcome
                  ignore_errors: true
                - ansible.builtin.copy:
                    content: "{{ outcome | to_json }}"
                    dest: ANSWER
                    mode: "0600"
                  delegate_to: localhost
                  check_mode: false
                  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
            """
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        words = {"TASK": task, "OPTIONS": json.dumps(options), "ANSWER": str(answer)}
        text = textwrap.dedent(text)
        for name, value in words.items():
            text = text.replace(name, value)
        play.write_text(text)
        environment = os.environ | {
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
        }
        program = core_venvs.venv_path("2.19") / "bin" / "ansible-playbook"
        command = [str(program), "-i", str(inventory), str(play), *(["--check"] if check else [])]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=self.folder
        )

    def run(self, *packages: str, **more: Any) -> dict[str, Any]:
        """The task's result, of a failed one too."""
        process = self.start(*packages, **more)
        output, _nothing = process.communicate(timeout=240)
        answer = self.folder / "answer.json"
        assert answer.exists(), output
        found: dict[str, Any] = json.loads(answer.read_text())
        return found

    def wait_for_install(self, process: subprocess.Popen[str]) -> None:
        """Until acme-slow's script runs; then the host must be in the middle of its bracket."""
        until = time.monotonic() + 60
        while not self.host.run(["pgrep", "-f", "acme-slow.postinst configure"], check=False).stdout:
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise AssertionError(f"acme-slow was never configured: {process.communicate()[0]}")
            time.sleep(0.1)
        assert self.host.run(["ls", KEY]).stdout.strip() == KEY
        active = self.host.run(["grep", "-rhE", "^(deb|Suites).*jessie-backports", "/etc/apt"], check=False).stdout
        assert active == ""
        commented = self.host.run(["grep", "-rhcE", "^# .*jessie-backports", "/etc/apt/sources.list.d"]).stdout.split()
        assert sorted(commented) == ["0", "1", "1", "1", "1"]

    def assert_as_before(self) -> None:
        assert apt_configuration(self.host) == self.before
        assert self.host.run(["ls", KEY], check=False).stdout == ""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with lab_host("debian8", features=["trouble"]) as host:
        yield Scene(host, tmp_path)


def kinds(result: dict[str, Any]) -> list[str]:
    return [warning["kind"] for warning in result["document"]["warnings"]]


def debian8_jobs(result: dict[str, Any]) -> list[str]:
    return [job["result"] for job in result["document"]["installation"]["jobs"] if job["job"].startswith("debian8-")]


def test_an_installation_leaves_sources_and_keys_as_they_were_and_the_next_one_does_the_same(scene: Scene) -> None:
    first = scene.run("acme-newdep", "acme-current")
    assert not first.get("failed"), first.get("msg")
    assert version(scene.host, "acme-newdep") == version(scene.host, "acme-current") == "1.1 ii"
    assert version(scene.host, "python3-apt") == f"{API} ii"
    assert {"python3-apt", "acme-newdep", "acme-current"} <= {
        each["name"] for each in first["document"]["installation"]["installed"]
    }
    assert (debian8_jobs(first), first["document"]["refresh"]["ok"]) == (["SUCCEEDED"], True)
    scene.assert_as_before()
    second = scene.run("acme-newdep")
    assert (second.get("failed", False), second["changed"], debian8_jobs(second)) == (False, False, ["SUCCEEDED"])
    scene.assert_as_before()

    back = scene.run("acme-newdep", "acme-current", task="rollback_patches")
    assert not back.get("failed"), back.get("msg")
    changed = {each["name"] for each in back["document"]["installation"]["installed"]}
    assert changed == {"acme-newdep", "acme-newlib", "acme-current"}
    assert version(scene.host, "acme-newdep") == version(scene.host, "acme-current") == "1.0 ii"
    scene.assert_as_before()


def test_a_package_that_fails_does_not_keep_the_sources_from_being_restored(scene: Scene) -> None:
    result = scene.run("acme-badpost", "acme-newdep")
    assert (result["failed"], result["error"]["kind"]) == (True, "install_incomplete")
    assert version(scene.host, "acme-newdep") == "1.1 ii"
    scene.assert_as_before()


def test_a_killed_controller_and_a_killed_runner_leave_nothing_behind(scene: Scene) -> None:
    process = scene.start("acme-slow")
    scene.wait_for_install(process)
    process.kill()
    process.communicate()
    scene.host.run(["systemctl", "kill", "-s", "KILL", "openfleet-patch-*"])
    assert scene.host.run(["ls", KEY], check=False).stdout.strip() == KEY
    result = scene.run("acme-newdep")
    assert result["document"]["interrupted_run"]["title"] == "install 1 packages"
    assert version(scene.host, "acme-newdep") == "1.1 ii"
    scene.assert_as_before()


def test_a_killed_controller_leaves_a_job_that_restores_by_itself(scene: Scene) -> None:
    process = scene.start("acme-slow")
    scene.wait_for_install(process)
    process.kill()
    process.communicate()
    wait_until_restored(scene, 30)
    assert version(scene.host, "acme-slow") == "1.1 ii"


def test_after_a_power_cut_the_next_boot_restores_without_any_contact(scene: Scene) -> None:
    process = scene.start("acme-slow", reconnect_timeout=1)
    scene.wait_for_install(process)
    scene.host.power_cut()
    process.kill()
    process.communicate()
    scene.host.power_on()
    wait_until_restored(scene, 180)
    assert version(scene.host, "acme-slow") == "1.1 ii"


def test_a_power_cut_while_the_lists_are_refreshed_is_undone_at_the_next_boot(scene: Scene) -> None:
    scene.view.fault("hang")
    process = scene.start("acme-newdep", reconnect_timeout=1, refresh="never")
    until = time.monotonic() + 60
    refreshing = ["pgrep", "-f", "apt-get -q update"]
    while time.monotonic() < until and not scene.host.run(refreshing, check=False).stdout:
        time.sleep(0.1)
    assert scene.host.run(["ls", KEY], check=False).stdout
    assert apt_configuration(scene.host) != scene.before
    scene.host.power_cut()
    process.kill()
    process.communicate()
    scene.view.fault(None)
    scene.host.power_on()
    wait_until_restored(scene, 180)
    assert version(scene.host, "acme-newdep") == "1.0 ii"


def wait_until_restored(scene: Scene, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and apt_configuration(scene.host) != scene.before:
        time.sleep(0.5)
    scene.assert_as_before()


def test_an_expired_release_file_is_accepted_for_one_run_and_only_when_asked(scene: Scene) -> None:
    scene.view.expire("security")
    # apt keeps lists that are newer than what an archive offers.
    scene.host.run(["sh", "-c", "rm -f /var/lib/apt/lists/security.deb.lab_*"])
    refused = scene.run("acme-newdep")
    assert "expired_release" in kinds(refused)
    assert (refused["document"]["refresh"]["ok"], refused["verdict"]) == (False, "unknown")
    assert "debian8_accept_expired_release" in refused["document"]["refresh"]["errors"][0]
    assert version(scene.host, "acme-newdep") == "1.0 ii"
    assert version(scene.host, "python3-apt") != f"{API} ii"
    accepted = scene.run("acme-newdep", debian8_accept_expired_release=True)
    assert ("expired_release" in kinds(accepted), accepted["document"]["refresh"]["ok"]) == (False, True)
    assert version(scene.host, "acme-newdep") == "1.1 ii"
    assert version(scene.host, "python3-apt") == f"{API} ii"
    scene.assert_as_before()


def test_another_fingerprint_is_refused_before_the_host_is_touched(scene: Scene) -> None:
    result = scene.run("acme-newdep", debian8_signing_key_fingerprint=["6ED6F5CB5FA6FB2F460AE88EEDA0D2388AE22BA9"])
    assert (result["failed"], result["error"]["kind"]) == (True, "bad_signing_key")
    assert fingerprint_of(scene.key) in result["error"]["message"]
    assert scene.host.run(["ls", "/var/lib/openfleet-patch"], check=False).stdout == ""
    scene.assert_as_before()


def test_a_bad_signature_is_never_accepted(scene: Scene) -> None:
    scene.key = SigningKey(scene.host.lab)
    scene.view.expire("security")
    scene.view.sign("security", "broken")
    scene.host.run(["sh", "-c", "rm -f /var/lib/apt/lists/security.deb.lab_*"])
    result = scene.run("acme-newdep", debian8_accept_expired_release=True)
    assert "bad_signature" in kinds(result)
    assert result["document"]["refresh"]["ok"] is False
    assert version(scene.host, "acme-newdep") == "1.0 ii"
    assert version(scene.host, "python3-apt") != f"{API} ii"
    scene.assert_as_before()


def test_without_a_key_of_ones_own_the_result_says_what_to_set(scene: Scene) -> None:
    scene.view.fault("404")
    moved = scene.run("acme-newdep", debian8_signing_key="", debian8_signing_key_fingerprint=[])
    assert "archive_moved" in kinds(moved)
    scene.view.fault(None)
    result = scene.run("acme-newdep", debian8_signing_key="", debian8_signing_key_fingerprint=[])
    assert "unknown_signing_key" in kinds(result)
    assert "debian8_signing_key" in result["document"]["refresh"]["errors"][0]
    assert version(scene.host, "python3-apt") != f"{API} ii"
    scene.assert_as_before()


def test_an_expired_key_is_named_as_the_reason(scene: Scene, tmp_path: Path) -> None:
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    gpg = [
        "gpg",
        "--homedir",
        str(home),
        "--batch",
        "--yes",
        "--passphrase",
        "",
        "--faked-system-time",
        "20200101T000000",
    ]
    user = "Lab expired <expired@example.invalid>"
    subprocess.run([*gpg, "--quick-gen-key", user, "ed25519", "sign", "30d"], check=True, capture_output=True)
    public = tmp_path / "expired.asc"
    subprocess.run([*gpg, "--armor", "--output", str(public), "--export"], check=True, capture_output=True)
    pocket = scene.view.distribution.pockets["security"]
    suite = scene.view.folder / pocket.site / pocket.path / "dists" / str(pocket.suite_path)
    signed = suite / "InRelease"
    signed.unlink()
    command = [*gpg, "--output", str(signed), "--clearsign", str(suite / "Release")]
    subprocess.run(command, check=True, capture_output=True)
    shown = subprocess.run(
        ["gpg", "--homedir", str(home), "--with-colons", "--show-keys", str(public)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    fingerprint = next(line.split(":")[9] for line in shown.splitlines() if line.startswith("fpr:"))
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
    result = scene.run(
        "acme-newdep", debian8_signing_key=public.read_text(), debian8_signing_key_fingerprint=[fingerprint]
    )
    assert "expired_signing_key" in kinds(result)
    assert result["document"]["refresh"]["ok"] is False
    assert version(scene.host, "python3-apt") != f"{API} ii"
    scene.assert_as_before()


def test_a_missing_python3_apt_is_installed_before_anything_is_decided(scene: Scene) -> None:
    scene.host.run(["apt-get", "remove", "-y", "-q", "python3-apt"])
    assert version(scene.host, "python3-apt") in ("", "un")
    result = scene.run("acme-newdep")
    assert not result.get("failed"), result.get("msg")
    assert version(scene.host, "python3-apt") == f"{API} ii"
    installed = {each["name"]: each["installed_version"] for each in result["document"]["installation"]["installed"]}
    assert installed["python3-apt"] is None
    assert "acme-newdep" in installed
    scene.assert_as_before()


def test_a_held_python3_apt_stays(scene: Scene) -> None:
    before = version(scene.host, "python3-apt").split()[0]
    scene.host.run(["apt-mark", "hold", "python3-apt"])
    result = scene.run("acme-newdep")
    assert not result.get("failed"), result.get("msg")
    assert version(scene.host, "python3-apt") == f"{before} hi"
    scene.assert_as_before()


def test_scan_and_check_mode_leave_etc_alone(scene: Scene) -> None:
    scan = scene.run(task="scan_host", refresh="always")
    assert not scan.get("failed"), scan.get("msg")
    scene.assert_as_before()
    planned = scene.run("acme-newdep", check=True)
    assert (planned["changed"], "debian8_check_mode" in kinds(planned)) == (True, True)
    assert version(scene.host, "acme-newdep") == "1.0 ii"
    assert scene.host.run(["ls", "/var/lib/openfleet-patch"], check=False).stdout == ""
    scene.assert_as_before()
