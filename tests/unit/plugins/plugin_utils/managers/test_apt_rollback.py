"""Plans for taking an installation back with apt: exact versions, packages that apt kept, and a guard around apt."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import FileArgument, Target
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt_rollback import ARCHIVES, AptRollback

CURL = Target("curl", "amd64", "1:7.88-10", "1:7.88-12", automatic=True)
DATA = Target("tzdata", "all", "2024a-0", "2024b-0")
NEW = Target("libnew", "i386", "", "1.0", automatic=True)


def planner(version: str | None = "2.6.1") -> AptRollback:
    return AptRollback(
        Inventory("DEBIAN", "Debian12", {}, {"name": "apt", "version": version}, None, "2026-11-20T00:00:00Z", True)
    )


def test_a_simulation_names_exact_versions_and_what_goes() -> None:
    [command] = planner().back_commands([[CURL, DATA, NEW]])
    assert command[command.index("install") + 1 :] == ["curl:amd64=1:7.88-10", "tzdata=2024a-0", "libnew:i386-"]
    assert {"-s", "--allow-downgrades", "--no-install-recommends", "Debug::NoLocking=true", "-y"} <= set(command)
    with pytest.raises(PatchError, match="nothing to take back"):
        planner().back_commands([[]])


def test_a_package_that_apt_kept_stands_in_for_a_version_that_no_repository_has() -> None:
    way = planner()
    [[_sh, _c, _program, _name, *words]] = way.look_commands([CURL, DATA, NEW])
    kept = f"{ARCHIVES}/curl_1%3a7.88-10_amd64.deb"
    assert words == [
        kept, "curl", "1:7.88-10", "amd64", "curl:amd64=1:7.88-10",
        f"{ARCHIVES}/tzdata_2024a-0_all.deb", "tzdata", "2024a-0", "all", "tzdata=2024a-0",
    ]  # fmt: skip
    way.note_looks([CURL, DATA], [(0, f"{kept}\n/etc/passwd\n")])
    assert kept in way.back_commands([[CURL, DATA]])[0]
    assert "tzdata=2024a-0" in way.back_commands([[CURL, DATA]])[0]


def test_what_is_in_no_repository_is_named() -> None:
    output = "E: Version '1:7.88-10' for 'curl' was not found\nE: Version '2024a-0' for 'tzdata' was not found\n"
    [found] = planner().parse_backs([[CURL, DATA]], [(100, output)])
    assert found.error == f"curl 1:7.88-10, tzdata 2024a-0 is in no repository and not in {ARCHIVES} any more"
    [other] = planner().parse_backs([[CURL]], [(100, "E: Unable to correct problems, you have held broken packages.")])
    assert other.error is not None
    assert "held broken packages" in other.error


@pytest.mark.parametrize("version", ["1.0.9.8", None])
def test_an_older_apt_is_answered_once_instead_of_being_told_to_force(version: str | None) -> None:
    way = planner(version)
    assert way.look_commands([CURL]) == []
    [command] = way.back_commands([[CURL]])
    [step, _marks] = way.back_steps([CURL], transactions=[], lock_timeout=1, step_timeout=60)
    words = " ".join(word for word in (*command, *step.argv) if isinstance(word, str))
    assert not any(bad in words for bad in ("force-yes", "--allow-downgrades", "unauthenticated"))
    assert step.argv[5] == "y"


def test_marks_are_put_back_whatever_happens() -> None:
    step, marks = planner().back_steps([CURL, DATA, NEW], transactions=[4], lock_timeout=9, step_timeout=60)
    assert (step.name, step.timeout) == ("take back 3 packages, curl to libnew", 60)
    assert (marks.argv, marks.cleanup) == (("apt-mark", "auto", "curl:amd64"), True)
    [alone] = planner().back_steps([DATA], transactions=[], lock_timeout=9, step_timeout=60)
    assert alone.name == "take back tzdata 2024b-0"


APT = """\
#!/bin/sh
echo "$@" >>{folder}/calls
case " $* " in
    *' -s '*) cat {folder}/announced; exit "$(cat {folder}/code)" ;;
    *' -y '*) exit 0 ;;
