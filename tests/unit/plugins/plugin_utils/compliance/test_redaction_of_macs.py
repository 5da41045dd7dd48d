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
