"""Of 100,000 answers that differ from what was signed not one is believed; the sound ones are."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter

import pytest
from multidict import CIMultiDict

from palm import Clock, PalmAuthorization, PalmError, SignatureError, SignatureReason, message
from palm.crypto.signing import RSAVerifier
from palm.http.answer import Answer, check_typed
from palm.http.connections import RawResponse
from palm.http.signed import SignedTransport
from palm.models import read_authorization
from palm.resilience.failover import Hosts
from tests.examples import some_or_all

NOW = 1_722_850_421
PAIR = ("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "1004")
PARTS = ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial")
ALPHABET = '0123456789abcdefABCDEFghijklmnopqrstuvwxyz+/=-_{}":, \\u\t\n\0é'


class Anybody:
    """A merchant whose signatures cost nothing."""

    mchid, serial_no = "1", "7A"

    def sign(self, _: bytes, /) -> bytes:
        return b""


class Unconnected:
    """A request that has no connection to keep."""

    connection = None

    def release(self, *, verified: bool) -> None:
        """Keep nothing."""


class Telling:
    """A transport that brings whatever it is told to."""

    answer: tuple[int, dict[str, str], bytes]

    async def send(self, *_, **__):
        status, headers, body = self.answer
        return RawResponse(status, CIMultiDict(headers), body, Unconnected())


def sound(keys, number: int) -> tuple[int, dict[str, str], bytes]:
    """Return an answer as WeChat Pay would give it, each with another nonce, state and key."""
    members = {
        "openid": PAIR[0],
        "organization_id": PAIR[1],
        "state": f"AUTHORIZATION_STATE_{('ON', 'OFF', 'NONE')[number % 3]}",
        "authorize_time": "2018-06-08T10:34:56+08:00",
    }
    body = json.dumps(members, indent=number % 2 or None).encode()
    key_id = (keys.public_key_id, keys.platform_serial)[number % 2]
    timestamp, nonce = str(NOW + number), f"{number:032x}"
    raw = keys.sign(key_id, message(timestamp, nonce, body))
    values = (timestamp, nonce, base64.b64encode(raw).decode(), key_id)
    return 200, dict(zip(PARTS, values, strict=True)), body


def changed(draw: random.Random, text: str) -> str:
    """Return a text with one thing changed: a character, a slice, its case, its end."""
    start = draw.randrange(len(text) + 1)
    end = min(len(text), start + draw.choice((0, 1, 1, 1, 2, 9)))
    put = "".join(draw.choices(ALPHABET, k=draw.choice((0, 1, 1, 1, 2))))
    return draw.choice(
        (
            lambda: text[:start] + put + text[end:],
            lambda: text[:start] + text[start:end] * 2 + text[end:],
            lambda: text[:start],
            text.swapcase,
            # Of base64 before two "=" this changes bits that no decoder reads.
            lambda: text[:-3] + "".join(chr(ord(c) + 1) for c in text[-3:-2]) + text[-2:],
            lambda: text + draw.choice(("=", " ", "\n", "A", "0")),
            lambda: draw.choice((" ", "0", "+", "\ufeff")) + text,
            lambda: (
                text[:start] + chr(ord(text[start]) ^ 1) + text[start + 1 :]
                if start < len(text)
                else ""
            ),
        )
    )()


def mutated(draw: random.Random, answers: list) -> tuple[int, dict[str, str], bytes]:
    """Return one of the answers with something changed, missing, or another answer's."""
    status, headers, body = draw.choice(answers)
    headers = dict(headers)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        part = draw.choice((*PARTS, "body", "body", "body"))
        stranger = draw.choice(answers)
        way = draw.random()
        if part == "body":
            text = body.decode("utf-8", "surrogateescape")
            body = (
                stranger[2] if way < 0.1 else changed(draw, text).encode("utf-8", "surrogateescape")
            )
        elif way < 0.1:
            headers[part] = stranger[1][part]
        elif way < 0.2:
            headers.pop(part, None)
        else:
            headers[part] = changed(draw, headers.get(part, ""))
    if draw.random() < 0.02:
        status = draw.choice((201, 202, 203, 204, 206, 226, 299, 304, 400, 429, 500))
    return status, headers, body


@some_or_all(6_000, 100_000)
async def test_of_mutated_answers_none_is_believed(keys, examples):
    transport = Telling()
    exchange = SignedTransport(
        Anybody(),
        RSAVerifier(keys.platform_keys("grey")),
        Hosts(["http://127.0.0.1"]),
        transport,
        clock=Clock(wall=lambda: NOW),
    )

    def read(response: Answer) -> PalmAuthorization:
        check_typed(response)
        openid, organization_id = PAIR
        return read_authorization(
            response.content,
            openid=openid,
            organization_id=organization_id,
            request_id=None,
            verified_by=response.verified_by,
        )

    async def believed(answer) -> PalmAuthorization:
        transport.answer = answer
        return await exchange.ask("GET", "/", read)

    draw = random.Random(20261121)
    answers = [sound(keys, number) for number in range(20)]
    outcomes: Counter[str] = Counter()
    while outcomes.total() < examples:
        answer = mutated(draw, answers)
        if answer in answers:
            continue
        try:
            told = await believed(answer)
        except PalmError as error:
            outcomes[getattr(error, "reason", type(error).__name__)] += 1
        else:
            pytest.fail(f"believed: {answer} as {told}")
    reasons = set(SignatureReason) - {SignatureReason.REPLAYED, SignatureReason.STALE}
    assert all(outcomes[reason] > examples / 100 for reason in reasons), outcomes
    # New ones: a status is not signed, so some of the others were taken for signed errors.
    for answer in (sound(keys, number) for number in range(20, 40)):
        assert (await believed(answer)).state == json.loads(answer[2])["state"]
        with pytest.raises(SignatureError) as caught:
            await believed(answer)
        assert caught.value.reason is SignatureReason.REPLAYED
