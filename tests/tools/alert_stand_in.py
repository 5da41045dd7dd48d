"""A small stand-in for Alertmanager: the three requests of its API that end and begin silences, each checked."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_NEEDED = {"matchers", "startsAt", "endsAt", "createdBy", "comment"}


class Alerts:
    """``silences`` by id, as the API shows them; ``refused`` has what was wrong with a request."""

    def __init__(self) -> None:
        self.silences: dict[str, dict[str, Any]] = {}
        self.refused: list[str] = []

    def add(self, asked: dict[str, Any]) -> str:
        if missing := _NEEDED - asked.keys():
            raise ValueError(f"no {missing}")
        begin, end = (datetime.fromisoformat(asked[name].replace("Z", "+00:00")) for name in ("startsAt", "endsAt"))
        if not begin <= datetime.now(timezone.utc) < end:
            raise ValueError("it is not on now")
        for matcher in asked["matchers"]:
            if matcher.keys() < {"name", "value", "isRegex"}:
                raise ValueError(f"a matcher {matcher}")
            re.compile(matcher["value"])
        name = f"00000000-0000-4000-8000-{len(self.silences):012}"
        self.silences[name] = {"id": name, "status": {"state": "active"}, **asked}
        return name

    def silent(self, instance: str) -> bool:
        """Whether an active silence is about this instance."""
        return any(
            re.fullmatch(each["matchers"][0]["value"], instance)
            for each in self.silences.values()
            if each["status"]["state"] == "active"
        )


@contextmanager
def serving(alerts: Alerts) -> Iterator[str]:
    """The address of the stand-in; ``/silent/INSTANCE`` answers yes or no, for tests."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            if self.path.startswith("/silent/"):
                self._say(200, "yes" if alerts.silent(self.path.rpartition("/")[2]) else "no")
            elif self.path == "/api/v2/silences":
                self._say(200, list(alerts.silences.values()))
            else:
                self._refuse(404, self.path)

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                if self.path != "/api/v2/silences":
                    raise ValueError(self.path)
                self._say(200, {"silenceID": alerts.add(asked)})
            except (ValueError, KeyError, re.error) as error:
                self._refuse(400, str(error))

        def do_DELETE(self) -> None:
            silence = alerts.silences.get(self.path.removeprefix("/api/v2/silence/"))
            if silence is None:
                self._refuse(404, self.path)
                return
            silence["status"] = {"state": "expired"}
            self._say(200, "")

        def _refuse(self, status: int, why: str) -> None:
            alerts.refused.append(why)
            self._say(status, why)

        def _say(self, status: int, value: Any) -> None:
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
