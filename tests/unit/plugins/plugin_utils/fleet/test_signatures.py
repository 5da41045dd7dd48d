"""Documents signed and verified by the real ssh-keygen."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from documents_for_tests import document

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet import signatures
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import Run, open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.verifying import sign_history, signature_problems

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
AT = "2026-11-21T12:00:00Z"
WHO = "audit@example.com"

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed (openssh-client)"
)


class Fleet:
    """A state directory with one run of two hosts, a key and whom to trust."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.run: Run = open_run(self.state, now=NOW, controller_key="c")
        for host in ("web1", "web2"):
            self.write(host)
        self.key = self.new_key(folder / "key")
        self.allowed = folder / "allowed_signers"
        self.trust(self.key)

    def write(self, host: str) -> None:
        made = document(host)
        made["run"]["id"] = self.run.run_id
        self.run.write_document(host, made)

    def new_key(self, path: Path, passphrase: str = "") -> Path:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return path

    def trust(self, key: Path, options: str = 'namespaces="openfleet-patch"') -> None:
        public = key.with_suffix(".pub").read_text(encoding="ascii").split()
        self.allowed.write_text(f"{WHO} {options} {public[0]} {public[1]}\n", encoding="ascii")

    def sign(self, key: Path | None = None) -> dict[str, int]:
        return sign_history(str(self.state), "all", str(key or self.key), at=AT)

    def problems(self) -> list[tuple[str, str]]:
        found, _signers = signature_problems(str(self.state), None, str(self.allowed))
        return [(each["host"], each["kind"]) for each in found]

    def edit(self, path: Path, change: Any) -> None:
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def test_what_was_signed_is_trusted_and_signed_only_once(fleet: Fleet) -> None:
    assert fleet.problems() == [("web1", "unsigned"), ("web2", "unsigned")]
    assert fleet.sign() == {fleet.run.run_id: 2}
    assert fleet.sign() == {fleet.run.run_id: 0}
    assert fleet.problems() == []
    assert signature_problems(str(fleet.state), None, str(fleet.allowed))[1] == {WHO}
    fleet.write("web3")
    assert fleet.problems() == [("web3", "unsigned")]
    assert fleet.sign() == {fleet.run.run_id: 1}
    assert fleet.problems() == []
    modes = {path.stat().st_mode & 0o777 for path in (fleet.state / "signatures").iterdir()}
    assert modes == {0o600}


def test_what_was_edited_removed_or_exchanged_is_noticed(fleet: Fleet) -> None:
    fleet.sign()
    hosts = fleet.run.path / "hosts"
    fleet.edit(hosts / "web1.json", lambda made: made.update(verdict="unknown"))
    (hosts / "web2.json").unlink()
    assert fleet.problems() == [("web1", "edited"), ("web2", "removed")]
    shutil.rmtree(fleet.run.path)
    assert fleet.problems() == [("web1", "run_removed"), ("web2", "run_removed")]


def test_a_list_that_was_changed_to_fit_counts_for_nothing(fleet: Fleet) -> None:
    fleet.sign()
    [path] = fleet.run.path.glob("hosts/web1.json")
    fleet.edit(path, lambda made: made.update(verdict="unknown"))
    digest = signatures.digests_of(fleet.state)[fleet.run.run_id, "web1.json"]
    listing = fleet.state / "signatures" / f"{fleet.run.run_id}.json"
    fleet.edit(listing, lambda made: made["documents"].update({"web1.json": digest}))
    assert fleet.problems() == [("", "bad_signature"), ("web1", "unsigned"), ("web2", "unsigned")]


@pytest.mark.parametrize("options", ['namespaces="git"', 'valid-before="20200101"'])
def test_a_key_that_may_not_sign_these_documents_counts_for_nothing(fleet: Fleet, options: str) -> None:
    fleet.sign()
    fleet.trust(fleet.key, options)
    assert ("", "bad_signature") in fleet.problems()
    assert ("web1", "unsigned") in fleet.problems()


def test_the_key_of_somebody_else_counts_for_nothing(fleet: Fleet, tmp_path: Path) -> None:
    fleet.sign(fleet.new_key(tmp_path / "other"))
    assert fleet.problems() == [("", "bad_signature"), ("web1", "unsigned"), ("web2", "unsigned")]


def test_a_key_that_cannot_be_used_says_so_at_once_and_leaves_nothing(fleet: Fleet, tmp_path: Path) -> None:
    locked = fleet.new_key(tmp_path / "locked", "a passphrase")
    for key in (locked, tmp_path / "nowhere"):
        with pytest.raises(PatchError) as caught:
            fleet.sign(key)
        assert caught.value.kind == "not_signed"
        assert "ssh-keygen -Y sign" in caught.value.message
    assert list((fleet.state / "signatures").glob("*.json*")) == []


def test_documents_in_the_store_are_held_against_the_same_lists(fleet: Fleet, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed; see requirements-test.txt")
    from ansible_collections.openfleet.patch.plugins.plugin_utils.store.compliance_store import ComplianceStore

    fleet.sign()
    url = str(tmp_path / "store.db")
    store = ComplianceStore(url)
    for host in ("web1", "web2"):
        store.add_document(fleet.run.document(host) or {})
    assert signature_problems(str(fleet.state), url, str(fleet.allowed)) == ([], {WHO})
    other = copy.deepcopy(fleet.run.document("web1") or {})
    other["verdict"] = "unknown"
    store.add_document(other)
    store.close()
    [problem], _signers = signature_problems(str(fleet.state), url, str(fleet.allowed))
    assert (problem["host"], problem["kind"]) == ("web1", "unsigned")


def test_without_ssh_keygen_or_whom_to_trust_it_says_so(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PatchError) as caught:
        signature_problems(str(fleet.state), None, str(fleet.state / "nowhere"))
    assert caught.value.kind == "no_allowed_signers"
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PatchError) as caught:
        fleet.sign()
    assert caught.value.kind == "no_ssh_keygen"
