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
from palm.http.answer import TYPED, Answer, check_typed, error_of


def error(status, code=None, message=None, *, headers=None, private=(), verified=False):
    members = {"code": code, "message": message}
    return error_of(
        status,
        CIMultiDict(headers or {}),
        json.dumps({k: v for k, v in members.items() if v is not None}).encode(),
        verified=verified,
        private=private,
    )


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_answer_to_any_call_may_be_read(status):
    assert error(status, "RATELIMIT_EXCEEDED") is None


@pytest.mark.parametrize("status", [203, 205, 206, 207, 208, 214, 226, 299])
def test_any_other_2xx_is_no_answer(status):
    found = error(status, "SIGN_ERROR", headers={"Request-ID": "08A-1"})
    assert type(found) is BodyError
    assert str(found) == f"HTTP {status} is not an answer of WeChat Pay: perhaps a proxy answers"
    assert (found.status, found.request_id) == (status, "08A-1")


@pytest.mark.parametrize("status", [201, 204])
def test_a_typed_call_has_one_status_of_answers(status):
    found = error_of(status, {}, b"{}", verified=True, accepted=TYPED)
    assert (type(found), found.status) == (BodyError, status)
    with pytest.raises(BodyError, match=f"HTTP {status} is not an answer"):
        check_typed(Answer(status, {}, b"{}", "7A"))
    check_typed(Answer(200, {}, b"{}", "7A"))


TWICE = [
    b'{"state":"AUTHORIZATION_STATE_ON","state":"AUTHORIZATION_STATE_OFF"}',
    b'{"state":"AUTHORIZATION_STATE_ON","state":"AUTHORIZATION_STATE_ON"}',
    b'{"state":1,"other":2,"state":null}',
    rb'{"state":1,"st\u0061te":2}',
    rb'{"st\u0061te":1,"\u0073tate":2}',
    b'{"":1,"":2}',
    b'{"data":[{"a":{"b":1,"c":2,"b":3}}]}',
    b'[[{"a":1,"a":1}]]',
]


@pytest.mark.parametrize("body", TWICE)
def test_a_body_with_a_member_twice_is_not_believed(body):
    with pytest.raises(BodyError, match="^the answer has a member twice$") as caught:
        Answer(200, {}, body, "7A").json()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_name_may_come_again_in_another_object():
    body = rb'{"a":{"a":[{"a":1},{"a":2}]},"A":{"a":3},"\u00e9":1,"e\u0301":2}'
    assert Answer(200, {}, body, "7A").json() == {
        "a": {"a": [{"a": 1}, {"a": 2}]}, "A": {"a": 3}, "é": 1, "e\u0301": 2
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":"NO_AUTH","code":"FREQUENCY_LIMITED","message":"x"}',
        rb'{"code":"NO_AUTH","message":"x","mess\u0061ge":"\u9891\u7e41"}',
        b'{"code":"NO_AUTH","message":"x","detail":{"a":1,"a":2}}',
    ],
)
def test_code_and_message_of_an_error_with_a_member_twice_do_not_count(body):
    found = error_of(403, {}, body, verified=True)
    assert (type(found), found.code, found.message) == (ForbiddenError, None, None)


@pytest.mark.parametrize("body", [b'{"a":NaN}', b"-Infinity", b"[Infinity]", b"\xef\xbb\xbf{}"])
def test_what_only_some_readers_call_json_is_none(body):
    with pytest.raises(BodyError, match="^the answer is not JSON$"):
        Answer(200, {}, body, "7A").json()


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
    assert str(found) == f"HTTP {status} is not an answer of WeChat Pay: perhaps a proxy answers"


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
    answer = Answer(200, headers, b"{}", "K")
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
    assert Answer(200, {}, b'{"a":1}', "K").json() == {"a": 1}
    for content in (b"", b"{", b"\xff\xfe\xff", b"[" * 60_000):
        with pytest.raises(BodyError, match=r"^the answer is not JSON$"):
            Answer(200, {}, content, "K").json()


def test_a_responses_repr_shows_neither_headers_nor_content():
    shown = repr(Answer(200, {"Wechatpay-Signature": "c2ln"}, b"oSecret", "K"))
    assert shown == "Answer(status=200, verified_by='K', attempts=1)"
