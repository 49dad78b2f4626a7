"""palm.http.template: what is encoded once is decoded to the same."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palm.errors import ArgumentError
from palm.http.template import encode, fill, query_string

VALUE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1).filter(
    lambda value: value not in {".", ".."}
)


@given(VALUE)
def test_decoding_what_was_encoded_gives_it_back(value):
    encoded = encode("openid", value)
    assert unquote(encoded, errors="strict") == value
    assert re.fullmatch("(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+", encoded)


@given(VALUE, VALUE)
def test_a_servers_parser_finds_both_values_where_they_were_put(openid, organization_id):
    target = fill("/openid/{openid}", {"openid": openid}) + query_string({"id": organization_id})
    parts = urlsplit(target)
    assert unquote(parts.path.removeprefix("/openid/")) == openid
    assert parse_qsl(parts.query, strict_parsing=True) == [("id", organization_id)]
    assert not parts.fragment


@given(st.text(st.characters()) | st.integers() | st.binary() | st.floats() | st.none())
def test_anything_is_encoded_or_refused_without_being_shown(value):
    try:
        encoded = encode("openid", value)
    except ArgumentError as error:
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert unquote(encoded) == str(value)


@given(VALUE, st.sampled_from(["\0", "\n", "\r", "\x1b", "\x7f", "\x9f"]), st.integers(0, 50))
def test_a_control_character_anywhere_is_refused(value, control, where):
    with pytest.raises(ArgumentError, match="control character"):
        encode("openid", value[:where] + control + value[where:])
