"""Servers on loopback that keep what they are sent: mail by SMTP, requests by HTTP or HTTPS."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any


@dataclass
class Mails:
    """What a mail server was handed: envelope and message."""

    port: int = 0
    received: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)


@contextmanager
def smtp_sink() -> Iterator[Mails]:
    """As much of RFC 5321 as a client needs to hand over a message."""
    mails = Mails()

    class Session(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

        def handle(self) -> None:
            self.say("220 sink ready")
            sender, to = "", []
            while line := self.rfile.readline():
                text = line.decode("utf-8", "replace").strip()
                verb = text[:4].upper()
                if verb == "EHLO":
                    self.say("250 sink")
                elif verb == "MAIL":
                    sender = text.partition(":")[2]
                    self.say("250 ok")
                elif verb == "RCPT":
                    to.append(text.partition(":")[2].strip("<>"))
                    self.say("250 ok")
                elif verb == "DATA":
                    self.say("354 go on")
                    body = bytearray()
                    while (line := self.rfile.readline()) not in (b".\r\n", b""):
                        body += line.removeprefix(b".") if line.startswith(b"..") else line
                    message = message_from_bytes(bytes(body), policy=policy.default)
                    assert isinstance(message, EmailMessage)
                    mails.received.append((sender, to, message))
                    self.say("250 kept")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("502 not here")

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)) as port:
        mails.port = port
        yield mails


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Requests:
    """What a web server was asked; ``status`` is what it answers."""

    port: int = 0
    status: int = 200
    received: list[Request] = field(default_factory=list)


@contextmanager
def http_sink(certificate: Path | None = None) -> Iterator[Requests]:
    """With ``certificate`` (with its key, in one PEM file) by TLS."""
    requests = Requests()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.received.append(Request(self.command, self.path, dict(self.headers.items()), body))
            self.send_response(requests.status)
            self.send_header("Content-Length", "1")
            self.end_headers()
            self.wfile.write(b"1")

        do_POST = do_PUT = answer

        def log_message(self, *_arguments: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with _serving(server) as port:
        requests.port = port
        yield requests


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def self_signed(path: Path) -> Path:
    """A certificate for 127.0.0.1 and localhost with its key, in one PEM file that clients can trust."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path
