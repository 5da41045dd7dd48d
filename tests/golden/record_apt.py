"""Record what the apt reader answers on real hosts: `record_apt.py [FOLDER...]`, where the lab can run.

Writes <distribution>-<release>/apt_answer.json and apt_inventory.json. Read the difference before you commit it: the
inventory is what the tests expect from then on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE.parent / "lab", HERE.parent / "parity", HERE.parents[1] / ".cache" / "collections"):
    sys.path.insert(0, str(folder))

from apt_reading import READER, read_answer, request  # noqa: E402
from openfleet_lab.api import session, start_host  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.apt import build_inventory  # noqa: E402

KINDS = {
    "debian-12": "bookworm",
    "debian-13": "trixie",
    "ubuntu-22.04": "ubuntu2204",
    "ubuntu-24.04": "ubuntu2404",
    "ubuntu-18.04": "ubuntu1804",
    "debian-8": "debian8",
    "raspbian-12": "raspbian",
}


def as_text(value: Any, depth: int = 0) -> str:
    """JSON with one line for each package, repository or fact, so that a change can be read."""
    pad = " " * (depth + 1)
    if depth < 3 and isinstance(value, dict) and value:
        lines = [f"{pad}{json.dumps(key)}: {as_text(value[key], depth + 1)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"
    if depth < 4 and isinstance(value, list) and value and isinstance(value[0], (list, dict)):
        return "[\n" + ",\n".join(pad + json.dumps(item, sort_keys=True) for item in value) + "\n" + " " * depth + "]"
    return json.dumps(value, sort_keys=True)


def write(name: str, answer: dict[str, Any]) -> None:
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    for table in ("installed", "candidates"):
        answer["result"][table]["rows"].sort(key=lambda row: [str(cell) for cell in row[:3]])
    inventory = build_inventory({"system": {}, "reader": "apt", "result": answer["result"]})
    (folder / "apt_answer.json").write_text(as_text(answer) + "\n")
    (folder / "apt_inventory.json").write_text(as_text(inventory.to_dict()) + "\n")


def this_machine() -> dict[str, Any]:
    """The machine itself, a Debian with the real archive; other vendors' packages and the mirror's name stay out."""
    command = ["/usr/bin/python3", "-I", "-c", READER]
    done = subprocess.run(command, input=request(), capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.replace("deb.debian.org", "mirror.example"))
    waiting = {row[0] for row in answer["result"]["candidates"]["rows"]}
    installed = answer["result"]["installed"]
    installed["rows"] = [row for row in installed["rows"] if row[0] in waiting or row[-1]]
    return answer


def main() -> None:
    wanted = sys.argv[1:] or ["debian-12-archive", *KINDS]
    if "debian-12-archive" in wanted:
        write("debian-12-archive", this_machine())
    with session() as lab:
        for name, kind in ((each, KINDS[each]) for each in wanted if each in KINDS):
            host = start_host(lab, kind)
            try:
                answer = read_answer(host)
                assert answer["ok"], answer["error"]
                write(name, answer)
            finally:
                host.destroy()


if __name__ == "__main__":
    main()
