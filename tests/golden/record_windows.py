"""Writes windows-2019: the answer of a host put together from recorded updates, and the inventory made of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / ".cache" / "collections")]

from windows_readings import UPDATES, reading, update_line  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.windows import build_inventory  # noqa: E402


def main() -> None:
    own = [each for each in UPDATES if not each["products"] or "Windows Server 2019" in each["products"]]
    present = [update_line(each, installed=True, downloaded=True) for each in own[:2]]
    answer = reading([update_line(each) for each in own[2:]], present)
    folder = ROOT / "tests" / "golden" / "windows-2019"
    folder.mkdir(exist_ok=True)
    inventory = build_inventory(answer).to_dict()
    for name, value in (("windows_answer", answer), ("windows_inventory", inventory)):
        (folder / f"{name}.json").write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
