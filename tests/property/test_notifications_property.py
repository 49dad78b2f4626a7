"""Whatever is posted to a merchant's URL: only what WeChat Pay signed, for us, is ever read."""

from __future__ import annotations

import asyncio
import base64
import json
import string

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from palm import APIv3Key, AsyncPalm, CertificateStore, Clock, PalmError, SignatureError
from tests.notifications_by_hand import NOW, RESOURCE, encrypt, envelope

NAMES = ["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial"]
TEXTS = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    ["", str(NOW), "\ud800", "\udcff", "a\nb", "WECHATPAY/SIGNTEST/x", "PUB_KEY_ID_0", "١", "AA=="]
)
VALUES = TEXTS | st.none() | st.integers() | st.binary(max_size=9) | st.lists(TEXTS, max_size=2)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


class Pairs:
    """Headers that may come twice."""

    def __init__(self, pairs):
        self.pairs = pairs

    def items(self):
        return self.pairs


class World:
    """A client whose clock stands still, and the platform's signature."""

    def __init__(self, keys):
        self.keys = keys
        self.key = keys.apiv3_key.encode()
        self.palm = AsyncPalm(
            merchant=keys.merchant(),
            keys=CertificateStore(APIv3Key(self.key), keys.platform_keys()),
            base_url="http://127.0.0.1:1",
            clock=Clock(wall=lambda: NOW),
        )
        self.loop = asyncio.new_event_loop()

    def parse(self, headers, body):
        return self.loop.run_until_complete(self.palm.notifications.parse(headers, body))

    def sign(self, body, nonce="nonce"):
        signed = f"{NOW}\n{nonce}\n".encode() + body + b"\n"
        raw = self.keys.public_key_pair.sign(signed, PKCS1v15(), SHA256())
        values = [str(NOW), nonce, base64.b64encode(raw).decode(), self.keys.public_key_id]
        return dict(zip(NAMES, values, strict=True))


@pytest.fixture(scope="module")
def world(keys):
    world = World(keys)
    yield world
    world.loop.run_until_complete(world.palm.close())
    world.loop.close()


@given(st.data())
def test_no_other_headers_are_accepted_and_only_our_own_errors_escape(world, data):
    body = envelope(encrypt(world.key, json.dumps(RESOURCE).encode()))
    pairs = list(world.sign(body).items())
    place = data.draw(st.integers(0, 3))
    other = data.draw(VALUES.filter(lambda value: value != pairs[place][1]))
    added = data.draw(st.booleans())
    pairs[place : place + (not added)] = [(pairs[place][0], other)]
    with pytest.raises(SignatureError):
        world.parse(Pairs(pairs), body)


@given(
    st.dictionaries(st.sampled_from(NAMES) | TEXTS | st.integers() | st.binary(max_size=5), VALUES),
    st.binary(max_size=60),
)
def test_nothing_that_is_made_up_is_accepted(world, headers, body):
    with pytest.raises(SignatureError):
        world.parse(headers, body)


@given(JSON)
def test_whatever_is_signed_is_read_or_refused(world, members):
    body = json.dumps(members).encode()
    with pytest.raises(PalmError):
        world.parse(world.sign(body), body)


@given(st.sampled_from(["id", "create_time", "event_type", "resource_type", "summary"]), JSON)
def test_every_member_is_text_or_refused(world, name, value):
    body = envelope(encrypt(world.key, b"{}"), **{name: value})
    try:
        found = world.parse(world.sign(body), body)
    except PalmError:
        assert not isinstance(value, str) or not value
        return
    texts = (found.id, found.event_type, found.resource_type, found.summary)
    assert all(isinstance(text, str) for text in texts)


@given(JSON)
def test_the_resource_is_a_mapping_or_refused(world, value):
    text = json.dumps(value)
    body = envelope(encrypt(world.key, text.encode()))
    try:
        found = world.parse(world.sign(body), body)
    except PalmError:
        assert not isinstance(value, dict) or "NaN" in text or "Infinity" in text
        return
    assert found.resource == value


@given(
    st.text(string.printable, max_size=60).filter(lambda text: ", " not in text),
    st.integers(0, 100),
)
def test_the_nonce_takes_over_no_part_of_a_body_with_lines(world, text, cut):
    """Only line ends divide timestamp, nonce and body in what is signed."""
    body = envelope(encrypt(world.key, b"{}"), summary=text).replace(b", ", b",\n")
    headers = world.sign(body)
    assert world.parse(headers, body).summary == text
    lines = body.split(b"\n")
    kept = cut % (len(lines) - 1) + 1
    nonce = "\n".join(["nonce", *(line.decode() for line in lines[:kept])])
    with pytest.raises(SignatureError, match="nonce is malformed"):
        world.parse(headers | {"Wechatpay-Nonce": nonce}, b"\n".join(lines[kept:]))
