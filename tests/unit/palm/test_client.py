"""Build, sign, send, verify, read: each attempt anew, and nothing private in what is said."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import threading
from contextlib import aclosing
from itertools import count

import pytest

from palm import (
    Adaptation,
    AdaptationRules,
    APIError,
    ArgumentError,
    AsyncPalm,
    Attempt,
    AuthorizationState,
    BodyError,
    Breaker,
    BreakerRules,
    Clock,
    ClosedError,
    DisconnectedError,
    ForbiddenError,
    HostRules,
    MismatchError,
    NoStateError,
    Pacer,
    PacerError,
    PalmError,
    PlatformKeys,
    RefusedError,
    Retry,
    ServerError,
    SettingsError,
    SignatureError,
    SignatureReason,
    SignerError,
    SignerTimeoutError,
    ThreadSigner,
    ThrottledError,
    Timeouts,
    UnnamedError,
)
from palm.crypto import thread_signer
from palm.crypto.signing import RSASigner, message, sign_message
from tests import virtual

OPENID = "oSecretPerson0123456789abcde"
NOW = 1722850421
ON = {"openid": OPENID, "organization_id": "1004", "state": "AUTHORIZATION_STATE_ON"}


@pytest.fixture
def sealed(keys):
    """Return signed headers for a body, and more headers, as one text."""

    numbers = count(1)

    def seal(body: bytes, more: str = "", *, at: int = NOW, nonce: str | None = None) -> str:
        nonce = nonce or f"n{next(numbers)}"
        raw = keys.sign(keys.public_key_id, message(str(at), nonce, body))
        return (
            f"Wechatpay-Timestamp: {at}\r\nWechatpay-Nonce: {nonce}\r\n"
            f"Wechatpay-Signature: {base64.b64encode(raw).decode()}\r\n"
            f"Wechatpay-Serial: {keys.public_key_id}\r\nRequest-ID: 08-0\r\n{more}"
        )

    return seal


async def no_wait(seconds):
    """Return at once."""


@pytest.fixture
def client(keys):
    """Return a client whose clock stands still and who never waits."""

    def make(server, **options):
        numbers = count(1)
        given = {
            "merchant": keys.merchant(),
            "keys": keys.platform_keys(),
            "base_url": server.base_url,
            "clock": Clock(wall=lambda: NOW, sleep=no_wait),
            "nonce": lambda: f"nonce{next(numbers)}",
            "retry": Retry(attempts=3, patience_s=0.0),
        }
        return aclosing(_Closing(**given | options))

    return make


class _Closing(AsyncPalm):
    aclose = AsyncPalm.close


class Recorded(Adaptation):
    """Notes of each answered request when it was written."""

    def __init__(self, pacer):
        super().__init__(pacer)
        self.sent = []

    def answered(self, *, sent, **_):
        self.sent.append(sent)


def telling(sealed, *answers, status=200, more=""):
    """Return a script that gives one answer after the other, the last one again and again."""

    async def script(line):
        answer = answers[min(line.number, len(answers)) - 1]
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        await line.answer(status, body, sealed(body, more))

    return script


async def test_an_answer_is_read(serve, client, sealed, keys):
    async with serve(telling(sealed, ON)) as server, client(server) as palm:
        answer = await palm.authorizations.get(OPENID, "1004")
    assert (answer.state, answer.echoed, answer.attempts) == (AuthorizationState.ON, True, 1)
    assert (answer.request_id, answer.verified_by) == ("08-0", keys.public_key_id)


async def test_what_is_signed_is_what_is_sent(serve, client, sealed, keys):
    """The target is encoded once; the signature is over those very bytes."""
    pair = ("a/b?c=d#e f%20中+&", "a b&c=中+/")
    told = ON | {"openid": pair[0], "organization_id": pair[1]}
    async with serve(telling(sealed, told)) as server, client(server) as palm:
        await palm.authorizations.get(*pair)
    target = (
        "/v3/palmservice/authorization/openid/a%2Fb%3Fc%3Dd%23e%20f%2520%E4%B8%AD%2B%26"
        "?organization_id=a%20b%26c%3D%E4%B8%AD%2B%2F"
    )
    raw = RSASigner(keys.merchant()).sign(message("GET", target, str(NOW), "nonce1", b""))
    assert server.targets == [f"GET {target}"]
    assert (
        f'Authorization: WECHATPAY2-SHA256-RSA2048 mchid="{keys.mchid}",nonce_str="nonce1",'
        f'signature="{base64.b64encode(raw).decode()}",timestamp="{NOW}",'
        f'serial_no="{keys.merchant_serial}"\r\n'
    ) in server.heads[0]
    assert f"Wechatpay-Serial: {keys.public_key_id}\r\n" in server.heads[0]


@pytest.mark.parametrize("openid", ["", "..", "a\nb", None])
async def test_what_cannot_be_asked_about_is_refused_before_anything_is_sent(
    serve, client, sealed, openid
):
    async with serve(telling(sealed, ON)) as server, client(server) as palm:
        with pytest.raises(ValueError, match="openid"):
            await palm.authorizations.get(openid, "1004")
        assert server.heads == []


@pytest.mark.parametrize(
    ("pair", "wrong"),
    [
        ((OPENID, 1004), "organization_id must be text, not int"),
        ((OPENID, 1004.0), "organization_id must be text, not float"),
        ((12, "1004"), "openid must be text, not int"),
        (("o" * 129, "1004"), "openid has 129 characters; at most 128"),
    ],
)
async def test_what_is_not_text_or_too_long_is_refused_before_anything_is_sent(
    serve, client, sealed, pair, wrong
):
    async with serve(telling(sealed, ON)) as server, client(server) as palm:
        with pytest.raises(ArgumentError, match=wrong):
            await palm.authorizations.get(*pair)
        with pytest.raises(ArgumentError, match=wrong):
            await palm.authorizations.preauthorize(pair[0], organization_id=pair[1])
        assert server.heads == []


async def test_an_organization_may_be_longer_in_a_preauthorization_than_in_a_query(
    serve, client, sealed
):
    """The documentation says 64 characters for the one, and 128 for the other."""
    async with serve(telling(sealed, ON)) as server, client(server) as palm:
        with pytest.raises(ArgumentError, match="organization_id has 65 characters; at most 64"):
            await palm.authorizations.get(OPENID, "1" * 65)
        with pytest.raises(ArgumentError, match="organization_id has 129 characters; at most 128"):
            await palm.authorizations.preauthorize(OPENID, organization_id="1" * 129)
        with pytest.raises(ArgumentError, match="session_id has 129 characters; at most 128"):
            await palm.authorizations.preauthorize(OPENID, preauthorize_session_id="1" * 129)
        assert server.heads == []


async def test_each_attempt_is_signed_anew(serve, client, sealed):
    times = iter(range(NOW, NOW + 99))

    async def script(line):
        await line.answer(500)

    async with (
        serve(script) as server,
        client(server, clock=Clock(wall=lambda: next(times), sleep=no_wait)) as palm,
    ):
        with pytest.raises(ServerError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    stamps = [re.findall('timestamp="([0-9]+)"', head)[0] for head in server.heads]
    assert server.nonces == ["nonce1", "nonce2", "nonce3"]
    assert len(set(stamps)) == caught.value.attempts == 3


async def test_by_default_nonces_are_long_and_random(serve, client, sealed, keys):
    async with serve(telling(sealed, ON)) as server:
        palm = AsyncPalm(
            merchant=keys.merchant(),
            keys=keys.platform_keys(),
            base_url=server.base_url,
            clock=Clock(wall=lambda: NOW),
        )
        async with palm:
            for _ in range(5):
                await palm.authorizations.get(OPENID, "1004")
    assert len(set(server.nonces)) == 5
    assert all(re.fullmatch("[0-9a-f]{32}", nonce) for nonce in server.nonces)


async def test_a_kept_alive_connection_that_broke_is_asked_again_with_a_new_nonce(
    serve, client, sealed
):
    async def script(line):
        if line.number == 2:
            line.hang_up()
        else:
            await telling(sealed, ON)(line)

    async with serve(script) as server, client(server) as palm:
        await palm.authorizations.get(OPENID, "1004")
        answer = await palm.authorizations.get(OPENID, "1004")
    assert answer.attempts == 2
    assert server.nonces == ["nonce1", "nonce2", "nonce3"]
    assert server.connections == 2


async def test_with_one_attempt_a_broken_connection_is_sent_nothing_more(serve, client, sealed):
    async def script(line):
        await telling(sealed, ON)(line) if line.number == 1 else line.hang_up()

    async with serve(script) as server, client(server, retry=Retry(attempts=1)) as palm:
        await palm.authorizations.get(OPENID, "1004")
        with pytest.raises(DisconnectedError):
            await palm.authorizations.get(OPENID, "1004")
        await asyncio.sleep(0.02)
    assert len(server.heads) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_and_not_believed(serve, client, sealed, status):
    script = telling(sealed, ON, status=status, more="Location: /v3/elsewhere\r\n")
    async with serve(script) as server, client(server) as palm:
        with pytest.raises(BodyError, match=f"HTTP {status} is not an answer of WeChat Pay"):
            await palm.authorizations.get(OPENID, "1004")
    assert len(set(server.targets)) == 1


async def test_a_compressed_answer_is_refused_even_where_its_plain_text_was_signed(
    serve, client, sealed
):
    plain = json.dumps(ON).encode()

    async def script(line):
        await line.answer(200, gzip.compress(plain), sealed(plain, "Content-Encoding: gzip\r\n"))

    async with serve(script) as server, client(server) as palm:
        with pytest.raises(SignatureError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    assert caught.value.reason is SignatureReason.WRONG


async def test_a_compressed_answer_is_refused_even_where_its_bytes_were_signed(
    serve, client, sealed
):
    packed = gzip.compress(json.dumps(ON).encode())
    script = telling(sealed, packed, more="Content-Encoding: gzip\r\n")
    async with serve(script) as server, client(server) as palm:
        with pytest.raises(BodyError, match="not JSON"):
            await palm.authorizations.get(OPENID, "1004")


@pytest.mark.parametrize("url", ["http://api.mch.weixin.qq.com", "http://10.1.2.3:8080"])
async def test_http_to_another_machine_is_refused_before_anything_is_sent(keys, url):
    with pytest.raises(SettingsError, match="must begin with https://"):
        AsyncPalm(merchant=keys.merchant(), keys=keys.platform_keys(), base_url=url)


async def test_the_merchants_own_key_is_refused_as_the_platforms(keys):
    own = PlatformKeys({keys.merchant_serial: keys.merchant_key.public_key()})
    with pytest.raises(SettingsError, match="the merchant's own"):
        AsyncPalm(merchant=keys.merchant(), keys=own)


# --- belief


async def test_an_unsigned_answer_is_asked_again(serve, client, sealed):
    body = json.dumps(ON).encode()

    async def script(line):
        await line.answer(200, body, sealed(body) if line.number == 2 else "Request-ID: 08-1\r\n")

    async with serve(script) as server, client(server) as palm:
        answer = await palm.authorizations.get(OPENID, "1004")
    assert (answer.attempts, answer.request_id) == (2, "08-0")


async def test_an_answer_that_is_not_believed_says_which_it_was(serve, client, sealed):
    async with (
        serve(lambda line: line.answer(200, b"{}", "Request-ID: 08-1\r\n")) as server,
        client(server) as palm,
    ):
        with pytest.raises(SignatureError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    error = caught.value
    assert (error.status, error.request_id, error.attempts) == (200, "08-1", 3)


async def test_the_time_of_the_answer_counts_not_of_the_question(serve, client, sealed):
    """A clock that jumps while an answer is under way makes it stale."""
    now, answer = NOW, telling(sealed, ON)

    async def answer_late(line):
        nonlocal now
        now += 301
        await answer(line)

    clock = Clock(wall=lambda: now, sleep=no_wait)
    async with (
        serve(answer_late) as server,
        client(server, clock=clock, retry=Retry(attempts=1)) as palm,
    ):
        with pytest.raises(SignatureError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    assert (caught.value.reason, caught.value.skew_s) == (SignatureReason.STALE, -301)


@pytest.mark.parametrize("missing", ["openid", "organization_id"])
@pytest.mark.parametrize("options", [{}, {"require_echo": True}, {"retry": Retry(attempts=9)}])
async def test_an_answer_that_names_nobody_is_asked_for_once_more(
    serve, client, sealed, missing, options
):
    script = telling(sealed, {k: v for k, v in ON.items() if k != missing})
    async with serve(script) as server, client(server, **options) as palm:
        with pytest.raises(UnnamedError, match=missing) as caught:
            await palm.authorizations.get(OPENID, "1004")
    assert (caught.value.attempts, caught.value.status, caught.value.request_id) == (2, 200, "08-0")
    assert len(server.targets) == 2


async def test_an_answer_that_names_the_pair_at_the_second_time_is_believed(serve, client, sealed):
    script = telling(sealed, {"state": "AUTHORIZATION_STATE_OFF"}, ON)
    async with serve(script) as server, client(server) as palm:
        answer = await palm.authorizations.get(OPENID, "1004")
    assert (answer.state, answer.echoed, answer.attempts) == (AuthorizationState.ON, True, 2)


async def test_other_failures_do_not_use_up_the_second_time(serve, client, sealed):
    """Of four requests two are answered by others; the two that name nobody are the limit."""
    unnamed, other = {"state": ON["state"]}, ON | {"openid": "oOther"}
    script = telling(sealed, other, unnamed, other, unnamed, ON)
    async with serve(script) as server, client(server, retry=Retry(attempts=9)) as palm:
        with pytest.raises(UnnamedError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    assert caught.value.attempts == 4


async def test_an_answer_that_names_nobody_can_be_accepted(serve, client, sealed):
    script = telling(sealed, {"state": ON["state"], "openid": OPENID})
    async with serve(script) as server, client(server, accept_unnamed=True) as palm:
        answer = await palm.with_options(timeout=3).authorizations.get(OPENID, "1004")
    assert (answer.echoed, answer.attempts) == (False, 1)


async def test_an_answer_that_names_another_is_not_accepted_with_those_that_name_nobody(
    serve, client, sealed
):
    script = telling(sealed, {"state": ON["state"], "openid": "oOther"})
    async with serve(script) as server, client(server, accept_unnamed=True) as palm:
        with pytest.raises(MismatchError, match="another openid"):
            await palm.authorizations.get(OPENID, "1004")


def test_to_accept_unnamed_answers_and_to_require_names_is_a_contradiction(keys):
    given = {"merchant": keys.merchant(), "keys": keys.platform_keys()}
    with pytest.raises(SettingsError, match="accept_unnamed and require_echo contradict"):
        AsyncPalm(**given, accept_unnamed=True, require_echo=True)


def repeating(sealed, *answers):
    """Return a script that gives each answer twice, signature and all."""
    bodies = [json.dumps(answer).encode() for answer in answers]
    given = [each for body in bodies for each in [(body, sealed(body))] * 2]

    async def script(line):
        await line.answer(200, *given[line.number - 1])

    return script


async def test_an_answer_that_came_before_is_asked_again(serve, client, sealed):
    """The second question gets the first one's answer, which would have been false."""
    seen = []
    off = ON | {"state": "AUTHORIZATION_STATE_OFF"}
    script = repeating(sealed, ON, off)
    async with serve(script) as server, client(server, on_attempt=seen.append) as palm:
        first = await palm.authorizations.get(OPENID, "1004")
        second = await palm.authorizations.get(OPENID, "1004")
    assert (first.state, first.attempts) == (AuthorizationState.ON, 1)
    assert (second.state, second.attempts) == (AuthorizationState.OFF, 2)
    errors = [attempt.error for attempt in seen]
    assert (errors[0], errors[2]) == (None, None)
    assert errors[1].reason is SignatureReason.REPLAYED
    assert (errors[1].status, errors[1].request_id) == (200, "08-0")