esac
read -r answer && echo "answered $answer" >>{folder}/calls
! read -r answer || echo "answered twice" >>{folder}/calls
"""


class Acting:
    """Runs a step's own shell program with stand-ins for dpkg and apt-get in its path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in (("apt-get", APT.format(folder=folder)), ("dpkg", "#!/bin/sh\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def run(self, targets: list[Target], announced: str, *, code: int = 0, version: str = "2.6.1") -> tuple[int, str]:
        (self.folder / "announced").write_text(announced)
        (self.folder / "code").write_text(str(code))
        (self.folder / "calls").write_text("")
        step = planner(version).back_steps(targets, transactions=[], lock_timeout=9, step_timeout=60)[0]
        words = []
        for word in step.argv:
            if isinstance(word, FileArgument):
                (self.folder / word.name).write_bytes(word.content)
                words.append(str(self.folder / word.name))
            else:
                words.append(word)
        environment = {"PATH": f"{self.folder}:/usr/bin:/bin", **step.environment}
        done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
        return done.returncode, done.stdout + done.stderr

    @property
    def acted(self) -> list[str]:
        return [line for line in (self.folder / "calls").read_text().splitlines() if " -s " not in f" {line} "]


AS_PLANNED = "Inst curl [1:7.88-12] (1:7.88-10 Debian [amd64])\nRemv libnew:i386 [1.0]\nConf curl (1:7.88-10)\n"


@pytest.mark.parametrize(
    ("announced", "code", "ends"),
    [
        (AS_PLANNED, 0, 0),
        # After a power cut a part is done already.
        ("Remv libnew:i386 [1.0]\n", 0, 0),
        ("", 0, 0),
        (f"{AS_PLANNED}Remv bash [5.2]\n", 0, 91),
        (f"{AS_PLANNED}Inst more (1 [amd64])\n", 0, 91),
        # What was to come may not go.
        ("Remv curl [1:7.88-12]\n", 0, 91),
        ("E: Version '1' for 'curl' was not found\n", 100, 92),
    ],
)
def test_apt_acts_only_where_it_would_do_what_was_planned(tmp_path: Path, announced: str, code: int, ends: int) -> None:
    acting = Acting(tmp_path)
    found, output = acting.run([CURL, NEW], announced, code=code)
    assert found == ends, output
    assert len(acting.acted) == (ends == 0)
    if ends == 91:
        assert "E: stopped before anything was changed" in output


def test_an_older_apt_hears_one_answer(tmp_path: Path) -> None:
    acting = Acting(tmp_path)
    assert acting.run([CURL, NEW], AS_PLANNED, version="1.0.9.8")[0] == 0
    assert acting.acted[1:] == ["answered y"]


def test_only_a_complete_package_of_that_very_version_is_found(tmp_path: Path) -> None:
    """The program that looks, over stand-ins for dpkg-deb and apt-cache."""
    [[shell, option, program, *_rest]] = planner().look_commands([DATA])
    told = "Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n"
    stand_ins: dict[str, Any] = {
        "dpkg-deb": f"printf '%s' '{told}'",
        "apt-cache": '[ "$2" != known=1 ] || echo Package: known',
    }
    for name, text in stand_ins.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "a.deb").write_text("")
    words = []
    for path, name, version, word in (
        ("a.deb", "tzdata", "2024a-0", "tzdata=2024a-0"),
        ("a.deb", "tzdata", "2024a-1", "tzdata=2024a-1"),
        ("a.deb", "tzdata", "2024a-0", "known=1"),
        ("none.deb", "tzdata", "2024a-0", "tzdata=2024a-0"),
    ):
        words += [str(tmp_path / path), name, version, "all", word]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(
        [shell, option, program, "sh", *words], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.splitlines() == [str(tmp_path / "a.deb")]
