"""jobs.input.records: physical lines, records, and the reasons why a line holds no pair."""

import time

import pytest

from jobs.errors import InputError
from jobs.input.records import InvalidLine, Keys, LineStats, Reason, read_records, valid_records


def records(text: str, delimiter: str = ","):
    return list(read_records(text.encode(), "utf-8", delimiter, "p.csv"))


def sort(text: str, width: int = 3, delimiter: str = ","):
    """Sort records of openid, organization_id and one carried column."""
    account = LineStats()
    rows = list(valid_records(records(text, delimiter), width, Keys(0, 1), account))
    return rows, account


def only_reason(text: str) -> Reason:
    rows, account = sort(text)
    assert rows == []
    assert account.listed == [InvalidLine(1, account.listed[0].reason)]
    assert account.by_reason == {account.listed[0].reason: 1}
    return account.listed[0].reason


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_in_any_of_three_ways(end):
    assert records(f"a{end}{end}b") == [(["a"], 1, 1), ([], 2, 2), (["b"], 3, 3)]


@pytest.mark.parametrize("other", ["\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_other_breaks_end_no_line(other):
    assert records(f"a{other}b\n") == [([f"a{other}b"], 1, 1)]


@pytest.mark.parametrize("padding", range(8180, 8200))
def test_carriage_return_and_line_feed_are_one_wherever_the_reader_s_buffer_ends(padding):
    assert [record[1:] for record in records("x" * padding + "\r\ny\r\n")] == [(1, 1), (2, 2)]


def test_record_tells_the_lines_it_stands_on():
    assert records('a\n"b\r\nc\rd",e\nf\n') == [
        (["a"], 1, 1),
        (["b\r\nc\rd", "e"], 2, 4),
        (["f"], 5, 5),
    ]


@pytest.mark.parametrize("line", ["", " ", "\t", "\t \t", "\u3000", "\xa0"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_line_of_blanks_only_is_blank(line, delimiter):
    assert records(f"a\n{line}\nb", delimiter)[1] == ([], 2, 2)


@pytest.mark.parametrize("line", ['""', '" "', " ,", ",", '"\n"'])
def test_line_of_empty_fields_is_not_blank(line):
    assert records(f"{line}\n")[0][0] != []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"', 1),
        ('a\n"b', 2),
        ('a\nb,"', 2),
        ('a\nb,"c\n\n\n', 2),
        ('a\n"b\r\nc",d,"e\n', 3),
        ('a\n"b\rc\n",d,"e""', 4),
        ('a\n"b"",\n', 2),
    ],
)
def test_quote_left_open_is_located(text, line):
    with pytest.raises(InputError, match=f"^p.csv: line {line}: a quote is opened and never"):
        records(text)


@pytest.mark.parametrize(
    "text", ['a"b\n', 'a"', '"a"b"', '"a" ,b', '"a""b"', '"a"', '"a\n"', '"",""']
)
def test_quotes_elsewhere_leave_nothing_open(text):
    assert len(records(text)) == 1


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
    rows, account = sort(line)
    assert rows == [([*keys, None], 1)]
    assert account.invalid == 0


def test_short_record_has_none_and_empty_extra_fields_are_dropped():
    assert sort("o,1\no,2,\no,3,x,,,\n")[0] == [
        (["o", "1", None], 1),
        (["o", "2", ""], 2),
        (["o", "3", "x"], 3),
    ]


def test_blank_lines_between_are_invalid_and_at_the_end_are_none():
    rows, account = sort("o,1\n\n \no,2\n\n\t\n  ")
    assert [line for _, line in rows] == [1, 4]
    assert account.listed == [(2, Reason.BLANK), (3, Reason.BLANK)]
    assert account.invalid == 2


@pytest.mark.parametrize("record", ['"o\n1",2,x', 'o,"1\r\n",x', '"\r",1,x', '"\n",,'])
def test_line_break_in_a_key_makes_each_of_its_lines_invalid(record):
    rows, account = sort(f"a,1\n{record}\nb,1\n")
    assert [line for _, line in rows] == [1, 4]
    assert account.listed == [(2, Reason.KEY_BREAK), (3, Reason.KEY_BREAK)]
    assert account.continuation == 0


def test_line_breaks_in_a_carried_field_continue_the_record():
    rows, account = sort('o,1,"a\nb\r\nc"\no,2,\n')
    assert rows == [(["o", "1", "a\nb\r\nc"], 1), (["o", "2", ""], 4)]
    assert (account.invalid, account.continuation) == (0, 2)


def test_invalid_record_over_several_lines_counts_once_and_goes_on():
    rows, account = sort(',1,"a\nb\nc"\n')
    assert rows == []
    assert account.listed == [(1, Reason.OPENID_EMPTY)]
    assert (account.invalid, account.continuation) == (1, 2)


@pytest.mark.parametrize(("breaks", "good"), [(9, True), (10, False)])
def test_record_over_more_than_ten_lines_is_invalid_in_each(breaks, good):
    rows, account = sort('o,1,"' + "\n" * breaks + '"\no,2,\n')
    assert [line for _, line in rows] == ([1, 11] if good else [12])
    assert account.invalid == (0 if good else 11)
    assert account.continuation == (9 if good else 0)
    assert account.by_reason == ({} if good else {Reason.MANY_LINES: 11})


def test_first_thousand_are_listed_and_all_are_counted():
    rows, account = sort(",1\n" * 995 + "o,1," + '"' + "\n" * 20 + '"\n' + "\n" * 50 + "o,1\n")
    assert len(rows) == 1
    assert account.invalid == 995 + 21 + 50
    assert account.by_reason == {
        Reason.OPENID_EMPTY: 995,
        Reason.MANY_LINES: 21,
        Reason.BLANK: 50,
    }
    assert [line for line, _ in account.listed] == list(range(1, 1001))
    assert account.first_of == {
        Reason.OPENID_EMPTY: 1,
        Reason.MANY_LINES: 996,
        Reason.BLANK: 1017,
    }


def test_field_of_ten_megabytes_is_an_invalid_line_like_any_other():
    began = time.perf_counter()
    assert only_reason("o" * 10_000_000 + ",1") is Reason.OPENID_LONG
    assert only_reason("o,1,," + "x" * 10_000_000) is Reason.MANY_FIELDS
    assert time.perf_counter() - began < 5
