"""Where an errata file comes from: a path or an https address, once per run."""

from __future__ import annotations

import http.server
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from https_for_tests import https_server

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.fleet.run_directory import Run, open_run
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.errata import ErrataFile

XML = (
    b'<updates><update type="security"><id>CESA-1</id><pkglist><collection>'
    b'<package name="bash" version="1" release="2" arch="x86_64"/></collection></pkglist></update></updates>'
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(str(tmp_path / "state"), now=datetime(2026, 11, 20, tzinfo=timezone.utc), controller_key="test")


def test_a_run_reads_a_file_once_and_judges_every_host_by_that(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "errata.xml"
    path.write_bytes(XML)
    first = ErrataFile(str(path), run)
    path.write_bytes(b"gone bad meanwhile")
    second = ErrataFile(str(path), run)
    assert second.errata == first.errata
    assert second.digest == first.digest
    assert first.source == str(path)
    assert first.errata.packages == {"bash": [["x86_64", "1-2", 0]]}
    kept = list((run.path / "errata").glob("*.json"))
    assert [oct(each.stat().st_mode & 0o777) for each in kept] == ["0o600"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("/nowhere/errata.xml", "No such file"),
        ("http://errata.example/x.xml", "https"),
        ("file:///etc/passwd", "https"),
        ("https://someone:word@errata.example/x.xml", "netrc"),
        ("https://errata.example:port/x.xml", "cannot be understood"),
        ("https://[::1/x.xml", "cannot be understood"),
        ("https://errata.example/my errata.xml", "%20"),
        ("https:///x.xml", "https address"),
        ("/nowhere/\0", "null byte"),
        ("~nobody-is-called-so/errata.xml", "cannot be understood"),
        ("/", "directory"),
    ],
)
def test_other_sources_are_refused_and_credentials_never_told(source: str, told: str, run: Run) -> None:
    with pytest.raises(PatchError, match=told) as caught:
        ErrataFile(source, run)
    assert caught.value.kind == "bad_errata"
    assert caught.value.message.startswith("Option errata (variable patch_errata): ")
    assert "word" not in caught.value.message


class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/errata.xml")
            self.end_headers()
            return
        found = self.path.startswith("/errata.xml")
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(XML) if found else 0))
        self.end_headers()
        self.wfile.write(XML if found else b"")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on this machine whose certificate its clients trust."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Handler.asked = 0
    with https_server(tmp_path, Handler) as (address, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield address


def test_an_https_address_is_fetched_once_and_shown_without_its_query(address: str, run: Run) -> None:
    found = [ErrataFile(f"{address}/errata.xml?token=secret", run) for _turn in range(2)]
    assert Handler.asked == 1
    assert found[1].source == f"{address}/errata.xml"
    assert found[1].errata.packages == {"bash": [["x86_64", "1-2", 0]]}
    assert not [path for path in run.path.rglob("*") if path.is_file() and "secret" in path.read_text()]


def test_what_a_server_refuses_or_sends_elsewhere_is_an_error(address: str, run: Run) -> None:
    for path in ("/missing?token=secret", "/moved?token=secret"):
        with pytest.raises(PatchError, match="cannot be read|not https") as caught:
            ErrataFile(f"{address}{path}", run)
        assert "secret" not in caught.value.message


def test_a_certificate_that_nobody_vouches_for_is_refused(
    address: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(PatchError, match="cannot be read"):
        ErrataFile(f"{address}/errata.xml", run)
    assert Handler.asked == 0


def test_what_is_wrong_inside_a_file_is_told_with_its_name(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "errata.xml"
    path.write_bytes(b"<updates><update")
    with pytest.raises(PatchError) as caught:
        ErrataFile(str(path), run)
    assert caught.value.message.startswith(
        f"Option errata (variable patch_errata): {path}: The errata file cannot be used"
    )
