"""The signature headers are found in every mapping that a web framework hands over."""

from __future__ import annotations

from email.message import Message

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from palm.crypto.signature_headers import SignatureHeaders, signature_headers
from palm.errors import SignatureError, SignatureReason

SIGNED = {
    "Wechatpay-Timestamp": "1722850421",
    "Wechatpay-Nonce": "d824f2e0",
    "Wechatpay-Signature": "c2ln",
    "Wechatpay-Serial": "PUB_KEY_ID_1",
}


def as_message(headers):
    """Return what the standard library's HTTP server hands over."""
    message = Message()
    for name, value in headers.items():
        message[name] = value
    return message


def as_meta(headers):
    """Return what WSGI and Django hand over: not only texts."""
    meta = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {"wsgi.input": object(), "wsgi.version": (1, 0), "CONTENT_LENGTH": "2"} | meta


@pytest.mark.parametrize(
    "made",
    [
        dict,
        CIMultiDict,
        as_message,
        as_meta,
        lambda headers: {name.lower(): value for name, value in headers.items()},
        lambda headers: {name.upper(): value for name, value in headers.items()},
        lambda headers: {name.swapcase(): value for name, value in headers.items()},
        lambda headers: headers | {name.lower(): value for name, value in headers.items()},
        lambda headers: {"X-Other": None, "Wechatpay": "x", "HTTP_NONCE": "y"} | headers,
    ],
)
def test_they_are_found_whatever_the_case_of_names_and_the_kind_of_mapping(made):
    assert signature_headers(made(SIGNED)) == SIGNED
    assert SignatureHeaders.of(made(SIGNED)) == tuple(SIGNED.values())


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    "spelling", [str, str.lower, lambda n: f"HTTP_{n.upper().replace('-', '_')}"]
)
def test_one_that_comes_twice_with_different_values_is_refused(name, spelling):
    headers = CIMultiDict(SIGNED)
    headers.add(spelling(name), "other")
    with pytest.raises(SignatureError, match=f"several {name} that differ") as caught:
        signature_headers(headers)
    assert caught.value.reason is SignatureReason.MALFORMED


@pytest.mark.parametrize("value", [None, 1, b"c2ln", ["c2ln"]])
def test_a_value_that_is_not_text_is_refused(value):
    with pytest.raises(SignatureError, match="Wechatpay-Signature is not text") as caught:
        signature_headers(SIGNED | {"Wechatpay-Signature": value})
    assert caught.value.reason is SignatureReason.MALFORMED


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("value", [None, ""])
def test_one_that_is_missing_or_empty_is_named(name, value):
    headers = {k: v for k, v in SIGNED.items() if k != name} | (
        {} if value is None else {name: value}
    )
    with pytest.raises(SignatureError, match=f"^the response has no {name}$") as caught:
        SignatureHeaders.of(headers)
    assert caught.value.reason is SignatureReason.MISSING


@pytest.mark.parametrize("name", ["Wechatpay_Signature", "Http-Wechatpay-Signature", "Signature"])
def test_a_name_that_only_resembles_one_is_another_header(name):
    assert signature_headers({name: "c2ln"}) == {}


@pytest.mark.parametrize("nonce", ["a\nb", "a\r", "\0", "\ud800", "\nb"])
def test_a_nonce_that_no_header_can_hold_is_refused(nonce):
    with pytest.raises(SignatureError, match="nonce is malformed") as caught:
        SignatureHeaders.of(SIGNED | {"Wechatpay-Nonce": nonce})
    assert caught.value.reason is SignatureReason.MALFORMED


@pytest.mark.parametrize("nonce", ["d824f2e0", " ", "学", "\udcff", "\t", "\x85"])
def test_any_other_nonce_is_left_to_the_signature(nonce):
    assert SignatureHeaders.of(SIGNED | {"Wechatpay-Nonce": nonce}).nonce == nonce


def test_names_that_are_not_text_are_other_headers():
    assert signature_headers({b"Wechatpay-Nonce": "n", 7: "n", None: "n", **SIGNED}) == SIGNED


def as_aiohttp(headers):
    """Return what aiohttp hands over."""
    return CIMultiDictProxy(CIMultiDict(headers))


def test_a_response_of_aiohttp_is_read_as_other_headers_are():
    headers = [("Server", "nginx"), *((name.upper(), value) for name, value in SIGNED.items())]
    assert signature_headers(as_aiohttp(headers)) == SIGNED
    again = [*headers, ("wechatpay-nonce", SIGNED["Wechatpay-Nonce"])]
    assert signature_headers(as_aiohttp(again)) == SIGNED
    assert "Wechatpay-Serial" not in signature_headers(as_aiohttp(headers[:-1]))


@pytest.mark.parametrize("name", SIGNED)
def test_one_that_comes_twice_in_a_response_of_aiohttp_is_refused(name):
    headers = as_aiohttp([*SIGNED.items(), (name.lower(), "another")])
    with pytest.raises(SignatureError, match=f"several {name} that differ"):
        signature_headers(headers)
