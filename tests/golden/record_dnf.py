"""Record what the readers of dnf 4 and 5 answer on real hosts: `record_dnf.py [FOLDER...]`, where the lab can run.

Writes <distribution>-<release>/dnf_answer.json and dnf_inventory.json, or dnf5_answer.json and dnf5_inventory.json.
Read the difference before you commit it: the inventory is what the tests expect from then on.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "lab", HERE.parent / "parity", HERE.parents[1] / ".cache" / "collections"):
    sys.path.insert(0, str(folder))

from dnf_reading import MAPPINGS, read_answer  # noqa: E402
from openfleet_lab.api import session, start_host  # noqa: E402
from record_apt import as_text  # noqa: E402

MANAGERS = "ansible_collections.openfleet.patch.plugins.plugin_utils.managers"
KINDS = {
    "rhel-9.4": "rhel9",
    "rhel-8.10": "rhel8",
    "centos-8.5": "centos8",
    "oracle-8.10": "oracle8",
    "rocky-9.4": "rocky9",
    "amazon-2023": "amazonlinux2023",
    "fedora-42": "fedora42",
}


def write(name: str, manager: str, answer: dict[str, Any]) -> None:
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    for table in ("installed", "candidates", "notices"):
        answer["result"][table]["rows"].sort(key=lambda row: [str(cell) for cell in row[:4]])
    reading = {"system": {}, "reader": manager, "result": answer["result"]}
    inventory = import_module(f"{MANAGERS}.{manager}").build_inventory(reading, mappings=MAPPINGS)
    (folder / f"{manager}_answer.json").write_text(as_text(answer) + "\n")
    (folder / f"{manager}_inventory.json").write_text(as_text(inventory.to_dict()) + "\n")


def main() -> None:
    wanted = sys.argv[1:] or list(KINDS)
    with session() as lab:
        for name in wanted:
            host = start_host(lab, KINDS[name])
            try:
                answer = read_answer(host)
                assert answer["ok"], answer["error"]
                write(name, host.kind.manager, answer)
            finally:
                host.destroy()


if __name__ == "__main__":
    main()
