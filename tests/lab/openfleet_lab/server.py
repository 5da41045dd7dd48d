"""The lab's web server: every host sees its own view of the repositories, the common one by default.

The folder `views/ADDRESS` decides for a host, else `views/main`; below it one folder per site name. A file `.fault` in
the view makes it misbehave: `drop` closes the connection unanswered, `hang` never answers, a number is that status. A
file `.password` with `user:password` in a folder keeps everybody else out of it.
"""

from __future__ import annotations

import base64
import http.server
import sys
import time
import urllib.parse
from pathlib import Path


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves by the client's address and the Host header."""

    views: Path
    protocol_version = "HTTP/1.1"

    def view(self) -> Path:
        own = self.views / self.client_address[0]
        return own if own.is_dir() else self.views / "main"

    def translate_path(self, path: str) -> str:
        site = self.headers.get("Host", "").split(":")[0]
        words = urllib.parse.unquote(urllib.parse.urlsplit(path).path).split("/")
        safe = [word for word in [site, *words] if word and not word.startswith(".")]
        return str(self.view().joinpath(*safe))

    def do_GET(self) -> None:
        fault = self.view() / ".fault"
        what = fault.read_text().strip() if fault.exists() else ""
        if what == "drop":
            self.close_connection = True
        elif what == "hang":
            while fault.exists():
                time.sleep(0.1)
            self.close_connection = True
        elif what:
            self.send_error(int(what))
        elif not self.allowed():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="lab"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()

    def allowed(self) -> bool:
        path = Path(self.translate_path(self.path))
        wanted = [folder / ".password" for folder in path.parents if folder.is_relative_to(self.view())]
        given = self.headers.get("Authorization", "")
        return all(
            given == "Basic " + base64.b64encode(each.read_bytes().strip()).decode() for each in wanted if each.exists()
        )

    def list_directory(self, path: object) -> None:
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:
        sys.stderr.write(f"{time.time():.3f} {self.client_address[0]} {format % args}\n")
        sys.stderr.flush()


def main() -> None:
    views, address, port = sys.argv[1:]
    Handler.views = Path(views)
    http.server.ThreadingHTTPServer.daemon_threads = True
    http.server.ThreadingHTTPServer((address, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
