"""jobs.input.records: physical lines, and the records of a CSV text."""

import tracemalloc

import pytest

from jobs.errors import InputError
from jobs.input import records as module
from jobs.input.content.content import ContentInMemory
from jobs.input.records import Position, count_lines, line_end, read_records, skip_lines


def records(text: str, delimiter: str = ","):
    return list(read_records(ContentInMemory(text.encode()), "utf-8", delimiter, "p.csv"))


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
    ("content", "count"),
    [(b"a", 1), (b"a\n", 1), (b"a\r\nb\rc\n", 3), (b"\r\r\n\n", 3), (b"\n\ra", 3)],
)
def test_lines_of_bytes_are_those_of_the_records(content, count):
    assert count_lines(content) == count == len(records(content.decode()))
    assert skip_lines(ContentInMemory(content), Position(0, 5), count) == Position(
        len(content), 5 + count
    )


def test_line_ends_behind_its_whole_line_break():
    ends = [line_end(ContentInMemory(b"ab\r\nc\rd\ne"), offset) for offset in range(9)]
    assert ends == [4, 4, 4, 4, 6, 6, 8, 8, 9]


def test_lines_are_skipped_as_far_as_there_are_any():
    starts = [
        skip_lines(ContentInMemory(b"ab\r\nc\rd"), Position(4, 1), count) for count in range(4)
    ]
    assert starts == [(4, 1), (6, 2), (7, 3), (7, 4)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_quote_that_stays_open_keeps_little_of_the_rest_in_memory(monkeypatch, end):
    monkeypatch.setattr(module, "_MOST_KEPT", 100)
    text = end.join(["a", 'b,"c', "d", 'e","f', *["g" * 10] * 50_000])
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"^p.csv: line 4: a quote is opened and never"):
            records(text)
        kept = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept < 4 * len(text)


def test_lines_of_a_long_record_are_counted_though_not_all_are_kept(monkeypatch):
    monkeypatch.setattr(module, "_MOST_KEPT", 20)
    text = 'a\n"' + "x\n" * 30 + 'y"",z\n' + "x\n" * 30 + 'end",q\nb,c\n'
    first, long, last = records(text)
    assert (first, last) == ((["a"], 1, 1), (["b", "c"], 64, 64))
    assert (len(long[0]), long[0][1], long[1:]) == (2, "q", (2, 63))


def test_a_record_on_few_lines_is_kept_however_long_it_is(monkeypatch):
    monkeypatch.setattr(module, "_MOST_KEPT", 20)
    field = "\n".join(["x" * 30] * 10)
    assert records(f'"{field}",a\n') == [([field, "a"], 1, 10)]
