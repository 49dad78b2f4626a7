"""Errors hold what an error report needs: the request, the response, the advice; no secret."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import time

import pytest

from palm import (
    Adaptation,
    AsyncPalm,
    Clock,
    ConnectError,
    DisconnectedError,
    ErrorDetail,
    Pacer,
    PalmError,
    RefusedError,
    Retry,
    ServerError,
    SignerError,
    ThrottledError,
    TimedOutError,
    Timeouts,
    UnauthorizedError,
    message,
)
from palm.http.query import QuerySender
from palm.resilience.admission import Admission
from palm.resilience.connection_limit import ConnectionLimit

OPENID = "oSecretPerson0123456789abcde"
ROUTE = "/v3/palmservice/authorization/openid/{openid}"
SAFE = (
    "Request-ID: 08-1\r\nDate: Thu, 26 Nov 2026 20:00:00 GMT\r\nServer: nginx\r\n"
    "Wechatpay-Signature: c2VjcmV0\r\nWechatpay-Nonce: nonce123\r\nSet-Cookie: a=secret\r\n"
)


def client(keys, server, **options):
    given = {
        "merchant": keys.merchant(),
        "keys": keys.platform_keys(),
        "base_url": getattr(server, "base_url", server),
        "retry": Retry(attempts=2, base_s=0.0, throttle_s=0.0, throttles=1, patience_s=0.0),
    }
    return AsyncPalm(**given | options)


def responding(status, body, more=""):
    async def script(line):
        await line.answer(status, json.dumps(body).encode(), SAFE + more)

    return script


async def failed(serve, keys, script, kind, **options):
    async with serve(script) as server, client(keys, server, **options) as palm:
        with pytest.raises(kind) as caught:
            await palm.authorizations.get(OPENID, "1004")
        return caught.value, server.base_url


async def test_a_refusal_names_the_wrong_parameter_and_the_request(serve, keys, everything_said_by):
    detail = {
        "field": "/openid", "value": OPENID, "issue": f"{OPENID} is unknown", "location": "path",
    }  # fmt: skip
    body = {"code": "PARAM_ERROR", "message": "wrong", "detail": detail}
    error, url = await failed(serve, keys, responding(400, body), RefusedError)
    assert error.detail == ErrorDetail("/openid", "… is unknown", "path")
    assert (error.method, error.route, error.attempts) == ("GET", ROUTE, 1)
    assert f"http://{error.host}" == url
    assert 0 < error.elapsed_s < 30
    assert error.headers == {
        "Request-ID": "08-1",
        "Date": "Thu, 26 Nov 2026 20:00:00 GMT",
        "Server": "nginx",
        "Content-Length": str(len(json.dumps(body))),
    }
    assert error.__notes__ == [next(note for note in error.__notes__ if "public_key_id" in note)]
    shown = everything_said_by(error)
    for secret in (OPENID, OPENID[1:], "c2VjcmV0", "nonce123", "a=secret"):
        assert secret not in shown
    assert vars(copy.deepcopy(error)) == vars(error)


@pytest.mark.parametrize(
    "detail", [None, [], "x", {}, {"value": OPENID}, {"field": 1, "issue": []}]
)
async def test_a_detail_of_another_form_is_none(serve, keys, detail):
    body = {"code": "PARAM_ERROR", "message": "wrong", "detail": detail}
    error, _ = await failed(serve, keys, responding(400, body), RefusedError)
    assert error.detail is None


async def test_a_throttled_request_names_its_pause(serve, keys):
    error, _ = await failed(
        serve, keys, responding(429, {"code": "X"}, "Retry-After: 7\r\n"), ThrottledError
    )
    assert (error.retry_after_s, error.headers["Retry-After"]) == (7.0, "7")


async def test_wrong_credentials_have_the_advice_of_palm_check(serve, keys):
    error, _ = await failed(
        serve,
        keys,
        responding(401, {"code": "SIGN_ERROR", "message": "签名错误"}),
        UnauthorizedError,
    )
    assert "private_key does not belong to merchant_serial" in error.__notes__[0]


async def test_a_timeout_is_also_pythons_own(serve, keys):
    async def silent(line):
        await asyncio.sleep(9)

    error, _ = await failed(serve, keys, silent, TimedOutError, timeouts=Timeouts(total_s=0.1))
    assert isinstance(error, TimeoutError)
    assert (error.method, error.route, error.attempts, error.status) == ("GET", ROUTE, 2, None)
    assert str(error) == "no complete response in time"


async def test_a_broken_connection_is_also_pythons_own(serve, keys):
    async def hang_up(line):
        line.hang_up()

    error, url = await failed(serve, keys, hang_up, DisconnectedError)
    assert isinstance(error, ConnectionError)
    assert url == f"http://{error.host}"


async def test_no_connection_is_also_pythons_own(keys, unused_tcp_port):
    async with client(keys, f"http://127.0.0.1:{unused_tcp_port}") as palm:
        with pytest.raises(ConnectionError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    assert isinstance(caught.value, ConnectError)
    assert caught.value.__notes__ == ["palm check advises: check DNS, firewall and proxy"]


async def test_the_route_of_a_chain_holds_no_value(serve, keys, everything_said_by):
    async with serve(responding(400, {"code": "X"})) as server, client(keys, server) as palm:
        for call, route in (
            (palm.v3.foo._openid_.bar.get(openid=OPENID), "/v3/foo/{openid}/bar"),
            (palm.chain(f"v3/foo/{OPENID}").get(), "/v3/foo/…"),
            (palm.v3.payScore.post(json={"openid": OPENID}), "/v3/pay-score"),
        ):
            with pytest.raises(RefusedError) as caught:
                await call
            assert caught.value.route == route
            assert OPENID not in everything_said_by(caught.value)


class FailingSigner:
    """A signer whose service fails."""

    mchid = "1900000001"
    serial_no = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"

    def __init__(self, result):
        self.result = result

    def sign(self, _message, /):
        return raised(self.result)


def raised(result):
    if isinstance(result, Exception):
        raise result
    return result


async def later(result):
    return raised(result)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RuntimeError(f"KMS refused {OPENID}"), "the signer raised RuntimeError"),
        (lambda: later(KeyError(OPENID)), "the signer raised KeyError"),
        (lambda: later("text"), "the signer returned str instead of bytes"),
        (lambda: "text", "the signer returned str instead of bytes"),
    ],
)
async def test_a_failing_signer_is_an_error_and_ends_no_get_many(
    keys, make, said, everything_said_by
):
    signer = FailingSigner(None)
    async with client(keys, "http://127.0.0.1:9", merchant=signer, retry=Retry(attempts=1)) as palm:
        signer.result = make()
        outcomes = [each async for each in palm.authorizations.get_many([(OPENID, "1")])]
    [(_, error)] = outcomes
    assert isinstance(error, SignerError)
    assert str(error) == said
    assert isinstance(error, PalmError)
    assert OPENID not in everything_said_by(error)
    assert (error.route, error.status) == (ROUTE, None)


async def test_no_more_requests_are_in_flight_than_connections_allows(serve, keys):
    """A copy with other options shares the limit; no timeout counts the wait for a connection."""
    running, most, arrived, go = 0, 0, asyncio.Queue(), asyncio.Event()

    async def script(line):
        nonlocal running, most
        running += 1
        most = max(most, running)
        arrived.put_nowait(None)
        await go.wait()
        running -= 1
        await line.answer(400, b"{}")

    async with serve(script) as server, client(keys, server, connections=2) as palm:
        copy = palm.with_options(timeout=0.5)
        queries = [
            asyncio.create_task(each.authorizations.get(f"o{number}", "1"))
            for number in range(3)
            for each in (palm, copy)
        ]
        await arrived.get()
        await arrived.get()
        await asyncio.sleep(0)
        assert running == 2
        go.set()
        results = await asyncio.gather(*queries, return_exceptions=True)
    assert most == 2
    assert {type(result) for result in results} == {RefusedError}


async def test_a_query_that_took_too_long_already_is_not_sent_again(serve, keys):
    times = iter(range(0, 1000, 40))
    clock = Clock(monotonic=lambda: next(times))
    retry = Retry(attempts=5, base_s=0.0, max_elapsed_s=60)
    error, _ = await failed(serve, keys, responding(500, {}), ServerError, clock=clock, retry=retry)
    assert error.attempts == 1


class Recorded(Adaptation):
    """Notes of each answered request when it was written."""

    def __init__(self, pacer):
        super().__init__(pacer)
        self.sent = []

    def answered(self, *, sent, **_):
        self.sent.append(sent)


class SlowConnection:
    """A transport whose requests wait for their connection after they were let through."""

    def __init__(self, clock):
        self.clock, self.connected_at = clock, []

    def bind_loop(self):
        """Belong to no event loop."""

    async def ask(self, *_, permit, **__):
        self.let_through_at = self.clock.monotonic()
        await asyncio.sleep(0.05)
        self.connected_at.append(self.clock.monotonic())
        permit.use()
        raise ThrottledError(429)


async def test_the_pace_is_told_when_a_request_was_written_not_when_it_was_let_through():
    """Else a throttle of what waited for its connection looks like the pause's own doing."""
    pacer = Pacer(1000)
    transport = SlowConnection(pacer.clock)
    adaptation = Recorded(pacer)
    admission = Admission(pacer, adaptation)
    retry, limit = Retry(attempts=1, throttles=1, patience_s=0.0), ConnectionLimit(None)
    sender = QuerySender(transport, admission, retry, limit, Timeouts(), pacer.clock)
    with pytest.raises(ThrottledError):
        await sender.send("GET", "/x", lambda answer: answer)
    assert len(adaptation.sent) == len(transport.connected_at) >= 1
    assert adaptation.sent[0] >= transport.connected_at[0] > transport.let_through_at


