"""Why a patch was decided as it was, from a host's document."""

from __future__ import annotations

from documents_for_tests import baseline, candidate, document, installed, inventory

from ansible_collections.openfleet.patch.plugins.plugin_utils.compliance.explained import (
    entries_named,
    explain_document,
)

ADVISORY = {"id": "DSA-1", "classification": None, "severity": None, "issued": None, "updated": None,
            "reboot_suggested": None, "cves": ["CVE-2026-1"], "bugzillas": []}  # fmt: skip
HOST = inventory(
    installed=[installed("bash"), installed("openssl"), installed("docker-ce")],
    candidates=[
        candidate("openssl", advisories=[ADVISORY]),
        candidate("docker-ce"),
        candidate("vim", repository="bookworm", security=False),
    ],
)
MADE = document(found=HOST, base=baseline(rejected_patches=["docker-ce"]))


def named(*words: str) -> dict[str, list[str]]:
    return {word: [entry["title"] for entry in entries] for word, entries in entries_named(MADE, words).items()}


def test_without_words_everything_is_told_that_is_not_simply_installed() -> None:
    told = {title.partition(".")[0] for title in named()[""]}
    assert told == {"openssl", "docker-ce", "vim"}


def test_words_are_names_titles_and_advisories_in_any_case_with_wildcards() -> None:
    (title,) = named("openssl")["openssl"]
    assert named("OpenSSL.amd64", title, "cve-2026-1", "open*", "dsa-1") == {
        word: [title] for word in ("OpenSSL.amd64", title, "cve-2026-1", "open*", "dsa-1")
    }
    assert named("nothing[")["nothing["] == []


def test_the_answer_names_the_baseline_its_source_each_decision_and_its_sentence() -> None:
    text = explain_document(MADE, entries_named(MADE, ["openssl", "docker-ce", "vim", "curl"]))
    lines = text.splitlines()
    assert lines[:2] == [
        f"web1 (DEBIAN, Debian12), judged as of {MADE['run']['as_of']}, run {MADE['run']['id']}",
        "  baseline web-prod: patch group 'web', DEBIAN",
    ]
    assert any("openssl" in line and "MISSING, approved (approved_by_rule)" in line for line in lines)
    assert any("docker-ce" in line and "rejected (rejected_explicitly)" in line for line in lines)
    assert any("vim" in line and "available, not_approved (not_security)" in line for line in lines)
    assert lines[-1].startswith("  curl: not in this document; nothing newer is offered")
    sentences = {entry["explanation"] for entry in MADE["patches"] if entry["name"] in ("openssl", "vim")}
    assert sentences <= {line.strip() for line in lines}


def test_a_document_with_everything_that_is_installed_knows_what_is_not() -> None:
    made = document(found=HOST, list_installed_other=True)
    text = explain_document(made, entries_named(made, ["bash", "curl"]))
    assert "bash.amd64:1.0-1: INSTALLED_OTHER" in text
    assert "curl: not in this document; neither installed nor offered" in text


def test_what_a_host_wrote_cannot_move_the_cursor() -> None:
    made = {**MADE, "host": "web1\x1b[2J"}
    assert "\x1b" not in explain_document(made, entries_named(made, []))
