"""The Windows reader as far as it can be looked at without Windows: its form, its calls, the names in its answer."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[6]
sys.path.insert(0, str(ROOT / "tests" / "tools"))

from jsonschema import Draft202012Validator  # noqa: E402
from windows_readings import RECORDED, UPDATES, reading, update_line  # noqa: E402

SCRIPT = ROOT / "plugins" / "plugin_utils" / "host" / "scripts" / "windows_reader.ps1"
TEXT = SCRIPT.read_text(encoding="utf-8")
RESULT = reading([])["result"]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "windows_reading.schema.json").read_text(encoding="utf-8"))
# Function of the reader to what the schema calls its answer.
TABLES = {
    "Get-Reading": SCHEMA,
    "Get-SystemPart": SCHEMA["properties"]["os"],
    "Get-PolicyPart": SCHEMA["properties"]["policy"],
    "Get-RebootPart": SCHEMA["properties"]["reboot"],
    "Get-ServiceLine": SCHEMA["properties"]["services"]["items"],
    "Get-SourceLine": SCHEMA["properties"]["sources"]["items"],
    "Get-DiskLine": SCHEMA["properties"]["disk"]["items"],
    "Get-HotfixLine": SCHEMA["properties"]["hotfixes"]["items"],
    "Get-HistoryLine": SCHEMA["properties"]["history"]["items"],
    "Get-Update": SCHEMA["$defs"]["update"],
    "Get-Category": SCHEMA["$defs"]["family"],
}


def members(function: str) -> set[str]:
    """Names that the outermost table of a function answers with."""
    body = re.search(rf"^function {function}\b.*?^\}}", TEXT, re.MULTILINE | re.DOTALL)
    assert body is not None, function
    lines = [re.match(r"( *)([a-z_]+) = ", line) for line in body.group().splitlines()]
    found = [line for line in lines if line]
    depth = min(len(line.group(1)) for line in found if len(line.group(1)) >= 8)
    return {line.group(2) for line in found if len(line.group(1)) == depth}


@pytest.mark.parametrize("function", TABLES)
def test_the_reader_answers_with_the_names_of_the_schema(function: str) -> None:
    assert members(function) == set(TABLES[function]["properties"])


def test_what_the_manager_is_tested_with_keeps_to_the_schema() -> None:
    answer = json.loads((RECORDED.parent / "windows-2019" / "windows_answer.json").read_text(encoding="utf-8"))
    whole = reading([update_line(each) for each in UPDATES])["result"]
    validator = Draft202012Validator(SCHEMA)
    assert [error.message for sample in (answer["result"], whole) for error in validator.iter_errors(sample)] == []


@pytest.mark.parametrize(
    "wrong", [{"privileged": "yes"}, {"offered": None}, {"more": 1}, {"last_detection": "20.11.2026 06:12"}]
)
def test_the_schema_refuses_what_the_reader_does_not_send(wrong: dict[str, Any]) -> None:
    assert list(Draft202012Validator(SCHEMA).iter_errors({**RESULT, **wrong}))


def test_both_ends_of_a_search_have_the_same_names() -> None:
    body = TEXT.split("function Search-Update")[1].split("\nfunction ")[0]
    names = [set(re.findall(r"^ +([a-z_]+) = ", part, re.MULTILINE)) for part in body.split("criteria = ")[1:]]
    assert [each | {"criteria"} for each in names] == [set(RESULT["offered"])] * 2


# Behind an option, and refused to remote callers: a scan file is registered, searched by and taken out again.
SCAN_FILE = ("$manager.AddScanPackageService(", "$manager.RemoveService($package.ServiceID)")


@pytest.mark.parametrize(
    "call",
    ["CreateUpdateDownloader", "CreateUpdateInstaller", "BeginSearch", "AcceptEula", "AddService", "RemoveService",
     "AddScanPackage", "Set-", "Remove-", "New-Item", "Start-", "Stop-", "Restart-", "Out-File", "Add-Content",
     "Invoke-Expression", "IsHidden ="],
)  # fmt: skip
def test_the_reader_makes_no_call_that_changes_a_host_or_is_refused_to_remote_callers(call: str) -> None:
    code = "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))
    for known in SCAN_FILE:
        assert code.count(known) == 1
        code = code.replace(known, "")
    assert call not in code


def test_a_scan_file_is_registered_by_option_alone_and_taken_out_whatever_happens() -> None:
    body = TEXT.split("$package = $null")[1]
    assert body.index("if ($Options.offline_file)") < body.index(SCAN_FILE[0]) < body.index("catch")
    assert body.index("finally") < body.index(SCAN_FILE[1])


def test_the_reader_is_plain_text_that_every_code_page_agrees_on() -> None:
    assert TEXT.isascii()
    assert not [line for line in TEXT.splitlines() if line != line.rstrip() or len(line) > 120]


def test_the_reader_is_well_formed_powershell() -> None:
    tree_sitter = pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
    grammar = pytest.importorskip("tree_sitter_powershell", reason="tree-sitter-powershell is not installed")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert parser.parse(TEXT.encode()).root_node.has_error is False
    for broken in (TEXT.replace("catch {", "catch ", 1), TEXT + "\nif $x { }\n", TEXT + "\n@(1, 2\n"):
        assert parser.parse(broken.encode()).root_node.has_error is True
