"""jobs.input.valid_records: which records name a pair, and the reasons why a line holds none."""

import time

import pytest

from jobs.input.keys import KeyColumns
from jobs.input.line_stats import InvalidLine, LineStats, Reason
from jobs.input.valid_records import valid_records
from tests.unit.jobs.input.test_records import records


def sort(text: str, width: int = 3, delimiter: str = ","):
    """Sort records of openid, organization_id and one carried column."""
    stats = LineStats()
    rows = list(valid_records(records(text, delimiter), width, KeyColumns(0, 1), stats))
    return rows, stats


def only_reason(text: str) -> Reason:
    rows, stats = sort(text)
    assert rows == []
    assert stats.listed == [InvalidLine(1, stats.listed[0].reason)]
    assert stats.by_reason == {stats.listed[0].reason: 1}
    return stats.listed[0].reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",1,", Reason.OPENID_EMPTY),
        ("  ,1,", Reason.OPENID_EMPTY),
        ('"",,', Reason.OPENID_EMPTY),
        ("o" * 129 + ",1", Reason.OPENID_LONG),
        ("\x00,1", Reason.OPENID_CONTROL),
        ("\x1fo,1", Reason.OPENID_CONTROL),
        ("\xa0,1", Reason.OPENID_EMPTY),
        ("o\x7f,1", Reason.OPENID_CONTROL),
        ("o\x85,1", Reason.OPENID_CONTROL),
        ("o\x9f,1", Reason.OPENID_CONTROL),
        (".,1", Reason.OPENID_DOTS),
        (" .. ,1", Reason.OPENID_DOTS),
        ("o,,", Reason.ORGANIZATION_EMPTY),
        ("o", Reason.ORGANIZATION_EMPTY),
        ("o," + "1" * 65, Reason.ORGANIZATION_LONG),
        ("o,1\x1f", Reason.ORGANIZATION_CONTROL),
        ("o,1,a,b", Reason.MANY_FIELDS),
        (",,,,,b", Reason.MANY_FIELDS),
    ],
)
def test_line_without_a_pair_has_its_reason(line, reason):
    assert only_reason(line) is reason


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("o" * 128 + "," + "1" * 64, ["o" * 128, "1" * 64]),
        ("学" * 128 + "," + "😀" * 64, ["学" * 128, "😀" * 64]),
        ("  o o  ,  0042 ", ["o o", "0042"]),
        ("\xa0o\u3000,\xa0x", ["o", "x"]),
        ("\to\u200b,\ufeff1\t", ["o", "1"]),
        ('"=""o""","=""0042"""', ["o", "0042"]),
        ('"""o""", "1001"', ["o", "1001"]),
        ("...,..", ["...", ".."]),
        ("a/b?c=%2e#,NA", ["a/b?c=%2e#", "NA"]),
        ('"o""x",null', ['o"x', "null"]),
        ("=1+1,@x", ["=1+1", "@x"]),
    ],
)
def test_any_other_key_is_kept_but_for_its_decoration(line, keys):
    rows, stats = sort(line)
    assert rows == [([*keys, None], 1)]
    assert stats.invalid == 0


def test_short_record_has_none_and_empty_extra_fields_are_dropped():
    assert sort("o,1\no,2,\no,3,x,,,\n")[0] == [
        (["o", "1", None], 1),
        (["o", "2", ""], 2),
        (["o", "3", "x"], 3),
    ]


def test_blank_lines_between_are_invalid_and_at_the_end_are_none():
    rows, stats = sort("o,1\n\n \no,2\n\n\t\n  ")
    assert [line for _, line in rows] == [1, 4]
    assert stats.listed == [(2, Reason.BLANK), (3, Reason.BLANK)]
    assert stats.invalid == 2


@pytest.mark.parametrize("record", ['"o\n1",2,x', 'o,"1\r\n",x', '"\r",1,x', '"\n",,'])
def test_line_break_in_a_key_makes_each_of_its_lines_invalid(record):
    rows, stats = sort(f"a,1\n{record}\nb,1\n")
    assert [line for _, line in rows] == [1, 4]
    assert stats.listed == [(2, Reason.KEY_BREAK), (3, Reason.KEY_BREAK)]
    assert stats.continuation == 0


def test_line_breaks_in_a_carried_field_continue_the_record():
    rows, stats = sort('o,1,"a\nb\r\nc"\no,2,\n')
    assert rows == [(["o", "1", "a\nb\r\nc"], 1), (["o", "2", ""], 4)]
    assert (stats.invalid, stats.continuation) == (0, 2)


def test_invalid_record_over_several_lines_counts_once_and_goes_on():
    rows, stats = sort(',1,"a\nb\nc"\n')
    assert rows == []
    assert stats.listed == [(1, Reason.OPENID_EMPTY)]
    assert (stats.invalid, stats.continuation) == (1, 2)


@pytest.mark.parametrize(("breaks", "good"), [(9, True), (10, False)])
def test_record_over_more_than_ten_lines_is_invalid_in_each(breaks, good):
    rows, stats = sort('o,1,"' + "\n" * breaks + '"\no,2,\n')
    assert [line for _, line in rows] == ([1, 11] if good else [12])
    assert stats.invalid == (0 if good else 11)
    assert stats.continuation == (9 if good else 0)
    assert stats.by_reason == ({} if good else {Reason.MANY_LINES: 11})


def test_field_of_ten_megabytes_is_an_invalid_line_like_any_other():
    began = time.perf_counter()
    assert only_reason("o" * 10_000_000 + ",1") is Reason.OPENID_LONG
    assert only_reason("o,1,," + "x" * 10_000_000) is Reason.MANY_FIELDS
    assert time.perf_counter() - began < 5
