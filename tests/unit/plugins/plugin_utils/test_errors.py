"""What package managers repeat of a configuration goes on without its secrets, on the controller as on the host."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import without_passwords


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Cannot download https://lena:hunter2@mirror.invalid/x", "Cannot download https://mirror.invalid/x"),
        ("https://mirror.invalid/x?token=hunter2 failed", "https://mirror.invalid/x failed"),
        ("proxy_password=hunter2 in /etc/yum.conf", "proxy_password=... in /etc/yum.conf"),
        ("bad line: Password = hunter2", "bad line: Password = ..."),
        ("no secret: https://mirror.invalid/x", "no secret: https://mirror.invalid/x"),
    ],
)
def test_no_secret_is_repeated(said: str, told: str) -> None:
    assert without_passwords(said) == told
