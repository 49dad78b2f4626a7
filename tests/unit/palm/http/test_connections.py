"""A connection serves one question at a time, and none once it said what nobody asked for."""

from __future__ import annotations

import asyncio
import base64
import json
from itertools import count

import pytest

from palm import AsyncPalm, Clock, PalmError, Retry
from palm.crypto.signing import message
from palm.errors import BodyError, DisconnectedError, SignatureError, TimedOutError
from palm.http.transport import Timeouts, Transport

OPENID = "oSecretPerson0123456789abcde"
NOW = 1722850421
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


@pytest.fixture
async def transport():
    transport = Transport(Timeouts(connect_s=5, total_s=5))
    yield transport
    await transport.close()


async def ask(transport, server, *, permit=None, sign=None):
    """Send a request, believe what comes back and return it."""
    url, sign = f"{server.base_url}/x", sign or Signs()
    with await transport.send("GET", url, sign, b"", permit=permit) as answer:
        answer.keep_connection()
    return answer.content.decode()


async def numbered(line):
    """Answer with the request's number."""
    await line.say(ANSWER + b"%02d" % line.number)


async def silent(line):
    """Say nothing to a new connection."""


class Waiting:
    """A permit that comes once something has happened."""

    def __init__(self, until):
        self.until, self.waits, self.come = until, 0, False

    def use(self):
        return self.come

    async def renew(self):
        self.waits += 1
        await self.until()
        self.come = True


class Signs:
    """Signs a request, and then signs it anew."""

    def __init__(self):
        self.times = 0

    async def headers(self):
        self.times += 1
        return {"Authorization": "first" if self.times == 1 else "anew"}

    def has_expired(self):
        return False


# --- what came while nobody asked


