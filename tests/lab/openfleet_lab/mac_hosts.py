"""What the lab's Macs say about themselves, what they have and what they are offered, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OWNER = "brewowner"


@dataclass(frozen=True)
class Mac:
    """A Mac as it comes. ``updates``: those of softwareupdate (guest/mac_stand_in.py); ``brew``: where Homebrew is."""

    name: str
    version: str
    build: str
    kernel: str
    arch: str
    history: str
    updates: tuple[dict[str, Any], ...]
    brew: str
    formulae: dict[str, dict[str, Any]] = field(default_factory=dict)
    casks: dict[str, dict[str, Any]] = field(default_factory=dict)
    manager: str = "macos"


_BREW = {
    "openfleet/demo/ofhello": {"installed": ["1.0"], "current": "2.0"},
    "openfleet/demo/ofpin": {"installed": ["1.0"], "current": "1.1", "pinned": True},
    "firefox": {"installed": ["1.0"], "current": "1.0"},
    "ofbroken": {"installed": ["1.0"], "current": "1.1", "fails": "ofbroken: failed to build from source"},
}
# A formula and a cask of one name, and a version with a comma.
_CASKS = {
    "firefox": {"installed": ["140.0,1"], "current": "141.0,2"},
    "ofcask": {"installed": ["1.4.2"], "current": "1.4.2"},
}


def _new(label: str, title: str, version: str, size: int, action: str = "", **more: Any) -> dict[str, Any]:
    detail = f"\tTitle: {title}, Version: {version}, Size: {size}KiB, Recommended: YES, "
    tail = f"Action: {action}, " if action else ""
    return {"lines": [f"* Label: {label}", detail + tail], "title": title, "version": version, **more}


MACS = {
    "macos14": Mac(
        "macOS", "14.4", "23E214", "23.4.0", "arm64", "InstallHistory.14.4-sonoma.plist",
        (
            _new("Safari18.5SonomaAuto-18.5", "Safari", "18.5", 165325),
            _new("macOS Sonoma 14.7-23H124", "macOS Sonoma 14.7", "14.7", 2039632, "restart", restart=True,
                 becomes=["14.7", "23H124"]),
            _new("macOS Sequoia 15.6-24G84", "macOS Sequoia 15.6", "15.6", 7127219, "restart", restart=True,
                 becomes=["15.6", "24G84"]),
            _new("Command Line Tools for Xcode-15.3", "Command Line Tools for Xcode", "15.3", 753580),
            _new("Command Line Tools for Xcode-16.2", "Command Line Tools for Xcode", "16.2", 751468),
        ),
        "/opt/homebrew", _BREW, _CASKS,
    ),
    # The list is recorded.
    "macos1015": Mac(
        "Mac OS X", "10.15.6", "19G73", "19.6.0", "x86_64", "InstallHistory.chef-10.15-clt.plist",
        (
            {"lines": ["* Label: Safari14.0CatalinaAuto-14.0",
                       "\tTitle: Safari, Version: 14.0, Size: 65417K, Recommended: YES,"],
             "title": "Safari", "version": "14.0"},
            {"lines": ["* Label: Security Update 2020-005-10.15.6",
                       "\tTitle: Security Update 2020-005, Version: 10.15.6, Size: 1581834K, Recommended: YES, "
                       "Action: restart, "],
             "title": "Security Update 2020-005", "version": "10.15.6"},
            {"lines": ["* Label: BridgeOSUpdateCustomer",
                       "    Title: BridgeOSUpdateCustomer, Version: 10.15.0.1.1.1560926689, Size: 390674K, "
                       "Recommended: YES, Action: shut down,"],
             "title": "BridgeOSUpdateCustomer", "version": "10.15.0.1.1.1560926689"},
            {"lines": ["- Label: iCal-1.0.2", "    Title: iCal, Version: 1.0.2, Size: 6520K,"],
             "title": "iCal", "version": "1.0.2"},
        ),
        "/usr/local", {}, {},
    ),
}  # fmt: skip
VOLUME_OWNER = {"name": "admin", "password": "correct horse battery"}
FACE: dict[str, str | None] = {"/etc/debian_version": None}
