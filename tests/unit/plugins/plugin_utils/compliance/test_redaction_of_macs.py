"""Of a Mac nothing is shown that a company publishes for itself, nor whose Homebrew is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.redaction import redact

GOLDEN = Path(__file__).resolve().parents[4] / "golden" / "macos-outputs"
RECEIPT = (GOLDEN / "pkgutil-pkg-info.com.apple.pkg.MobileAssets.plist").read_text()
SECTIONS = {
    "history": (GOLDEN / "InstallHistory.14.4-sonoma.plist").read_text(),
    "receipts": RECEIPT + RECEIPT.replace("com.apple.pkg.MobileAssets", "example.payroll"),
    "brew": "state=ready\npath=/opt/homebrew/bin/brew\nowner=jdoe\n",
    "brew_taps": "homebrew/core\nacme/payroll\n",
    "brew_outdated_formula": '{"formulae": [{"name": "acme/payroll/agent"}, {"name": "homebrew/core/wget"}]}',
    "updates": (GOLDEN / "softwareupdate-list.26.6-tahoe-safari-minor-major.txt").read_text(),
}


def shown(**sections: str) -> dict[str, str]:
    result = {"sections": {name: {"code": 0, "text": text} for name, text in sections.items()}}
    found = redact({"reader": "macos", "result": result}, names=[])["result"]["sections"]
    return {name: section["text"] for name, section in found.items()}


def test_what_is_apples_stays_and_what_is_others_goes() -> None:
    found = shown(**SECTIONS)
    text = json.dumps(found)
    assert [word for word in ("WhatsApp", "example.payroll", "jdoe", "acme/") if word in text] == []
    assert found["updates"] == SECTIONS["updates"]
    assert found["receipts"] == RECEIPT
    assert found["brew_taps"] == "homebrew/core\nprivate/tap\n"
    assert json.loads(found["brew_outdated_formula"])["formulae"] == [
        {"name": "private/tap/agent"}, {"name": "homebrew/core/wget"},
    ]  # fmt: skip
    assert "<string>macOS 14.4</string>" in found["history"]
    assert "path=/opt/homebrew/bin/brew" in found["brew"]


@pytest.mark.parametrize("text", ["", "<plist>", "no plist", '<plist version="1.0"><string>jdoe</string></plist>'])
def test_a_history_that_cannot_be_read_is_not_shown_at_all(text: str) -> None:
    assert shown(history=text)["history"] == "a history that cannot be read"


HOSTILE = {
    "machine": "now=1\nboot_session=0A1B2C3D-0000-4000-8000-00000000BEEF\n",
    "history": """<plist version="1.0"><array>
        <dict><key>date</key><date>2026-11-01T00:00:00Z</date><key>displayName</key><string>Payroll</string>
        <key>installedBy</key><string>jdoe</string><key>processName</key><string>AcmeDeployAgent</string></dict>
        <dict><key>date</key><date>2026-11-01T00:00:00Z</date><key>displayName</key><string>Safari</string>
        <key>comment</key><string>Payroll</string><key>processName</key><string>softwareupdated</string></dict>
        </array></plist>""",
    "receipts": RECEIPT.replace("com.apple.pkg.MobileAssets", "example.payroll").replace(
        "/System/Volumes/Data", "com.apple.x/Users/jdoe"
    ),
    "updates_errors": "2026-11-20 softwareupdate[1:2] Janes-MBP.local: Serial Number (system): C02XK1ABJGH5, "
                      '"serialNumber" = "C02XK1ABJGH5" at /Users/Jane Doe/Library/x and /Volumes/Janes Disk/y\n',
    "brew": "state=ready\npath=/Users/jdoe/homebrew/bin/brew\nowner=jdoe\n",
    "brew_taps": "homebrew/core\nacme/payroll\n",
    "brew_update_errors": "sudo: jdoe may not; fatal: could not read Password for 'https://jdoe:hunter2@git.acme.example'\n",
    "brew_outdated_formula": '{"formulae": [{"name": "acme/payroll/agent"}, {"name": "wget"}], "casks": []}',
    "brew_list_formula": "agent 1.0\npayroll-tool 2.0\nwget 1.0\n",
    "brew_list_formula_errors": "Warning: payroll-tool has no formula\n",
}  # fmt: skip


def test_names_of_users_machines_and_companies_go_wherever_they_stand() -> None:
    found = shown(**HOSTILE)
    text = json.dumps(found)
    secrets = ("jdoe", "Jane", "hunter2", "acme", "Acme", "ayroll", "C02XK1ABJGH5", "BEEF", "agent", "Disk")
    assert [word for word in secrets if word in text] == []
    assert "wget 1.0" in found["brew_list_formula"]
    assert "<string>Safari</string>" in found["history"]


def test_where_all_taps_are_homebrews_own_names_of_formulae_stay() -> None:
    found = shown(brew_taps="homebrew/core\n", brew_list_formula="payroll-tool 2.0\n")
    assert found["brew_list_formula"] == "payroll-tool 2.0\n"
