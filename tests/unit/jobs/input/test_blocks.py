"""jobs.input.blocks: plain blocks are parsed at once, others by line, with the same result."""

import csv
import io
import itertools
from contextlib import suppress

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv

from jobs.errors import InputError
from jobs.input import blocks, plain_parser
from jobs.input.blocks import BLOCK_SIZE, read_table, table_schema
from jobs.input.content.content import ContentInMemory
from jobs.input.header import Columns, Header, find_header
from jobs.input.line_stats import InvalidLine, LineStats, Reason
from jobs.input.pairs import parse_pairs
from jobs.input.plain_parser import PlainParser, can_be_plain, encloses_fields
from tests.reading import assert_same_in_any_block

HEADER = "openid,organization_id,name,note\n"
CLEAN = "oAaaaaaaaaaaaaaaaaaaaaaaaaa0,0042,李雷,\n"
SIZES = range(1, 260, 3)


def header(text: str = HEADER, encoding: str = "utf-8") -> Header:
    return find_header(ContentInMemory(text.encode(encoding)), encoding, Columns(), "p.csv")


def parse(block: str | bytes, text: str = HEADER, encoding: str = "utf-8"):
    found = header(text, encoding)
    assert can_be_plain(found, encoding)
    content = block.encode(encoding) if isinstance(block, str) else block
    return PlainParser(found, encoding, table_schema(found)).parse(content)


@pytest.mark.parametrize(
    "block",
    [
        CLEAN,
        CLEAN * 3,
        CLEAN.rstrip("\n"),
        CLEAN.replace("\n", "\r\n") * 2,
        CLEAN.replace("\n", "\r") * 2,
        "o-_," + "1" * 64 + ",,\n" + "o" * 128 + ",1,\t,\x85\x00\n",
        "NA,null,O'Brien,NULL\n",
        "o1,1,openid,\n",
    ],
)
def test_plain_block_is_parsed_at_once(block):
    columns = parse(block)
    lines = block.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    assert list(rows) == [tuple(line.split(",")) for line in lines]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "rows",
    [
        [["o1", "1", "李雷", ""], ["o2", "02", "", "x"]],
        [["o1", "1", "a,b", ","], ["o2", "02", "x ", " "]],
    ],
)
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
def test_fields_in_quotes_are_parsed_at_once(rows, end, quoting):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=quoting).writerows(rows)
    for text in (out.getvalue(), out.getvalue().removesuffix(end)):
        columns = parse(text)
        found = zip(*(column.to_pylist() for column in columns), strict=True)
        assert [list(row) for row in found] == rows


@pytest.mark.slow
def test_quotes_that_are_plain_mean_the_same_to_python_and_to_arrow():
    """For every text of up to 6 of the characters that mean something."""
    names, compared = ["a", "b"], 0
    reading = arrow_csv.ReadOptions(use_threads=False, column_names=names)
    parsing = arrow_csv.ParseOptions(double_quote=False, ignore_empty_lines=False)
    types = arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    for length in range(1, 7):
        for characters in itertools.product('",\n\ra', repeat=length):
            text = "".join(characters)
            if '"' not in text or not encloses_fields(text.encode(), ","):
                continue
            with suppress(pa.ArrowInvalid):  # Arrow says no to lines of another number of fields
                table = arrow_csv.read_csv(io.BytesIO(text.encode()), reading, parsing, types)
                expected = [row or ["", ""] for row in csv.reader(io.StringIO(text, newline=""))]
                assert [list(row.values()) for row in table.to_pylist()] == expected, repr(text)
                compared += 1
    assert compared > 200


@pytest.mark.parametrize(
    "odd",
    [
        'o1,1,"x""y",\n',
        'o1,1, "x",\n',
        'o1,1,"x" ,\n',
        'o1,1,"x\ny",\n',
        '"o1","1","\'=x",\n',
        '" o1","1","x",\n',
        'o1,1,x"y,\n',
        "o1,1,x\ry,\n",
        "\r",
        "\n",
        "  \n",
        "o1,1,x\n",
        "o1,1,x,y,\n",
        ",1,x,y\n",
        "o1,,x,y\n",
        " o1,1,x,y\n",
        "o1,1\u200b,x,y\n",
        "o1.,1,x,y\n",
        "o1,学,x,y\n",
        "o\x7f,1,x,y\n",
        "o" * 129 + ",1,x,y\n",
        "o1," + "1" * 65 + ",x,y\n",
        "o1,1,'=1+1,y\n",
        "o1,1,x,''@\n",
        "OpenID,Organization_ID,name,note\n",
        "organization_id,openid,x,y\n",
        "o1,1,openid, Organization_id\n",
        "organization_id,1,x,openid\n",
        "openid,organization_id,x,y\n",
    ],
)
def test_block_with_one_odd_line_is_not_plain(odd):
    assert parse(odd) is None
    assert parse(CLEAN * 2 + odd + CLEAN) is None


