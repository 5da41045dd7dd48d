"""What hooks make of a host's outcome, what is kept of their output, and which services a reboot cost."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance import hooks
from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.services import (
    lost,
    missing,
    parse_units,
    record,
)

FINE = {"status": "ok", "verdict": "compliant"}
WENT_WELL = "The installation itself went well: 3 packages changed."


def entry(kind: str, result: str, **more: Any) -> dict[str, Any]:
    hook = {"kind": kind, "name": "it", "how": "command", "required": more.pop("required", True)}
    return hooks.entry(hook, result=result, **more)


def test_an_outcome_without_failures_stays_as_it_is() -> None:
    entries = [entry("pre_install", "ok"), entry("after_reboot", "failed", required=False), entry("on_exit", "skipped")]
    assert hooks.outcome_with_hooks(FINE, entries, installation=WENT_WELL) == FINE


def test_a_failed_hook_fails_the_host_and_says_that_the_installation_went_well() -> None:
    entries = [entry("on_exit", "failed", exit_code=3, message="no such backend.")]
    outcome = hooks.outcome_with_hooks(FINE, entries, installation=WENT_WELL)
    assert (outcome["status"], outcome["kind"], outcome["verdict"]) == ("failed", "hook_failed", "compliant")
    assert outcome["message"] == (
        f"The on-exit hook 'it' failed (exit code 3): no such backend. {WENT_WELL} Mend it, then run again."
    )


def test_a_failed_installation_stays_what_it_was_and_the_hook_is_added() -> None:
    base = {"status": "timed_out", "kind": "timed_out", "message": "too slow"}
    outcome = hooks.outcome_with_hooks(base, [entry("on_exit", "unreachable", message="no route")], installation="")
    assert outcome == base | {"message": "too slow; and the on-exit hook 'it' met a host out of reach: no route"}


def test_only_checks_that_failed_are_told_as_such() -> None:
    check, hook = entry("after_reboot", "failed"), entry("on_exit", "timed_out")
    assert hooks.outcome_with_hooks(FINE, [check], installation="")["kind"] == "check_failed"
    assert hooks.outcome_with_hooks(FINE, [check, hook], installation="")["kind"] == "hook_failed"


def test_a_host_that_a_hook_could_not_reach_is_unreachable() -> None:
    lost_one = entry("pre_install", "unreachable", message="no route")
    outcome = hooks.outcome_with_hooks(FINE, [lost_one], installation="", host_lost=True)
    assert outcome["status"] == "unreachable"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("password=hunter2 and more", "password=*** and more"),
        ('{"token": "abc def"}', '{"token": ***}'),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ("curl https://ops:word@lb/x?key=1", "curl https://lb/x"),
        ("said S3CRET twice: S3CRET", "said *** twice: ***"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_output_is_kept_without_secrets(text: str, kept: str) -> None:
    assert hooks.kept_output(text, ["S3CRET"]) == kept


def test_the_end_of_long_output_is_kept_and_no_half_line() -> None:
    kept = hooks.kept_output("first S3CRET-at-the-cut " + "x" * 1970 + "\n" + "last" * 10)
    assert kept == "last" * 10
    assert len(hooks.kept_output("y" * 5000)) == hooks.LONGEST_OUTPUT


def test_values_called_like_secrets_are_masked() -> None:
    environment = {"DB_PASSWORD": "pw", "API_TOKEN": "tok", "LANG": "C"}
    assert set(hooks.secrets_of(environment, ["mine", ""])) == {"pw", "tok", "mine"}


@pytest.mark.parametrize(
    ("plan", "missing_count", "pending", "option", "needed"),
    [
        ({"install": ["x"], "refused": []}, 1, 0, "NoReboot", True),
        ({"install": [], "refused": ["x"]}, 0, 0, "NoReboot", True),
        ({"install": [], "refused": []}, 0, 0, "RebootIfNeeded", False),
        ({"install": [], "refused": []}, 0, 2, "RebootIfNeeded", True),
        ({"install": [], "refused": []}, 0, 2, "NoReboot", False),
    ],
)
def test_there_is_something_to_do_when_something_is_missing_or_waits_for_an_allowed_reboot(
    plan: dict[str, Any], missing_count: int, pending: int, option: str, needed: bool
) -> None:
    summary = {"missing_count": missing_count, "installed_pending_reboot_count": pending}
    assert hooks.needs_install({"summary": summary, "findings": {}}, plan, reboot_option=option) is needed


def shown(*units: tuple[str, str, str, str]) -> str:
    rows = [
        f"Type=simple\nId={name}\nActiveState={active}\nSubState={sub}\nUnitFileState={state}"
        for name, active, sub, state in units
    ]
    return "\n\n".join(rows) + "\n"


BEFORE = shown(
    ("ssh.service", "active", "running", "enabled"),
    ("web.service", "active", "running", "enabled"),
    ("dbus-helper.service", "active", "running", "static"),
    ("user@0.service", "active", "running", "enabled"),
    ("old.service", "failed", "failed", "enabled"),
    ("off.service", "inactive", "dead", "disabled"),
)


def test_services_that_systemd_starts_at_boot_have_to_be_back() -> None:
    before = record(parse_units(BEFORE))
    assert before == {"up": ["ssh.service", "web.service"], "failed": ["old.service"]}
    assert lost(before, parse_units(BEFORE)) == []
    after = shown(
        ("ssh.service", "active", "running", "enabled"),
        ("web.service", "activating", "auto-restart", "enabled"),
        ("old.service", "failed", "failed", "enabled"),
        ("new.service", "failed", "failed", "enabled"),
    )
    assert lost(before, parse_units(after.replace("\n", "\r\n"))) == [
        "web.service was up and is activating (auto-restart)",
        "new.service has failed",
    ]
    assert lost(before, []) == ["ssh.service was up and is not loaded", "web.service was up and is not loaded"]


def test_named_services_have_to_be_up_whatever_was_before() -> None:
    units = parse_units(BEFORE)
    assert missing(["ssh.service"], units) == []
    assert missing(["off.service", "gone.service"], units) == [
        "off.service is inactive (dead)",
        "gone.service is not loaded",
    ]
