# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error codes of Windows Update that tell a user what to do."""

from __future__ import annotations

_UNREACHABLE = "the update server cannot be reached; check the host's proxy, its DNS and the address in the WSUS policy"
_MEANINGS = {
    0x80070005: "access is denied; the update agent does not allow that to a remote caller or to this user",
    0x80240016: "another installation runs or a reboot is pending",
    0x8024001E: "the update service was stopping; try again",
    0x80240024: "there are no updates",
    0x80240032: "the search criteria are not understood",
    0x80240044: "the user is no administrator",
    0x8024402C: _UNREACHABLE,
    0x80072EE2: _UNREACHABLE,
    0x80072EE7: _UNREACHABLE,
    0x80070422: "the update service (wuauserv) is disabled",
    0x8007045B: "the host is shutting down",
}


def meaning(code: int | str) -> str:
    """``0x80240016: another installation runs ...`` of -2145124330 or "0x80240016"; the bare code where unknown."""
    number = int(code, 16) if isinstance(code, str) else code % 2**32
    told = _MEANINGS.get(number)
    return f"0x{number:08X}" + (f": {told}" if told else "")