async def test_one_answer_for_all_questions_answers_only_the_first(serve, client, sealed):
    body = json.dumps({"state": ON["state"]}).encode()
    head = sealed(body)
    async with (
        serve(lambda line: line.answer(200, body, head)) as server,
        client(server, accept_unnamed=True) as palm,
    ):
        pairs = [(f"oPerson{number}", "1004") for number in range(20)]
        outcomes = [outcome async for _, outcome in palm.authorizations.get_many(pairs)]
    refused = [each for each in outcomes if isinstance(each, SignatureError)]
    assert len(refused) == 19
    assert {(each.reason, each.attempts) for each in refused} == {(SignatureReason.REPLAYED, 3)}


async def test_what_was_accepted_is_remembered_by_copies_and_not_by_another_client(
    serve, client, sealed
):
    script = repeating(sealed, ON, ON)
    async with serve(script) as server, client(server, retry=Retry(attempts=1)) as palm:
        await palm.authorizations.get(OPENID, "1004")
        with pytest.raises(SignatureError, match="came before"):
            await palm.with_options(timeout=3).authorizations.get(OPENID, "1004")
        await palm.authorizations.get(OPENID, "1004")
        async with client(server) as another:
            assert (await another.authorizations.get(OPENID, "1004")).attempts == 1


