"""Override lists and snapshots are judged before a host is touched, each problem with its file and its place."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.digests import canonical_digest
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.selection_check import Kind, selection_errors

GOOD = {"patches": [{"id": "openssl.x86_64"}]}
CONTENT = {
    "format": "openfleet.patch snapshot 1", "frozen_at": "2026-11-20T00:00:00Z", "comment": "", "runs": [],
    "baselines": [],
    "systems": [{"operating_system": "DEBIAN", "product": "Debian12", "hosts": {}, "approved": [], "pulled_in": []}],
}  # fmt: skip
SNAPSHOT = {**CONTENT, "digest": canonical_digest(CONTENT), "signed_off_by": "somebody"}
FILES: dict[str, Any] = {
    "good.yml": GOOD,
    "empty.yml": None,
    "typo.yml": {"patches": [{"id": 7}, {"cve": "2026-1"}]},
    "frozen.yml": SNAPSHOT,
    "edited.yml": {**SNAPSHOT, "comment": "another one"},
    "torn.yml": {**SNAPSHOT, "systems": [{**CONTENT["systems"][0], "approved": ["openssl"]}]},  # type: ignore[index]
}


def read(source: str, kind: Kind) -> tuple[Any, str]:
    if source not in FILES:
        raise PatchError(kind.error, f"The {kind.what} {source} cannot be read: no such file.")
    return FILES[source], f"/lists/{source}"


def told(**variables: Any) -> list[str]:
    values = {f"patch_{name}": value for name, value in variables.items()}
    return [
        f"{each['where']}: {each['message']}"
        for error in selection_errors(values, read)
        for each in error.details["problems"]
    ]


def test_what_is_right_or_not_set_has_no_problems() -> None:
    assert told() == told(install_override_list="", snapshot=None) == []
    assert told(install_override_list=GOOD) == told(install_override_list="good.yml") == []
    assert told(snapshot="frozen.yml", snapshot_unavailable="report") == []


def test_problems_of_a_list_are_told_with_their_places() -> None:
    wrong = [": must be a non-empty string", ": must be like CVE-2026-1234, not '2026-1'"]
    places = (".patches[0].id", ".patches[1].cve")
    for given, name in ((FILES["typo.yml"], ""), ("typo.yml", " (/lists/typo.yml)")):
        lines = told(install_override_list=given)
        assert len(lines) == 2
        for line, place, words in zip(lines, places, wrong, strict=True):
            assert line.startswith(f"patch_install_override_list{name}{place}{words}")
    assert told(install_override_list=["openssl"])[0].startswith("patch_install_override_list: must be a mapping")
    [line] = told(install_override_list="empty.yml")
    assert line.startswith("patch_install_override_list (/lists/empty.yml): is empty")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("edited.yml", "patch_snapshot (/lists/edited.yml): changed after it was frozen"),
        ("torn.yml", "patch_snapshot (/lists/torn.yml).systems[0].approved[0]: must have name, arch and version"),
        ("good.yml", "patch_snapshot (/lists/good.yml): it is no snapshot"),
        ("none.yml", "patch_snapshot: The snapshot none.yml cannot be read"),
    ],
)
def test_problems_of_a_snapshot_are_told_with_their_places(file: str, line: str) -> None:
    [found] = told(snapshot=file)
    assert found.startswith(line)


def test_one_host_follows_one_of_them_and_everything_is_told_at_once() -> None:
    lines = told(install_override_list="typo.yml", snapshot="edited.yml")
    assert [line.partition(":")[0] for line in lines] == [
        "patch_install_override_list",
        "patch_install_override_list (/lists/typo.yml).patches[0].id",
        "patch_install_override_list (/lists/typo.yml).patches[1].cve",
        "patch_snapshot (/lists/edited.yml)",
    ]
