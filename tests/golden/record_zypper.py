"""Record what the zypper reader and zypper itself answer on a real host: `record_zypper.py`, where the lab can run.

Writes sles-15.6/zypper_sections.json, zypper_inventory.json, zypper_simulations.json and zypper_logs.json. Read the
difference before you commit it: the inventory is what the tests expect from then on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "lab", HERE.parent / "parity", HERE.parents[1] / ".cache" / "collections"):
    sys.path.insert(0, str(folder))

from openfleet_lab.api import session, start_host  # noqa: E402
from record_apt import as_text  # noqa: E402
from zypper_reading import reading  # noqa: E402

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import program_source  # noqa: E402
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper import build_inventory  # noqa: E402

NEW = "1.1-150600.3.1"
# What is simulated on a host with the lab's trouble, one set of words each.
SIMULATIONS = {
    "plain": [f"acme-crit.noarch={NEW}", "acme-epoch.noarch=1:1.0-1.1", "kernel-default.x86_64=6.4.0-150600.3"],
    "pulls_in": [f"acme-parent.noarch={NEW}"],
    "removal": [f"acme-mover.noarch={NEW}"],
    "obsoletes": ["acme-newname.noarch=2.0-1.1"],
    "licence": [f"acme-licence.noarch={NEW}"],
    "locked": [f"acme-locked.noarch={NEW}"],
    "vendor": ["acme-vendor.noarch=2.0-1"],
    "gone": ["acme-crit.noarch=7.0-1"],
}
LOGS = {
    "bad_pre": f"acme-badpre.noarch={NEW}",
    "bad_post": f"acme-badpost.noarch={NEW}",
    "stranger": f"acme-stranger.noarch={NEW}",
    "clash": f"acme-clash.noarch={NEW}",
    "restart": f"zypper.noarch={NEW}",
}
ORDER = "/var/tmp/order"


def main() -> None:
    folder = HERE / "sles-15.6"
    folder.mkdir(exist_ok=True)
    program = program_source("zypper_transaction").decode()
    with session() as lab:
        host = start_host(lab, "sles15")
        try:
            found = reading(host)
        finally:
            host.destroy()
        write(folder / "zypper_sections.json", found)
        write(folder / "zypper_inventory.json", build_inventory(found).to_dict())
        host = start_host(lab, "sles15", features=["trouble"])
        try:
            words = [word for batch in SIMULATIONS.values() for word in ("/", *batch)][1:]
            done = host.run(["/bin/sh", "-c", program, "sh", "simulate", "--", *words])
            write(folder / "zypper_simulations.json", {"words": list(SIMULATIONS.items()), "output": done.stdout})
            logs = {}
            for name, word in LOGS.items():
                package = word.partition(".")[0]
                order = f"target {word}\nexpect arrive {package} noarch {NEW}\nlock_timeout 5\n"
                host.run(["sh", "-c", f"cat > {ORDER}"], stdin=order)
                ended = host.run(
                    ["/bin/sh", "-c", f'exec 2>&1; sh -c "$1" sh install {ORDER}', "sh", program], check=False
                )
                logs[name] = {"code": ended.returncode, "log": ended.stdout}
            write(folder / "zypper_logs.json", logs)
        finally:
            host.destroy()


def write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(as_text(value) + "\n")


if __name__ == "__main__":
    main()
