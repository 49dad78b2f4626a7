"""palm.crypto.signing: no altered byte is believed, and nothing but SignatureError is raised."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from palm.crypto.signing import RSAVerifier, message
from palm.errors import SignatureError, SignatureReason

NOW = 1722850421
NONCE = "d824f2e086d3c1df967785d13fcd22ef"
BODY = b'{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","state":"AUTHORIZATION_STATE_ON"}'
NAMES = ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial")

# What HTTP libraries make of a header's bytes: those outside of UTF-8 become half surrogates.
HEADER = st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
DIGITS = st.text(string.digits, max_size=20)


@pytest.fixture(scope="session")
def verifier(keys):
    return RSAVerifier(keys.platform_keys("grey"))


@pytest.fixture(scope="session")
def headers(keys):
    raw = keys.sign(keys.public_key_id, message(str(NOW), NONCE, BODY))
    values = (str(NOW), NONCE, base64.b64encode(raw).decode(), keys.public_key_id)
    return dict(zip(NAMES, values, strict=True))


@given(where=st.integers(0, len(BODY) - 1), mask=st.integers(1, 255))
def test_one_altered_byte_of_the_body_is_refused(verifier, headers, where, mask):
    altered = BODY[:where] + bytes([BODY[where] ^ mask]) + BODY[where + 1 :]
    with pytest.raises(SignatureError) as caught:
        verifier.verify(headers, altered, now=NOW)
    assert caught.value.reason is SignatureReason.WRONG


@given(cut=st.integers(0, len(BODY) - 1), more=st.binary(min_size=1, max_size=9))
def test_a_shorter_or_longer_body_is_refused(verifier, headers, cut, more):
    for body in (BODY[:cut], BODY + more, more + BODY):
        with pytest.raises(SignatureError):
            verifier.verify(headers, body, now=NOW)


@given(
    name=st.sampled_from(NAMES),
    where=st.integers(min_value=0),
    new=st.characters(min_codepoint=0x20, max_codepoint=0x7E),
)
def test_one_altered_character_of_a_header_is_refused(verifier, headers, name, where, new):
    value = headers[name]
    where %= len(value)
    altered = value[:where] + new + value[where + 1 :]
    if altered == value:
        assert verifier.verify(headers, BODY, now=NOW) == headers["Wechatpay-Serial"]
        return
    with pytest.raises(SignatureError):
        verifier.verify(headers | {name: altered}, BODY, now=NOW)


@given(
    values=st.lists(HEADER | DIGITS | st.none(), min_size=4, max_size=4),
    right=st.sets(st.integers(0, 3)),
    body=st.binary(max_size=50),
)
def test_arbitrary_headers_are_refused_with_nothing_but_a_signature_error(
    verifier, headers, values, right, body
):
    """Also where up to three of the four are right, so that every step is reached."""
    given_ = CIMultiDict(
        (name, headers[name] if index in right else value)
        for index, (name, value) in enumerate(zip(NAMES, values, strict=True))
        if index in right or value is not None
    )
    with pytest.raises(SignatureError) as caught:
        verifier.verify(given_, body, now=NOW)
    assert str(caught.value).isprintable()


@given(parts=st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8")), min_size=1))
def test_no_two_messages_of_lines_look_alike(parts):
    assert message(*parts).decode().split("\n") == [*parts, ""]
