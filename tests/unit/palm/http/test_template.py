"""Paths and queries are percent-encoded once, and what cannot be is refused."""

from __future__ import annotations

import pytest

from palm.errors import ArgumentError, PalmError
from palm.http.template import encode, fill, query_string

PATH = "/v3/palmservice/authorization/openid/{openid}"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"),
        ("o-MYE42l80oelYMDE34nYD456Xoy", "o-MYE42l80oelYMDE34nYD456Xoy"),
        ("a/b?c=d#e f%20中+&", "a%2Fb%3Fc%3Dd%23e%20f%2520%E4%B8%AD%2B%26"),
        ("../../../certificates", "..%2F..%2F..%2Fcertificates"),
        ("a b&c=中+/", "a%20b%26c%3D%E4%B8%AD%2B%2F"),
        ("~.-_", "~.-_"),
        ("...", "..."),
        ("%2e%2e", "%252e%252e"),
        ("😀", "%F0%9F%98%80"),
        ("\u2028", "%E2%80%A8"),
        ("é", "%C3%A9"),
        ("１", "%EF%BC%91"),
        ("00042", "00042"),
        (42, "42"),
    ],
)
def test_all_but_unreserved_characters_are_percent_encoded(value, encoded):
    assert encode("openid", value) == encoded


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "openid is empty"),
        (".", "openid must not be '.'"),
        ("..", "openid must not be '..'"),
        ("a\nb", "openid holds a control character"),
        ("\0", "openid holds a control character"),
        ("a\x7f", "openid holds a control character"),
        ("\x85", "openid holds a control character"),
        ("\ud800", "openid is not valid Unicode text"),
        (None, "openid must be text, not NoneType"),
        (True, "openid must be text, not bool"),
        (1.0, "openid must be text, not float"),
        (b"o", "openid must be text, not bytes"),
        (["o"], "openid must be text, not list"),
    ],
)
def test_what_cannot_be_asked_about_is_refused(value, said):
    with pytest.raises(ArgumentError) as caught:
        encode("openid", value)
    assert str(caught.value) == said


def test_a_refusal_is_a_value_error_too_and_holds_nothing_of_the_value(everything_said_by):
    value = "oPerson\udfff"
    with pytest.raises(ValueError, match="not valid Unicode") as caught:
        encode("openid", value)
    assert isinstance(caught.value, PalmError)
    assert value[:-1] not in everything_said_by(caught.value)


def test_a_path_is_filled_and_a_query_follows_in_the_order_given():
    target = fill(PATH, {"openid": "a/b"}) + query_string({"organization_id": "a b", "b": "1"})
    assert target == "/v3/palmservice/authorization/openid/a%2Fb?organization_id=a%20b&b=1"


def test_braces_within_a_value_are_no_variables():
    assert fill("/{a}/{b}", {"a": "{b}", "b": "{a}"}) == "/%7Bb%7D/%7Ba%7D"


def test_no_parameters_make_no_query():
    assert query_string({}) == ""


@pytest.mark.parametrize(
    ("path", "variables", "said"),
    [
        (PATH, {}, "openid is missing"),
        (PATH, {"openid": None}, "openid is missing"),
        ("/v3", {"openid": "o"}, "openid has no place in the path"),
        ("/{+openid}", {"openid": "o"}, r"\{\+openid\} is not a plain variable"),
        ("/{}", {}, r"\{\} is not a plain variable"),
        ("/{openid", {"openid": "o"}, "a brace is left open"),
        ("/a b", {}, "holds what must be percent-encoded"),
        ("/学", {}, "holds what must be percent-encoded"),
        ("/a?b", {}, "holds what must be percent-encoded"),
        ("/a/../b", {}, "must not hold the segment"),
        ("/https://api.mch.weixin.qq.com/v3/a", {}, "must begin with v3/, without scheme and host"),
    ],
)
def test_a_path_that_would_name_another_is_refused(path, variables, said):
    with pytest.raises(ArgumentError, match=said):
        fill(path, variables)
