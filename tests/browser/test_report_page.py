"""The HTML report in a real Chromium: no network, no message on the console, searchable, sortable, axe-core clean."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reports_for_tests import HOSTILE, report

from ansible_collections.openfleet.patch.plugins.plugin_utils.report.html_page import html_page

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / ".cache" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
WAYS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
}


def needed() -> str:
    """What is missing, as a reason to skip; with CI set that is a failure."""
    missing = [] if shutil.which("chromium") else ["chromium (Debian's package)"]
    try:
        import playwright  # noqa: F401
    except ImportError:
        missing.append("playwright (requirements-browser.txt)")
    if not AXE.exists():
        missing.append("axe-core (tests/tools/browser.sh .cache/browser)")
    return ", ".join(missing)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    missing = needed()
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed: {missing}", pytrace=False)
    if missing:
        pytest.skip(f"not installed: {missing}")
    from playwright.sync_api import sync_playwright

    # Chromium's own sandbox cannot be set up by root; the page is ours and loads nothing.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text("".join(html_page(report())), encoding="utf-8")
    return path.as_uri()


class Opened:
    """A page, what it asked for and what it said."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.page = browser.new_context(**options).new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)

    def rows(self, table: str) -> list[str]:
        """The first cells of the rows that are shown."""
        return [each.inner_text() for each in self.page.locator(f"#{table}-table button[data-row]").all()]


@pytest.mark.parametrize("way", WAYS)
def test_it_opens_from_disk_says_nothing_and_fits(chromium: Any, address: str, way: str) -> None:
    opened = Opened(chromium, address, offline=True, **WAYS[way])
    assert len(opened.rows("hosts")) == 7
    assert (opened.said, opened.asked) == ([], [address])
    width = opened.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width == 0


@pytest.mark.parametrize("way", WAYS)
def test_axe_finds_nothing(chromium: Any, address: str, way: str) -> None:
    # The page's own policy forbids any other script: for axe alone it is left out.
    opened = Opened(chromium, address, bypass_csp=True, **WAYS[way])
    opened.page.locator("#hosts-table button[data-row]").first.click()
    opened.page.locator("#patches-table button[data-row]").first.click()
    opened.page.locator("details summary").first.click()
    opened.page.add_script_tag(path=str(AXE))
    found = opened.page.evaluate("axe.run()")
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
    assert len(found["passes"]) > 20


def test_axe_would_find_something(chromium: Any) -> None:
    page = chromium.new_context().new_page()
    page.set_content("<html><body><img src='x'><input></body></html>")
    page.add_script_tag(path=str(AXE))
    assert page.evaluate("axe.run()")["violations"]


def test_hosts_are_searched_filtered_and_sorted(chromium: Any, address: str) -> None:
    opened = Opened(chromium, address)
    page = opened.page
    page.get_by_label("Search hosts").fill("never")
    assert opened.rows("hosts") == ["never"]
    assert page.locator("#hosts-count").inner_text() == "1 of 7 hosts"
    page.get_by_label("Search hosts").fill("")
    page.locator("#hosts-controls").get_by_label("Patch group").select_option("db")
    assert sorted(opened.rows("hosts")) == ["lost", "old", "unread"]
    page.locator("#hosts-controls").get_by_label("Patch group").select_option("")
    head = page.locator("#hosts-table th").filter(has_text="Host").first
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert opened.rows("hosts") == sorted(opened.rows("hosts"))
    head.get_by_role("button").click()
    assert opened.rows("hosts") == sorted(opened.rows("hosts"), reverse=True)
    assert opened.said == []


def test_a_host_opens_by_keyboard_and_hostile_names_are_text(chromium: Any, address: str) -> None:
    opened = Opened(chromium, address)
    page = opened.page
    page.get_by_label("Search hosts").fill("calc")
    button = page.locator("#hosts-table button[data-row]").first
    assert button.inner_text() == HOSTILE
    button.focus()
    page.keyboard.press("Enter")
    again = page.locator("#hosts-table button[data-row]").first
    assert again.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.activeElement.dataset.row") == again.get_attribute("data-row")
    assert "MISSING (HIGH)" in page.locator("#hosts-table .detail").inner_text()
    assert page.locator("script").count() == 2
    assert opened.said == []


@pytest.mark.parametrize("way", WAYS)
def test_what_matters_of_a_host_is_in_sight_without_scrolling_sideways(chromium: Any, address: str, way: str) -> None:
    page = Opened(chromium, address, **WAYS[way]).page
    page.get_by_label("Search hosts").fill("lacking")
    page.locator("#hosts-table button[data-row]").first.click()
    page.get_by_label("Search patches").fill("libssl3")
    page.locator("#patches-table button[data-row]").first.click()
    width = page.evaluate("document.documentElement.clientWidth")
    missing = "Missing" if way == "phone" else "Last scan"
    seen = [page.locator("#hosts-table th").filter(has_text=missing), *page.locator(".detail li, .detail dd").all()]
    ends = [box["x"] + box["width"] for box in (each.bounding_box() for each in seen)]
    assert len(ends) > 5
    assert max(ends) <= width


def test_patches_are_found_by_cve_and_tell_their_hosts(chromium: Any, address: str) -> None:
    opened = Opened(chromium, address)
    opened.page.get_by_label("Search patches").fill("cve-2026-1234")
    assert opened.rows("patches") == ["libssl3.amd64"]
    opened.page.locator("#patches-table button[data-row]").first.click()
    assert "lacking" in opened.page.locator("#patches-table .detail").inner_text()


def test_it_prints_on_a_few_pages(chromium: Any, address: str, tmp_path: Path) -> None:
    opened = Opened(chromium, address)
    opened.page.pdf(path=str(tmp_path / "report.pdf"))
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert 1 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type/Page\n") <= 10


def test_a_thousand_hosts_filter_without_lag(chromium: Any, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "benchmarks" / "bench_report.py"), "--keep", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    page_file = tmp_path / "report.html"
    assert page_file.exists(), made.stdout + made.stderr
    opened = Opened(chromium, page_file.as_uri())
    assert opened.page.locator("#hosts-count").inner_text() == "1000 of 1000 hosts"
    seconds = opened.page.evaluate(
        """() => {
            const times = [];
            const typed = [["hosts", "host-09"], ["patches", "cve-2026-112"], ["hosts", ""], ["patches", ""]];
            for (const [table, word] of typed) {
                const input = document.querySelector(`#${table}-controls input`);
                const started = performance.now();
                input.value = word;
                input.dispatchEvent(new Event("input"));
                document.body.getBoundingClientRect();
                times.push((performance.now() - started) / 1000);
            }
            return times;
        }"""
    )
    print("seconds to filter, drawing included:", seconds)
    assert max(seconds) < 1.0
