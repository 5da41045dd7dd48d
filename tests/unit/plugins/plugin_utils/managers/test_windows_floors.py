"""Which Windows can be judged and patched from which ansible-core, and what the others are told."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows_floors import (
    collection_objection,
    install_objection,
    server_of,
)


def test_a_workstation_is_refused_although_a_server_has_the_same_build() -> None:
    assert server_of("10.0.17763", 3, "Microsoft Windows Server 2019").product == "WindowsServer2019"
    with pytest.raises(PatchError, match="workstation"):
        server_of("10.0.17763", 1, "Microsoft Windows 10 Enterprise LTSC")


@pytest.mark.parametrize(
    ("caption", "told"), [("Microsoft Windows 11 Pro", "Microsoft Windows 11 Pro is"), ("", "Windows 10.0.22631 is")]
)
def test_a_host_is_called_what_it_calls_itself_or_by_its_version(caption: str, told: str) -> None:
    with pytest.raises(PatchError) as caught:
        server_of("10.0.22631", 1, caption)
    assert caught.value.message.startswith(told)


@pytest.mark.parametrize(
    ("version", "powershell", "core", "told"),
    [
        ("10.0.20348", (5, 1), (2, 21), None),
        ("6.3.9600", (4, 0), (2, 18), None),
        ("6.3.9600", (4, 0), (2, 19), "Windows Management Framework 5.1"),
        ("6.2.9200", (3, 0), (2, 21), "Windows Management Framework 5.1"),
        ("6.0.6003", (3, 0), (2, 18), None),
        ("6.0.6003", (3, 0), (2, 21), "ansible-core 2.16 to 2.18"),
        ("6.1.7601", (2, 0), (2, 16), "Windows Management Framework 3.0"),
    ],
)
def test_what_an_old_server_lacks_is_told_with_the_way_out(
    version: str, powershell: tuple[int, int], core: tuple[int, int], told: str | None
) -> None:
    objection = install_objection(server_of(version, 3, "x"), powershell, core)
    assert objection is None if told is None else told in str(objection)


@pytest.mark.parametrize(
    ("version", "powershell", "told", "not_told"),
    [
        # The newest Windows Management Framework of Windows Server 2008 brings PowerShell 3.0.
        ("6.0.6003", (3, 0), "run from ansible-core 2.16 to 2.18", "Windows Management Framework"),
        ("6.0.6003", (2, 0), "has to be replaced", "run from"),
        ("6.1.7601", (2, 0), "put Windows Management Framework 5.1 on the host", "run from"),
    ],
)
def test_no_way_is_told_that_does_not_exist(
    version: str, powershell: tuple[int, int], told: str, not_told: str
) -> None:
    objection = install_objection(server_of(version, 3, "x"), powershell, (2, 21)) or ""
    assert told in objection
    assert not_told not in objection


@pytest.mark.parametrize(
    ("release", "core", "told"),
    [
        ((3, 3, 0), (2, 21), None),
        ((3, 0, 0), (2, 19), None),
        ((2, 8, 0), (2, 19), "3.0.0 or newer"),
        ((2, 8, 0), (2, 18), None),
        ((1, 14, 0), (2, 16), "2.0.0 or newer"),
        (None, (2, 21), None),
    ],
)
def test_each_ansible_core_has_its_oldest_ansible_windows(
    release: tuple[int, ...] | None, core: tuple[int, int], told: str | None
) -> None:
    objection = collection_objection(release, core)
    assert objection is None if told is None else told in str(objection)
