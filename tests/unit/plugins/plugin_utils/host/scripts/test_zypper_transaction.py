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


def announced(*names: str) -> str:
    rows = "".join(f'<solvable type="package" name="{name}" edition="2-1" arch="noarch"/>' for name in names)
    return f"<stream><install-summary><to-upgrade>{rows}</to-upgrade></install-summary></stream>\n"


class Host:
    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in (("zypper", STAND_IN.format(here=root)), ("rpm", "#!/bin/sh\n")):
            (root / name).write_text(text)
            (root / name).chmod(0o755)
        source = program_source("zypper_transaction").decode()
        assert source.count("\nPATH=") + source.startswith("PATH=") == 1
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


def test_a_lock_whose_holder_nobody_sees_is_not_waited_for_without_end(host: Host) -> None:
    host.says("real", 7)
    assert host.install()[0] == 7