@pytest.mark.parametrize(
    "also",
    [
        ANSWER + b"99",
        ANSWER + b"99" + ANSWER + b"98",
        ANSWER,
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"H",
        b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
@pytest.mark.parametrize("read", [False, True], ids=["in the kernel", "read by the event loop"])
async def test_a_connection_on_which_anything_came_while_it_was_idle_is_not_used(
    serve, transport, also, read
):
    async with serve(numbered) as server:
        assert await ask(transport, server) == "01"
        await server.lines[0].say(also)
        for _ in range(5 if read else 0):
            await asyncio.sleep(0)
        assert await ask(transport, server) == "02"
        assert server.connections == 2
        assert await ask(transport, server) == "03"
        assert server.connections == 2, "the new one is as good as any"


async def test_two_answers_in_one_breath_are_one_too_many(serve, transport):
    async def script(line):
        again = ANSWER + b"99" if line.number == 1 else b""
        await line.say(ANSWER + b"%02d" % line.number + again)

    async with serve(script) as server:
        assert [await ask(transport, server) for _ in range(3)] == ["01", "02", "03"]
        assert server.connections == 2


async def test_an_answer_behind_the_end_of_a_body_is_one_too_many(serve, transport):
    """The head came alone, so that the library is done with the answer before all is parsed."""

    async def script(line):
        if line.number == 1:
            await line.say(ANSWER)
            await asyncio.sleep(0.01)
            await line.say(b"01" + ANSWER + b"99")
        else:
            await numbered(line)

    async with serve(script) as server:
        assert [await ask(transport, server) for _ in range(3)] == ["01", "02", "03"]
        assert server.connections == 2


async def test_what_comes_while_the_verdict_is_awaited_counts_too(serve, transport):
    async with serve(numbered) as server:
        with await transport.send("GET", f"{server.base_url}/x", {}, b"") as answer:
            await server.lines[0].say(b"HTTP/1.1 2")
            for _ in range(5):
                await asyncio.sleep(0)
            answer.keep_connection()
        assert await ask(transport, server) == "02"
        assert server.connections == 2


async def test_an_answer_that_came_before_any_request_is_not_an_answer(serve, transport):
    """Nothing is written to such a connection; the next one is as good as any."""

    async def first_says_one(line):
        await line.say(ANSWER + b"99")

    async with serve(numbered, greeting=first_says_one) as server:
        with pytest.raises(DisconnectedError, match="data came that nobody asked for"):
            await ask(transport, server)
        assert server.heads == []
        server.greeting = None
        assert await ask(transport, server) == "01"
        assert server.connections == 2


@pytest.mark.parametrize("pooled", [False, True])
async def test_what_comes_while_a_request_waits_for_its_turn_is_not_its_answer(
    serve, transport, pooled
):
    async def something_comes():
        await server.lines[-1].say(ANSWER + b"99")

    async with serve(numbered, greeting=silent) as server:
        expected = []
        if pooled:
            expected.append(await ask(transport, server))
        permit = Waiting(something_comes)
        assert await ask(transport, server, permit=permit) == f"{len(expected) + 1:02}"
        assert (permit.waits, server.connections) == (1, 2)
        assert "Authorization: anew" in server.heads[-1]
        assert "first" not in server.heads[-1]


async def test_a_connection_that_closes_while_a_request_waits_for_its_turn_is_replaced(
    serve, transport
):
    async def it_closes():
        server.lines[-1].hang_up()
        for _ in range(5):
            await asyncio.sleep(0)

    async with serve(numbered, greeting=silent) as server:
        assert await ask(transport, server, permit=Waiting(it_closes)) == "01"
        assert server.connections == 2


@pytest.mark.parametrize("refused_by", ["the session", "the connections"])
async def test_the_library_sends_no_request_a_second_time(serve, transport, refused_by):
    async def script(line):
        await (numbered(line) if line.number == 1 else line.say(b""))
        if line.number > 1:
            line.hang_up()

    async with serve(script) as server:
        await ask(transport, server)
        assert transport._session._retry_connection is False
        transport._session._retry_connection = refused_by == "the connections"
        with pytest.raises(DisconnectedError, match="the connection broke: "):
            await ask(transport, server)
        assert (len(server.heads), server.connections) == (2, 1)


# --- the verdict


async def test_the_connection_of_an_answer_that_is_not_kept_is_closed(serve, transport):
    async with serve(numbered) as server:
        with await transport.send("GET", f"{server.base_url}/x", {}, b"") as answer:
            assert answer.content == b"01"
        assert await ask(transport, server) == "02"
        assert server.connections == 2
        await asyncio.wait_for(server.lines[0].closed.wait(), 5)


async def test_nobody_is_lent_a_connection_before_the_verdict_on_its_last_answer(serve, transport):
    async with serve(numbered) as server:
        with await transport.send("GET", f"{server.base_url}/x", {}, b"") as answer:
            assert await ask(transport, server) == "02"
            assert server.connections == 2
            answer.keep_connection()
        for _ in range(4):
            await ask(transport, server)
        assert server.connections == 2


async def test_a_connection_that_the_server_closes_is_not_kept(serve, transport):
    async def script(line):
        await line.answer(200, headers="Connection: close\r\n")

    async with serve(script) as server:
        for _ in range(2):
            await ask(transport, server)
        assert server.connections == 2


async def test_a_body_that_is_too_long_closes_its_connection(serve, transport):
    async def script(line):
        await line.answer(200, b"x" * (65537 if line.number == 1 else 2))

    async with serve(script) as server:
        with pytest.raises(BodyError):
            await ask(transport, server)
        assert await ask(transport, server) == "xx"
        assert server.connections == 2


async def test_one_who_leaves_while_waiting_for_its_turn_leaves_the_connection_to_others(
    serve, transport
):
    started = asyncio.Event()

    async def never():
        started.set()
        await asyncio.sleep(3600)

    async with serve(numbered) as server:
        await ask(transport, server)
        task = asyncio.create_task(ask(transport, server, permit=Waiting(never)))
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await ask(transport, server) == "02"
        assert server.connections == 1


class AtOnce:
    """A permit that is always good."""

    def __init__(self):
        self.waits = 0

    def use(self):
        return True

    async def renew(self):
        self.waits += 1


@pytest.mark.parametrize("permit", [None, AtOnce()])
async def test_a_request_whose_signature_is_too_old_is_signed_anew(serve, transport, permit):
    class Slept(Signs):
        def has_expired(self):
            return self.times == 1

    async with serve(numbered) as server:
        assert await ask(transport, server, permit=permit, sign=Slept()) == "01"
        assert "Authorization: anew" in server.heads[0]
        assert permit is None or permit.waits == 1


@pytest.mark.parametrize("total", [0.05, 0.2])
async def test_the_wait_for_the_turn_counts_in_no_timeout(serve, total):
    async def longer_than_allowed():
        await asyncio.sleep(0.4)

    async with serve(numbered) as server:
        transport = Transport(Timeouts(connect_s=total, total_s=total))
        assert await ask(transport, server, permit=Waiting(longer_than_allowed)) == "01"
        await transport.close()


@pytest.mark.parametrize("hangs", [1, 2])
async def test_signing_counts_in_the_timeout_also_after_the_wait_for_the_turn(serve, hangs):
    class Hangs(Signs):
        async def headers(self):
            headers = await super().headers()
            if self.times == hangs:
                await asyncio.sleep(3600)
            return headers

    async def at_once():
        pass

    async with serve(numbered) as server:
        transport = Transport(Timeouts(connect_s=5, total_s=0.05))
        with pytest.raises(TimedOutError):
            await ask(transport, server, permit=Waiting(at_once), sign=Hangs())
        assert server.heads == []
        await transport.close()


# --- which answers are refused


@pytest.fixture
def sealed(keys):
    """Return signed headers for a body, each time with another nonce."""
    numbers = count(1)

    def sealed(body, *, right=True):
        nonce = f"n{next(numbers)}"
        raw = keys.sign(keys.public_key_id, message(str(NOW), nonce, body))
        signature = base64.b64encode(raw if right else raw[::-1]).decode()
        return (
            f"Wechatpay-Timestamp: {NOW}\r\nWechatpay-Nonce: {nonce}\r\n"
            f"Wechatpay-Signature: {signature}\r\nWechatpay-Serial: {keys.public_key_id}\r\n"
        )

    return sealed


@pytest.fixture
def client(keys):
    """Return a client that asks once."""
    return lambda server: AsyncPalm(
        merchant=keys.merchant(),
        keys=keys.platform_keys(),
        base_url=server.base_url,
        clock=Clock(wall=lambda: NOW),
        retry=Retry(attempts=1, patience_s=0.0),
    )


@pytest.fixture
def told(serve, sealed, client):
    """Return what a client makes of one answer, and whether it uses the connection again."""

    async def told(status, body, how):
        def head():
            return "" if how == "unsigned" else sealed(body, right=how == "signed")

        kinds = set()
        async with (
            serve(lambda line: line.answer(status, body, head())) as server,
            client(server) as palm,
        ):
            for _ in range(2):
                with pytest.raises(PalmError) as caught:
                    await palm.authorizations.get(OPENID, "1004")
                kinds.add(type(caught.value).__name__)
            return kinds, server.connections == 1

    return told


def about(openid=OPENID, organization_id="1004", state="AUTHORIZATION_STATE_ON"):
    body = {"openid": openid, "organization_id": organization_id, "state": state}
    return json.dumps({name: value for name, value in body.items() if value}).encode()


@pytest.mark.parametrize(
    ("status", "body", "how", "kind"),
    [
        (200, about(), "unsigned", "SignatureError"),
        (200, about(), "wrongly", "SignatureError"),
        (200, about(openid="oSomebodyElse"), "signed", "MismatchError"),
        (200, about(organization_id="1005"), "signed", "MismatchError"),
        (200, about(organization_id=None), "signed", "UnnamedError"),
        (200, b"[]", "signed", "BodyError"),
        (200, b"{", "signed", "BodyError"),
        (302, about(), "signed", "BodyError"),
        (404, b"{}", "unsigned", "RefusedError"),
        (429, b"{}", "wrongly", "ThrottledError"),
        (500, b"<html>", "unsigned", "ServerError"),
    ],
)
async def test_a_refused_answer_closes_its_connection(told, status, body, how, kind):
    """Also an error that nobody signed: it may be an answer to another question as well."""
    assert await told(status, body, how) == ({kind}, False)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b'{"code":"NOT_FOUND"}', "RefusedError"),
        (429, b"{}", "ThrottledError"),
        (200, about(state="AUTHORIZATION_STATE_NEW"), "UnrecognizedStateError"),
    ],
)
async def test_a_believed_answer_leaves_its_connection_to_the_next_whatever_it_says(
    told, status, body, kind
):
    assert await told(status, body, "signed") == ({kind}, True)


async def test_an_answer_that_came_before_closes_its_connection(serve, sealed, client):
    head = sealed(about())
    async with (
        serve(lambda line: line.answer(200, about(), head)) as server,
        client(server) as palm,
    ):
        await palm.authorizations.get(OPENID, "1004")
        for _ in range(2):
            with pytest.raises(SignatureError, match="came before"):
                await palm.authorizations.get(OPENID, "1004")
        assert server.connections == 2


async def test_an_answer_that_its_reader_refuses_closes_its_connection(serve, sealed, client):
    def refuse(response):
        raise BodyError("not this one")

    body = about()
    async with (
        serve(lambda line: line.answer(200, body, sealed(body))) as server,
        client(server) as palm,
    ):
        for _ in range(2):
            with pytest.raises(BodyError):
                await palm.ask("GET", "/v3/x", refuse)
        assert server.connections == 2
