"""The macos reader under several shells, with stand-ins for the programs of a Mac that replay recorded outputs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import reader_source
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.macos import build_inventory

GOLDEN = Path(__file__).resolve().parents[5] / "golden" / "macos-outputs"
MARK = "openfleet-0123"
SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["zsh", "--emulate", "sh"], ["ksh"]]
PROGRAMS = {
    "sw_vers": 'cat "$GOLDEN/sw_vers.26.5.1.txt"',
    "sysctl": 'case $2 in kern.boottime) echo "{ sec = 1795000000, usec = 5 } Sat" ;; *) echo 0A1B-2C ;; esac',
    "softwareupdate": 'echo "$*" >>"$CALLS"\ncat "$GOLDEN/softwareupdate-list.26.6-tahoe-safari-minor-major.txt"',
    "plutil": '[ "$*" = "-convert xml1 -o - $HISTORY" ] && cat "$HISTORY"',
    "pkgutil": """case $1 in
        --pkgs) echo com.apple.pkg.Skipped; echo com.apple.pkg.CLTools_Executables; echo org.example.a ;;
        --pkg-info-plist)
            sed "s/com.apple.pkg.MobileAssets/$2/" "$GOLDEN/pkgutil-pkg-info.com.apple.pkg.MobileAssets.plist" ;;
    esac""",
    # sudo -n -H -u OWNER -- COMMAND...
    "sudo": 'echo "sudo $1 $2 $3 $4 $5" >>"$CALLS"\nshift 5\nexec "$@"',
}  # fmt: skip
# Its environment is emptied, so the places are written into it.
BREW = """#!/bin/sh
echo "brew $* from ${{CALLER:-nobody}}$(env | grep -c '^HOMEBREW_NO_[A-Z_]*=1$') asked $(cat)" >>"{calls}"
r="{golden}/brew-recorded-4.4.32"
case "$*" in
    "outdated --json=v2 --formula") cat "$r.outdated.v2.json" ;;
    "outdated --json=v2 --cask") cat "$r.outdated-cask.v2.json" ;;
    "list --versions --formula") cat "$r.list-formula-versions.txt" ;;
    "list --versions --cask") cat "$r.list-cask-versions.txt" ;;
    tap) echo openfleet/demo ;;
    update) echo 'warning: slow' >&2 ;;
    --version) echo 'Homebrew 4.4.32' ;;
