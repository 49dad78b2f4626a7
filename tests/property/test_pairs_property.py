"""jobs.input.pairs: what holds for any input at all."""

import csv
import gzip
import io
import re
import unicodedata

from hypothesis import assume, example, given
from hypothesis import strategies as st

from jobs.errors import InputError
from jobs.input.keys import clean_key
from jobs.input.options import InputOptions
from jobs.input.pairs import Reason, read_pairs
from tests.reading import parse_in_every_way

HEADER = "openid,organization_id,note\n"

# Few characters, most of which mean something to CSV, so that short texts hit every rule.
TEXT = st.text(st.sampled_from('ab. ,"\n\r\t;\0\x85\u2028学'), max_size=60)
LINE_END = st.sampled_from(["\n", "\r\n", "\r"])
CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEY = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda key: key == clean_key(key) != "" and key not in (".", "..")
)


def physical_lines(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text)


def parse(content: bytes):
    try:
        return parse_in_every_way(content, name="p.csv")
    except InputError as error:
        assert str(error).isprintable()  # noqa: PT017
        return None


@given(st.binary(max_size=200))
@example(b"\xff\xfe\n")
@example(b"\xef\xbb\xbf\xff")
def test_arbitrary_bytes_are_parsed_or_refused_on_one_line(content):
    assert parse(content) is None
    parse(HEADER.encode() + content)


@given(
    st.binary(max_size=200),
    st.sampled_from(["utf-8", "gbk", "utf-16", "utf-16-le", "utf-32", "utf-7", "hz", "latin-1"]),
)
def test_arbitrary_bytes_in_a_forced_encoding_are_parsed_or_refused(content, encoding):
    header = HEADER.encode(encoding)
    try:
        found = parse_in_every_way(header + content, name="p.csv", encoding=encoding)
    except InputError as error:
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert found.lines == len(found.pairs) + found.duplicates + found.invalid


@given(st.binary(max_size=60), st.sampled_from([".gz", ".zst"]), st.integers(0, 60))
def test_arbitrary_packed_bytes_are_read_or_refused(tmp_path_factory, content, suffix, cut):
    path = tmp_path_factory.mktemp("p") / f"p{suffix}"
    packed = gzip.compress((HEADER + "oA,1,\n").encode())
    for stored in (content, packed[:cut] + content):
        path.write_bytes(stored)
        try:
            assert len(read_pairs(InputOptions(source=str(path))).pairs) == 1
        except InputError as error:
            assert str(error).isprintable()  # noqa: PT017


@given(st.lists(st.sampled_from(["\n", " \r\n", "\t\r"]), max_size=3).map("".join), TEXT)
@example("", 'a,b,"\n"\n\n')
@example("\n", 'a,"b\n"')
@example("", "a,b\n\t\n \na,b\n\r\n ")
def test_every_line_of_any_text_is_accounted_for(before, text):
    content = before + HEADER + "oA,1,\n" + text
    found = parse(content.encode())
    if found is None:
        assert '"' in text, "only a quote left open spoils what begins well"
        return
    assert found.lines == len(found.pairs) + found.duplicates + found.invalid
    lines = physical_lines(content)
    trailing = 0
    while lines[-1 - trailing].isspace():
        trailing += 1
    counted = len(physical_lines(before)) + 1 + found.lines + found.continuation_lines + trailing
    assert counted == len(lines)


@given(TEXT)
def test_counts_agree_with_what_is_listed(text):
    found = parse((HEADER + "oA,1,\n" + text).encode())
    assume(found is not None)
    assert len(found.invalid_lines) == found.invalid == sum(found.invalid_by_reason.values())
    assert set(found.invalid_by_reason) <= {reason.value for reason in Reason}
    lines = [line for line, _ in found.invalid_lines]
    assert sorted({*lines, *found.pairs["input_line"]}) == sorted(
        [*lines, *found.pairs["input_line"]]
    ), "no line is both, none twice"
    assert found.pairs["input_duplicates"].sum() == found.duplicates
    assert not found.pairs.duplicated(["organization_id", "openid"]).any()


ROW = st.one_of(
    st.tuples(KEY, KEY, CELL),
    st.tuples(KEY, KEY),
    st.tuples(CELL, CELL, CELL, CELL),
    st.just(()),
)


@given(
    st.lists(ROW, max_size=12),
    st.sampled_from([",", "\t", ";"]),
    LINE_END,
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
)
def test_every_line_of_any_csv_is_accounted_for(rows, delimiter, line_end, quoting, encoding):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerows([("openid", "organization_id", "note"), ("oA", "1", ""), *rows])
    found = parse(out.getvalue().encode(encoding))
    assert found is not None
    assert found.lines == len(found.pairs) + found.duplicates + found.invalid
    lines = physical_lines(out.getvalue())
    while lines[-1].isspace():
        lines.pop()
    assert 1 + found.lines + found.continuation_lines == len(lines)


def as_reports_write(cell):
    """Return a cell with the apostrophe that keeps a spreadsheet from running it."""
    return f"'{cell}" if re.match(r"'*[=+\-@\t\r]", cell) else cell


@given(
    st.lists(st.tuples(KEY, KEY, CELL, CELL), min_size=1, max_size=12),
    st.sampled_from([",", "\t", ";"]),
    LINE_END,
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
)
@example([("0", "0", "'@", "=1"), ("'=1", "-0", "''-", "'")], ",", "\n", "utf-8")
def test_pairs_that_are_written_come_back_exactly(rows, delimiter, line_end, encoding):
    assume(all(len(physical_lines("".join(row))) < 10 for row in rows))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerow(("openid", "organization_id", "note", "备注"))
    writer.writerows(map(as_reports_write, row) for row in rows)
    found = parse(out.getvalue().encode(encoding))
    assert found is not None
    assert found.invalid == 0
    first = {}
    for row in rows:
        first.setdefault(row[:2], row)
    columns = found.pairs[["openid", "organization_id", "note", "备注"]].astype(object)
    assert [tuple(row) for row in columns.to_numpy().tolist()] == list(first.values())
    counts = [sum(row[:2] == key for row in rows) - 1 for key in first]
    assert found.pairs["input_duplicates"].to_list() == counts
    assert found.duplicates == len(rows) - len(first)


@given(st.text(st.sampled_from("ab,\n\"'"), max_size=40))
def test_input_line_is_where_the_pair_s_record_begins(text):
    content = HEADER + text + "\noLast,9,\n"
    found = parse(content.encode())
    assume(found is not None)
    last = found.pairs[found.pairs["openid"] == "oLast"]
    assume(len(last) == 1)
    assert physical_lines(content)[last["input_line"].item() - 1] == "oLast,9,\n"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=140))
def test_valid_keys_are_those_the_rules_say(key):
    assume(not set(key) & set(',\n\r"'))
    found = parse(f"openid,organization_id\noA,1\n{key},1\noB,1\n".encode())
    assert found is not None
    bare = clean_key(key)
    bad = any(unicodedata.category(character) == "Cc" for character in bare)
    assert found.invalid == int(bad or not 1 <= len(bare) <= 128 or bare in (".", ".."))
