"""Record what the yum reader answers on hosts with the stand-in for yum 3: `record_yum.py [FOLDER...]`, in the lab.

Writes <distribution>-<release>/yum_answer.json and yum_inventory.json. Read the difference before you commit it: the
inventory is what the tests expect from then on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "lab", HERE.parents[1] / ".cache" / "collections"):
    sys.path.insert(0, str(folder))

from openfleet_lab.api import session, start_host  # noqa: E402
from record_apt import as_text  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import reader_source  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.yum import build_inventory  # noqa: E402

KINDS = {"centos-7.9": "centos7", "amazonlinux-2": "amazonlinux2"}
REQUEST = '{"protocol": 1, "op": "read", "options": {"refresh": "never"}}'


def write(name: str, answer: dict[str, Any]) -> None:
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    for table in ("installed", "candidates", "notices"):
        answer["result"][table]["rows"].sort(key=lambda row: [str(cell) for cell in row[:4]])
    inventory = build_inventory({"system": {}, "reader": "yum", "result": answer["result"]})
    (folder / "yum_answer.json").write_text(as_text(answer) + "\n")
    (folder / "yum_inventory.json").write_text(as_text(inventory.to_dict()) + "\n")


def main() -> None:
    with session() as lab:
        for name in sys.argv[1:] or KINDS:
            host = start_host(lab, KINDS[name])
            try:
                words = ["/usr/bin/python2.7", "-B", "-E", "-s", "-c", reader_source("yum").decode()]
                answer = json.loads(host.run(words, stdin=REQUEST).stdout)
                assert answer["ok"], answer["error"]
                write(name, answer)
            finally:
                host.destroy()


if __name__ == "__main__":
    main()
