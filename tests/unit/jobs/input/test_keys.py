"""jobs.input.keys: decoration comes off, and what looks like damage is found."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.input.keys import all_plain, clean_key, damage_in, is_plain

DECORATED = st.text(st.sampled_from('a0"= \t\u00a0\u200b\ufeff\u3000'), max_size=12)


@pytest.mark.parametrize(
    ("key", "bare"),
    [
        ("0042", "0042"),
        (" \t0042\u00a0\u3000", "0042"),
        ("\ufeff\u200b0042\u2060\u00ad", "0042"),
        ('="0042"', "0042"),
        ('=" 0042 "', "0042"),
        ('\u00a0"0042"', "0042"),
        ('=""', ""),
        ('"00"42"', '"00"42"'),
        ("=1+1", "=1+1"),
        ("00 42", "00 42"),
        ("\x1f0042", "\x1f0042"),
        ("`0042", "`0042"),
        ("'0042", "'0042"),
    ],
)
def test_decoration_round_a_key_comes_off_and_nothing_else(key, bare):
    assert clean_key(key) == bare


@given(DECORATED | st.text(max_size=20))
def test_what_is_clean_stays_as_it_is(key):
    assert clean_key(clean_key(key)) == clean_key(key)


@given(st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True))
def test_a_plain_key_is_neither_decorated_nor_damaged(key):
    assert is_plain(key)
    assert clean_key(key) == key
    assert damage_in(pd.Series([key])) == {}


@given(st.lists(st.text(min_size=1, max_size=3) | st.just("o-_A9"), max_size=4))
def test_keys_are_all_plain_if_each_is(keys):
    assert all_plain(pd.Series(keys, dtype="str")) == all(map(is_plain, keys))


def test_one_key_that_is_not_plain_is_found_among_many():
    keys = pd.Series(["o" * 28] * 100_000, dtype="str")
    assert all_plain(keys)
    keys.iloc[70_000] = "o" * 27 + "."
    assert not all_plain(keys)


@pytest.mark.parametrize(
    ("key", "kinds"),
    [
        ("1004.0", {".0"}),
        ("1.00E+03", {"E+"}),
        ("1e+03", {"E+"}),
        ("=1004", {"="}),
        ('10"04', {"quotes inside"}),
        ("10 04", {"blanks inside"}),
        ("10\u200b04", {"blanks inside"}),
        ("\uff11004", {"full-width digits"}),
        ('="1" 1', {"=", "quotes inside", "blanks inside"}),
        ("学校", set()),
        ("a.b+c/d", set()),
        ("1.05", set()),
        ("4E12", set()),
    ],
)
def test_damage_is_told_by_what_it_shows(key, kinds):
    found = damage_in(pd.Series(["plain", key], index=[7, 9]))
    assert set(found) == kinds
    assert all(list(shown[shown].index) == [9] for shown in found.values())


def test_no_keys_show_no_damage():
    assert damage_in(pd.Series([], dtype="str")) == {}
