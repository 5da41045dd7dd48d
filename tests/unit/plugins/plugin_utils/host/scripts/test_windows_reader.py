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

from ansible_collections.openfleet.patch.plugins.plugin_utils.host import windows_channel  # noqa: E402

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


def test_the_searches_ask_for_what_is_missing_and_what_is_there() -> None:
    searches = dict(re.findall(r"^ +([a-z]+) = Search-Update \$Searcher '([^']+)'$", TEXT, re.MULTILINE))
    assert searches == {name: RESULT[name]["criteria"] for name in ("offered", "present")}


def test_the_policy_of_the_host_chooses_the_server_unless_an_option_does() -> None:
    body = TEXT.split("function Get-Searcher")[1].split("\n}")[0]
    selections = re.findall(r"^ +(.*)\$searcher\.ServerSelection = (.*)$", body, re.MULTILINE)
    assert selections == [
        ("", "3"),
        ("elseif ($Options.server_selection) { ", "$Servers[[string] $Options.server_selection] }"),
    ]
    # ServerSelection of the agent: ssDefault 0, ssManagedServer 1, ssWindowsUpdate 2.
    assert "$Servers = @{ default = 0; managed_server = 1; windows_update = 2 }" in TEXT


@pytest.mark.parametrize(
    ("part", "call"),
    [("reboot.agent", "Microsoft.Update.SystemInfo"), ("agent_version", "Microsoft.Update.AgentInfo"),
     ("last_detection", "Microsoft.Update.AutoUpdate"), ("category.parent", "$Category.Parent"),
     ("sources", "Get-SourceLine"), ("history", "Get-HistoryLine"), ("disk", "Get-DiskLine"),
     ("hotfixes", "Get-HotfixLine"), ("services", "Get-ServiceLine")],
)  # fmt: skip
def test_what_may_be_refused_to_a_remote_caller_is_read_by_itself(part: str, call: str) -> None:
    block = re.search(rf"Read-Part '{re.escape(part)}' \{{(.*?)\}}", TEXT, re.DOTALL)
    assert block is not None
    assert call in block.group(1)
    assert TEXT.replace(f"function {call}", "").count(call) == 1


def test_dates_are_written_alike_whatever_the_culture_of_the_host() -> None:
    body = TEXT.split("function Format-Utc")[1].split("\n}")[0]
    assert """.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)""" in body
    dates = re.findall(r"^ +(?:date|last_deployment_change_time|booted_at|collected_at) = (\S+)", TEXT, re.MULTILINE)
    assert dates == ["Format-Utc"] * 4


def test_the_signals_of_a_pending_reboot_are_read_where_windows_keeps_them() -> None:
    body = TEXT.split("function Get-RebootPart")[1].split("\n}")[0]
    for place in (
        r"'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion'",
        r'component_servicing = Test-Path -LiteralPath "$base\Component Based Servicing\RebootPending"',
        r'auto_update = Test-Path -LiteralPath "$base\WindowsUpdate\Auto Update\RebootRequired"',
        r"'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager'",
        "file_renames = [bool] (Get-Value $session 'PendingFileRenameOperations')",
    ):
        assert place in body


def test_the_reader_is_plain_text_that_every_code_page_agrees_on() -> None:
    assert TEXT.isascii()
    assert not [line for line in TEXT.splitlines() if line != line.rstrip() or len(line) > 120]


def test_the_reader_is_well_formed_powershell() -> None:
    tree_sitter = pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
    grammar = pytest.importorskip("tree_sitter_powershell", reason="tree-sitter-powershell is not installed")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    for text in (TEXT.encode(), SCRIPT.with_name("windows_boot.ps1").read_bytes(), windows_channel._START.encode()):
        assert parser.parse(text).root_node.has_error is False
    as_another_user = windows_channel._IN_CHECK_MODE_TOO + windows_channel.reading_script({}, "m")
    assert parser.parse(as_another_user).root_node.has_error is False
    for broken in (TEXT.replace("catch {", "catch ", 1), TEXT + "\nif $x { }\n", TEXT + "\n@(1, 2\n"):
        assert parser.parse(broken.encode()).root_node.has_error is True
