"""What a status means: which error, whether to ask again, and what may be shown of it."""

from __future__ import annotations

import json

import pytest
from multidict import CIMultiDict

from palm.errors import (
    APIError,
    BodyError,
    ForbiddenError,
    PendingError,
    RefusedError,
    ServerError,
    ThrottledError,
    TransientError,
    UnauthorizedError,
)
from palm.response import Response, error_of


def error(status, code=None, message=None, *, headers=None, private=(), verified=False):
    members = {"code": code, "message": message}
    return error_of(
        status,
        CIMultiDict(headers or {}),
        json.dumps({k: v for k, v in members.items() if v is not None}).encode(),
        verified=verified,
        private=private,
    )


@pytest.mark.parametrize("status", [200, 201, 204, 206, 299])
def test_a_2xx_may_be_read(status):
    assert error(status, "RATELIMIT_EXCEEDED") is None


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (202, None, PendingError),
        (400, "PARAM_ERROR", RefusedError),
        (400, "INVALID_REQUEST", RefusedError),
        (401, "SIGN_ERROR", UnauthorizedError),
        (403, "NO_AUTH", ForbiddenError),
        (403, "RULE_LIMIT", ForbiddenError),
        (403, "NOT_ENOUGH", ForbiddenError),
        (404, "RESOURCE_NOT_EXISTS", RefusedError),
        (404, None, RefusedError),
        (405, None, RefusedError),
        (409, "ALREADY_EXISTS", RefusedError),
        (429, None, ThrottledError),
        (429, "ANYTHING", ThrottledError),
        (500, "SYSTEM_ERROR", ServerError),
        (502, None, ServerError),
        (503, "SERVICE_UNAVAILABLE", ServerError),
        (503, "FREQUENCY_LIMITED", ServerError),
        (599, None, ServerError),
    ],
)
def test_each_status_and_code_has_its_error(status, code, kind):
    found = error(status, code)
    assert type(found) is kind
    assert (found.status, found.code) == (status, code)
    assert isinstance(found, TransientError) == (
        kind in {PendingError, ThrottledError, ServerError}
    )


@pytest.mark.parametrize(
    "code",
    [
        "FREQUENCY_LIMITED",
        "RATELIMIT_EXCEEDED",
        "FREQUENCY_LIMIT",
        "FREQUENCY_LIMIT_EXCEED",
        "FREQENCY_LIMIT",
        "RATE_LIMITED",
        "RATELIMIT_EXCEED",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 429])
def test_every_known_spelling_of_a_throttle_is_one(status, code):
    assert type(error(status, code)) is ThrottledError


@pytest.mark.parametrize(
    "message",
    [
        "请求过于频繁",
        "请求频率超过限制",
        "频率过快",
        "请求未受理，请降低频率后重试",
        "操作过快",
        "Too many requests, try again more slowly",
        "requests are too frequent",
    ],
)
def test_a_4xx_whose_message_speaks_of_frequency_is_a_throttle(message):
    assert type(error(400, "INVALID_REQUEST", message)) is ThrottledError


@pytest.mark.parametrize("message", ["规则限制", "rule limit", "余额不足", "参数错误"])
def test_other_messages_are_no_throttles(message):
    assert type(error(403, "RULE_LIMIT", message)) is ForbiddenError


@pytest.mark.parametrize("status", [100, 199, 300, 301, 302, 304, 399])
def test_a_redirect_or_an_interim_answer_is_none_of_wechat_pays(status):
    found = error(status, headers={"Request-ID": "08-0"})
    assert type(found) is BodyError
    assert (found.status, found.request_id) == (status, "08-0")
    assert str(found) == f"HTTP {status} is no answer of WeChat Pay's: a proxy's, perhaps"


@pytest.mark.parametrize(
    ("code", "message", "text"),
    [
        ("PARAM_ERROR", "参数错误", "HTTP 400: PARAM_ERROR (参数错误)"),
        ("PARAM_ERROR", None, "HTTP 400: PARAM_ERROR"),
        (None, "参数错误", "HTTP 400: (参数错误)"),
        (None, None, "HTTP 400"),
        (7, ["x"], "HTTP 400"),
    ],
)
def test_an_error_says_status_code_and_message(code, message, text):
    assert str(error(400, code, message)) == text


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>502</html>", b"[]", b"null", b"\xff", b"{" * 60_000, b'"code"', b'{"code":null}'],
)
def test_an_error_body_may_be_anything(content):
    found = error_of(500, {}, content, verified=False)
    assert isinstance(found, ServerError)
    assert (found.code, found.message) == (None, None)


def test_long_codes_and_messages_are_cut():
    found = error(400, "C" * 9999, "m" * 9999)
    assert (len(found.code), len(found.message)) == (64, 200)


def test_private_texts_are_taken_out_of_code_and_message():
    found = error(400, "NO_oSecret", "openid oSecret, oSecret!", private=("oSecret", ""))
    assert (found.code, found.message) == ("NO_…", "openid …, …!")
    assert "oSecret" not in f"{found} {found!r} {vars(found)}"


@pytest.mark.parametrize("before", range(190, 200))
def test_a_private_text_is_taken_out_even_where_the_message_is_cut(before):
    found = error(
        400, "C" * (before - 140), "m" * before + "oSecretPerson", private=("oSecretPerson",)
    )
    assert "oS" not in str(found)


def test_half_characters_are_replaced_since_nobody_can_store_them():
    """JSON can hold half a surrogate pair, and a header bytes that are no UTF-8."""
    headers = {"Request-ID": b"08\xff-0".decode("utf-8", "surrogateescape")}
    found = error_of(400, headers, rb'{"code":"\ud800","message":"\udfff"}', verified=False)
    assert (found.code, found.message, found.request_id) == ("…", "�", "08…-0")
    answer = Response(200, headers, b"{}", "K")
    assert answer.request_id == "08…-0"


@pytest.mark.parametrize("verified", [True, False])
def test_an_error_tells_whether_it_was_signed(verified):
    assert error(400, verified=verified).verified is verified


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("999999", 120.0),
        ("9" * 400, 120.0),
        ("1.5", None),
        ("-1", None),
        ("", None),
        ("７", None),
        ("Fri, 21 Nov 2026 07:28:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_seconds_and_two_minutes_at_most(header, seconds):
    found = error(429, headers={} if header is None else {"retry-after": header})
    assert found.retry_after_s == seconds


def test_an_api_error_is_raised_for_no_2xx_only():
    assert all(isinstance(error(status), APIError) for status in (202, 400, 500))


def test_a_response_reads_its_json_or_refuses_it():
    assert Response(200, {}, b'{"a":1}', "K").json() == {"a": 1}
    for content in (b"", b"{", b"\xff\xfe\xff", b"[" * 60_000):
        with pytest.raises(BodyError, match=r"^the answer is no JSON$"):
            Response(200, {}, content, "K").json()


def test_a_responses_repr_shows_neither_headers_nor_content():
    shown = repr(Response(200, {"Wechatpay-Signature": "c2ln"}, b"oSecret", "K"))
    assert shown == "Response(status=200, verified_by='K', attempts=1)"
