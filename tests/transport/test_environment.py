"""The task's environment reaches the package manager and stands on no command line, here or on the host."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transport_play import Controller, carry, inventory_of

pytestmark = pytest.mark.lab
SECRET = "s3cret-of-the-proxy"
CONTROLLER = "10.77.0.1"


class Proxy(threading.Thread):
    """Takes every request, remembers it and holds it for a while, so that the host's processes can be looked at."""

    def __init__(self, hold: float) -> None:
        super().__init__(daemon=True)
        self.requests: list[str] = []
        self._hold = hold
        self._server = socket.create_server((CONTROLLER, 0))
        self.port = self._server.getsockname()[1]

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._server.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self.requests.append(connection.recv(65536).decode("utf-8", "replace"))
            time.sleep(self._hold)
            connection.sendall(b"HTTP/1.1 502 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def stop(self) -> None:
        self._server.close()


class CommandLines(threading.Thread):
    """Collects the command lines of all processes of this machine; those of lab hosts are among them."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.002):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.seen.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))

    def stop(self) -> None:
        self._ended.set()
        self.join()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    server = Proxy(hold=0.7)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("way", ["stdin", "file"])
def test_a_proxy_password_reaches_apt_and_no_command_line(
    controller: Controller, host: Any, proxy: Proxy, way: str
) -> None:
    user = "root" if way == "stdin" else "needtty"
    request = {
        "protocol": 1,
        "op": "read",
        "options": {"refresh": "always", "refresh_timeout": 20},
    }
    environment = {
        "http_proxy": f"http://user:{SECRET}@{CONTROLLER}:{proxy.port}/",
        "ODD_ONE": 'it\'s "$(id)" `id` \\ !x',
    }
    watcher = CommandLines()
    watcher.start()
    play = controller.play(
        inventory_of({"a": host.inventory(user)}),
        [carry(options={"request": request}, environment=environment)],
    )
    watcher.stop()
    assert play.only().status == "ok", play.output
    assert proxy.requests, "apt never asked the proxy"
    # "user:password" in base64 is how apt hands the password over.
    assert any("Proxy-Authorization: Basic " in request for request in proxy.requests)
    assert any("apt-get" in line for line in watcher.seen), "the watcher saw nothing of the host"
    assert any("iflag=fullblock" in line for line in watcher.seen), "the watcher missed our own command line"
    assert not [line for line in watcher.seen if SECRET in line or "ODD_ONE" in line]


def test_values_that_a_shell_would_expand_arrive_as_they_are(newest: Controller, host: Any) -> None:
    value = 'it\'s "$(touch /tmp/expanded)" `id` \\ !x ~ *\nsecond line; é'
    reporter = host.root / "opt" / "tells_environment"
    reporter.write_text('#!/bin/sh\nprintf \'%s\' "$ODD_ONE" > /root/odd_one\nexec /usr/bin/python3 "$@"\n')
    reporter.chmod(0o755)
    options = {"interpreters": ["/opt/tells_environment"]}
    play = newest.play(
        inventory_of({"a": host.inventory("root")}), [carry(options=options, environment={"ODD_ONE": value})]
    )
    assert play.only().status == "ok", play.output
    assert (host.root / "root" / "odd_one").read_text() == value
    assert not (host.root / "tmp" / "expanded").exists()
    (host.root / "root" / "odd_one").unlink()
    reporter.unlink()


def test_a_name_that_no_shell_can_export_is_refused(newest: Controller, host: Any) -> None:
    play = newest.play(inventory_of({"a": host.inventory("root")}), [carry(environment={"A;id": "1"})])
    assert play.only().kind == "bad_environment"
