"""A request is checked before it is signed: nothing in it can begin another line."""

from __future__ import annotations

import pytest

from palm import ArgumentError, AsyncPalm
from palm.http.request.request_line import check_request

TARGET = "/v3/certificates"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("target", [TARGET, "/v3/a/b%2Fc?d=e%20f&g=~.-_:@!$'()*+,;", "/"])
def test_a_documented_request_is_accepted(method, target):
    check_request(method, target, b"{}")


WRONG = [
    ("get", TARGET, b"", "the method must be one of DELETE, GET, PATCH, POST, PUT"),
    ("GET ", TARGET, b"", "the method must be one of"),
    ("GET / HTTP/1.1\r\nHost: other", TARGET, b"", "the method must be one of"),
    (b"GET", TARGET, b"", "the method must be one of"),
    (None, TARGET, b"", "the method must be one of"),
    ("GET", "v3/certificates", b"", "the target must be path and query"),
    ("GET", "https://api.mch.weixin.qq.com/v3/certificates", b"", "the target must be"),
    ("GET", f"{TARGET}\r\nX-Other: 1", b"", "the target must be"),
    ("GET", f"{TARGET}\n", b"", "the target must be"),
    ("GET", "/v3/a b", b"", "the target must be"),
    ("GET", "/v3/刷掌", b"", "percent-encoded"),
    ("GET", f"{TARGET}#a", b"", "the target must be"),
    ("GET", b"/v3", b"", "the target must be"),
    ("GET", None, b"", "the target must be"),
    ("POST", TARGET, "{}", "the body must be bytes, not str"),
    ("POST", TARGET, {"a": 1}, "the body must be bytes, not dict"),
    ("POST", TARGET, None, "the body must be bytes, not None"),
]


@pytest.mark.parametrize(("method", "target", "body", "said"), WRONG)
def test_another_is_refused(method, target, body, said):
    with pytest.raises(ArgumentError, match=said):
        check_request(method, target, body)


@pytest.mark.parametrize(("method", "target", "body", "said"), WRONG)
async def test_a_client_refuses_it_before_anything_is_sent(keys, method, target, body, said):
    async with AsyncPalm(
        merchant=keys.merchant(), keys=keys.platform_keys(), base_url="http://127.0.0.1:9"
    ) as palm:
        with pytest.raises(ArgumentError, match=said):
            await palm.send(method, target, body)
        with pytest.raises(ArgumentError, match=said):
            await palm.ask(method, target, lambda answer: answer, body=body)
