"""Debian 8's extra steps: which bytes of the source lists change, which steps are planned, what apt's refusals mean."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.changes import FileArgument
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers import apt_debian8
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt_debian8 import KEY_PATH, SourceFile

LIST = "/etc/apt/sources.list.d/x.list"
STANZAS = "/etc/apt/sources.list.d/x.sources"


def inventory(**more: object) -> Inventory:
    known: dict[str, object] = {
        "operating_system": "DEBIAN",
        "product": "Debian8",
        "os": {"version": "8"},
        "manager": {"name": "apt"},
        "interpreter": None,
        "collected_at": "2026-01-01T00:00:00Z",
        "privileged": True,
    }
    return Inventory(**{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    [
        b"deb http://http.debian.net/debian jessie-backports main",
        b"deb-src http://http.debian.net/debian jessie-backports main contrib",
        b" \tdeb\t\thttp://x/debian\t jessie-backports\tmain non-free \t",
        b"deb [arch=amd64] http://x/debian jessie-backports main",
        b"deb [ arch=amd64,i386 signed-by=/a/b.gpg ] http://x/debian jessie-backports main",
        b"deb http://x/debian jessie-backports main # from the wiki",
        b"deb http://x/debian jessie-backports main\r",
        b"deb http://x/debian jessie-backports#main",
        b'deb "http://x/a b" "jessie-backports" main',
        b"deb cdrom:[Debian GNU/Linux 8.11.1 _Jessie_ - Official amd64 DVD]/ jessie-backports main",
        b"deb http://x/debian jessie-backports",
    ],
)
def test_an_active_entry_of_the_suite_is_commented_out_and_keeps_its_bytes(line: bytes) -> None:
    around = b"# head\n\ndeb http://x/debian jessie main\n"
    for end in (b"", b"\n", b"\nlast \xff\xfe"):
        edited = SourceFile(LIST, around + line + end).without_backports
        assert edited == around + b"# " + line + end


@pytest.mark.parametrize(
    "line",
    [
        b"# deb http://x/debian jessie-backports main",
        b"  #deb http://x/debian jessie-backports main",
        b"deb http://x/jessie-backports jessie main",
        b"deb http://x/debian jessie main # and jessie-backports",
        b"deb http://x/debian jessie jessie-backports",
        b"deb http://x/debian jessie-backports-sloppy main",
        b"deb http://x/debian wheezy-jessie-backports main",
        b"deb http://x/debian jessie-backports/ main",
        b"deb [jessie-backports] http://x/debian jessie main",
        b"deb [arch=amd64] jessie-backports main",
        b"rpm http://x/debian jessie-backports main",
        b"debx http://x/debian jessie-backports main",
        b"deb http://x/#debian jessie-backports main",
        b"deb\nhttp://x/debian jessie-backports main",
    ],
)
def test_every_other_line_stays(line: bytes) -> None:
    assert SourceFile(LIST, line + b"\n").without_backports == line + b"\n"


@given(
    st.lists(
        st.sampled_from(
            [b"deb ", b"deb-src\t", b"[a=b] ", b"jessie-backports", b" ", b"http://x ", b"#", b"\n", b'"', b"[", b"]"]
        )
    )
)
def test_an_edit_only_ever_puts_comment_marks_before_lines_and_is_done_after_one_round(words: list[bytes]) -> None:
    content = b"".join(words)
    edited = SourceFile(LIST, content).without_backports
    assert SourceFile(LIST, edited).without_backports == edited
    assert len(edited.split(b"\n")) == len(content.split(b"\n"))
    for before, after in zip(content.split(b"\n"), edited.split(b"\n"), strict=True):
        assert after in (before, b"# " + before)
        assert after == before or before.lstrip().startswith(b"deb")


def test_a_long_hostile_line_is_judged_at_once() -> None:
    content = b"deb " + b"[" * 50_000 + b'"' * 50_000 + b"a" * 100_000 + b" jessie-backports"
    assert SourceFile(LIST, content).without_backports == content


def test_a_deb822_stanza_of_the_suite_alone_becomes_a_comment() -> None:
    keep = b"Types: deb\nURIs: http://x\nSuites: jessie\nComponents: main\n"
    gone = b"types: deb\n# why\nURIs: http://x\nSUITES:\n jessie-backports\nComponents: main"
    edited = SourceFile(STANZAS, keep + b"\n" + gone).without_backports
    told = b"# types: deb\n# why\n# URIs: http://x\n# SUITES:\n#  jessie-backports\n# Components: main"
    assert edited == keep + b"\n" + told


def test_a_deb822_stanza_of_several_suites_keeps_the_others() -> None:
    head, tail = b"Types: deb\nURIs: http://x\nComponents: main\n", b"\nTypes: deb\n"
    content = head + b"Suites: jessie jessie-backports\n\tjessie-updates\n" + tail
    told = b"# Suites: jessie jessie-backports\n# \tjessie-updates\nSuites: jessie jessie-updates\n"
    assert SourceFile(STANZAS, content).without_backports == head + told + tail
    cut = SourceFile(STANZAS, b"Suites: jessie jessie-backports").without_backports
    assert cut == b"# Suites: jessie jessie-backports\nSuites: jessie"


@pytest.mark.parametrize(
    "content",
    [
        b"Enabled: no\nSuites: jessie-backports\n",
        b"# Suites: jessie-backports\n",
        b"X: jessie-backports\n",
        b"",
        b"\n\n \n",
    ],
)
def test_deb822_that_names_no_active_source_of_the_suite_stays(content: bytes) -> None:
    assert SourceFile(STANZAS, content).without_backports == content


def line_of(path: bytes, content: bytes) -> str:
    return f"{base64.b64encode(path).decode()} {base64.b64encode(content).decode()}\n"


ACTIVE = b"deb http://x/ jessie-backports main\n"


def test_sources_come_home_byte_for_byte_whatever_their_names() -> None:
    odd = b"/etc/apt/sources.list.d/a b\n\xff'.list"
    output = line_of(odd, ACTIVE + b"\xff") + line_of(b"/etc/apt/sources.list", b"# jessie-backports\n")
    [found] = apt_debian8.parse_sources(0, output)
    assert (found.path.encode("utf-8", "surrogateescape"), found.content) == (odd, ACTIVE + b"\xff")


@pytest.mark.parametrize(
    ("code", "output"),
    [
        (1, "x is too large"),
        (0, "no base64!\n"),
        (0, "YQ== YQ== YQ==\n"),
        (0, line_of(b"/etc/passwd", ACTIVE)),
        (0, line_of(b"/etc/apt/sources.list.d/../../passwd", ACTIVE)),
        (0, line_of(b"/etc/apt/sources.list.d/\0", ACTIVE)),
    ],
)
def test_an_answer_that_is_not_understood_is_refused(code: int, output: str) -> None:
    with pytest.raises(PatchError) as caught:
        apt_debian8.parse_sources(code, output)
    assert caught.value.kind == "bad_answer"


def test_everything_that_a_bracket_changes_is_named_for_its_undo() -> None:
    [comment, key] = apt_debian8.bracket_steps([SourceFile(LIST, ACTIVE)], b"KEY")
    assert comment.undo_files == (LIST, LIST + ".openfleet-new")
    assert key.undo_files == (KEY_PATH,)
    assert [word.content for word in comment.argv if isinstance(word, FileArgument)] == [ACTIVE, b"# " + ACTIVE]
    assert FileArgument("signing-key", b"KEY") in key.argv
    assert [step.name for step in apt_debian8.bracket_steps([], b"KEY")] == ["import the signing key"]


def run_step(argv: tuple[object, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    """A planned step, its files written to a folder and its paths moved there."""
    words = []
    for word in argv:
        if isinstance(word, FileArgument):
            path = folder / word.name
            path.write_bytes(word.content)
            words.append(str(path))
        else:
            words.append(str(word).replace("/var/lib/apt", f"{folder}/apt"))
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_the_edit_keeps_owner_and_mode_may_be_repeated_and_spares_a_file_that_changed(tmp_path: Path) -> None:
    target = tmp_path / "real.list"
    target.write_bytes(ACTIVE)
    target.chmod(0o604)
    link = tmp_path / "link.list"
    link.symlink_to(target)
    [step, _key] = apt_debian8.bracket_steps([SourceFile(str(link), ACTIVE)], b"")
    for _time in range(2):
        assert run_step(step.argv, tmp_path).returncode == 0
        assert link.read_bytes() == b"# " + ACTIVE
        assert (link.is_symlink(), link.stat().st_mode & 0o777) == (False, 0o604)
    assert target.read_bytes() == ACTIVE
    link.write_bytes(b"another\n")
    done = run_step(step.argv, tmp_path)
    assert (done.returncode, link.read_bytes()) == (1, b"another\n")
    assert "changed after it was read" in done.stdout


@pytest.mark.parametrize(
    ("code", "said", "ends"),
    [(0, "Hit:1 x", 0), (0, "W: GPG error: x", 100), (100, "E: x", 100), (7, "", 100)],
)
def test_a_refresh_that_failed_leaves_no_sign_of_a_fresh_list(code: int, said: str, ends: int, tmp_path: Path) -> None:
    partial = tmp_path / "apt" / "lists" / "partial"
    partial.mkdir(parents=True)
    tool = tmp_path / "apt-get"
    tool.write_text(
        f'#!/bin/sh\ntouch "{partial}/x"; rm "{partial}/x"; touch "{partial.parent}"\necho "{said}"\nexit {code}\n'
    )
    tool.chmod(0o755)
    for folder in (partial, partial.parent):
        subprocess.run(["touch", "-d", "2020-01-01 00:00:00.5 UTC", str(folder)], check=True)
    before = [folder.stat().st_mtime_ns for folder in (partial, partial.parent)]
    steps = apt_debian8.prepare_steps(inventory(), accept_expired_release=False, lock_timeout=1, step_timeout=60)
    argv = tuple(str(tool) if word == "apt-get" else word for word in steps[0].argv)
    done = run_step(argv, tmp_path)
    assert (done.returncode, done.stdout.strip()) == (ends, said)
    assert ([folder.stat().st_mtime_ns for folder in (partial, partial.parent)] == before) is (ends != 0)


def words_of(steps: list[apt_debian8.CommandStep]) -> str:
    return " ".join(str(word) for step in steps for word in step.argv if not isinstance(word, FileArgument))


def test_only_valid_until_is_ever_passed_over() -> None:
    for accept in (True, False):
        words = words_of(
            apt_debian8.prepare_steps(inventory(), accept_expired_release=accept, lock_timeout=1, step_timeout=60)
        )
        assert ("Acquire::Check-Valid-Until=false" in words) is accept
        assert not re.search(
            r"allow-unauthenticated|allow-insecure|AllowUnauth|AllowInsecure|force-yes|trusted=", words, re.I
        )


def test_python3_apt_is_left_alone_when_held_and_keeps_its_automatic_mark() -> None:
    held = inventory(holds=[{"name": "python3-apt", "kind": "hold"}])
    marked = inventory(installed=[{"name": "python3-apt", "automatic": True}])
    options = {"accept_expired_release": False, "lock_timeout": 1, "step_timeout": 60}
    assert "python3-apt" not in words_of(apt_debian8.prepare_steps(held, **options))  # type: ignore[arg-type]
    names = [step.name for step in apt_debian8.prepare_steps(marked, **options)]  # type: ignore[arg-type]
    assert names == [apt_debian8.UPDATE_STEP, apt_debian8.API_STEP, "put the automatic mark back"]
    missing = apt_debian8.prepare_steps(None, **options)  # type: ignore[arg-type]
    assert [step.name for step in missing] == [apt_debian8.UPDATE_STEP, apt_debian8.API_STEP]


INVALID = "W: GPG error: http://x jessie InRelease: The following signatures were invalid: "
REFUSALS = {
    INVALID + "EXPKEYSIG EDA0D2388AE22BA9 Debian Security": "expired_signing_key",
    INVALID + "KEYEXPIRED 1747766513": "expired_signing_key",
    INVALID + "BADSIG AA8E81B4331F7F50 Debian Security": "bad_signature",
    "W: GPG error: http://x jessie: the public key is not available: NO_PUBKEY EDA0D2388AE22BA9": "unknown_signing_key",
    "W: Failed to fetch http://x/dists/jessie-updates/main/Packages  404  Not Found [IP: 1]": "archive_moved",
    "E: The repository 'http://x jessie Release' no longer has a Release file.": "archive_moved",
    "E: Release file for http://x/InRelease is expired (invalid since 2d 3h). Updates": "expired_release",
    "E: Release file expired, ignoring http://x/Release (invalid since 2d)": "expired_release",
    "E: The repository 'http://x jessie InRelease' is not signed.": "unsigned_repository",
}


@pytest.mark.parametrize(("line", "kind"), REFUSALS.items())
def test_each_refusal_of_apt_is_told_with_what_to_set(line: str, kind: str) -> None:
    assert [each["kind"] for each in apt_debian8.advice(apt_debian8.update_errors("Ign x\n" + line + "\n"))] == [kind]


def test_other_errors_get_no_advice_and_passwords_stay_home() -> None:
    errors = apt_debian8.update_errors(
        "W: Failed https://me:word@x/y\nW: Failed https://me:word@x/y\nE: Some index files failed to download. They"
    )
    assert errors == ["W: Failed https://x/y"]
    assert apt_debian8.advice(errors) == []


def test_debian_8_is_told_from_its_neighbours() -> None:
    assert apt_debian8.is_debian_8(inventory())
    assert not apt_debian8.is_debian_8(inventory(os={"version": "80"}))
    assert not apt_debian8.is_debian_8(inventory(operating_system="RASPBIAN"))
    assert not apt_debian8.is_debian_8(inventory(os={"version": None}))
    assert apt_debian8.is_debian_8_text('NAME="x"\nID=debian\nVERSION_ID="8"\n')
    assert not apt_debian8.is_debian_8_text('ID=debian\nVERSION_ID="12"\n')
    assert not apt_debian8.is_debian_8_text('ID=ubuntu\nVERSION_ID="8"\n')


def test_the_listing_finds_every_file_that_names_the_suite(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_bytes(ACTIVE)
    (parts / "a b.list").write_bytes(ACTIVE)
    (parts / "none.list").write_text("deb http://x jessie main\n")
    (parts / "folder").mkdir()
    (parts / "gone.list").symlink_to(tmp_path / "nowhere")
    shell, flag, script = apt_debian8.sources_command()
    moved = script.replace("/etc/apt", str(tmp_path))
    assert shutil.which("base64")
    done = subprocess.run([shell, flag, moved], capture_output=True, text=True, check=True)
    output = "".join(
        line_of(b"/etc/apt" + base64.b64decode(path)[len(str(tmp_path)) :], base64.b64decode(content))
        for path, content in (line.split(" ") for line in done.stdout.splitlines())
    )
    paths = [file.path for file in apt_debian8.parse_sources(done.returncode, output)]
    assert paths == ["/etc/apt/sources.list", "/etc/apt/sources.list.d/a b.list"]
