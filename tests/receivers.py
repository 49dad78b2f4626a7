"""Services on this machine that messages are sent to: fixtures for every folder of tests."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

_SLOW_MACHINE = "cto=60&rto=60"
"""Seconds to connect and to read: Apprise's own 4 s are short on a busy machine."""


@contextmanager
def _serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver():
    """Yield a server that keeps what is posted to it: messages of ``json://``, and pings."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Type"] == "application/json":
                server.received.append(json.loads(body))
            else:
                server.pings.append((self.path, body.decode()))
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(server.answer)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.received, server.pings = [], []
    server.status, server.answer = 200, b"{}"
    server.address = f"127.0.0.1:{server.server_port}"
    server.url = f"json://{server.address}/token-0c1a8e5b77?{_SLOW_MACHINE}"
    with _serving(server):
        yield server


@pytest.fixture
def mail_server():
    """Yield an SMTP server that keeps the mails it is handed."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 ready\r\n")
            while line := self.rfile.readline():
                verb = line.split()[0].upper() if line.split() else b""
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    mail = bytearray()
                    while (line := self.rfile.readline()) != b".\r\n":
                        mail += line.removeprefix(b".") if line.startswith(b"..") else line
                    server.mails.append(bytes(mail))
                    self.wfile.write(b"250 kept\r\n")
                elif verb == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                elif verb == b"RCPT" and b"@refused." in line:
                    self.wfile.write(b"550 nobody of that name\r\n")
                else:
                    self.wfile.write(b"250 ok\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.mails = []
    server.url = (
        f"mailto://127.0.0.1:{server.server_address[1]}"
        f"?mode=insecure&from=job@example.com&to=operator@example.com&{_SLOW_MACHINE}"
    )
    with _serving(server):
        yield server


@pytest.fixture
def silent_address():
    """Yield the address of a service that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"
