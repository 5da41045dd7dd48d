# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPGP public keys for apt: from a key block or a binary file to bytes for trusted.gpg.d, with their fingerprints.

Pure, and strict: what is not understood is refused, since a host would trust it. Formats: RFC 4880, sections 4.2
(packets), 6 (armor) and 12.2 (fingerprints).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence

from ..errors import PatchError

MOST_BYTES = 1024 * 1024
_PUBLIC_KEY = 6
_SECRET_KEYS = (5, 7)
_BLOCK = re.compile(
    rb"^-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t\r]*\n(?P<headers>(?:[A-Za-z]+: [^\n]*\n)*)[ \t\r]*\n"
    rb"(?P<body>[A-Za-z0-9+/=\s]+?)\s*^-----END PGP PUBLIC KEY BLOCK-----[ \t\r]*$",
    re.M,
)


def trusted_key(material: bytes, fingerprints: Sequence[str]) -> bytes:
    """The keys in ``material`` (armored or binary) as bytes that apt of Debian 8 reads from trusted.gpg.d.

    Raises ``bad_signing_key`` unless its primary keys are exactly those that ``fingerprints`` names (40 hexadecimal
    digits each, spaces allowed).
    """
    wanted = {_plain_fingerprint(each) for each in fingerprints}
    if not wanted:
        raise _bad("no fingerprint says which key is meant")
    raw = binary(material)
    found = fingerprints_of(raw)
    if set(found) != wanted:
        raise _bad(
            f"it holds {', '.join(found)} and the fingerprint that was given is {', '.join(sorted(wanted))}; nothing "
            "was touched. See where the key comes from, then give the fingerprint that its owner publishes"
        )
    return raw


def binary(material: bytes) -> bytes:
    """Armored blocks decoded, or the bytes themselves where they are packets already."""
    if len(material) > MOST_BYTES:
        raise _bad(f"it has {len(material)} bytes")
    if b"-----BEGIN PGP" not in material:
        return material
    blocks = [_decoded(found["body"]) for found in _BLOCK.finditer(material)]
    if not blocks or len(blocks) != material.count(b"-----BEGIN PGP"):
        raise _bad("not every block in it is a whole armored public key block")
    return b"".join(blocks)


def _decoded(body: bytes) -> bytes:
    lines = body.split()
    checksum = lines.pop()[1:] if lines[-1].startswith(b"=") and len(lines[-1]) == 5 else None
    try:
        raw = base64.b64decode(b"".join(lines), validate=True)
        expected = None if checksum is None else int.from_bytes(base64.b64decode(checksum, validate=True), "big")
    except binascii.Error as error:
        raise _bad(f"its base64 is damaged: {error}") from error
    if expected is not None and crc24(raw) != expected:
        raise _bad("its checksum does not match; it was damaged on its way")
    return raw


def crc24(raw: bytes) -> int:
    """The checksum of armor (RFC 4880, section 6.1)."""
    crc = 0xB704CE
    for byte in raw:
        crc ^= byte << 16
        for _bit in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc


def fingerprints_of(raw: bytes) -> list[str]:
    """Fingerprints of the primary keys, in the order of the file; 40 upper-case hexadecimal digits each."""
    found: list[str] = []
    for tag, body in _packets(raw):
        if tag in _SECRET_KEYS:
            raise _bad("it holds a secret key; export the public one")
        if not found and tag != _PUBLIC_KEY:
            raise _bad("it does not begin with a public key")
        if tag == _PUBLIC_KEY:
            if body[:1] != b"\x04":
                raise _bad(f"it holds a key of version {body[0] if body else 'none'}, not of version 4")
            found.append(hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper())
    if not found:
        raise _bad("there is no public key in it")
    return found


def _packets(raw: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(raw):
        tag, start, length = _header(raw, place)
        place = start + length
        if place > len(raw):
            raise _bad("it stops in the middle of a packet")
        yield tag, raw[start:place]


def _header(raw: bytes, place: int) -> tuple[int, int, int]:
    """Tag, where the body starts, and its length; partial and indeterminate lengths never occur in keys."""
    first = raw[place]
    if not first & 0x80:
        raise _bad("it is no OpenPGP key; armored or binary (gpg --export) is needed, a keybox file is neither")
    place += 1
    if not first & 0x40:
        if first & 3 == 3:
            raise _bad("a packet in it has no length")
        size = 1 << (first & 3)
        return (first >> 2) & 0x0F, place + size, int.from_bytes(raw[place : place + size], "big")
    if place >= len(raw):
        raise _bad("it stops in the middle of a packet")
    octet = raw[place]
    if octet < 192:
        return first & 0x3F, place + 1, octet
    if octet < 224:
        second = raw[place + 1] if place + 1 < len(raw) else 0
        return first & 0x3F, place + 2, ((octet - 192) << 8) + second + 192
    if octet == 255:
        return first & 0x3F, place + 5, int.from_bytes(raw[place + 1 : place + 5], "big")
    raise _bad("a packet in it is split up")


def _plain_fingerprint(text: str) -> str:
    plain = re.sub(r"\s", "", text).upper().removeprefix("0X")
    if not re.fullmatch(r"[0-9A-F]{40}", plain):
        raise _bad(f"{text!r} is no fingerprint of 40 hexadecimal digits; a short key id can be forged")
    return plain


def _bad(why: str) -> PatchError:
    return PatchError("bad_signing_key", f"The signing key for Debian 8 cannot be used: {why}.")
