"""Every format tells the same fleet, is well-formed to a strict reader, and gives hostile names no meaning."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import prometheus_text
import pytest
from documents_for_tests import candidate, document, inventory
from reports_for_tests import GENERATED_AT, HOSTILE, INSTANCE, fleet, report

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.explained import (
    entries_named,
    explain_document,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.questions.checked import why_not_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.report import aws_shapes
from ansible_collections.openfleet.patch.plugins.plugin_utils.report.aws_shapes import (
    instance_patch_states,
    put_compliance_items,
    without_instance,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.report.csv_tables import cell
from ansible_collections.openfleet.patch.plugins.plugin_utils.report.formats import render
from ansible_collections.openfleet.patch.plugins.plugin_utils.report.markdown import escaped
from ansible_collections.openfleet.patch.plugins.plugin_utils.report.model import Report, ReportBuilder, printable

ROOT = Path(__file__).resolve().parents[5]
PROMTOOL = ROOT / ".cache" / "debian"
STATUS = {
    "lacking": "non_compliant",
    "good": "compliant",
    HOSTILE: "non_compliant",
    "unread": "unknown",
    "old": "stale",
    "lost": "unreachable",
    "never": "never_scanned",
}
FORMATS = ("html", "csv", "json", "markdown", "junit", "prometheus", "aws")


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    made = {name: "".join(pieces) for name, pieces in render(report(), FORMATS).items()}
    for text in made.values():
        text.encode("utf-8")
    return made


def test_documents_of_the_first_schema_are_read_by_everything_that_reads_documents() -> None:
    later = ("hooks", "sources", "delay_clock")
    entry_later = ("kind", "update_id", "security_reason", "first_seen", "counted_from", "counted_source")
    scope = {"kind": "fleet", "run_id": None, "as_of": None}
    builders = [ReportBuilder(generated_at=GENERATED_AT, scope=scope) for _age in ("old", "new")]
    for new in fleet():
        old = {key: value for key, value in new.items() if key not in later} | {"schema_version": "1.0"}
        old["patches"] = [{key: own[key] for key in own if key not in entry_later} for own in new["patches"]]
        assert why_not_document(old) is None
        assert explain_document(old, entries_named(old, [])) == explain_document(new, entries_named(new, []))
        for builder, each in zip(builders, (old, new), strict=True):
            builder.add(each, None, in_run=False)
    told = [render(builder.finish(), FORMATS) for builder in builders]
    one, other = ({name: "".join(pieces) for name, pieces in each.items()} for each in told)
    assert one == other


def test_every_host_has_one_word_and_stale_or_unreachable_ones_are_not_compliant() -> None:
    made = report()
    assert {host.name: host.status for host in made.hosts} == STATUS
    assert made.verdict == "non_compliant"
    assert sum(made.counts.values()) == len(made.hosts)
    assert made.counts["compliant"] == 1


def test_a_fleet_is_compliant_only_if_every_host_is() -> None:
    def verdict(*documents: dict[str, Any], never: bool = False) -> str:
        builder = ReportBuilder(generated_at=GENERATED_AT, scope={"kind": "fleet"})
        for each in documents:
            builder.add(each, None, in_run=False)
        if never:
            builder.add_missing("never", None, in_run=False)
        return builder.finish().verdict

    good, unread = document("good"), fleet()[3]
    assert verdict(good) == "compliant"
    assert verdict() == "unknown"
    assert verdict(good, unread) == "unknown"
    assert verdict(good, never=True) == "unknown"
    assert verdict(good, fleet()[4]) == "unknown"


def test_the_newest_attempt_counts_where_it_failed_after_the_document() -> None:
    def status(at: str, outcome: str) -> str:
        builder = ReportBuilder(generated_at=GENERATED_AT, scope={"kind": "fleet"})
        builder.add(document("a"), {"status": outcome, "at": at}, in_run=False)
        return builder.finish().hosts[0].status

    assert status("2026-11-20T13:00:00Z", "unreachable") == "unreachable"
    assert status("2026-11-20T13:00:00Z", "ok") == "compliant"
    assert status("2026-11-20T11:00:00Z", "unreachable") == "compliant"


def test_in_a_report_of_one_run_a_host_without_an_outcome_was_not_started() -> None:
    builder = ReportBuilder(generated_at="2027-11-21T00:00:00Z", scope={"kind": "run"})
    builder.add(document("a"), None, in_run=True)
    builder.add(document("b"), {"status": "ok"}, in_run=True)
    builder.add_missing("c", {"status": "failed", "message": "broken"}, in_run=True)
    assert {host.name: host.status for host in builder.finish().hosts} == {
        "a": "not_started",
        "b": "compliant",
        "c": "failed",
    }


def test_one_patch_is_kept_once_however_many_hosts_have_it() -> None:
    builder = ReportBuilder(generated_at=GENERATED_AT, scope={"kind": "fleet"})
    for name in ("a", "b"):
        builder.add({**fleet()[0], "host": name}, None, in_run=False)
    made = builder.finish()
    assert made.patch_hosts == [2, 2]
    assert made.hosts[0].patches == made.hosts[1].patches
    assert made.levels() == [{"level": "HIGH", "patches": 1, "hosts": 2, "findings": 2}]
    assert made.groups()[0]["hosts"] == 2


def test_installed_patches_are_listed_on_request() -> None:
    assert [host.patches for host in report().hosts if host.name == "good"] == [[]]
    listed = report(installed_too=True)
    (good,) = [host for host in listed.hosts if host.name == "good"]
    assert [listed.patch(index)["state"] for index in good.patches] == ["INSTALLED"]


def test_text_from_hosts_is_made_printable_once() -> None:
    assert printable("a\x1b[31m\u202e\ud800\x85b\nc") == "a\\x1b[31m\\u202e\\ud800\\x85b c"
    assert printable("Grüße 猫") == "Grüße 猫"
    assert len(printable("x" * 9000)) == 4003
    (unread,) = [host for host in report().hosts if host.name == "unread"]
    assert unread.failure == "gave up\\x1b[31m after 300 s \\u202e\\ud800"


def test_json_keeps_to_its_published_schema(files: dict[str, str]) -> None:
    schema = json.loads((ROOT / "docs" / "schema" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    made = json.loads(files["report.json"])
    jsonschema.validate(made, schema, cls=jsonschema.Draft202012Validator)
    assert {host["name"]: host["status"] for host in made["hosts"]} == STATUS
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**made, "verdict": "fine"}, schema, cls=jsonschema.Draft202012Validator)


def strictly(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows = list(reader)
    assert all(None not in row and None not in row.values() for row in rows)
    return rows


def test_csv_is_read_by_a_strict_reader_and_runs_nothing(files: dict[str, str]) -> None:
    hosts, patches = strictly(files["hosts.csv"]), strictly(files["patches.csv"])
    assert {row["host"].removeprefix("'"): row["status"] for row in hosts} == STATUS
    assert [row["id"] for row in patches if row["host"] == "lacking"] == ["libssl3.amd64", "zlib1g.amd64"]
    assert [row["cves"] for row in patches if row["id"] == "libssl3.amd64"] == ["CVE-2026-1234"]
    for value in (value for row in [*hosts, *patches] for value in row.values()):
        assert not value.lstrip().startswith(("=", "+", "-", "@", "\t"))


@pytest.mark.parametrize("value", ["=cmd()", "+1", "-1+2", "@SUM(A1)", "\uff1d1", " =1", "\t=1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(value: str) -> None:
    assert cell(value) == f"'{value}"


def test_other_values_stay_as_they_are_in_csv() -> None:
    assert [cell(value) for value in (None, True, False, 0, "a=b", ("x", "y"))] == ["", "yes", "no", "0", "a=b", "x; y"]


def test_markdown_gives_names_no_meaning(files: dict[str, str]) -> None:
    text = files["report.md"]
    assert text.startswith("# Patch compliance: non-compliant\n")
    assert "<script>" not in text
    assert "@team" not in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.count("|") in (3, 4, 6, 7), line
    assert escaped("a|b*_`[x](y)<b>@me #1") == "a&#124;b\\*\\_\\`\\[x\\](y)&#60;b&#62;&#64;me &#35;1"
    assert escaped("https://x _y_ __z__") == "https&#58;//x \\_y\\_ \\_\\_z\\_\\_"
    assert escaped("web_1 1.0-1+deb12u1 (a) x:y") == "web_1 1.0-1+deb12u1 (a) x:y"


def test_junit_counts_failures_and_errors_of_well_formed_cases(files: dict[str, str]) -> None:
    root = ElementTree.fromstring(files["junit.xml"].encode("utf-8"))
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "7", "2", "4")
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {
        "lacking": ["failure"],
        HOSTILE: ["failure"],
        "good": [],
        "unread": ["error"],
        "old": ["error"],
        "lost": ["error"],
        "never": ["error"],
    }
    for suite in root.iter("testsuite"):
        found = list(suite.iter("testcase"))
        assert suite.get("tests") == str(len(found))
        assert suite.get("failures") == str(sum(case.find("failure") is not None for case in found))
        assert suite.get("errors") == str(sum(case.find("error") is not None for case in found))


def test_metrics_are_read_by_a_strict_reader(files: dict[str, str]) -> None:
    samples = prometheus_text.parse(files["openfleet_patch.prom"])
    compliant = {labels["host"]: value for labels, value in samples["openfleet_patch_host_compliant"]}
    assert compliant == {host: float(status == "compliant") for host, status in STATUS.items()}
    missing = {
        labels["host"]: value
        for labels, value in samples["openfleet_patch_host_patches"]
        if labels["state"] == "missing"
    }
    assert missing == {"lacking": 1, "good": 0, HOSTILE: 1, "old": 0, "lost": 0}
    assert sum(value for _labels, value in samples["openfleet_patch_hosts"]) == 7


@pytest.mark.parametrize(
    "text",
    [
        "a 1\n",
        "# TYPE a gauge\na 1",
        "# HELP a x\n# TYPE a gauge\na{x=1} 1\n",
        '# HELP a x\n# TYPE a gauge\na{x="1"} one\n',
        '# HELP a x\n# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n',
        '# HELP a x\n# TYPE a gauge\na{x="1"} 1 1795265908\n',
        '# HELP a x\n# TYPE a gauge\na{x="a\\qb"} 1\n',
    ],
)
def test_the_strict_reader_of_metrics_refuses_what_is_wrong(text: str) -> None:
    with pytest.raises(ValueError):
        prometheus_text.parse(text)


def test_promtool_accepts_the_metrics(files: dict[str, str]) -> None:
    promtool = shutil.which("promtool", path=f"{os.environ['PATH']}:{PROMTOOL}")
    if promtool is None:
        pytest.skip("no promtool (see tests/tools/store_and_metrics.sh); the strict reader above read the metrics")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=files["openfleet_patch.prom"], text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def constraints(shape: Any, value: Any, where: str) -> Iterator[str]:
    """What the service model asks for and botocore's own validator leaves to the service."""
    if shape.type_name == "structure":
        for name, inner in value.items():
            if name not in shape.members:
                yield f"{where}.{name} is no member"
            else:
                yield from constraints(shape.members[name], inner, f"{where}.{name}")
    elif shape.type_name == "list":
        if not shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", 10**9):
            yield f"{where} has {len(value)} items"
        for index, inner in enumerate(value):
            yield from constraints(shape.member, inner, f"{where}[{index}]")
    elif shape.type_name == "map":
        for key, inner in value.items():
            yield from constraints(shape.key, key, f"{where} key")
            yield from constraints(shape.value, inner, f"{where}.{key}")
    elif shape.type_name == "string":
        if not shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", 10**9):
            yield f"{where}: length {len(value)}"
        if shape.enum and value not in shape.enum:
            yield f"{where}: {value} is none of {shape.enum}"
        # Python's re has no \\p{L}; \\w takes letters and digits of all scripts.
        pattern = re.sub(r"\\p\{[LZN]\}", r"\\w ", shape.metadata.get("pattern", ""))
        if not re.search(pattern, value):
            yield f"{where}: {value} is not {pattern}"


