"""What a caller may set of a request; what it may not is refused by name, never by value."""

from __future__ import annotations

import re

import pytest

from palm import ArgumentError, RequestOptions
from palm.http.request.options import PLAIN

OWNED = ("Accept", "Authorization", "Content-Type", "User-Agent")
CONNECTION = ("Host", "Content-Length", "Transfer-Encoding", "Accept-Encoding", "Range", "Cookie")


def test_names_have_one_form_whatever_their_case():
    options = RequestOptions({"wechatpay-SERIAL": "PUB_KEY_ID_1", "Idempotency-Key": "a b"})
    assert options.headers == {"Wechatpay-Serial": "PUB_KEY_ID_1", "Idempotency-Key": "a b"}
    assert options.own_headers == options.headers


def test_the_content_type_is_one_of_the_headers_that_are_sent():
    options = RequestOptions({"X-A": "1"}, content_type="text/csv; charset=utf-8")
    assert options.own_headers == {"X-A": "1", "Content-Type": "text/csv; charset=utf-8"}


def test_values_are_private_but_for_the_id_of_a_key():
    options = RequestOptions({"wechatpay-serial": "PUB_KEY_ID_1", "X-Person": "somebody"})
    assert options.private == ("somebody",)
    assert "somebody" not in repr(options)


@pytest.mark.parametrize("name", [*OWNED, *CONNECTION])
@pytest.mark.parametrize("form", [str, str.lower, str.upper])
def test_a_header_of_the_client_is_refused(name, form):
    with pytest.raises(ArgumentError, match=f"the header {name} "):
        RequestOptions({form(name): "x"})


@pytest.mark.parametrize("name", ["", "A b", "A:b", "A\r\nB", "A\0", "Ä", 1, None])
def test_what_is_not_the_name_of_a_header_is_refused(name):
    with pytest.raises(ArgumentError, match="the name of a header"):
        RequestOptions({name: "x"})


@pytest.mark.parametrize(
    "value",
    [
        "",
        " a",
        "a ",
        "a\r\nB: c",
        "a\nb",
        "a\rb",
        "a\0",
        "a\tb",
        "a\x7f",
        "ä",
        "中",
        "a\u2028b",
        "a\n",
    ],
)
def test_what_would_inject_a_header_is_refused_and_not_shown(value):
    with pytest.raises(ArgumentError, match="the header X-A is empty, or holds") as raised:
        RequestOptions({"x-a": value})
    assert value.strip() not in str(raised.value) or not value.strip("a \n\r\t\0\x7f")


@pytest.mark.parametrize("value", [None, 1, True, b"x", ["x"]])
def test_a_value_that_is_not_text_is_refused(value):
    with pytest.raises(ArgumentError, match=f"X-A must be text, not {type(value).__name__}"):
        RequestOptions({"X-A": value})


def test_one_name_twice_is_refused():
    with pytest.raises(ArgumentError, match="the header X-A was passed twice"):
        RequestOptions({"x-a": "1", "X-A": "2"})


@pytest.mark.parametrize("headers", ["a: b", [("A", "b")], 1])
def test_headers_are_a_mapping(headers):
    with pytest.raises(ArgumentError, match="headers must be a mapping"):
        RequestOptions(headers)


@pytest.mark.parametrize(
    "text", ["", "text", "text/", "/csv", "text/csv\r\nA: b", "中/文", "a b/c"]
)
def test_what_is_not_a_media_type_is_refused(text):
    with pytest.raises(ArgumentError, match="content_type must look like"):
        RequestOptions(content_type=text)


def test_an_upload_is_refused_because_it_is_signed_otherwise():
    with pytest.raises(ArgumentError, match="uploads are not supported"):
        RequestOptions(content_type="Multipart/Form-Data; boundary=x")


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "9", None])
def test_a_size_is_a_whole_number_above_0(size):
    with pytest.raises(ArgumentError, match=re.escape("max_body must be a whole number of bytes")):
        RequestOptions(max_body=size)


def test_nothing_set_is_always_the_same_value():
    assert RequestOptions.of(None, None, None) is PLAIN
    assert RequestOptions.of({"A": "b"}, "a/b", 9) == RequestOptions({"A": "b"}, "a/b", 9)
    with pytest.raises(ArgumentError, match="content_type must be text, not int"):
        RequestOptions.of(None, 1, None)