@pytest.mark.parametrize("odd", [" o1,1,x,y\n", "o1,1,x\n", "o1,1,x,y,\n"])
def test_block_that_begins_with_an_odd_line_is_not_given_to_arrow(odd):
    """Else an input of odd lines only would be parsed twice."""
    pool = pa.default_memory_pool()
    before = pool.num_allocations()
    assert parse((odd + CLEAN * 100).encode()) is None
    assert pool.num_allocations() == before
    assert parse((CLEAN * 100 + odd).encode()) is None
    assert pool.num_allocations() > before


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_byte_order_mark_that_begins_a_block_is_not_plain(encoding):
    assert parse("\ufeff" + CLEAN, encoding=encoding) is None
    text = "organization_id,openid,note\n"
    assert parse("\ufeff1,oA,\n", text, encoding) is None


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_block_is_plain_in_other_encodings_and_with_other_delimiters(encoding, delimiter):
    columns = parse(
        CLEAN.replace(",", delimiter), HEADER.replace(",", delimiter), encoding=encoding
    )
    assert columns[2].to_pylist() == ["李雷"]


def test_euro_sign_of_windows_code_page_936_is_read_at_once():
    assert parse(b"o1,1,\x80,\n", encoding="gbk")[2].to_pylist() == ["€"]


def test_input_in_utf_16_with_a_letter_as_delimiter_or_with_backticks_is_read_by_line():
    assert not can_be_plain(header(), "utf-16")
    assert not can_be_plain(header("sep=x\nopenidxorganization_id\n"), "utf-8")
    assert not can_be_plain(header("`openid,`organization_id\n"), "utf-8")


@pytest.mark.parametrize(
    "odd",
    [
        'oQ,1,"a\nb\r\nc",\n',
        '"oQ\n",1,,\n',
        'oQ,1,"' + "\n" * 12 + '",\n',
        'oQ,1, "a, b",\n',
        "\n\n",
        " \n\r\n",
        "\r",
        "oQ,1,a,\r",
        "\ufeffoQ,1,a,\n",
        "oQ,1,'=a,\n",
        HEADER,
        "oQ,1\n",
        "oQ,1,a,b,c\n",
        ",1,,\n",
    ],
)
@pytest.mark.parametrize("end", ["", pytest.param("\n\n", marks=pytest.mark.slow)])
def test_odd_lines_wherever_a_block_ends_make_no_difference(odd, end):
    content = HEADER + CLEAN * 2 + odd + CLEAN.replace("a0", "a1") * 2 + odd + CLEAN + end
    assert_same_in_any_block(content.encode(), sizes=SIZES)


def test_byte_order_mark_below_the_header_is_decoration_though_the_encoding_names_one():
    content = ("\ufeff" + HEADER + CLEAN + "\ufeff" + CLEAN).encode()
    assert_same_in_any_block(content, encoding="utf-8-sig", sizes=SIZES)


def test_blank_lines_before_a_plain_block_are_invalid_and_those_at_the_end_are_none():
    content = (HEADER + CLEAN + "\n\n" + CLEAN + "\n").encode()
    assert_same_in_any_block(content, sizes=SIZES)
    found = parse_pairs(content, name="p.csv", block_size=1)
    assert found.invalid_lines == (InvalidLine(3, Reason.BLANK), InvalidLine(4, Reason.BLANK))


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ('oQ,1,"a\n' + CLEAN * 9, r"line 4: a quote is opened and never closed"),
        ("organization_id,openid,name,note\n" + CLEAN, "line 4: another header"),
    ],
)
def test_error_names_the_same_line_wherever_a_block_ends(odd, message):
    content = (HEADER + CLEAN * 2 + odd).encode()
    assert_same_in_any_block(content, sizes=SIZES)
    with pytest.raises(InputError, match=message):
        parse_pairs(content, name="p.csv", block_size=1)


@pytest.mark.slow
def test_rare_odd_lines_in_a_large_input_make_no_difference():
    lines = [f"o{number:027},{number % 300:04},x,\n" for number in range(30_000)]
    for number, odd in ((0, " o1,2,,\n"), (9_000, "\n"), (20_000, 'o2,3,"a\nb",\n'), (29_999, "o")):
        lines[number] = odd
    content = (HEADER + "".join(lines)).encode()
    assert_same_in_any_block(content, sizes=[BLOCK_SIZE, 20_000])
    found = parse_pairs(content, name="p.csv")
    assert (found.decorated, found.invalid, found.continuation_lines) == (1, 2, 1)


