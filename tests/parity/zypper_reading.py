"""Run the zypper reader on a lab host the way a scan does: the bootstrap and what it carries on standard input."""

from __future__ import annotations

from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.records import Inventory
from ansible_collections.openfleet.patch.plugins.plugin_utils.host import frames, payload
from ansible_collections.openfleet.patch.plugins.plugin_utils.managers.zypper import build_inventory


def reading(host: Any, user: str = "root", **options: Any) -> dict[str, Any]:
    """What ``build_inventory`` takes."""
    request = {"protocol": 1, "op": "read", "options": {"refresh": "never", **options}}
    built = payload.build(request, environment={}, interpreters=[], seconds=120, readers=READERS)
    become = [] if user == "root" else ["runuser", "-u", user, "--"]
    # What stands between the quotes is what the shell on the host evaluates.
    done = host.run([*become, "/bin/sh", "-c", built.command.split("'")[1]], stdin=built.data.decode())
    reply = frames.parse(done.stdout, built.mark, limit=10**8)
    assert reply.answer is not None, (done.stdout[-2000:], done.stderr[-2000:])
    return {"system": reply.system, "reader": "zypper", "interpreter": None, "result": reply.answer["result"]}


READERS = {"zypper": payload.reader_source("zypper")}


def inventory_of(host: Any, user: str = "root", **options: Any) -> Inventory:
    return build_inventory(reading(host, user, **options))
