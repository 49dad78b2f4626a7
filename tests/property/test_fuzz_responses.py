"""Whatever comes back, believed or not: nothing but the documented errors ever escapes."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time

import pytest
from hypothesis import event
from hypothesis import strategies as st

from palm import (
    Answer,
    APIv3Key,
    AsyncPalm,
    CertificateStore,
    PalmAuthorization,
    PalmError,
    Retry,
    Timeouts,
    message,
)
from palm.doctor.checks import Finding, check
from palm.settings import load_settings, read_config
from tests.examples import some_or_all, try_examples

PAIR = ("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "1004")


class World:
    """One event loop, one server that says ``self.answer`` to everything, and one client."""

    def __init__(self, keys, folder) -> None:
        self.keys = keys
        self.folder = folder
        self.answer = b""

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        self.keys.write(self.folder, self.base_url)
        self.settings = load_settings(read_config(self.folder / "palm.toml"))
        self.palm = self.client(self.keys.platform_keys())

    def client(self, keys) -> AsyncPalm:
        return AsyncPalm(
            merchant=self.keys.merchant(),
            keys=keys,
            base_url=self.base_url,
            retry=Retry(attempts=1, patience_s=0),
            timeouts=Timeouts(total_s=2.0),
        )

    async def stop(self) -> None:
        await self.palm.close()
        self.server.close()
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def signed(self, body: bytes, status: int = 200, more: bytes = b"") -> bytes:
        """Return a whole answer, signed as it should be."""
        now = str(int(time.time()))
        nonce = secrets.token_hex(8)
        raw = self.keys.sign(self.keys.public_key_id, message(now, nonce, body))
        head = (
            f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n"
            f"Wechatpay-Timestamp: {now}\r\nWechatpay-Nonce: {nonce}\r\n"
            f"Wechatpay-Signature: {base64.b64encode(raw).decode()}\r\n"
            f"Wechatpay-Serial: {self.keys.public_key_id}\r\n"
        )
        return head.encode() + more + b"\r\n" + body


@pytest.fixture(scope="module")
def run():
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="module")
def world(run, keys, tmp_path_factory):
    made = World(keys, tmp_path_factory.mktemp("fuzz") / "keys")
    run(made.start())
    yield made
    run(made.stop())


def outcome(run, asking):
    """Return what came of a question: its answer, or the documented error."""

    async def within_time():
        async with asyncio.timeout(5):
            return await asking

    try:
        came = run(within_time())
    except PalmError as error:
        came = error
    event(type(came).__name__)
    if isinstance(came, PalmError):
        assert PAIR[0] not in f"{came!r} {vars(came)}"
        assert f"{came}{came.request_id}".encode()  # nothing that cannot be written down
        assert came.__cause__ is None
    return came


# --- bytes that need not be HTTP

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n"
    b"Wechatpay-Nonce: n\r\nWechatpay-Timestamp: 1\r\nWechatpay-Serial: 7\r\n\r\n{}"
)
PIECES = [
    b"HTTP/1.1 ",
    b"HTTP/1.0 200\r\n",
    b"HTTP/9.9 200 OK\r\n",
    b"200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Connection: keep-alive\r\n",
    b": x\r\n",
    b" folded\r\n",
    b"\r\n",
    b"\n",
    b"\0",
    b"\xff\xfe",
    b"5\r\nhello\r\n",
    b"ZZ\r\n",
    b"0\r\n\r\n",
    b"{}",
]


@st.composite
def damaged(draw):
    """A well-formed answer, some of whose bytes are replaced."""
    start = draw(st.integers(0, len(HEAD)))
    end = draw(st.integers(start, len(HEAD)))
    return HEAD[:start] + draw(st.binary(max_size=20)) + HEAD[end:]


@some_or_all(25, 200)
def test_any_bytes_are_an_error_and_never_an_answer(world, run, examples):
    def holds(content):
        world.answer = content
        assert isinstance(outcome(run, world.palm.authorizations.get(*PAIR)), PalmError)

    try_examples(
        examples,
        holds,
        st.binary(max_size=500)
        | damaged()
        | st.lists(st.sampled_from(PIECES) | st.binary(max_size=9), max_size=12).map(b"".join),
    )


# --- HTTP that need not be the gateway's

NAMES = [
    "Content-Type",
    "Content-Encoding",
    "Transfer-Encoding",
    "Connection",
    "Upgrade",
    "Date",
    "Location",
    "Set-Cookie",
    "Retry-After",
    "Request-ID",
    "Keep-Alive",
    "WWW-Authenticate",
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Wechatpay-Signature",
    "Wechatpay-Serial",
    "wechatpay-signature-type",
]
VALUES = [
    b"",
    b"0",
    b"-1",
    b"9" * 400,
    b"9" * 5000,
    b"1e9",
    b"\xc2\xb2",
    b"\xff",
    b"gzip",
    b"br",
    b"chunked",
    b"close",
    b"application/json; charset=nonsense",
    b"WECHATPAY/SIGNTEST/x",
    b"http://[::1",
    b"a=b; expires=never; \x01",
    b"Thu, 01 Jan 1970 00:00:00 GMT",
]
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(NAMES) | st.text("abcXYZ-_", min_size=1, max_size=9),
        st.sampled_from(VALUES)
        | st.integers().map(lambda n: str(n).encode())
        | st.binary(max_size=40).map(lambda b: bytes(c for c in b if c not in b"\r\n\0")),
    ),
    max_size=8,
).map(lambda pairs: b"".join(name.encode() + b": " + value + b"\r\n" for name, value in pairs))

TEXT = st.text(max_size=20)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=9
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "openid": st.just(PAIR[0]) | JSON,
        "organization_id": st.just(PAIR[1]) | JSON,
        "state": st.sampled_from(["AUTHORIZATION_STATE_ON", "AUTHORIZATION_STATE_"]) | JSON,
        "authorize_time": st.sampled_from(
            ["2018-06-08T10:34:56+08:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
        )
        | st.datetimes().map(str)
        | JSON,
        "code": st.sampled_from(["SIGN_ERROR", "FREQUENCY_LIMITED"]) | JSON,
        "message": st.just(f"{PAIR[0]} is wrong") | JSON,
        "permission_token": JSON,
        "data": JSON
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "serial_no": JSON,
                    "encrypt_certificate": JSON
                    | st.fixed_dictionaries(
                        {"nonce": JSON, "ciphertext": JSON | st.just("AAAA")},
                        optional={"associated_data": JSON},
                    ),
                },
            )
        ),
    },
)
LIKELY = st.fixed_dictionaries(
    {"state": st.sampled_from([f"AUTHORIZATION_STATE_{s}" for s in ("ON", "OFF", "NONE", "NEW")])},
    optional={
        "openid": st.sampled_from([PAIR[0], PAIR[0].lower(), "", None]),
        "organization_id": st.sampled_from([PAIR[1], "01004", 1004, None]),
        "authorize_time": st.datetimes().map(lambda time: f"{time.isoformat()}+08:00"),
        "permission_token": TEXT,
    },
)
BODIES = (
    st.binary(max_size=200)
    | (JSON | MEMBERS | LIKELY).map(lambda members: json.dumps(members).encode())
    | (JSON | MEMBERS).map(lambda members: json.dumps(members).encode("utf-16"))
    | st.sampled_from(
        [
            b"[" * 50_000,
            b'{"a":' * 9_000,
            b"9" * 5000,
            b'{"state":"\\ud800"}',
            b'{"code":"\\ud800","message":"\\udfff"}',
            b'{"state":NaN}',
            b"\xef\xbb\xbf{}",
            b"x" * 70_000,
        ]
    )
)
STATUSES = st.sampled_from([200, 202, 204, 301, 304, 400, 401, 403, 404, 429, 500, 502, 503])


@some_or_all(25, 200)
def test_any_unsigned_answer_is_an_error(world, run, examples):
    """With its length and, where that is odd, without: it ends with the connection."""

    def holds(status, headers, body):
        length = b"" if len(body) % 2 else b"Content-Length: %d\r\n" % len(body)
        world.answer = b"HTTP/1.1 %d x\r\n%s%s\r\n%s" % (status, length, headers, body)
        assert isinstance(outcome(run, world.palm.authorizations.get(*PAIR)), PalmError)

    try_examples(examples, holds, STATUSES | st.integers(100, 999), HEADERS, BODIES)


@some_or_all(25, 200)
def test_any_signed_body_is_an_answer_or_an_error(world, run, examples):
    def holds(body, headers):
        world.answer = world.signed(body, more=headers)
        came = outcome(run, world.palm.authorizations.get(*PAIR))
        if isinstance(came, PalmAuthorization):
            told = json.loads(body)
            assert told["state"] == came.state
            assert told["openid"] == PAIR[0]
            assert told["organization_id"] == PAIR[1]
            assert (
                came.authorize_time is None or came.authorize_time.utcoffset().total_seconds() == 0
            )

    try_examples(examples, holds, BODIES, HEADERS)


@some_or_all(25, 200)
def test_any_signed_status_is_an_answer_or_an_error(world, run, examples):
    def holds(body, status):
        world.answer = world.signed(body, status)
        came = outcome(run, world.palm.v3._openid_.get(openid=PAIR[0]))
        if isinstance(came, Answer):
            assert status in {200, 201, 204}
            assert came.content == (b"" if status in {204, 304} else body)
            outcome(run, _json_of(came))

    try_examples(examples, holds, BODIES, STATUSES | st.integers(200, 999))


async def _json_of(response):
    return response.json()


@some_or_all(25, 200)
def test_any_signed_token_is_a_token_or_an_error(world, run, examples):
    def holds(body):
        world.answer = world.signed(body)
        came = outcome(run, world.palm.authorizations.preauthorize(PAIR[0], organization_id="1004"))
        assert isinstance(came, PalmError) or came == json.loads(body)["permission_token"]

    try_examples(examples, holds, BODIES)


@some_or_all(25, 200)
def test_any_certificates_are_refused_unless_they_are_the_platforms(world, run, examples):
    def holds(body, headers):
        async def ask():
            async with world.client(CertificateStore(APIv3Key(b"k" * 32))) as palm:
                return await palm.authorizations.get(*PAIR)

        world.answer = world.signed(body, more=headers)
        assert isinstance(outcome(run, ask()), PalmError)

    try_examples(examples, holds, BODIES, HEADERS)


@some_or_all(10, 80)  # keys are read from files each time
def test_a_checkup_ends_with_findings_whatever_it_finds(world, run, examples):
    """Signed where the body's length is even."""

    def holds(status, headers, body):

        async def examine():
            return [each async for each in check(world.settings, timeouts=Timeouts(total_s=2.0))]

        unsigned = b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n%s\r\n%s"
        world.answer = (
            unsigned % (status, len(body), headers, body)
            if len(body) % 2
            else world.signed(body, status, headers)
        )
        found = outcome(run, examine())
        assert found
        assert all(isinstance(each, Finding) for each in found)

    try_examples(examples, holds, STATUSES, HEADERS, BODIES)
