# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that changes hosts with zypper, around a zypper that says and does what a test wants."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source

STAND_IN = """#!/bin/sh
here={here}
case " $* " in *" --dry-run "*) kind=dry ;; *) kind=real ;; esac
echo "$kind" >>"$here/calls"
count=$(grep -c "^$kind$" "$here/calls")
[ ! -e "$here/$kind.$count" ] || cp "$here/$kind.$count" "$here/$kind"
{{ read -r code; cat; }} <"$here/$kind"
exit "$code"
"""
# As rpm answers while something keeps it from finding what provides a name.
RPM = """#!/bin/sh
case "$1 $2" in
    "-qa --queryformat") cat {here}/installed ;;
    "-q --whatprovides") exit 1 ;;
    "-q --provides") grep "^$3 " {here}/provides | cut -d " " -f 2- ;;
    "-e --nodeps") echo "$3" >>{here}/erased ;;
esac
"""


def announced(*names: str) -> str:
    rows = "".join(f'<solvable type="package" name="{name}" edition="2-1" arch="noarch"/>' for name in names)
    return f"<stream><install-summary><to-upgrade>{rows}</to-upgrade></install-summary></stream>\n"


class Host:
    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in (("zypper", STAND_IN.format(here=root)), ("rpm", RPM.format(here=root))):
            (root / name).write_text(text)
            (root / name).chmod(0o755)
        source = program_source("zypper_transaction").decode()
        assert source.count("\nPATH=") + source.startswith("PATH=") == 1
        for path in ("/etc/zypp/zypp.conf", "/var/log/zypp/history"):
            assert path in source
            source = source.replace(path, str(root / Path(path).name))
        (root / "installed").touch()
        (root / "program").write_text(source.replace("PATH=", f"PATH={root}:", 1))
        (root / "order").write_text("target a.noarch=2-1\nexpect arrive a noarch 2-1\nlock_timeout 1\n")

    def says(self, kind: str, code: object, text: str = "") -> None:
        (self.root / kind).write_text(f"{code}\n{text}")

    def install(self) -> tuple[int, str]:
        words = ["sh", str(self.root / "program"), "install", str(self.root / "order")]
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def calls(self) -> list[str]:
        return (self.root / "calls").read_text().split()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    found = Host(tmp_path)
    found.says("dry", 0, announced("a"))
    found.says("real", 0)
    return found


def test_what_was_ordered_runs_once(host: Host) -> None:
    assert host.install()[0] == 0
    assert host.calls() == ["dry", "real"]


@pytest.mark.parametrize("code", [1, 4, 8, 139])
def test_nothing_runs_where_zypper_did_not_say_what_it_would_do(host: Host, code: int) -> None:
    host.says("dry", code)
    assert host.install()[0] == code
    assert "real" not in host.calls()


def test_nothing_runs_where_the_announcement_ends_too_early(host: Host) -> None:
    host.says("dry", 0, announced("a").partition("</to-upgrade>")[0])
    code, log = host.install()
    assert (code, "cannot be compared" in log) == (90, True)
    assert host.calls() == ["dry"]


def test_a_run_after_a_renewed_package_manager_is_held_to_the_order_as_well(host: Host) -> None:
    host.says("real", 103)
    host.says("dry.2", 0, announced("a", "stranger"))
    code, log = host.install()
    assert (code, "arrive stranger noarch 2-1" in log) == (90, True)
    assert host.calls() == ["dry", "real", "dry"]


def test_a_renewed_package_manager_that_has_all_ends_well(host: Host) -> None:
    host.says("real", 103)
    host.says("dry.2", 0, announced())
    assert host.install()[0] == 0
    assert host.calls() == ["dry", "real", "dry"]


@pytest.mark.slow
def test_a_lock_whose_holder_nobody_sees_is_not_waited_for_without_end(host: Host) -> None:
    host.says("real", 7)
    assert host.install()[0] == 7


def test_repairing_erases_what_was_to_be_replaced_and_nothing_that_may_stay_beside_others(host: Host) -> None:
    names = {"acme": "acme = 1", "kernel-default": "multiversion(kernel)", "tool": "tool = 1", "java": "jre = 1"}
    installed = [f"{name}.x86_64 {day} {name}-{day}-1.x86_64\n" for name in names for day in (1, 2)]
    (host.root / "installed").write_text("".join(installed))
    (host.root / "provides").write_text("".join(f"{name}-1-1.x86_64 {what}\n" for name, what in names.items()))
    (host.root / "zypp.conf").write_text("[main]\nmultiversion = provides:multiversion(kernel),tool, provides:jre\n")
    subprocess.run(["sh", str(host.root / "program"), "repair"], check=True, timeout=30, capture_output=True)
    assert (host.root / "erased").read_text().split() == ["acme-1-1.x86_64"]


HISTORY = """\
# 2026-11-20 10:00:00 some words of a script
1970-01-01 00:00:50|command|root@host|'zypper' 'install' 'early'|
1970-01-01 00:01:00|install|late|2-1|x86_64|root@host|repo|0|
1970-01-01 00:16:40|command|root@host|'zypper' 'update'|
1970-01-01 00:16:45|install|done|2-1|x86_64|root@host|repo|0|
"""


def test_repairing_leaves_what_somebody_put_beside_each_other_with_rpm(host: Host) -> None:
    """At 1000 s zypper began what it never ended; cut was being replaced, done is noted, own and late came before."""
    times = {"own": (10, 900), "late": (10, 60), "done": (10, 1005), "cut": (10, 1010)}
    (host.root / "installed").write_text(
        "".join(f"{name}.x86_64 {at} {name}-{number}-1.x86_64\n" for name, both in times.items()
                for number, at in enumerate(both, 1))
    )  # fmt: skip
    (host.root / "provides").write_text("".join(f"{name}-1-1.x86_64 {name} = 1\n" for name in times))
    (host.root / "history").write_text(HISTORY)
    command = ["env", "TZ=UTC", "sh", str(host.root / "program"), "repair"]
    subprocess.run(command, check=True, timeout=30, capture_output=True)
    assert (host.root / "erased").read_text().split() == ["cut-1-1.x86_64"]
