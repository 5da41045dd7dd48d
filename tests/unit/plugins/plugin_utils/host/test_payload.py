"""One exec: a short command line that says nothing, everything else on standard input."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import payload

SECRET = "pa'ss $(word)"


def build(**changes: Any) -> payload.Payload:
    arguments: dict[str, Any] = {
        "environment": {"http_proxy": SECRET},
        "interpreters": ["/opt/a b/python"],
        "seconds": 5,
    }
    return payload.build({"protocol": 1, "op": "hello"}, **{**arguments, **changes})


def test_the_command_line_is_short_and_safe_for_every_login_shell() -> None:
    command = build().command
    assert len(command) < 150
    assert re.fullmatch(r"/bin/sh -c '[^']*'", command)
    # csh expands "!" and cannot have newlines in quotes; fish treats backslashes in quotes differently.
    assert not set("!\n\\`") & set(command)


def test_neither_secrets_nor_the_mark_stand_on_the_command_line() -> None:
    built = build()
    assert SECRET not in built.command
    assert built.mark not in built.command
    assert b"pa'\"'\"'ss $(word)" in built.data


def test_marks_are_random() -> None:
    assert len({build().mark for _round in range(50)}) == 50


def test_the_count_on_the_command_line_ends_where_the_bytes_for_python_begin() -> None:
    built = build(readers={"x": b"READER"})
    found = re.search(r"bs=(\d+)", built.command)
    assert found
    body = built.data[int(found.group(1)) :]
    assert body.startswith(b"# GNU General Public License")
    assert body.endswith(b'{"protocol": 1, "op": "hello"}READER')


def test_the_reader_in_powershell_does_not_travel_to_posix_hosts() -> None:
    assert "windows" not in payload.shipped_readers()
    assert (payload.SCRIPTS / "windows_reader.ps1").exists()


def test_every_reader_travels_with_its_parts_in_their_order() -> None:
    assert "apt" in payload.shipped_readers()
    for name in payload.shipped_readers():
        places = [build().data.find(_without_comments(file)) for file in payload.reader_files(name)]
        assert places == sorted(places)
        assert places[0] > 0


def _without_comments(file: str) -> bytes:
    text = payload.script(file)
    if file.endswith(".py"):
        return text
    return b"".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith(b"#"))


def test_options_of_the_request_are_variables_for_readers_in_sh() -> None:
    request = {"options": {"refresh": "it's", "metadata_max_age": 5, "list": [1], "of x": "no"}}
    data = payload.build(request, environment={}, interpreters=[], seconds=5).data
    assert b"of_option_refresh='it'\"'\"'s'\n" in data
    assert b"of_option_metadata_max_age=5\n" in data
    assert data.count(b"\nof_option_") == 2


@pytest.mark.parametrize("name", ["A;id", "1A", "", "A B", "A=B", "é", "A\n"])
def test_a_name_that_no_shell_can_export_is_refused(name: str) -> None:
    with pytest.raises(PatchError) as caught:
        build(environment={name: "x"})
    assert caught.value.kind == "bad_environment"


def test_a_value_with_a_nul_byte_is_refused() -> None:
    with pytest.raises(PatchError, match="NUL"):
        build(environment={"A": "x\0y"})