def test_column_of_organizations_keeps_the_order_of_first_appearance_over_blocks():
    content = (HEADER + "oA,9,,\noB,1,,\n" * 2 + "oC,5,,\noD,1,,\n").encode()
    assert_same_in_any_block(content, sizes=SIZES)
    found = parse_pairs(content, name="p.csv", block_size=1)
    assert found.pairs["organization_id"].cat.categories.to_list() == ["9", "1", "5"]


@pytest.fixture
def parsed(monkeypatch) -> list[bytes]:
    """Return the list of the blocks that are given to Arrow while a test runs."""
    given: list[bytes] = []
    parse_block = PlainParser.parse

    def noting(self: PlainParser, block: bytes) -> list[pa.Array] | None:
        given.append(block)
        return parse_block(self, block)

    monkeypatch.setattr(PlainParser, "parse", noting)
    return given


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blocks_are_as_small_whatever_ends_a_line(parsed, end):
    content = (HEADER + CLEAN * 500).replace("\n", end).encode()
    assert len(parse_pairs(content, name="p.csv", block_size=1_000).pairs) == 1
    assert b"".join(parsed) == content[len(HEADER) - 1 + len(end) :]
    assert max(map(len, parsed)) < 1_000 + len(CLEAN.encode()) + len(end)


def test_a_file_with_every_field_in_quotes_is_not_read_line_by_line(monkeypatch):
    lines = [f'"o{number:027}","{number % 9:04}","李, 雷",""\r\n' for number in range(2_000)]
    content = ('"openid","organization_id","name","note"\r\n' + "".join(lines)).encode()
    expected = parse_pairs(content, name="p.csv", block_size=0)
    monkeypatch.setattr(blocks, "valid_records", None)
    found = parse_pairs(content, name="p.csv")
    assert found.pairs.equals(expected.pairs)
    assert (found.lines, found.decorated) == (2_000, 0)


def wide_input(columns: int, lines: int, odd: str = "x") -> bytes:
    """Return an input with many columns, of which one in the middle line holds ``odd``."""
    text = HEADER.strip() + "".join(f",c{at}" for at in range(columns)) + "\n"
    for number in range(lines):
        fields = [f"value {number}"] * columns
        if number == lines // 2:
            fields[0] = odd
        text += f"o{number},1,,," + ",".join(fields) + "\n"
    return text.encode()


@pytest.mark.parametrize("odd", ["x", '"a,b"'])
def test_blocks_of_many_columns_have_more_than_a_few_lines(parsed, odd):
    content = wide_input(3_000, 40, odd)
    assert len(parse_pairs(content, name="p.csv").pairs) == 40
    assert [block.count(b"\n") for block in parsed] == [40]


def test_parts_of_an_odd_block_have_more_than_a_few_lines(parsed):
    content = (HEADER + CLEAN * 250 + "\n" + CLEAN).encode()
    assert parse_pairs(content, name="p.csv").invalid == 1
    assert len(parsed) == 1
    parsed.clear()
    content = (HEADER + CLEAN * 255 + "\n" + CLEAN * 256).encode()
    assert parse_pairs(content, name="p.csv", block_size=len(content)).invalid == 1
    assert len(parsed) > 2
    assert min(block.count(b"\n") for block in parsed[:-1]) >= 16


def test_small_pieces_are_merged_because_each_takes_room_of_its_own(monkeypatch):
    content = wide_input(5, 250)
    found = find_header(ContentInMemory(content), "utf-8", Columns(), "p.csv")
    counts: list[int] = []
    concat_tables = pa.concat_tables

    def noting(tables: list[pa.Table]) -> pa.Table:
        counts.append(len(tables))
        return concat_tables(tables)

    monkeypatch.setattr(blocks, "_CHUNK", 100)
    monkeypatch.setattr(blocks.pa, "concat_tables", noting)
    table = read_table(ContentInMemory(content), "utf-8", found, LineStats(), "p.csv", block_size=1)
    assert (len(table), counts) == (250, [100, 100, 53])
    # At the end: the empty table, two pieces of 100 lines, and the 50 lines that are left.


@pytest.mark.parametrize("block_size", [1, BLOCK_SIZE])
def test_signal_whose_handler_returns_makes_no_difference(monkeypatch, block_size):
    content = (HEADER + CLEAN + CLEAN.replace("a0", "a1")).encode()
    expected = parse_pairs(content, name="p.csv")

    def interrupted(*_: object) -> pa.Table:
        raise pa.ArrowCancelled("Operation cancelled", signum=15)

    monkeypatch.setattr(plain_parser.arrow_csv, "read_csv", interrupted)
    found = parse_pairs(content, name="p.csv", block_size=block_size)
    assert found.pairs.equals(expected.pairs)
    assert found.lines == 2