async def test_an_answer_that_was_not_believed_is_not_remembered(serve, client, sealed):
    """Its signature was shown with another body before: that alone must not use it up."""
    body = json.dumps(ON).encode()
    head = sealed(body)

    async def script(line):
        await line.answer(200, body if line.number > 1 else body[:-1] + b" }", head)

    async with serve(script) as server, client(server) as palm:
        assert (await palm.authorizations.get(OPENID, "1004")).attempts == 2


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 429, 500])
async def test_an_error_that_came_before_says_nothing_either(serve, client, sealed, status):
    body = b'{"code":"NO_AUTH","message":"x"}'
    head = sealed(body)
    async with (
        serve(lambda line: line.answer(status, body, head)) as server,
        client(server, retry=Retry(attempts=1, patience_s=0)) as palm,
    ):
        with pytest.raises(APIError) as first:
            await palm.authorizations.get(OPENID, "1004")
        with pytest.raises(SignatureError, match="came before") as second:
            await palm.authorizations.get(OPENID, "1004")
    assert first.value.verified
    assert (second.value.reason, second.value.status) == (SignatureReason.REPLAYED, status)


async def test_an_answer_that_another_verifier_believes_is_believed_once(
    serve, client, sealed, keys
):
    class Trusting:
        preferred = ""

        def verify(self, *answer, now):
            return f"mine, {len(answer)} parts, at {now}"

    script = repeating(sealed, ON)
    async with (
        serve(script) as server,
        client(server, keys=Trusting(), retry=Retry(attempts=1)) as palm,
    ):
        assert (await palm.authorizations.get(OPENID, "1004")).state == "AUTHORIZATION_STATE_ON"
        with pytest.raises(SignatureError, match="came before"):
            await palm.authorizations.get(OPENID, "1004")


