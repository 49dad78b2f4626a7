"""The body of a request is JSON, or bytes of a type that the caller names."""

from __future__ import annotations

import pytest

from palm import ArgumentError
from palm.http.request.body import body_bytes


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((None, None, None), b""),
        (({"a": "中"}, None, None), '{"a":"中"}'.encode()),
        ((None, b"<a/>", "application/xml"), b"<a/>"),
        ((None, b"", "text/plain"), b""),
    ],
)
def test_a_body_is_sent_as_it_was_passed(arguments, expected):
    assert body_bytes(*arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (({}, b"x", "text/plain"), "json and content contradict each other"),
        ((None, b"x", None), "content and content_type belong together"),
        (({"a": 1}, None, "text/plain"), "content and content_type belong together"),
        ((None, "x", "text/plain"), "content must be bytes, not str"),
        ((None, bytearray(b"x"), "text/plain"), "content must be bytes, not bytearray"),
        (({"a": float("nan")}, None, None), "json cannot be written as JSON: ValueError"),
        (({"a": b"x"}, None, None), "json cannot be written as JSON: TypeError"),
    ],
)
def test_a_body_that_cannot_be_sent_is_refused(arguments, wrong):
    with pytest.raises(ArgumentError, match=wrong):
        body_bytes(*arguments)