def test_aws_shapes_are_those_of_the_service_model() -> None:
    session = pytest.importorskip("botocore.session", reason="botocore is not installed; see requirements-test.txt")
    from botocore.validate import ParamValidator

    model = session.get_session().get_service_model("ssm")
    ids = {name: f"mi-{number:017}" for number, name in enumerate(STATUS)}
    made = report()
    requests, states = put_compliance_items(made, ids), instance_patch_states(made, ids)
    assert len(requests) == 6
    assert len(states) == 5
    for name, values in (("PutComplianceItemsRequest", requests), ("InstancePatchState", states)):
        shape = model.shape_for(name)
        for value in values:
            found = ParamValidator().validate(value, shape)
            assert not found.has_errors(), found.generate_report()
            assert list(constraints(shape, value, name)) == []
    broken = {**states[0], "Operation": "Look"}
    assert list(constraints(model.shape_for("InstancePatchState"), broken, "")) != []


def of_one_host(*names: str, **changed: Any) -> Report:
    """The report about a host called by its instance id, which lacks these packages."""
    builder = ReportBuilder(generated_at=GENERATED_AT, scope={"kind": "fleet", "run_id": None, "as_of": None})
    found = inventory(candidates=[candidate(name) for name in names])
    builder.add(document(INSTANCE, found=found) | changed, None, in_run=False)
    return builder.finish()


