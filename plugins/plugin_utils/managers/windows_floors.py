# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Windows Server can be judged and which can be patched from which ansible-core, and what the others are told.

The reader needs Windows PowerShell 3.0. Installing goes through modules of ansible.windows, and what those need is
written in ansible-core's own wrapper: 3.0 up to 2.18, 5.1 from 2.19 on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

READER_NEEDS = (3, 0)
_LAST_OLD_CORE = (2, 18)
_VERSION = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{1,6})(?:\.\d{1,6})?\Z")


@dataclass(frozen=True)
class Server:
    """One Windows Server: its product in baselines, and the Windows PowerShell that it came with."""

    product: str
    powershell: tuple[int, int]
    """Newest of its own updates, where it came with an older one (Windows Management Framework)."""


_BY_BUILD = {
    (6, 0): Server("WindowsServer2008", (3, 0)),
    (6, 1): Server("WindowsServer2008R2", (5, 1)),
    (6, 2): Server("WindowsServer2012", (5, 1)),
    (6, 3): Server("WindowsServer2012R2", (5, 1)),
}
_BY_TEN = {14393: "WindowsServer2016", 17763: "WindowsServer2019", 20348: "WindowsServer2022",
           26100: "WindowsServer2025"}  # fmt: skip
_SERVERS = "Windows Server 2008, 2008 R2, 2012, 2012 R2, 2016, 2019, 2022 and 2025"


def server_of(version: str, product_type: int, caption: str) -> Server:
    """The server of ``10.0.17763`` and product type 3 (2: domain controller, 1: workstation).

    ``unsupported_os`` for a workstation and for a build that is no release of the long-term channel.
    """
    match = _VERSION.match(version)
    if match is None:
        raise PatchError("bad_answer", f"The reader's answer is wrong: os.version {version!r} is no Windows version.",
                         where="os.version")  # fmt: skip
    named = caption or f"Windows {version}"
    if product_type == 1:
        raise PatchError("unsupported_os", f"{named} is a workstation; Patch Manager knows {_SERVERS}.")
    major, minor, build = (int(part) for part in match.groups())
    product = _BY_TEN.get(build) if (major, minor) == (10, 0) else None
    server = Server(product, (5, 1)) if product else _BY_BUILD.get((major, minor))
    if server is None:
        raise PatchError(
            "unsupported_os",
            f"{named} ({version}) is none of {_SERVERS}. Releases of the annual channel have no product in baselines.",
        )
    return server


def powershell_version(text: str) -> tuple[int, int]:
    """``5.1.17763.1`` is (5, 1)."""
    match = re.match(r"(\d{1,3})\.(\d{1,3})(?:\.|\Z)", text)
    if match is None:
        raise PatchError("bad_answer", f"The reader's answer is wrong: powershell {text[:40]!r} is no version.",
                         where="powershell")  # fmt: skip
    return int(match.group(1)), int(match.group(2))


def needed_powershell(core: tuple[int, int]) -> tuple[int, int]:
    """What ansible-core's wrapper asks of a Windows host."""
    return (3, 0) if core <= _LAST_OLD_CORE else (5, 1)


def install_objection(server: Server, powershell: tuple[int, int], core: tuple[int, int]) -> str | None:
    """Why ansible-core cannot install on the host, and what helps; None where it can."""
    needed = needed_powershell(core)
    if powershell >= needed:
        return None
    told = (
        f"ansible-core {_dotted(core)} needs Windows PowerShell {_dotted(needed)} on the host to install updates, "
        f"and this {server.product} has {_dotted(powershell)}. The scan holds; for an install "
    )
    ways = []
    if server.powershell >= needed:
        ways.append(f"put Windows Management Framework {_dotted(needed)} on the host")
    if powershell >= needed_powershell(_LAST_OLD_CORE):
        ways.append(f"run from ansible-core 2.16 to {_dotted(_LAST_OLD_CORE)}")
    return told + (" or ".join(ways) or "the server has to be replaced: no version of ansible-core reaches it") + "."


def collection_objection(version: tuple[int, ...] | None, core: tuple[int, int]) -> str | None:
    """Why this release of ansible.windows (None: it does not say) is not driven from that ansible-core.

    2.0.0 ended a loop of retries over updates that keep failing, 3.0.0 works with the tagged data of 2.19 (its change
    log).
    """
    needed = (3, 0, 0) if core > _LAST_OLD_CORE else (2, 0, 0)
    if version is None or version >= needed:
        return None
    return (
        f"ansible.windows {'.'.join(map(str, version))} is too old for ansible-core {_dotted(core)}: installing on"
        f" Windows needs {'.'.join(map(str, needed))} or newer (ansible-galaxy collection install ansible.windows)."
    )


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
