"""Bytes out, bytes in, and nothing of the HTTP library's in between."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
import subprocess

import pytest

from palm.errors import (
    BodyError,
    ClosedError,
    ConnectError,
    DisconnectedError,
    SettingsError,
    TimedOutError,
    TransportError,
)
from palm.http.transport import Timeouts, Transport, checked_base_url

OPENID = "oSecretPerson0123456789abcde"
TARGET = f"/v3/palmservice/authorization/openid/{OPENID}?organization_id=1004"
CREDENTIALS = {"Authorization": 'WECHATPAY2-SHA256-RSA2048 signature="c2ln"'}
LIMIT = 64 * 1024


@contextlib.asynccontextmanager
async def closing(transport):
    try:
        yield transport
    finally:
        await transport.close()


@pytest.fixture
async def transport():
    async with closing(Transport(Timeouts(connect_s=2, total_s=2))) as transport:
        yield transport


@pytest.fixture
async def hurried():
    """A transport that waits for nothing for more than a moment."""
    timeouts = Timeouts(connect_s=0.1, total_s=0.1, idle_s=0.05)
    async with closing(Transport(timeouts)) as transport:
        yield transport


async def ask(transport, server):
    """Send a request and believe what comes back."""
    with await transport.send("GET", server.base_url + TARGET, {}, b"") as answer:
        answer.keep_connection()
    return answer


@pytest.fixture
def fail(everything_said_by):
    """Send a request that must fail, and return its error if that holds no secret."""

    async def fail(transport, url, kind):
        with pytest.raises(kind) as caught:
            await transport.send("GET", url + TARGET, CREDENTIALS, b"")
        said = everything_said_by(caught.value)
        for secret in (OPENID, "palmservice", "WECHATPAY2", "c2ln", "organization_id", url):
            assert secret not in said
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        return caught.value

    return fail


# --- base URLs


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://api.mch.weixin.qq.com", "https://api.mch.weixin.qq.com"),
        ("https://api.mch.weixin.qq.com/", "https://api.mch.weixin.qq.com"),
        ("https://proxy.example:8443/wechat/", "https://proxy.example:8443/wechat"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_https_anywhere_and_http_to_this_machine_are_safe_to_send_to(url, clean):
    assert checked_base_url(url) == clean


@pytest.mark.parametrize(
    "url",
    [
        "http://api.mch.weixin.qq.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://2130706433",
        "http://[::ffff:10.0.0.1]",
        "HTTP://api.mch.weixin.qq.com",
    ],
)
def test_http_to_another_machine_is_refused(url):
    with pytest.raises(SettingsError, match="the base URL must begin with https://"):
        checked_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.mch.weixin.qq.com",
        "//api.mch.weixin.qq.com",
        "ftp://api.mch.weixin.qq.com",
        "file:///etc/passwd",
        "https://",
        "https://host:port",
        "https://host:99999",
        "https://[::1",
        "https://user:secret@host",
        "https://host/?a=1",
        "https://host/#a",
        "http://127.0.0.1:80@evil.example",
        "http://127.0.0.1\\@evil.example",
    ],
)
def test_what_is_no_plain_url_of_a_host_is_refused_without_being_shown(url):
    with pytest.raises(SettingsError) as caught:
        checked_base_url(url)
    assert str(caught.value) == "the base URL must look like https://api.mch.weixin.qq.com"


# --- what goes out


async def test_the_target_is_sent_byte_for_byte(serve, transport):
    target = "/v3/a%2Fb%3fc/..%2F%E4%B8%AD/%7E~;,=@:!$&'()*?x=a%20b+c%2B&y=%41"
    async with serve(lambda line: line.answer(200)) as server:
        await transport.send("GET", server.base_url + target, {}, b"")
    assert server.targets == [f"GET {target}"]


async def test_the_headers_are_ours_and_no_compression_is_asked_for(serve, transport):
    async with serve(lambda line: line.answer(200)) as server:
        await transport.send("GET", server.base_url + TARGET, {"Authorization": "A b"}, b"")
    lines = server.heads[0].split("\r\n")[1:-2]
    sent = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    agent = sent.pop("user-agent")
    assert agent.startswith("palm-reconcile/")
    assert sent == {
        "host": server.base_url.removeprefix("http://"),
        "accept": "application/json",
        "accept-encoding": "identity",
        "authorization": "A b",
    }


async def test_no_cookie_is_kept(serve, transport):
    async with serve(lambda line: line.answer(200, headers="Set-Cookie: a=b\r\n")) as server:
        for _ in range(2):
            await ask(transport, server)
    assert "cookie:" not in server.heads[1].lower()


async def test_one_connection_serves_many_requests(serve, transport):
    async with serve(lambda line: line.answer(200)) as server:
        for _ in range(5):
            await ask(transport, server)
    assert (len(server.heads), server.connections) == (5, 1)


async def test_a_connection_that_lay_idle_is_not_used_again(serve):
    async with (
        serve(lambda line: line.answer(200)) as server,
        closing(Transport(Timeouts(idle_s=0.05))) as transport,
    ):
        for _ in range(2):
            await ask(transport, server)
            await asyncio.sleep(0.2)
    assert server.connections == 2


# --- what comes back


async def test_status_headers_and_body_come_back_as_they_came(serve, transport):
    async def script(line):
        await line.answer(418, b"\x00\xff{}", "Request-ID: 08-0\r\nX-A: \xff\r\n")

    async with serve(script) as server:
        came = await ask(transport, server)
    assert (came.status, came.headers["REQUEST-id"]) == (418, "08-0")
    assert came.content == b"\x00\xff{}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(serve, transport, status):
    async with serve(lambda line: line.answer(status, headers="Location: /other\r\n")) as server:
        came = await ask(transport, server)
        assert (came.status, len(server.heads)) == (status, 1)


async def test_a_compressed_body_stays_compressed(serve, transport):
    """Nobody asked for it; what was signed are these bytes, and a bomb stays small."""
    packed = gzip.compress(b"{" + b" " * 10_000_000 + b"}")
    async with serve(lambda line: line.answer(200, packed, "Content-Encoding: gzip\r\n")) as server:
        body = (await ask(transport, server)).content
    assert body == packed


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_64_kib_is_read_whole(serve, transport, chunked):
    async def script(line):
        if not chunked:
            await line.answer(200, b"x" * LIMIT)
            return
        await line.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(16):
            await line.say(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        await line.say(b"0\r\n\r\n")

    async with serve(script) as server:
        body = (await ask(transport, server)).content
    assert body == b"x" * LIMIT


@pytest.mark.parametrize("how", ["length", "chunked", "until closed"])
async def test_a_longer_body_is_refused_without_being_read_to_its_end(serve, transport, how, fail):
    said = 0

    async def script(line):
        nonlocal said
        if how == "length":
            await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        elif how == "chunked":
            await line.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        else:
            await line.say(b"HTTP/1.1 200 OK\r\n\r\n")
        chunk = b"x" * 65536
        for _ in range(15_000):
            await line.say(b"10000\r\n" + chunk + b"\r\n" if how == "chunked" else chunk)
            said += len(chunk)

    async with serve(script) as server:
        error = await fail(transport, server.base_url, BodyError)
        await asyncio.sleep(0.05)
    assert str(error) == "the response is longer than 65536 bytes"
    assert said < 50_000_000


async def test_a_length_beside_chunks_deceives_nobody(serve, transport, fail):
    async def script(line):
        await line.say(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(1000):
            await line.say(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    async with serve(script) as server:
        await fail(transport, server.base_url, (BodyError, DisconnectedError))


# --- errors


async def drop(line):
    line.hang_up()


async def silence(_):
    await asyncio.sleep(9)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
async def test_half_an_answer_or_none_is_a_broken_connection(serve, transport, said, fail):
    async def script(line):
        await line.say(said)
        line.hang_up()

    async with serve(script) as server:
        error = await fail(transport, server.base_url, DisconnectedError)
    assert str(error).startswith("the connection broke: ")


async def test_a_kept_alive_connection_that_breaks_is_not_tried_again_by_the_library(
    serve, transport, fail
):
    async def script(line):
        await (line.answer(200) if line.number == 1 else drop(line))

    async with serve(script) as server:
        await ask(transport, server)
        await fail(transport, server.base_url, DisconnectedError)
        assert (len(server.heads), server.connections) == (2, 1)


async def test_a_server_that_says_nothing_is_timed_out(serve, hurried, fail):
    async with serve(silence) as server:
        error = await fail(hurried, server.base_url, TimedOutError)
    assert str(error) == "no complete response in time"


async def test_a_server_that_stops_halfway_is_timed_out(serve, hurried, fail):
    async def script(line):
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
        await asyncio.sleep(9)

    async with serve(script) as server:
        await fail(hurried, server.base_url, TimedOutError)


async def test_a_request_may_bring_its_own_time(serve, transport):
    async with serve(silence) as server:
        with pytest.raises(TimedOutError):
            await transport.send(
                "GET", server.base_url + TARGET, {}, b"", timeouts=Timeouts(total_s=0.05)
            )


async def test_nobody_listening_is_no_connection(serve, transport, fail):
    async with serve(drop) as server:
        pass
    error = await fail(transport, server.base_url, ConnectError)
    assert str(error).startswith("no connection: ")


@pytest.fixture
def unvouched(tmp_path):
    """A server's side of TLS, with a certificate of its own making."""
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=x "
        "-addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    return context


async def test_a_certificate_that_nobody_vouches_for_is_no_connection(transport, unvouched, fail):
    async def never(reader, writer):
        raise AssertionError

    server = await asyncio.start_server(never, "127.0.0.1", 0, ssl=unvouched)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    error = await fail(transport, url, ConnectError)
    server.close()
    assert "the TLS certificate of 127.0.0.1 is refused (self-signed certificate)" in str(error)


async def test_plain_http_where_tls_is_expected_is_no_answer(serve, hurried, fail):
    async with serve(drop) as server:
        await fail(hurried, server.base_url.replace("http:", "https:"), TransportError)


async def test_a_closed_transport_stays_closed(serve, transport):
    async with serve(lambda line: line.answer(200)) as server:
        await ask(transport, server)
        await transport.close()
        await transport.close()
        with pytest.raises(ClosedError, match="the client is closed"):
            await ask(transport, server)
    assert len(server.heads) == 1
