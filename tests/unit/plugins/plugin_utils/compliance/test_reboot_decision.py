"""When a host is rebooted: Patch Manager's two options, and ours."""

from __future__ import annotations

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.reboot_decision import (
    decide_reboot,
    pending_titles,
    unknown_need,
)

KERNEL = {"kind": "kernel_older_than_installed", "detail": "6.1.0-1 runs, 6.1.0-2 is installed"}


def decide(option, installed_now=0, pending=(), os_required=None, reasons=()):
    return decide_reboot(
        option, installed_now=installed_now, pending=list(pending), os_required=os_required, reasons=reasons
    )


@pytest.mark.parametrize("os_required", [True, False, None])
@pytest.mark.parametrize(
    ("installed_now", "pending", "expected"),
    [(0, [], False), (1, [], True), (7, [], True), (0, ["openssl"], True), (2, ["openssl"], True)],
)
def test_reboot_if_needed_looks_at_what_was_installed_and_never_at_the_need(
    installed_now, pending, expected, os_required
):
    reboot, _reason = decide("RebootIfNeeded", installed_now, pending, os_required, [KERNEL])
    assert reboot is expected


@pytest.mark.parametrize("installed_now", [0, 3])
@pytest.mark.parametrize("pending", [[], ["openssl"]])
@pytest.mark.parametrize("os_required", [True, False, None])
def test_no_reboot_never_reboots(installed_now, pending, os_required):
    assert decide("NoReboot", installed_now, pending, os_required, [KERNEL])[0] is False


@pytest.mark.parametrize(("os_required", "expected"), [(True, True), (False, False), (None, False)])
@pytest.mark.parametrize("installed_now", [0, 3])
def test_only_if_required_follows_the_operating_system_alone(installed_now, os_required, expected):
    assert decide("OnlyIfRequired", installed_now, ["x"] * installed_now, os_required)[0] is expected


def test_an_option_that_does_not_exist_is_no_decision():
    with pytest.raises(ValueError, match="Sometimes"):
        decide("Sometimes")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("RebootIfNeeded", 1), "This run installed 1 patch."),
        (("RebootIfNeeded", 2), "This run installed 2 patches."),
        (("RebootIfNeeded", 0, ["a", "b", "c", "d", "e"]), "Installed since the last boot: a, b, c and 2 more."),
        (("RebootIfNeeded",), "Nothing was installed by this run, and nothing waits for a reboot."),
        (("NoReboot", 2, ["a"]), "NoReboot never reboots; 2 installed patches stay pending."),
        (("NoReboot",), "NoReboot never reboots."),
        (
            ("OnlyIfRequired", 0, (), True, [KERNEL]),
            "The operating system needs a reboot: 6.1.0-1 runs, 6.1.0-2 is installed.",
        ),
        (
            ("OnlyIfRequired", 1, (), False),
            "The operating system does not need a reboot; 1 installed patch stays pending.",
        ),
        (
            ("OnlyIfRequired", 0, (), None, [{"kind": "no_interpreter", "detail": "no Python"}]),
            "Whether the operating system needs a reboot is not known (no Python), so OnlyIfRequired waits.",
        ),
    ],
)
def test_the_reason_is_a_sentence_that_says_what_was_seen(arguments, sentence):
    assert decide(*arguments)[1] == sentence


def test_an_unknown_need_is_a_warning_of_only_if_required_alone():
    warning = unknown_need("OnlyIfRequired", None)
    assert warning is not None
    assert "stays INSTALLED_PENDING_REBOOT" in warning["message"]
    assert [unknown_need("OnlyIfRequired", known) for known in (True, False)] == [None, None]
    assert [unknown_need(option, None) for option in ("RebootIfNeeded", "NoReboot")] == [None, None]


def test_pending_titles_are_those_of_the_documents_pending_entries():
    document = {
        "patches": [
            {"state": "INSTALLED_PENDING_REBOOT", "title": "openssl 3.0.2", "name": "openssl"},
            {"state": "INSTALLED", "title": "curl 8", "name": "curl"},
            {"state": "INSTALLED_PENDING_REBOOT", "title": None, "name": "zlib"},
        ]
    }
    assert pending_titles(document) == ["openssl 3.0.2", "zlib"]
    assert pending_titles({}) == []
