"""The pictures of docs/reports.md, of a fleet that never was: python tests/tools/report_screenshots.py [FOLDER].

Needs what tests/browser needs (``make test-all`` installs it). Run it after the page has changed.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".cache" / "collections"), str(ROOT / "tests" / "tools")]

from documents_for_tests import FakeRun, baseline, candidate, document, installed, inventory  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.report.html_page import html_page  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.report.model import Report, ReportBuilder  # noqa: E402

NOW = "2026-11-21T06:00:00Z"
LOST = {"status": "unreachable", "message": "ssh: connect to host db9 port 22: No route to host", "at": NOW}
FIXES = {
    "libssl3": ("3.0.15-1~deb12u1", "3.0.17-1~deb12u3", "DSA-6015-1", ["CVE-2026-0287", "CVE-2026-0288"]),
    "libexpat1": ("2.5.0-1+deb12u1", "2.5.0-1+deb12u2", "DSA-6021-1", ["CVE-2026-1093"]),
    "curl": ("7.88.1-10+deb12u8", "7.88.1-10+deb12u14", "DSA-6033-1", ["CVE-2026-2210"]),
}
KERNEL = {"required": True, "reasons": [{"kind": "kernel", "detail": "6.1.0-39 runs, 6.1.0-40 is installed"}]}
PICTURES: dict[str, tuple[str | None, dict[str, Any]]] = {
    "report": (None, {"viewport": {"width": 1000, "height": 900}}),
    "report-dark": ("#hosts", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}),
    "report-phone": ("#hosts", {"viewport": {"width": 390, "height": 844}}),
}


def fix(name: str) -> dict[str, Any]:
    """A security update of the package."""
    before, after, notice, cves = FIXES[name]
    advisory = [{"id": notice, "cves": cves, "bugzillas": []}]
    dated = {"released": "2026-11-17T00:00:00Z", "released_source": "vendor"}
    return candidate(name, after, installed_version=before, advisories=advisory, **dated)


def fleet() -> Report:
    """Ten hosts: some lack patches, one waits for its reboot, one is out of reach, one was never scanned."""
    lacking = {"web3": ["libssl3", "curl"], "web5": ["libexpat1"], "db2": ["libssl3", "libexpat1", "curl"]}
    scope = {"kind": "fleet", "run_id": None, "as_of": None}
    builder = ReportBuilder(generated_at=NOW, scope=scope)
    for name in ("web1", "web2", "web3", "web4", "web5", "db1", "db2", "db3", "db9"):
        found = inventory(
            candidates=[fix(each) for each in lacking.get(name, [])],
            installed=[installed(f"package-{number}", security=True) for number in range(40)],
            **({"reboot": KERNEL} if name == "web5" else {}),
        )
        group = "web" if name.startswith("web") else "db"
        base = baseline(name=f"{group}-prod")
        made = document(f"{name}.example.com", found=found, base=base, patch_group=group)
        builder.add(made, LOST if name == "db9" else None, in_run=False)
    builder.add_missing("new1.example.com", None, in_run=False)
    counts = dict.fromkeys(builder.report.counts, 0)
    trend = [
        {
            "run_id": FakeRun.run_id,
            "as_of": NOW,
            "started_at": f"2026-11-{day:02}T06:00:00Z",
            "counts": {**counts, "compliant": 2 + day % 5, "non_compliant": 7 - day % 5, "unreachable": 1},
        }
        for day in range(1, 21)
    ]
    return builder.finish(trend=trend, problems=[])


def main(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as kept, sync_playwright() as playwright:
        page_file = Path(kept) / "report.html"
        page_file.write_text("".join(html_page(fleet())), encoding="utf-8")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for name, (part, options) in PICTURES.items():
            page = browser.new_context(**options).new_page()
            page.goto(page_file.as_uri())
            if part is None:
                page.screenshot(path=str(folder / f"{name}.png"))
                continue
            page.locator("#hosts-table button[data-row]").nth(1).click()
            page.locator(part).screenshot(path=str(folder / f"{name}.png"))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
