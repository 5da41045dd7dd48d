"""Run the dnf reader on a lab host the way a scan does: source text under the host's own Python, nothing left there."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.openfleet.patch.plugins.plugin_utils.host.payload import reader_source

READER = reader_source("dnf").decode()


def request(**options: Any) -> str:
    return json.dumps({"protocol": 1, "op": "read", "options": {"refresh": "never", **options}})


def command(user: str = "root") -> list[str]:
    become = [] if user == "root" else ["runuser", "-u", user, "--"]
    return [*become, "/usr/bin/python3", "-B", "-I", "-c", READER]


def read_answer(host: Any, user: str = "root", **options: Any) -> dict[str, Any]:
    """The reader's answer as it is, errors included."""
    done = host.run(command(user), stdin=request(**options))
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def reading(host: Any, user: str = "root", **options: Any) -> dict[str, Any]:
    """What ``build_inventory`` takes."""
    answer = read_answer(host, user, **options)
    assert answer["ok"], answer["error"]["traceback"]
    return {"system": {}, "reader": "dnf", "interpreter": None, "result": answer["result"]}