def test_one_request_takes_all_that_it_may_hold_and_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each request replaces what was known of the host, and PARTIAL is for associations alone.
    monkeypatch.setattr(aws_shapes, "_MOST_ITEMS", 3)
    made = of_one_host("a", "b", "c", "d")
    made.hosts[0].patches.reverse()
    (request,) = put_compliance_items(made)
    assert request["UploadType"] == "COMPLETE"
    assert [item["Status"] for item in request["Items"]] == ["NON_COMPLIANT"] * 3
    assert request["Items"][0]["Details"]["LeftOut"] == "2"
    (whole,) = put_compliance_items(of_one_host("a", "b"))
    assert "LeftOut" not in whole["Items"][0]["Details"]


def test_names_that_are_too_long_stay_apart() -> None:
    (request,) = put_compliance_items(of_one_host("n" * 120 + "1", "n" * 120 + "2"))
    identifiers = [item["Id"] for item in request["Items"][1:]]
    assert len(set(identifiers)) == 2
    assert all(len(each) == 100 for each in identifiers)


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        ({"kind": "override_list", "source": "s3://lists/urgent.yml", "digest": "sha256:1"}, "s3://lists/urgent.yml"),
        ({"kind": "override_list", "source": "/srv/urgent.yml", "digest": "sha256:1"}, None),
        ({"kind": "snapshot", "source": "https://example.com/frozen.json", "digest": "sha256:1"}, None),
        (None, None),
    ],
)
def test_the_override_list_of_an_installation_is_told_where_the_shape_has_a_form_for_it(
    selection: dict[str, str] | None, told: str | None
) -> None:
    (state,) = instance_patch_states(of_one_host("a", operation="Install", installation={"selection": selection}))
    assert state.get("InstallOverrideList") == told


