"""The dead man's switch: start, success, failure, and nothing that goes wrong with it is fatal."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

import pytest

from jobs.observe.ping import Ping, checked_ping_url
from palm import SettingsError


@pytest.fixture
def switch():
    """Yield a server that remembers what it was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            server.asked.append((self.command, self.path))
            server.bodies += self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.bodies, server.status = [], "", 200
    server.url = f"http://127.0.0.1:{server.server_port}/uuid"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def pinged(url, code=0, **given):
    """Return what went wrong with a run's two pings."""
    ping = Ping(url, **given)
    ping.start()
    return ping.end(code, "exit code: 0\n")


def test_start_success_and_failure_have_paths_of_their_own(switch):
    assert pinged(switch.url) == []
    assert pinged(switch.url, 77) == []
    start = ("POST", "/uuid/start")
    assert switch.asked == [start, ("POST", "/uuid"), start, ("POST", "/uuid/77")]
    assert "exit code: 0\n" in switch.bodies


def test_the_last_ping_does_not_come_before_the_first():
    """A run that failed at once reported its end first: the switch believed that it went on."""
    paths = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            if self.path.endswith("/start"):
                started.wait(0.3)  # a way that takes long; the end of the run would be sooner
            else:
                started.set()
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    started = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        assert pinged(f"http://127.0.0.1:{server.server_port}/uuid", 2) == []
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert paths == ["/uuid/start", "/uuid/2"]


def test_an_answer_other_than_2xx_is_told(switch):
    switch.status = 404
    assert pinged(switch.url) == ["the ping was answered with HTTP 404"] * 2


def test_nobody_there_is_told_without_the_url():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said = pinged(f"http://127.0.0.1:{taken.getsockname()[1]}/secret")
    assert said == ["the ping could not be sent: URLError"] * 2


def test_a_server_that_drips_holds_up_neither_start_nor_end():
    """It answered a byte a second, and kept the run from starting."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stopped = threading.Event()

        def serve():
            connections = [server.accept()[0] for _ in range(2)]
            while not stopped.wait(0.05):
                for connection in connections:
                    connection.sendall(b"H")
            for connection in connections:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        ping = Ping(f"http://127.0.0.1:{server.getsockname()[1]}/secret", patience_s=0.5)
        ping.start()
        began = time.monotonic()
        said = ping.end(0)
        took = time.monotonic() - began
        stopped.set()
        thread.join()
    assert said == ["the ping was not answered in time"] * 2
    assert 0.4 < took < 5


def test_what_is_no_http_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"220 mail ready\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        said = pinged(f"http://127.0.0.1:{server.getsockname()[1]}/secret")
        thread.join()
    assert len(said) == 2
    assert "secret" not in str(said)


@pytest.mark.parametrize(
    "url", ["https://hc-ping.com/uuid", "https://hc-ping.com/uuid/", "http://127.0.0.1:80/u",
            "http://localhost/u", "https://user:pass@h/u"],
)  # fmt: skip
def test_https_or_this_machine_is_pinged(url):
    assert checked_ping_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["", "uuid", "http://hc-ping.com/uuid", "ftp://h/uuid", "https://", "//h/uuid",
            "https://[/uuid", "file:///etc/uuid"],
)  # fmt: skip
def test_anything_else_is_refused_and_not_repeated(url):
    with pytest.raises(SettingsError, match="must begin with https") as refused:
        checked_ping_url(url)
    assert "uuid" not in str(refused.value)