# --- what on_attempt is called with


async def test_an_attempt_tells_all_but_the_person(keys, serve):
    """Both attempts of one query: the first is refused unsigned, the second answered."""
    told = []

    async def script(line):
        body = json.dumps(
            {
                "state": "AUTHORIZATION_STATE_ON",
                "openid": OPENID,
                "organization_id": "1004",
                "authorize_time": "2026-01-01T00:00:00+08:00",
            }
        ).encode()
        if line.number == 1:
            await line.answer(500, b"{}", "Request-ID: 08-1\r\n")
            return
        at, nonce = str(int(time.time())), "n1"
        signature = base64.b64encode(
            keys.sign(keys.public_key_id, message(at, nonce, body))
        ).decode()
        head = (
            f"Wechatpay-Timestamp: {at}\r\nWechatpay-Nonce: {nonce}\r\n"
            f"Wechatpay-Signature: {signature}\r\nWechatpay-Serial: {keys.public_key_id}\r\n"
            "Request-ID: 08-2\r\n"
        )
        await line.answer(200, body, head)

    async with serve(script) as server, client(keys, server, on_attempt=told.append) as palm:
        await palm.authorizations.get(OPENID, "1004")
        host = server.base_url.removeprefix("http://")
    first, second = told
    assert (type(first.error), second.error) == (ServerError, None)
    assert [each.number for each in told] == [1, 2]
    assert {each.method for each in told} == {"GET"}
    assert {each.route for each in told} == {ROUTE}
    assert {each.host for each in told} == {host}
    assert [each.status for each in told] == [500, 200]
    assert [each.request_id for each in told] == ["08-1", "08-2"]
    assert (first.received_bytes, second.received_bytes > 100) == (2, True)
    assert {each.sent_bytes for each in told} == {0}
    assert all(0 <= each.waited_s < 5 and 0 < each.elapsed_s < 5 for each in told)
    assert OPENID not in f"{told!r} {[each.error and str(each.error) for each in told]}"


