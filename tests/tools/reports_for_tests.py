"""A small fleet with hostile names, and the report about it; shared by the tests of the report room."""

from __future__ import annotations

from typing import Any

from documents_for_tests import FakeRun, candidate, document, installed, inventory

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.document import build_unknown_document
from ansible_collections.openfleet.patch.plugins.plugin_utils.report.model import Report, ReportBuilder

GENERATED_AT = "2026-11-21T00:00:00Z"
HOSTILE = "=cmd|' /C calc'!A0</script><script>alert(\"x\")</script>"
NOTICE = [{"id": "DSA-1-1", "cves": ["CVE-2026-1234"], "bugzillas": []}]
INSTANCE = "mi-0123456789abcdef0"
UNREACHABLE = {"status": "unreachable", "message": "no route to host", "at": "2026-11-20T20:00:00Z"}


def fleet() -> list[dict[str, Any]]:
    """A host that lacks patches, one in order, one with names that mean something elsewhere, one not readable, one
    not scanned for long."""
    fixes = [candidate("libssl3", advisories=NOTICE), candidate("zlib1g", held={"kind": "hold"})]
    reboot = {"required": True, "reasons": [{"kind": "kernel", "detail": "6.1 runs\nand 6.2 waits"}]}
    error = {"kind": "timed_out", "message": "gave up\x1b[31m after 300 s \u202e\ud800"}
    old = document("old", patch_group="db")
    old["times"]["finished_at"] = "2026-11-01T00:00:00Z"
    return [
        document("lacking", found=inventory(candidates=fixes, reboot=reboot), patch_group="web"),
        document("good", found=inventory(installed=[installed("bash", security=True)]), patch_group="web"),
        document(HOSTILE, found=inventory(candidates=[candidate(HOSTILE)]), patch_group="@team | `x` <b>"),
        build_unknown_document(
            FakeRun(), error, host="unread", started_at=GENERATED_AT, finished_at=GENERATED_AT, patch_group="db"
        ),
        old,
    ]


def report(*, generated_at: str = GENERATED_AT, installed_too: bool = False) -> Report:
    """About ``fleet()``, a host that cannot be reached any more and one that nobody has scanned."""
    scope = {"kind": "fleet", "run_id": None, "as_of": None}
    builder = ReportBuilder(generated_at=generated_at, scope=scope, installed=installed_too)
    for each in fleet():
        builder.add(each, None, in_run=False)
    builder.add(document("lost", found=inventory(), patch_group="db"), UNREACHABLE, in_run=False)
    builder.add_missing("never", None, in_run=False)
    run = {"run_id": FakeRun.run_id, "as_of": GENERATED_AT, "started_at": GENERATED_AT}
    counts = dict.fromkeys(builder.report.counts, 0)
    trend = [{**run, "counts": {**counts, "compliant": number, "non_compliant": 2}} for number in (1, 2)]
    return builder.finish(trend=trend, problems=["a file\x00 is broken"])