def test_hosts_that_could_not_be_judged_are_non_compliant_in_aws_shapes() -> None:
    ids = {"unread": INSTANCE}
    (request,) = put_compliance_items(report(), ids)
    assert request["ResourceId"] == INSTANCE
    assert [item["Status"] for item in request["Items"]] == ["NON_COMPLIANT"]
    assert set(without_instance(report(), ids)) == set(STATUS) - {"unread"}
    named = ReportBuilder(generated_at=GENERATED_AT, scope={"kind": "fleet"})
    named.add(document("i-0123456789abcdef0", found=inventory()), None, in_run=False)
    (state,) = instance_patch_states(named.finish())
    assert (state["InstanceId"], state["PatchGroup"]) == ("i-0123456789abcdef0", "ungrouped")


class Page(HTMLParser):
    """Elements with their attributes, and the text of scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script" and self.lasttag == "script" and self.cdata_elem:
            self.scripts.append(data)


def test_the_page_loads_nothing_and_hostile_names_are_text(files: dict[str, str]) -> None:
    page = Page()
    page.feed(files["report.html"])
    tags = [tag for tag, _attributes in page.elements]
    assert tags.count("script") == 2
    assert len(page.scripts) == 2
    assert not {"img", "link", "iframe", "object", "embed", "base", "form"} & set(tags)
    for tag, attributes in page.elements:
        assert not {"src", "style", "srcset", "action"} & attributes.keys(), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert str(attributes.get("href", "#")).startswith("#")
    data = json.loads(page.scripts[0])
    assert HOSTILE in data["strings"]
    (policy,) = [each["content"] for tag, each in page.elements if each.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy).startswith("default-src 'none'")


def test_the_page_tells_without_scripts_what_to_act_on(files: dict[str, str]) -> None:
    text = files["report.html"].split('<script type="application/json"')[0]
    for told in (
        "no route to host",
        "no run has scanned it yet",
        "kernel: 6.1 runs and 6.2 waits",
        "a file\\x00 is broken",
    ):
        assert told in text
    assert "not scanned for more than 7 days" in text
    assert "<script>alert" not in files["report.html"]