@pytest.mark.parametrize("status", [201, 203, 205, 206, 226, 299])
async def test_only_200_answers_a_question(serve, client, sealed, status):
    """All else may be a part, or what a proxy made of it: here a part that is signed and true."""

    async def script(line):
        body = json.dumps(ON).encode()
        await line.answer(status if line.number == 1 else 200, body, sealed(body))

    seen = []
    async with serve(script) as server, client(server, on_attempt=seen.append) as palm:
        answer = await palm.authorizations.get(OPENID, "1004")
        assert (answer.state, answer.attempts) == (AuthorizationState.ON, 2)
    assert (type(seen[0].error), seen[0].error.status) == (BodyError, status)


@pytest.mark.parametrize("status", [201, 203, 206])
async def test_only_200_brings_a_token(serve, client, sealed, status):
    script = telling(sealed, {"permission_token": "T"}, status=status)
    async with serve(script) as server, client(server) as palm:
        with pytest.raises(BodyError, match=f"HTTP {status} is not an answer"):
            await palm.authorizations.preauthorize(OPENID, organization_id="1004")


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_a_chain_takes_what_any_interface_may_answer_with(serve, client, sealed, status):
    body = b"" if status == 204 else b"{}"
    script = telling(sealed, body, status=status)
    async with serve(script) as server, client(server) as palm:
        assert (await palm.v3.other.get()).status == status