esac
"""


@pytest.fixture
def mac(tmp_path: Path) -> Path:
    programs, prefix = tmp_path / "bin", tmp_path / "homebrew" / "bin"
    for folder in (programs, prefix):
        folder.mkdir(parents=True)
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    (prefix / "brew").write_text(BREW.format(calls=tmp_path / "calls", golden=GOLDEN))
    (prefix / "brew").chmod(0o755)
    shutil.copy(GOLDEN / "InstallHistory.chef-10.15-clt.plist", tmp_path / "history.plist")
    return tmp_path


def read(
    mac: Path, shell: list[str], *, uid: int, owner: str | None = "brewowner 501", path: str = "", **options: str
) -> dict[str, Any]:
    """Run the reader and take its sections apart; ``owner`` is the name and number that ls tells for Homebrew, None the
    real ones of a real one."""
    name, number = (owner or "none 0").split()
    ls = f'#!/bin/sh\ncase $1 in -ldn) w={number} ;; *) w={name} ;; esac\necho "drwxr-xr-x 2 $w staff 64 Nov 20 x"\n'
    (mac / "bin" / "ls").write_text(ls)
    (mac / "bin" / "ls").chmod(0o755)
    for program in ("ls", "sudo") if owner is None else ():
        (mac / "bin" / program).unlink()
    options = {"brew_path": str(mac / "homebrew" / "bin" / "brew"), **options}
    head = [f"of_{key}='{value}'" for key, value in {"mark": MARK, "uid": str(uid)}.items()]
    head += [f"of_option_{key}='{value}'" for key, value in options.items()]
    # What the bootstrap defines.
    head.append('of_has() { command -v "$1" >/dev/null 2>&1; }')
    source = reader_source("macos").decode().replace("/Library/Receipts/InstallHistory.plist", f"{mac}/history.plist")
    for usual in ("/opt/homebrew/bin/brew", "/usr/local/bin/brew"):
        source = source.replace(f" {usual}", f" {mac}{usual}")
    environment = {"PATH": path or f"{mac}/bin:/usr/bin:/bin", "HOME": str(mac), "GOLDEN": str(GOLDEN), "CALLER": "me",
                   "CALLS": str(mac / "calls"), "HISTORY": str(mac / "history.plist"), "LC_ALL": "C"}  # fmt: skip
    done = subprocess.run([*shell, "-c", "\n".join([*head, source])], env=environment, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)  # fmt: skip
    assert (done.returncode, done.stderr.decode()) == (0, "")
    found = re.findall(rf"\n{MARK} section (\w+)\n(.*?)\n{MARK} code (\d+)\n", done.stdout.decode(), re.DOTALL)
    return {name: {"code": int(code), "text": text} for name, text, code in found}


def inventory_of(sections: dict[str, Any]) -> Any:
    return build_inventory({"reader": "macos", "system": {}, "result": {"sections": sections}})


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_what_is_read_becomes_an_inventory_in_every_shell(mac: Path, shell: list[str]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"no {shell[0]} here")
    inventory = inventory_of(read(mac, shell, uid=0))
    assert inventory.product == "Tahoe26.5.1"
    assert inventory.booted_at == "2026-11-18T11:06:40Z"
    assert [each["name"] for each in inventory.candidates] == [
        "Safari",
        "macOS Tahoe 26.7",
        "ofhello",
        "ofpin",
        "ofcask",
    ]
    assert inventory.findings["homebrew"]["owner"] == "brewowner"
    assert inventory.findings["disk"][0]["size_bytes"] > 0
    assert inventory.refresh["ok"] is True


def test_homebrew_is_asked_as_its_owner_with_an_environment_of_its_own(mac: Path) -> None:
    read(mac, ["dash"], uid=0)
    calls = (mac / "calls").read_text().splitlines()
    assert "sudo -n -H -u brewowner --" in calls
    asked = [call for call in calls if call.startswith("brew ")]
    assert len(asked) == 7
    # Nothing of the caller's environment, all six HOMEBREW_NO_ of ours, and nobody to ask.
    assert all(call.endswith(" from nobody6 asked ") for call in asked)
    assert len([call for call in calls if call.startswith("sudo")]) == len(asked)


def test_the_owner_needs_no_sudo(mac: Path) -> None:
    read(mac, ["dash"], uid=501)
    calls = (mac / "calls").read_text().splitlines()
    assert not [call for call in calls if call.startswith("sudo")]
    assert len([call for call in calls if call.startswith("brew ")]) == 7


@pytest.mark.parametrize(
    ("owner", "uid", "state"),
    [("root 0", 0, "owner_is_root"), ("root 0", 501, "owner_is_root"), ("501 501", 0, "no_such_user")],
)
def test_homebrew_of_root_or_of_nobody_is_never_run(mac: Path, owner: str, uid: int, state: str) -> None:
    sections = read(mac, ["dash"], uid=uid, owner=owner)
    assert sections["brew"]["text"].startswith(f"state={state}\n")
    assert "brew_list_formula" not in sections
    assert not [call for call in (mac / "calls").read_text().splitlines() if "brew" in call]
    assert inventory_of(sections).refresh["ok"] is False


@pytest.mark.parametrize("place", ["opt/homebrew/bin", "usr/local/bin"])
def test_homebrew_is_found_where_its_installer_puts_it(mac: Path, place: str) -> None:
    (mac / place).parent.mkdir(parents=True)
    (mac / "homebrew" / "bin").rename(mac / place)
    assert read(mac, ["dash"], uid=0, brew_path="")["brew"]["text"].startswith(
        f"state=ready\npath={mac}/{place}/brew\n"
    )


def test_who_may_not_write_to_the_folder_of_homebrew_does_not_run_it(mac: Path) -> None:
    shell = ["dash"]
    (mac / "homebrew").chmod(0o555)
    (mac / "calls").touch(mode=0o666)
    (mac / "calls").chmod(0o666)
    if os.getuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv to be somebody else")
        for folder in (mac, *mac.parents[:-2]):
            folder.chmod(folder.stat().st_mode | 0o011)
        shell = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "dash"]
    sections = read(mac, shell, uid=502)
    assert sections["brew"]["text"].startswith("state=not_owner\n")
    assert "brew_list_formula" not in sections


def test_a_host_without_homebrew_is_read(mac: Path) -> None:
    sections = read(mac, ["dash"], uid=0, brew_path=str(mac / "none"))
    assert sections["brew"]["text"].startswith("state=absent\n")
    assert inventory_of(sections).refresh["ok"] is True


def test_nothing_is_fetched_where_refresh_is_never(mac: Path) -> None:
    sections = read(mac, ["dash"], uid=0, refresh="never")
    calls = (mac / "calls").read_text()
    assert "--list --no-scan" in calls
    assert "brew update" not in calls
    assert inventory_of(sections).refresh["attempted"] is False


def test_receipts_of_apple_are_left_out_but_for_its_command_line_tools(mac: Path) -> None:
    text = read(mac, ["dash"], uid=0)["receipts"]["text"]
    assert re.findall(r"<string>((?:com|org)\.[^<]*)</string>", text) == [
        "org.example.a",
        "com.apple.pkg.CLTools_Executables",
    ]


def test_pkgutil_does_not_read_the_list_of_packages_away(mac: Path) -> None:
    with (mac / "bin" / "pkgutil").open("a") as program:
        program.write('[ "$1" = --pkgs ] || cat >/dev/null\n')
    assert read(mac, ["dash"], uid=0)["receipts"]["text"].count("<key>pkgid</key>") == 2


def test_a_history_in_its_binary_form_is_told_as_xml(mac: Path) -> None:
    (mac / "history.plist").rename(mac / "history.xml")
    (mac / "history.plist").write_bytes(b"bplist00\xff\x00")
    (mac / "bin" / "plutil").write_text('#!/bin/sh\nexec cat "${HISTORY%.plist}.xml"\n')
    assert inventory_of(read(mac, ["dash"], uid=0)).findings["homebrew"]


def test_a_history_that_is_not_there_has_a_code_of_its_own(mac: Path) -> None:
    (mac / "history.plist").unlink()
    assert read(mac, ["dash"], uid=0)["history"] == {"code": 66, "text": ""}


def test_a_sentence_on_standard_error_has_a_section_of_its_own(mac: Path) -> None:
    text = '#!/bin/sh\necho "Software Update Tool"\necho "No new software available." >&2\n'
    (mac / "bin" / "softwareupdate").write_text(text)
    sections = read(mac, ["dash"], uid=0)
    assert sections["updates"]["text"] == "Software Update Tool\n"
    assert sections["updates_errors"]["text"] == "No new software available.\n"
    assert [each for each in inventory_of(sections).candidates if each["classification"] == "softwareupdate"] == []


def test_without_timeout_the_clock_of_perl_ends_a_list_that_hangs(mac: Path) -> None:
    if shutil.which("perl") is None:
        pytest.skip("no perl here")
    for name in ("awk", "cat", "cut", "date", "df", "env", "find", "grep", "head", "id", "mktemp", "perl", "readlink",
                 "rm", "sed", "sh", "sleep", "uname"):  # fmt: skip
        program = shutil.which(name)
        assert program is not None
        (mac / "bin" / name).symlink_to(program)
    (mac / "bin" / "softwareupdate").write_text("#!/bin/sh\nexec sleep 60\n")
    sections = read(mac, ["/bin/dash"], uid=0, path=str(mac / "bin"), refresh_timeout="1", brew_path=str(mac / "none"))
    assert sections["updates"] == {"code": 142, "text": ""}
    with pytest.raises(PatchError, match="did not end in time"):
        inventory_of(sections)


def test_a_real_homebrew_is_understood(mac: Path) -> None:
    brew = os.environ.get("OPENFLEET_HOMEBREW")
    if brew is None:
        pytest.skip("OPENFLEET_HOMEBREW names no brew; what 4.4.32 printed stands in for it")
    sections = read(mac, ["dash"], uid=os.getuid(), owner=None, brew_path=brew, refresh="never")
    inventory = inventory_of(sections)
    assert inventory.findings["homebrew"]["path"] == brew, inventory.warnings
    for kind in ("formula", "cask"):
        listed = {line.split()[0] for line in sections[f"brew_list_{kind}"]["text"].splitlines()}
        assert {each["name"] for each in inventory.installed if each["kind"] == kind} == listed
