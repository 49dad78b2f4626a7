"""jobs.render.csv: any text comes through, and what is read is what was written."""

import csv
import io
import re

import pandas as pd
from hypothesis import assume, example, given
from hypothesis import strategies as st

from jobs.input.header import name_columns
from jobs.input.keys import clean_key
from jobs.input.pairs import parse_pairs
from jobs.render.csv import write_csv
from jobs.report.model import Report
from jobs.schema import ROWS, conform

GUARD = re.compile(r"\A'(?='*[=+\-@\t\r])")

# Few characters, most of which mean something to CSV or to a spreadsheet.
HOSTILE = st.text(st.sampled_from("'=+-@\t\r\n\",; a学😀\0\u2028\ufeff"), max_size=8)
CELL = HOSTILE | st.text(st.characters(exclude_categories=["Cs"]), max_size=140)
KEY = CELL.map(lambda text: re.sub(r"[\x00-\x1f\x7f-\x9f]", "", text)).filter(
    lambda key: key == clean_key(key) and 1 <= len(key) <= 64 and key not in (".", "..")
)
# A header with NUL is refused; one whose names hold the other delimiters may be misread.
NAME = CELL.map(lambda text: re.sub(r"[\0\t;]", "", text))
NAMES = st.lists(NAME, max_size=3).map(
    lambda names: name_columns(["openid", "organization_id", *names], 0, 1)[2:]
)


@st.composite
def tables(draw):
    """Draw carried columns' names, and rows of keys and carried cells."""
    names = draw(NAMES)
    row = st.tuples(KEY, KEY, *[st.none() | CELL for _ in names])
    rows = draw(st.lists(row, min_size=1, max_size=6, unique_by=lambda row: row[:2]))
    return names, rows


def written(names, rows) -> str:
    frame = pd.DataFrame(rows, columns=["openid", "organization_id", *names], dtype=object)
    file = io.BytesIO()
    write_csv(Report(conform(frame, ROWS), {}), file)
    return file.getvalue().decode("utf-8-sig")


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(tables())
@example((("=a",), [("=1+1", "'=1", "'"), ("'=1+1", "=1", "''\r")]))
def test_a_csv_reader_finds_every_text_with_at_most_one_quote_in_front(table):
    names, rows = table
    header, *records = read(written(names, rows))
    assert [GUARD.sub("", name) for name in header[2 : 2 + len(names)]] == list(names)
    for row, record in zip(rows, records, strict=True):
        openid, organization, *carried = row
        found = [GUARD.sub("", cell) for cell in record]
        assert found[:2] == [organization, openid]
        assert found[2 : 2 + len(names)] == [cell or "" for cell in carried]


@given(tables())
def test_no_cell_begins_as_a_formula(table):
    for record in read(written(*table)):
        assert not [cell for cell in record if cell.startswith(tuple("=+-@\t\r"))]


@given(tables())
@example((("=a", "'=b"), [("=1+1", "'=1", "'", None), ("'=1+1", "=1", "''\r", "\t")]))
def test_the_report_s_csv_is_an_input_with_the_same_pairs_and_columns(table):
    names, rows = table
    broken = [sum(len(re.findall(r"\r\n|\r|\n", cell or "")) for cell in row) for row in rows]
    assume(max(broken) < 10)
    found = parse_pairs(written(names, rows).encode("utf-8-sig"), name="report.csv")
    assert found.invalid == 0
    back = found.pairs[["openid", "organization_id", *names]].astype(object)
    assert back.to_numpy().tolist() == [[cell or "" for cell in row] for row in rows]