@pytest.mark.parametrize("status", [203, 205, 206, 226, 299])
async def test_a_chain_takes_no_part_and_no_copy(serve, client, sealed, status):
    script = telling(sealed, {}, status=status)
    async with serve(script) as server, client(server) as palm:
        with pytest.raises(BodyError, match=f"HTTP {status} is not an answer"):
            await palm.v3.other.get()


async def test_a_body_that_says_two_things_is_asked_again(serve, client, sealed):
    named = json.dumps(ON)[:-1]
    both = (named + ',"state":"AUTHORIZATION_STATE_OFF"}').encode()
    async with serve(telling(sealed, both, ON)) as server, client(server) as palm:
        assert (await palm.authorizations.get(OPENID, "1004")).attempts == 2


async def test_an_answer_about_another_is_asked_again(serve, client, sealed):
    other = ON | {"openid": "oOther"}
    async with serve(telling(sealed, other, ON)) as server, client(server) as palm:
        assert (await palm.authorizations.get(OPENID, "1004")).attempts == 2


async def test_a_missing_state_is_not_asked_again(serve, client, sealed):
    named = {"openid": OPENID, "organization_id": "1004"}
    async with serve(telling(sealed, named)) as server, client(server) as palm:
        with pytest.raises(NoStateError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    assert (caught.value.attempts, caught.value.request_id) == (1, "08-0")


@pytest.mark.parametrize("signed", [True, False])
async def test_an_error_tells_whether_it_was_signed(serve, client, sealed, signed):
    body = b'{"code":"NO_AUTH","message":"x"}'

    async def script(line):
        await line.answer(403, body, sealed(body) if signed else "")

    async with serve(script) as server, client(server) as palm:
        with pytest.raises(ForbiddenError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    assert (caught.value.verified, caught.value.attempts) == (signed, 1)


# --- what is said


@pytest.mark.parametrize("where", ["message", "code", "both"])
async def test_no_error_repeats_the_openid_that_the_gateway_repeats(
    serve, client, sealed, everything_said_by, where
):
    body = json.dumps(
        {
            "code": OPENID if where != "message" else "PARAM_ERROR",
            "message": f"{'m' * 190}{OPENID}" if where != "code" else "x",
            "detail": {"value": OPENID},
        }
    ).encode()
    async with serve(lambda line: line.answer(400, body)) as server, client(server) as palm:
        with pytest.raises(RefusedError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    assert "oSecret" not in everything_said_by(caught.value)


async def silence(_):
    await asyncio.sleep(9)


def hang_up(line):
    line.hang_up()
    return asyncio.sleep(0)


@pytest.mark.parametrize(
    "script",
    [
        hang_up,
        lambda line: line.say(b"nonsense\r\n\r\n"),
        lambda line: line.say(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        lambda line: line.answer(200, b"x" * 70_000),
        lambda line: line.answer(200, OPENID.encode()),
        lambda line: line.answer(302, headers="Location: http://[\r\n"),
        lambda line: line.answer(500, OPENID.encode()),
        lambda line: line.answer(429, OPENID.encode()),
    ],
)
async def test_no_error_shows_openid_url_or_signature(serve, client, everything_said_by, script):
    async with serve(script) as server, client(server) as palm:
        with pytest.raises(PalmError) as caught:
            await palm.authorizations.get(OPENID, "1004")
    said = everything_said_by(caught.value)
    assert "oSecret" not in said
    assert "/v3/" not in said.replace("/v3/palmservice/authorization/openid/{openid}", "")
    assert "nonce_str=" not in said
    assert server.base_url not in said


async def test_a_state_error_shows_no_openid(serve, client, sealed, everything_said_by):
    for told in ({"openid": OPENID}, ON | {"state": "NEW"}, ON | {"organization_id": "1005"}):
        async with serve(telling(sealed, told)) as server, client(server) as palm:
            with pytest.raises(PalmError) as caught:
                await palm.authorizations.get(OPENID, "1004")
        assert "oSecret" not in everything_said_by(caught.value)


# --- signers, and those who count


class Remote:
    """A signer whose key lives elsewhere."""

    def __init__(self, signer, answer):
        self.mchid, self.serial_no = signer.mchid, signer.serial_no
        self._signer, self._answer = signer, answer

    def sign(self, message, /):
        return self._answer(self._signer.sign(message))


async def later(signature):
    await asyncio.sleep(0)
    return signature


class Promise:
    """An awaitable that is no coroutine."""

    def __init__(self, signature):
        self._signature = signature

    def __await__(self):
        yield
        return self._signature


@pytest.mark.parametrize("answer", [later, Promise, bytes])
async def test_a_signer_may_promise_its_signature(serve, client, sealed, keys, answer):
    signer = Remote(RSASigner(keys.merchant()), answer)
    async with serve(telling(sealed, ON)) as server, client(server, merchant=signer) as palm:
        await palm.authorizations.get(OPENID, "1004")
    sent = base64.b64decode(re.findall('signature="([^"]+)"', server.heads[0])[0])
    target = server.targets[0].removeprefix("GET ")
    assert sent == RSASigner(keys.merchant()).sign(message("GET", target, str(NOW), "nonce1", b""))


async def test_a_signer_that_fails_is_named(serve, client, sealed, keys):
    def fail(signature):
        raise LookupError("the key server is away")

    signer = Remote(RSASigner(keys.merchant()), fail)
    async with serve(telling(sealed, ON)) as server, client(server, merchant=signer) as palm:
        with pytest.raises(SignerError, match="^the signer raised LookupError"):
            await palm.authorizations.get(OPENID, "1004")
        assert server.heads == []


class Slow:
    """A signer whose key lives elsewhere, and that hangs for some requests."""

    def __init__(self, signer, *, hangs):
        self.mchid, self.serial_no = signer.mchid, signer.serial_no
        self._signer, self._hangs = signer, hangs
        self.calls = 0
        self.go = threading.Event()


class SlowInThread(Slow):
    def sign(self, message, /):
        self.calls += 1
        if self._hangs(message):
            self.go.wait(10)
        return self._signer.sign(message)


class SlowInLoop(Slow):
    async def sign(self, message, /):
        self.calls += 1
        if self._hangs(message):
            await asyncio.sleep(3600)
        return self._signer.sign(message)


@pytest.fixture(params=[SlowInThread, SlowInLoop])
def slow(request, keys):
    made = []

    def make(hangs):
        made.append(request.param(RSASigner(keys.merchant()), hangs=hangs))
        return made[-1]

    yield make
    for signer in made:
        signer.go.set()


async def test_a_signer_that_hangs_is_a_timeout_and_is_asked_again(serve, client, slow):
    signer, told = slow(lambda _: True), []
    options = {"merchant": signer, "timeouts": Timeouts(total_s=0.05), "on_attempt": told.append}
    async with serve(silence) as server, client(server, **options) as palm:
        with pytest.raises(
            SignerTimeoutError, match="^the signer did not return in time\n"
        ) as caught:
            await palm.authorizations.get(OPENID, "1004")
        assert isinstance(caught.value, SignerError)
        assert isinstance(caught.value, TimeoutError)
        assert (signer.calls, caught.value.attempts, len(told)) == (3, 3, 3)
        assert server.heads == []


async def test_a_signer_that_hangs_once_costs_one_attempt(serve, client, sealed, slow):
    signer = slow(lambda _: signer.calls == 1)
    options = {"merchant": signer, "timeouts": Timeouts(total_s=0.5)}
    async with serve(telling(sealed, ON)) as server, client(server, **options) as palm:
        assert (await palm.authorizations.get(OPENID, "1004")).attempts == 2
        assert len(server.heads) == 1


async def test_a_signer_that_hangs_for_one_pair_does_not_end_get_many(serve, client, sealed, slow):
    signer = slow(lambda message: b"oHanging" in message)
    options = {
        "merchant": signer,
        "timeouts": Timeouts(total_s=0.5),
        "retry": Retry(attempts=1),
    }
    pairs = [("oHanging", "1004"), (OPENID, "1004")]
    async with serve(telling(sealed, ON)) as server, client(server, **options) as palm:
        found = {pair.openid: each async for pair, each in palm.authorizations.get_many(pairs)}
    assert isinstance(found["oHanging"], SignerTimeoutError)
    assert found[OPENID].state is AuthorizationState.ON


async def test_a_signer_that_hangs_says_nothing_about_the_gateway(serve, client, slow):
    options = {
        "merchant": slow(lambda _: True),
        "timeouts": Timeouts(total_s=0.02),
        "retry": Retry(attempts=1),
        "hosts": HostRules(failures=1),
        "breaker": BreakerRules(failures=1, silence_s=0.0),
    }
    async with serve(silence) as server:
        urls = [server.base_url, "http://localhost:1"]
        async with client(server, base_url=urls, **options) as palm:
            for _ in range(3):
                with pytest.raises(SignerTimeoutError) as caught:
                    await palm.authorizations.get(OPENID, "1004")
            assert not caught.value.outage
            assert (palm.hosts.switches, palm.breaker.openings) == (0, 0)


async def test_a_signer_that_cancels_itself_does_not_end_get_many(serve, client, sealed, keys):
    class Cancelled(SlowInLoop):
        async def sign(self, message, /):
            if b"oHanging" in message:
                raise asyncio.CancelledError
            return self._signer.sign(message)

    signer = Cancelled(RSASigner(keys.merchant()), hangs=None)
    pairs = [("oHanging", "1004"), (OPENID, "1004")]
    options = {"merchant": signer, "retry": Retry(attempts=1)}
    async with serve(telling(sealed, ON)) as server, client(server, **options) as palm:
        found = {pair.openid: each async for pair, each in palm.authorizations.get_many(pairs)}
    assert str(found["oHanging"]) == "the signer was cancelled"
    assert found[OPENID].state is AuthorizationState.ON


async def test_a_signer_with_threads_signs_the_same(serve, client, sealed, keys):
    with ThreadSigner(keys.merchant()) as signer:
        async with serve(telling(sealed, ON)) as server, client(server, merchant=signer) as palm:
            await palm.authorizations.get(OPENID, "1004")
    sent = base64.b64decode(re.findall('signature="([^"]+)"', server.heads[0])[0])
    target = server.targets[0].removeprefix("GET ")
    assert sent == RSASigner(keys.merchant()).sign(message("GET", target, str(NOW), "nonce1", b""))


async def test_threads_that_are_busy_are_a_timeout_and_sign_again_later(
    serve, client, sealed, keys, monkeypatch
):
    go = threading.Event()

    def sign(key, text):
        go.wait(10)
        return sign_message(key, text)

    monkeypatch.setattr(thread_signer, "sign_message", sign)
    with ThreadSigner(keys.merchant(), threads=1) as signer:
        options = {"merchant": signer, "retry": Retry(attempts=1)}
        async with serve(telling(sealed, ON)) as server, client(server, **options) as palm:
            with pytest.raises(SignerTimeoutError):
                await palm.with_options(timeout=0.05).authorizations.get(OPENID, "1004")
            go.set()
            await palm.authorizations.get(OPENID, "1004")
            assert len(server.heads) == 1


async def test_a_signer_with_threads_that_is_closed_is_named(serve, client, keys):
    signer = ThreadSigner(keys.merchant())
    signer.close()
    async with serve(silence) as server, client(server, merchant=signer) as palm:
        with pytest.raises(ClosedError, match="^the ThreadSigner is closed"):
            await palm.authorizations.get(OPENID, "1004")
        assert server.heads == []


def test_the_platforms_key_of_a_merchant_with_threads_is_refused_as_well(client, keys):
    own = PlatformKeys({keys.public_key_id: keys.merchant_key.public_key()})
    with pytest.raises(SettingsError):
        AsyncPalm(merchant=ThreadSigner(keys.merchant()), keys=own)


async def test_every_attempt_is_told_of(serve, client, sealed):
    told: list[Attempt] = []

    async def script(line):
        await (line.answer(500) if line.number == 1 else telling(sealed, ON)(line))

    async with serve(script) as server, client(server, on_attempt=told.append) as palm:
        await palm.authorizations.get(OPENID, "1004")
    assert [type(attempt.error) for attempt in told] == [ServerError, type(None)]
    assert [attempt.number for attempt in told] == [1, 2]
    assert all(0 < attempt.elapsed_s < 5 for attempt in told)


async def test_an_attempt_that_was_cancelled_is_no_success(serve, client):
    told: list[Attempt] = []
    async with serve(silence) as server, client(server, on_attempt=told.append, rate=1000) as palm:
        asking = asyncio.create_task(palm.authorizations.get(OPENID, "1004"))
        async with asyncio.timeout(5):
            while not server.heads:
                await asyncio.sleep(0.001)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert len(server.heads) == 1
    assert [attempt for attempt in told if attempt.error is None] == []


async def test_every_attempt_takes_a_slot(serve, client):
    async with serve(lambda line: line.answer(500)) as server, client(server, rate=1000) as palm:
        with pytest.raises(ServerError):
            await palm.authorizations.get(OPENID, "1004")
        assert palm.pacer.granted == len(server.heads) == 3


async def test_throttles_lower_the_rate_of_the_whole_client(serve, client):
    async with (
        serve(lambda line: line.answer(429, headers="Retry-After: 7\r\n")) as server,
        client(server, rate=1000) as palm,
    ):
        for _ in range(3):
            with pytest.raises(ThrottledError) as caught:
                await palm.authorizations.get(OPENID, "1004")
        assert caught.value.retry_after_s == 7
        assert palm.pacer.rate == pytest.approx(700)
        assert (palm.adaptation.pauses, palm.adaptation.paused_s) == (
            1,
            7,
        )


@pytest.mark.parametrize(("adapts", "pauses"), [(True, 1), (False, 0)])
async def test_only_the_first_throttle_of_a_question_counts_for_the_pace(adapts, pauses):
    """Three questions that are always throttled make one pause, not one a throttle."""
    gateway = virtual.VirtualGateway(
        lambda openid, _: ThrottledError(429) if openid != "answered" else None
    )

    async def work():
        palm = gateway.client(rate=100.0, retry=Retry(adapts=adapts))
        asking = [palm.authorizations.get(f"throttled-{i}", "1004") for i in range(3)]
        throttled = asyncio.gather(*asking, return_exceptions=True)
        while not throttled.done():  # somebody else is answered all the time
            await palm.authorizations.get("answered", "1004")
            await asyncio.sleep(1)
        return palm.adaptation, await throttled

    (adaptation, errors), _ = await asyncio.to_thread(virtual.run, work())
    assert [error.attempts for error in errors] == [8, 8, 8]
    assert adaptation.pauses == pauses


async def test_what_was_never_written_is_no_answer_to_the_pace(serve, client):
    async with serve(lambda line: line.answer(200)) as server:
        pass
    pacer = Pacer(1000)
    adaptation = Recorded(pacer)
    async with client(server, clock=pacer.clock, pacer=pacer, adaptation=adaptation) as palm:
        with pytest.raises(PalmError, match="no connection"):
            await palm.authorizations.get(OPENID, "1004")
    assert adaptation.sent == []


async def test_a_client_without_a_rate_is_not_paced(serve, client, sealed):
    async with serve(telling(sealed, ON)) as server, client(server) as palm:
        await palm.authorizations.get(OPENID, "1004")
        assert (palm.pacer, palm.adaptation) == (None, None)


async def test_clients_share_a_pacer_its_adaptive_rate_and_a_breaker(serve, client):
    """Two clients of one merchant use one quota: a throttle of one slows both down."""
    pacer = Pacer(1000)
    shared = {"pacer": pacer, "adaptation": Adaptation(pacer), "breaker": Breaker()}
    async with (
        serve(lambda line: line.answer(429)) as server,
        client(server, **shared) as one,
        client(server, **shared) as other,
    ):
        for palm in (one, other, one):
            with pytest.raises(ThrottledError):
                await palm.authorizations.get(OPENID, "1004")
    assert pacer.granted == len(server.heads)
    assert pacer.rate == pytest.approx(700)
    assert one.adaptation is other.adaptation is shared["adaptation"]
    assert one.breaker is other.breaker is shared["breaker"]
    assert one.adaptation.pauses == 1


class Counting:
    """A pacer of the caller's own."""

    def __init__(self, failures=0):
        self.failures, self.asked = failures, 0

    async def acquire(self):
        self.asked += 1
        if self.asked <= self.failures:
            raise OSError(OPENID)


async def test_a_pacer_of_the_callers_own_is_asked_before_each_request(serve, client, sealed):
    limiter = Counting()

    async def script(line):
        await (line.answer(500) if line.number == 1 else telling(sealed, ON)(line))

    async with serve(script) as server, client(server, pacer=limiter) as palm:
        await palm.authorizations.get(OPENID, "1004")
        assert (palm.pacer, palm.adaptation) == (None, None)
    assert limiter.asked == len(server.heads) == 2


async def test_a_pacer_that_fails_is_asked_again_and_then_an_error(serve, client, sealed):
    async with serve(telling(sealed, ON)) as server:
        async with client(server, pacer=Counting(failures=2)) as palm:
            assert (await palm.authorizations.get(OPENID, "1004")).attempts == 1
        async with client(server, pacer=Counting(failures=9)) as palm:
            with pytest.raises(PacerError, match="^the pacer raised OSError") as caught:
                await palm.authorizations.get(OPENID, "1004")
            outcomes = [each async for _, each in palm.authorizations.get_many([(OPENID, "1004")])]
    assert OPENID not in f"{caught.value!r} {vars(caught.value)}"
    assert caught.value.route == "/v3/palmservice/authorization/openid/{openid}"
    assert [type(each) for each in outcomes] == [PacerError]
    assert len(server.heads) == 1


async def test_only_our_own_pacer_has_a_rate_that_can_be_adapted(keys):
    given = {"merchant": keys.merchant(), "keys": keys.platform_keys(), "pacer": Counting()}
    with pytest.raises(SettingsError, match="adaptation lowers the rate of a palm.Pacer"):
        AsyncPalm(**given, adaptation=AdaptationRules())
    with pytest.raises(SettingsError, match="rate and pacer contradict"):
        AsyncPalm(**given, rate=5)


async def test_a_pacer_that_was_passed_alone_is_adapted_too(serve, client):
    rules = AdaptationRules(least=1)
    async with (
        serve(lambda line: line.answer(429)) as server,
        client(server, pacer=Pacer(1000), adaptation=rules) as palm,
    ):
        with pytest.raises(ThrottledError):
            await palm.authorizations.get(OPENID, "1004")
    assert palm.pacer.rate == pytest.approx(700)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (lambda: {"rate": 50, "pacer": Pacer(50)}, "rate and pacer contradict"),
        (lambda: {"adaptation": Adaptation(Pacer(50))}, "its own pacer"),
        (lambda: {"pacer": Pacer(50), "adaptation": Adaptation(Pacer(50))}, "its own pacer"),
        (lambda: {"pacer": Pacer(50, clock=Clock(monotonic=lambda: 1.0))}, "another clock"),
    ],
)
def test_collaborators_that_do_not_belong_together_are_refused(keys, options, message):
    with pytest.raises(SettingsError, match=message):
        AsyncPalm(merchant=keys.merchant(), keys=keys.platform_keys(), **options())
