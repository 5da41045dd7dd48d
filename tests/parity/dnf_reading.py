"""Run the reader of dnf 4 or dnf 5 on a lab host the way a scan does: source text under the host's own Python."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import reader_source

# Patch Manager does not know Fedora.
MAPPINGS = {"fedora": {"operating_system": "REDHAT_ENTERPRISE_LINUX", "product": "Fedora42"}}


def request(**options: Any) -> str:
    return json.dumps({"protocol": 1, "op": "read", "options": {"refresh": "never", **options}})


def command(user: str = "root", reader: str = "dnf") -> list[str]:
    become = [] if user == "root" else ["runuser", "-u", user, "--"]
    return [*become, "/usr/bin/python3", "-B", "-I", "-c", reader_source(reader).decode()]


def read_answer(host: Any, user: str = "root", **options: Any) -> dict[str, Any]:
    """The reader's answer as it is, errors included."""
    done = host.run(command(user, host.kind.manager), stdin=request(**options))
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def reading(host: Any, user: str = "root", **options: Any) -> dict[str, Any]:
    """What ``build_inventory`` takes."""
    answer = read_answer(host, user, **options)
    assert answer["ok"], answer["error"]["traceback"]
    return {"system": {}, "reader": host.kind.manager, "interpreter": None, "result": answer["result"]}
