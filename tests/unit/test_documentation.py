"""The pages for people name what is there: links, variables, playbooks, roles, tasks and rooms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.role_variables import HANDED_OVER, role_variables

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
ROLES = sorted((ROOT / "roles").glob("*/README.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS, *ROLES, *sorted((ROOT / "tests").glob("*/README.md"))]
PLAYBOOKS = sorted((ROOT / "playbooks").rglob("*.yml"))
VARIABLE = re.compile(r"\bpatch_[a-z0-9_]+")
GIVEN = {"patch_wave_hosts", "patch_window_task", "patch_hook_state"}
"""What the playbooks give to task files of the user."""
OF_HOSTS = {"patch_failure_domain"}
"""What a task looks up for all hosts by itself."""
OTHER_WORDS = {"patch_evidence", "patch_id", "patch_now", "patch_set"}
"""Names and values that only look like variables."""
BETWEEN_TASKS = {"patch_healthy_wave"}
"""What one task of a playbook tells another."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def headings(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in found}


def links(page: Path) -> list[tuple[Path, str]]:
    """File and anchor of every link that stays in the repository."""
    found = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text(encoding="utf-8"))
    return [((page.parent / path).resolve() if path else page, anchor) for path, anchor in found if ":" not in path]


def variables_of_playbooks() -> set[str]:
    return (
        {
            name
            for path in PLAYBOOKS
            for braces in re.findall(r"\{\{.*?\}\}", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            for name in VARIABLE.findall(braces)
        }
        - BETWEEN_TASKS
        - GIVEN
    )


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, anchor in links(page):
        assert path.exists(), path
        assert not anchor or path.suffix != ".md" or anchor in headings(path), f"{path.name}#{anchor}"


def test_every_page_can_be_found_from_the_readme() -> None:
    linked = {path for path, _anchor in links(ROOT / "README.md")}
    assert [page.name for page in DOCS if page not in linked] == []


def test_pages_name_no_variable_that_nothing_reads() -> None:
    known = set(role_variables()) | HANDED_OVER | variables_of_playbooks() | GIVEN | OF_HOSTS | OTHER_WORDS
    named = {name: page.name for page in PAGES for name in VARIABLE.findall(page.read_text(encoding="utf-8"))}
    assert {name: page for name, page in named.items() if name not in known} == {}


def test_every_variable_that_a_playbook_reads_is_told_of() -> None:
    told = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert sorted(variables_of_playbooks() - set(VARIABLE.findall(told))) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_playbooks_roles_and_tasks_that_are_named_exist(page: Path) -> None:
    """Beside them there are the Python package and the action group."""
    there = {path.stem for kind in ("playbooks", "plugins/action") for path in (ROOT / kind).iterdir()}
    there |= {path.parent.name for path in ROLES}
    named = set(re.findall(r"\bopenfleet\.patch\.([a-z0-9_]+)", page.read_text(encoding="utf-8")))
    assert named <= there | {"plugins", "patch"}


def test_the_architecture_names_every_room() -> None:
    rooms = {path.name for path in (ROOT / "plugins" / "plugin_utils").iterdir() if path.is_dir()} - {"__pycache__"}
    drawing = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    assert set(re.findall(r"^ +[├└]─ (\w+)", drawing, flags=re.MULTILINE)) == rooms
