"""The dead man's switch: start, success, failure, and nothing that goes wrong with it is fatal."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jobs.ping import Ping, checked_ping_url
from palm import SettingsError


@pytest.fixture
def switch():
    """Yield a server that remembers what it was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            server.asked.append((self.command, self.path))
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.status = [], 200
    server.url = f"http://127.0.0.1:{server.server_port}/uuid"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_start_success_and_failure_have_paths_of_their_own(switch):
    ping = Ping(switch.url)
    assert [ping.start(), ping.end(0), ping.end(77)] == [None, None, None]
    assert switch.asked == [("POST", "/uuid/start"), ("POST", "/uuid"), ("POST", "/uuid/77")]


def test_an_answer_other_than_2xx_is_told(switch):
    switch.status = 404
    assert Ping(switch.url).start() == "the ping was answered with HTTP 404"


def test_nobody_there_is_told_without_the_url():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said = Ping(f"http://127.0.0.1:{taken.getsockname()[1]}/secret").end(0)
    assert said == "the ping could not be sent: URLError"


def test_somebody_who_never_answers_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/secret"
        assert Ping(url, timeout_s=0.1).start() == "the ping could not be sent: TimeoutError"


def test_what_is_no_http_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail ready\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        said = Ping(f"http://127.0.0.1:{server.getsockname()[1]}/secret").start()
        thread.join()
    assert said is not None
    assert "secret" not in said


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
