"""The apt reader as hosts run it: a process under each interpreter found, with a stand-in for apt_pkg."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from interpreters import find_interpreters

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import reader_source
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers import apt_answer

READER = reader_source("apt")
FAKE = Path(__file__).with_name("fake_apt")
PYTHONS = find_interpreters()
# As the loader does: joined source text with __name__ set, the request in a global or on standard input.
START = (
    "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {fake!r})\n"
    "f = open({reader!r}, 'rb'); source = f.read(); f.close()\n"
    "exec(compile(source, 'apt_reader', 'exec'), {names})"
)
READ = b'{"protocol": 1, "op": "read", "options": {"refresh": "never"}}'


def start(python: Path, root: Path, mode: str = "", request: bytes = READ, given: bool = False) -> Any:
    for folder in ("lists", "info", "parts", "updates"):
        (root / folder).mkdir(exist_ok=True)
    (root / "joined_reader.py").write_bytes(READER)
    names = {"__name__": "__main__", **({"REQUEST": request} if given else {})}
    code = START.format(fake=str(FAKE), reader=str(root / "joined_reader.py"), names=names)
    environment = {"PATH": os.environ["PATH"], "FAKE_APT_MODE": mode, "FAKE_APT_ROOT": str(root), "LC_ALL": "C"}
    return subprocess.run(
        [str(python), "-E", "-c", code],
        input=b"" if given else request, capture_output=True, env=environment, timeout=60, check=False,
    )  # fmt: skip


def answer(python: Path, root: Path, mode: str = "", request: bytes = READ, given: bool = False) -> dict[str, Any]:
    """Standard output must be one JSON object and nothing else."""
    done = start(python, root, mode, request, given)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout.decode("utf-8"))
    assert parsed["protocol"] == 1
    return parsed


every_interpreter = pytest.mark.parametrize("python", PYTHONS.values(), ids=PYTHONS.keys())
NEWEST = PYTHONS["{}.{}".format(*sys.version_info[:2])]


def test_several_interpreters_are_here() -> None:
    assert PYTHONS


@every_interpreter
@pytest.mark.parametrize("given", [False, True], ids=["request on stdin", "request given"])
def test_every_interpreter_reads_both_newer_versions_with_their_pockets(
    python: Path, given: bool, tmp_path: Path
) -> None:
    result = answer(python, tmp_path, given=given)["result"]
    rows = [dict(zip(result["candidates"]["columns"], row, strict=True)) for row in result["candidates"]["rows"]]
    archives = [[result["files"][number]["archive"] for number in row["origins"]] for row in rows]
    assert [(row["version"], archive) for row, archive in zip(rows, archives, strict=True)] == [
        ("1.2", ["jammy-updates"]), ("1.1", ["jammy-security"]),
    ]  # fmt: skip
    assert [row["apt_choice"] for row in rows] == [True, False]
    assert result["files"][0]["label"] == "Übuntu"


@every_interpreter
def test_noise_of_libraries_and_children_never_reaches_the_answer(python: Path, tmp_path: Path) -> None:
    done = start(python, tmp_path, "noise")
    assert json.loads(done.stdout.decode("utf-8"))["ok"] is True
    for noise in (b"Reading package lists", b"noise on descriptor 1", b"noise of a child"):
        assert noise in done.stderr


@every_interpreter
def test_an_error_of_apt_is_an_answer_with_its_own_words(python: Path, tmp_path: Path) -> None:
    error = answer(python, tmp_path, "fails")
    assert error["ok"] is False
    assert error["error"]["kind"] == "apt_failed"
    assert "/var/lib/dpkg/status" in error["error"]["message"]
    assert "Traceback" in error["error"]["traceback"]


@every_interpreter
def test_a_missing_library_says_which_package_to_install(python: Path, tmp_path: Path) -> None:
    error = answer(python, tmp_path, "missing")["error"]
    assert error["kind"] == "no_native_library"
    assert "python3-apt" in error["message"]


@every_interpreter
@pytest.mark.parametrize("request_bytes", [b"", b"[]", b"{", b"\xff", b'{"op": "write"}', b'{"op": ["read"]}'])
def test_a_request_that_is_none_is_answered_too(python: Path, request_bytes: bytes, tmp_path: Path) -> None:
    assert answer(python, tmp_path, request=request_bytes)["ok"] is False


@every_interpreter
def test_an_old_python_apt_that_knows_no_priority_of_versions_is_read(python: Path, tmp_path: Path) -> None:
    result = answer(python, tmp_path, "old")["result"]
    column = result["candidates"]["columns"].index("policy_priority")
    assert [row[column] for row in result["candidates"]["rows"]] == [500, 500]


def test_a_password_in_a_source_never_leaves_the_host(tmp_path: Path) -> None:
    done = start(NEWEST, tmp_path)
    assert b"secret" not in done.stdout
    assert b"https://archive.example/ubuntu" in done.stdout


def test_a_phased_update_with_a_security_fix_below_it_is_not_deferred(tmp_path: Path) -> None:
    result = answer(NEWEST, tmp_path)["result"]
    columns = result["candidates"]["columns"]
    rows = [dict(zip(columns, row, strict=True)) for row in result["candidates"]["rows"]]
    # As apt: any version between the installed one and the update that comes from a -security suite lifts phasing.
    assert [(row["phased_percentage"], row["deferred"]) for row in rows] == [(0, False), (0, False)]


# -- parts, loaded into this interpreter --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "apt_reader"}
    exec(compile(READER, "apt_reader", "exec"), names)
    return names


# Drawn by libstdc++ 12: std::seed_seq(text), std::minstd_rand, std::uniform_int_distribution<unsigned>(0, 100).
DRAWS = {
    "a": 94, "ab": 53, "abc": 18, "": 63,
    "linux-firmware-1.0-1ubuntu2-0123456789abcdef0123456789abcdef": 80,
    "systemd-1.0-1ubuntu2-0123456789abcdef0123456789abcdef": 79,
    "openssl-1.0-1ubuntu2-0123456789abcdef0123456789abcdef": 55,
}  # fmt: skip


@pytest.mark.parametrize(("text", "number"), DRAWS.items())
def test_the_lot_of_a_phased_update_is_drawn_as_apt_draws_it(reader: dict[str, Any], text: str, number: int) -> None:
    assert reader["phase_draw"](text) == number


def test_replaced_libraries_are_told_from_other_deleted_mappings(reader: dict[str, Any]) -> None:
    maps = "\n".join([
        "7f0 r-xp 0 08:01 11 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)",
        "7f0 r-xp 0 08:01 12 /usr/lib/x86_64-linux-gnu/libcrypto.so.3.dpkg-tmp (deleted)",
        "7f0 r-xp 0 08:01 13 /usr/lib/x86_64-linux-gnu/libc.so.6",
        "7f0 rw-s 0 00:01 14 /memfd:pulseaudio (deleted)",
        "7f0 rw-s 0 00:01 15 /dev/zero (deleted)",
        "7f0 rw-s 0 00:01 16 /tmp/lib/x.so (deleted)",
        "7f0 r-xp 0 08:01 17 /usr/sbin/sshd (deleted)",
    ])  # fmt: skip
    assert reader["deleted_libraries"](maps) == [
        "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "/usr/lib/x86_64-linux-gnu/libssl.so.3", "/usr/sbin/sshd",
    ]  # fmt: skip


def test_errors_of_an_update_are_its_own_lines_without_passwords(reader: dict[str, Any]) -> None:
    output = (
        "Hit:1 http://deb.example bookworm InRelease\n"
        "Err:2 http://u:secret@deb.example bookworm-updates InRelease\n"
        "W: Failed to fetch http://u:secret@deb.example/x  503  Unavailable [IP: 10.0.0.1 80]\n"
        "W: Some index files failed to download. They have been ignored, or old ones used instead.\n"
    )
    assert reader["update_errors"](output) == [
        "W: Failed to fetch http://deb.example/x  503  Unavailable [IP: 10.0.0.1 80]"
    ]


HARMLESS = (
    "W: http://deb.example/dists/x/InRelease: Key is stored in legacy trusted.gpg keyring (/etc/apt/trusted.gpg), see "
    "the DEPRECATION section in apt-key(8) for details.",
    "W: Target Packages (main/binary-amd64/Packages) is configured multiple times in /etc/apt/sources.list:1 and x:2",
    "W: Conflicting distribution: http://deb.example stable InRelease (expected stable but got bookworm)",
    "W: Architecture: all package 'filler' can't be Multi-Arch: same",
    "W: http://deb.example/dists/x/InRelease: Policy will reject signature within a year, see --audit for details",
)
FAILING = (
    "W: Failed to fetch http://deb.example/x  503  Unavailable",
    "W: GPG error: http://deb.example jessie Release: The following signatures were invalid: KEYEXPIRED 1587841717",
    "W: An error occurred during the signature verification. The repository is not updated and the previous index"
    " files will be used. GPG error: http://deb.example x InRelease: BADSIG 0000",
    "W: The repository 'http://deb.example x Release' is not signed.",
    "W: The repository 'http://deb.example x Release' does not have a Release file.",
    "E: Release file for http://deb.example/x is expired (invalid since 2d). Updates for it will not be applied.",
)


@pytest.mark.parametrize("line", HARMLESS)
def test_a_warning_about_lists_that_arrived_is_no_failed_refresh(reader: dict[str, Any], line: str) -> None:
    assert reader["update_errors"](f"Hit:1 http://deb.example bookworm InRelease\n{line}\n") == []
    # Beside a real failure nobody can tell which line belongs to it.
    failed = "W: Some index files failed to download. They have been ignored, or old ones used instead."
    assert reader["update_errors"](f"{line}\n{failed}\n") == [line]


@pytest.mark.parametrize("line", FAILING)
def test_what_apt_could_not_refresh_is_an_error_also_where_it_only_warns(reader: dict[str, Any], line: str) -> None:
    assert reader["update_errors"](f"Hit:1 http://deb.example bookworm InRelease\n{line}\n{HARMLESS[0]}\n") == [line]


@pytest.mark.parametrize(
    ("text", "deb822", "kept"),
    [
        ("deb http://a jessie main\ndeb [arch=amd64] http://a jessie-backports main\n", False,
         "deb http://a jessie main\n"),
        ("# deb http://a jessie-backports main\n", False, "# deb http://a jessie-backports main\n"),
        ("Types: deb\nURIs: http://a\nSuites: jessie jessie-backports\nComponents: main", True,
         "Types: deb\nURIs: http://a\nSuites: jessie\nComponents: main"),
        ("Types: deb\nSuites: jessie-backports", True, ""),
    ],
)  # fmt: skip
def test_a_suite_is_left_out_of_a_source_list(reader: dict[str, Any], text: str, deb822: bool, kept: str) -> None:
    assert reader["without_suites"](text, ["jessie-backports"], deb822)[0] == kept


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_an_update_that_hangs_is_stopped_with_its_children(reader: dict[str, Any]) -> None:
    process = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"], start_new_session=True)
    assert reader["wait_or_stop"](process, 0.2) is None
    assert process.returncode is not None
    until = time.monotonic() + 10
    while group_lives(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not group_lives(process.pid)


def test_a_clock_that_is_set_back_makes_no_limit_longer(
    reader: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(2_000_000_000, 1_999_000_000, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    assert reader["wait_or_stop"](process, 0.1) is None
    assert process.returncode is not None


def test_the_command_that_refreshes_is_an_argument_vector_without_a_shell(
    reader: dict[str, Any], tmp_path: Path
) -> None:
    class Workspace:
        def path(self, name: str) -> str:
            return str(tmp_path)

    command = reader["update_command"]({}, Workspace())
    assert command[0] == "apt-get"
    assert "update" in command
    assert "#clear APT::Update::Post-Invoke-Success;" in (tmp_path / "no-hooks.conf").read_text()
    assert "-c" not in reader["update_command"]({"refresh_hooks": "run"}, Workspace())


def test_the_reader_passes_on_exactly_what_the_controller_takes() -> None:
    names: dict[str, Any] = {"__name__": "apt_reader"}
    exec(compile(READER, "apt_reader", "exec"), names)
    for name, arch, version in (
        ("acme", "amd64", "1.0"), ("acme web", "amd64", "1"), ("-o=x", "all", "1"), ("a", "ri_99", "1:1.0_1~x"),
        ("a", "", "1"), ("a", "all", "v1 (beta)"), ("a", "all", "-1"), ("a" * 201, "all", "1"), ("a", "a" * 41, "1"),
        ("a", "all", "1" * 257), ("a", "all", "1\n"),
    ):  # fmt: skip
        taken = all(
            pattern.match(word)
            for pattern, word in ((apt_answer.NAME, name), (apt_answer.ARCH, arch), (apt_answer.VERSION, version))
        )
        assert bool(names["FORM"].match(f"{name} {arch} {version}")) is taken, (name, arch, version)


def test_lists_from_before_the_clock_was_set_back_are_of_unknown_age(reader: dict[str, Any], tmp_path: Path) -> None:
    config = SimpleNamespace(find_dir=lambda _name: f"{tmp_path}/lists/")
    (tmp_path / "lists" / "partial").mkdir(parents=True)
    (tmp_path / "lists" / "x_InRelease").write_text("")
    ahead = time.time() + 86400
    os.utime(tmp_path / "lists", (ahead, ahead))
    assert reader["lists_refreshed_at"](SimpleNamespace(config=config), True)[1] == str(tmp_path / "lists" / "partial")
    os.utime(tmp_path / "lists" / "partial", (ahead, ahead))
    assert reader["lists_refreshed_at"](SimpleNamespace(config=config), True) == (None, None)