async def test_an_attempt_without_a_response_has_no_status(keys):
    told = []
    async with client(keys, "http://127.0.0.1:9", on_attempt=told.append) as palm:
        with pytest.raises(ConnectError):
            await palm.v3.foo._bar_.post(bar="1", json={"a": 1})
    [attempt] = told
    assert (attempt.method, attempt.route, attempt.host) == ("POST", "/v3/foo/{bar}", "127.0.0.1:9")
    assert (attempt.status, attempt.request_id, attempt.received_bytes) == (None, None, 0)
    assert attempt.sent_bytes == len(b'{"a":1}')


async def test_an_id_written_into_a_path_is_not_in_the_route(keys):
    told = []
    async with client(keys, "http://127.0.0.1:9", on_attempt=told.append) as palm:
        with pytest.raises(ConnectError):
            await palm[f"v3/palmservice/authorization/openid/{OPENID}"].get()
    assert {each.route for each in told} == {"/v3/palmservice/authorization/openid/…"}


async def test_the_wait_for_the_quota_is_told_apart_from_the_request(keys):
    told = []
    options = {"on_attempt": told.append, "rate": 5, "retry": Retry(attempts=1)}
    async with client(keys, "http://127.0.0.1:9", **options) as palm:
        for _ in range(2):
            with pytest.raises(ConnectError):
                await palm.v3.foo.get()
    assert told[0].waited_s < 0.02 < told[1].waited_s


async def test_an_exception_in_on_attempt_breaks_nothing(keys, caplog):
    def fail(attempt):
        raise RuntimeError(OPENID)

    async with client(keys, "http://127.0.0.1:9", on_attempt=fail) as palm:
        with pytest.raises(ConnectError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    assert caught.value.attempts == 2
    [line] = [each.getMessage() for each in caplog.records if each.name == "palm"]
    assert line.startswith("on_attempt raised RuntimeError in fail, line ")
    assert OPENID not in line
