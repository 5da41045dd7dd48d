"""Signing keys: only the key that is meant, whole and public, ever reaches a host."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers import apt_signing_key, apt_stretch_key
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt_signing_key import trusted_key

STRETCH = apt_stretch_key.KEY.encode()
FINGERPRINT = apt_stretch_key.FINGERPRINT
RAW = apt_signing_key.binary(STRETCH)
needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")


def gpg(home: Path, *words: str, given: bytes = b"") -> bytes:
    home.mkdir(mode=0o700, exist_ok=True)
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "", *words]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def test_the_bundled_key_is_the_stretch_security_key() -> None:
    assert trusted_key(STRETCH, [FINGERPRINT]) == RAW
    assert trusted_key(RAW, ["6ed6 f5cb 5fa6 fb2f 460a  e88e eda0 d238 8ae2 2ba9"]) == RAW
    assert trusted_key(RAW, ["0x" + FINGERPRINT.lower()]) == RAW


@needs_gpg
def test_gpg_reads_the_same_fingerprint_subkey_and_expiry(tmp_path: Path) -> None:
    shown = gpg(tmp_path / "home", "--with-colons", "--show-keys", given=RAW).decode()
    rows = [line.split(":") for line in shown.splitlines()]
    assert [row[9] for row in rows if row[0] == "fpr"][0] == FINGERPRINT
    assert "AA8E81B4331F7F50" in [row[4] for row in rows if row[0] == "sub"]
    assert [row[6] for row in rows if row[0] == "pub"] == ["1747766513"]
    assert "stretch" in shown


@needs_gpg
@pytest.mark.parametrize("algorithm", ["ed25519", "rsa2048"])
def test_keys_that_gpg_makes_are_read_armored_and_binary_alone_and_together(algorithm: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    gpg(home, "--quick-gen-key", "Lab <lab@example.invalid>", algorithm, "sign", "never")
    shown = gpg(home, "--with-colons", "--list-keys").decode()
    fingerprint = next(line.split(":")[9] for line in shown.splitlines() if line.startswith("fpr:"))
    binary, armored = gpg(home, "--export"), gpg(home, "--armor", "--comment", "a comment", "--export")
    secret = gpg(home, "--export-secret-keys")
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
    assert trusted_key(armored, [fingerprint]) == trusted_key(binary, [fingerprint]) == binary
    assert trusted_key(armored.replace(b"\n", b"\r\n"), [fingerprint]) == binary
    assert trusted_key(armored + b"\n" + STRETCH, [FINGERPRINT, fingerprint]) == binary + RAW
    with pytest.raises(PatchError, match="nothing was touched"):
        trusted_key(binary + RAW, [fingerprint])
    with pytest.raises(PatchError, match="secret key"):
        trusted_key(secret, [fingerprint])


def test_another_fingerprint_is_refused_and_told() -> None:
    other = "0" * 40
    with pytest.raises(PatchError, match=FINGERPRINT) as caught:
        trusted_key(STRETCH, [other])
    assert caught.value.kind == "bad_signing_key"
    with pytest.raises(PatchError):
        trusted_key(STRETCH, [FINGERPRINT, other])
    with pytest.raises(PatchError, match="no fingerprint"):
        trusted_key(STRETCH, [])


@pytest.mark.parametrize("text", ["8AE22BA9", "EDA0D2388AE22BA9", "", "G" * 40, FINGERPRINT + "00"])
def test_a_short_or_odd_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(PatchError, match="40 hexadecimal digits"):
        trusted_key(STRETCH, [text])


def swap(text: bytes, at: int) -> bytes:
    return text[:at] + (b"A" if text[at : at + 1] != b"A" else b"B") + text[at + 1 :]


@given(st.integers(min_value=45, max_value=len(STRETCH) - 50))
def test_an_armored_key_with_any_character_changed_is_refused(place: int) -> None:
    if STRETCH[place : place + 1].isspace():
        return
    with pytest.raises(PatchError) as caught:
        trusted_key(swap(STRETCH, place), [FINGERPRINT])
    assert caught.value.kind == "bad_signing_key"


def test_a_key_cut_short_in_the_middle_of_a_packet_is_refused() -> None:
    ends = [0]
    for _tag, body in apt_signing_key._packets(RAW):
        ends.append(RAW.index(body, ends[-1]) + len(body))
    assert ends[-1] == len(RAW)
    for length in range(1, len(RAW), 7):
        if length not in ends:
            with pytest.raises(PatchError, match=r"middle of a packet|version none"):
                trusted_key(RAW[:length], [FINGERPRINT])


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_words(raw: bytes) -> None:
    with pytest.raises(PatchError):
        trusted_key(raw, [FINGERPRINT])


@pytest.mark.parametrize(
    ("material", "why"),
    [
        (b"", "no public key"),
        (b"\x00\x00\x00\x20\x01\x01KBXf", "no OpenPGP key"),
        (b"\x99", "middle of a packet|version none|does not begin"),
        (b"\xb4\x01x", "does not begin with a public key"),
        (b"\x9b\x04", "no length"),
        (b"\xc6\xe0x", "split up"),
        (b"\xc6\x01\x03", "version 3"),
        (b"\xc6\x01\x06", "version 6"),
        (b"-----BEGIN PGP SIGNATURE-----\n\n=AAAA\n-----END PGP SIGNATURE-----\n", "whole armored"),
        (STRETCH[:-40], "whole armored"),
        (b"x" * (apt_signing_key.MOST_BYTES + 1), "bytes"),
    ],
)
def test_what_is_no_public_key_is_refused(material: bytes, why: str) -> None:
    with pytest.raises(PatchError, match=why):
        trusted_key(material, [FINGERPRINT])


def test_every_length_of_a_packet_is_understood() -> None:
    for size in (1, 191, 192, 8383, 8384, 70000):
        body = b"\x04" + b"k" * (size - 1)
        if size < 192:
            length = bytes([size])
        elif size < 8384:
            length = bytes([((size - 192) >> 8) + 192, (size - 192) & 255])
        else:
            length = b"\xff" + size.to_bytes(4, "big")
        assert list(apt_signing_key._packets(b"\xc6" + length + body)) == [(6, body)]
        assert list(apt_signing_key._packets(b"\x9a" + size.to_bytes(4, "big") + body)) == [(6, body)]


def test_the_checksum_is_that_of_the_standard() -> None:
    # The block's own last line, "=SScH", was written by gpg.
    assert base64.b64encode(apt_signing_key.crc24(RAW).to_bytes(3, "big")) == b"SScH"
