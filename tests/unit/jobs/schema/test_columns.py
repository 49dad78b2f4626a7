"""jobs.schema.columns: every consumer of the table of columns agrees with it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from html import unescape

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.input.header import name_columns
from jobs.render.csv import write_csv
from jobs.render.excel.workbook import write_excel
from jobs.render.html.page import render
from jobs.render.language import Language
from jobs.render.translations import translator
from jobs.report.parquet import write_parquet
from jobs.report.parquet.checksums import column_digests
from jobs.schema import (
    ANSWERS,
    COLUMNS,
    PAIRS,
    PERSONAL,
    ROWS,
    Listing,
    Source,
    listed,
)
from jobs.sweep.answers import Row

NAMES = [each.name for each in COLUMNS]
CARRIED = "class"
DUCKDB_TYPES = {
    pa.string(): "VARCHAR",
    pa.dictionary(pa.int32(), pa.string()): "VARCHAR",
    pa.timestamp("ms", "UTC"): "TIMESTAMP WITH TIME ZONE",
    pa.timestamp("ms"): "TIMESTAMP",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
}
ADD_A_COLUMN = """
import io, json, sys
from importlib.util import spec_from_loader
from importlib.machinery import SourceFileLoader

class WithNote(SourceFileLoader):
    def get_data(self, path):
        if not path.endswith("columns.py"):
            raise OSError("no cached bytecode")
        text = super().get_data(path).decode()
        end = text.index(')\\n\"\"\"Every column, in the order of the report')
        label, shown = 'Label("a note", "备注")', "{Listing.HTML: 9}"
        entry = f'Column("note", TEXT, Source.COMPARISON, {label}, {shown}),'
        return (text[:end].rstrip().removesuffix(",") + "," + entry + text[end:]).encode()

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "jobs.schema.columns":
            file = path[0] + "/columns.py"
            return spec_from_loader(name, WithNote(name, file))

sys.meta_path.insert(0, Finder())
from dataclasses import replace
from pathlib import Path
from jobs.render.csv import write_csv
from jobs.render.html.page import render
from jobs.render.language import Language
from jobs.report.parquet import read_parquet, write_parquet
from jobs.schema import ROWS

before, after = map(Path, sys.argv[1:])
report = read_parquet(before)
report = replace(report, content=report.rows.assign(note="filled").astype(ROWS))
write_parquet(report, after)
text = io.BytesIO()
write_csv(read_parquet(after), text)
print(json.dumps({
    "csv": text.getvalue().decode("utf-8-sig").splitlines()[:2],
    "en": render(report, Language.EN), "zh": render(report, Language.ZH),
}))
"""


@pytest.fixture
def report(after):
    """Return a report with a change, a pair without an answer, and one that is gone."""
    before = {"A/a": "ON", "A/b": "ON", "A/gone": "ON"}
    return after(before, {"A/a": "OFF", "A/b": "UNKNOWN", "A/new": "NONE"})


def test_the_rows_have_the_columns_of_the_table_in_its_order(report):
    assert [name for name in report.rows if name != CARRIED] == NAMES
    assert {name: report.rows[name].dtype for name in NAMES if ROWS[name] != "category"} == {
        name: pd.api.types.pandas_dtype(dtype)
        for name, dtype in ROWS.items()
        if dtype != "category"
    }


def test_each_frame_has_the_columns_of_its_source_and_the_report_has_all():
    for source, schema in ((Source.INPUT, PAIRS), (Source.ANSWER, ANSWERS)):
        assert [*schema] == [each.name for each in COLUMNS if each.source is source]
    assert [*ROWS] == NAMES
    assert len({*NAMES}) == len(NAMES)


def test_a_row_of_the_journal_has_a_field_for_each_column_of_an_answer():
    fields = {
        "authorize_ms": "authorize_time",
        "answered_ms": "answered_at",
        "reason": "unknown_reason",
        "code": "error_code",
        "status": "http_status",
    }
    names = {fields.get(name, name) for name in Row._fields}
    assert names == {"pair_index", *ANSWERS}


def test_pyarrow_and_duckdb_read_the_types_of_the_table(report, tmp_path):
    write_parquet(report, tmp_path / "report.parquet")
    stored = pq.read_schema(tmp_path / "report.parquet")
    assert {name: stored.field(name).type for name in NAMES} == {
        each.name: each.type.arrow for each in COLUMNS
    }
    read = duckdb.read_parquet(str(tmp_path / "report.parquet"))
    types = dict(zip(read.columns, map(str, read.types), strict=True))
    assert {name: types[name] for name in NAMES} == {
        each.name: DUCKDB_TYPES[each.type.arrow] for each in COLUMNS
    }


def test_only_what_the_table_requires_is_never_missing(report):
    missing = report.rows.isna().any()
    assert not missing[[each.name for each in COLUMNS if each.required]].any()


def test_csv_has_every_column(report):
    file = io.BytesIO()
    write_csv(report, file)
    header = file.getvalue().decode("utf-8-sig").splitlines()[0]
    assert [name for name in re.findall(r'"(\w+)"', header) if name != CARRIED] == NAMES


def test_the_sheets_have_the_columns_that_the_table_lists_for_them(report):
    file = io.BytesIO()
    write_excel(report, file)
    file.seek(0)
    book = openpyxl.load_workbook(file)
    for title, listing in (
        ("Changes", Listing.CHANGES_SHEET),
        ("Unknown", Listing.UNKNOWN_SHEET),
    ):
        headings = [cell.value.split(" (")[0] for cell in book[title][1]]
        assert [name for name in headings if name != CARRIED] == listed(listing)


@pytest.mark.parametrize("language", list(Language))
def test_the_page_explains_every_column_and_shows_those_listed_for_it(report, language):
    page = unescape(render(report, language))
    explained = re.findall(r"<tr><th scope=row>(\w+)<td>([^<\n]+)", page.split('id="columns"')[1])
    assert explained == [(each.name, getattr(each.meaning, language)) for each in COLUMNS]
    table = page.split('<table class="pairs">')[1].split("<tbody>")[0]
    headings = re.findall(r"<th scope=col>([^<\n]+)", table)
    label = translator(language)
    joined = [
        label(name) for name in listed(Listing.HTML) if name not in ("state", "previous_state")
    ]
    joined.insert(3, label("previous_state → state"))
    assert headings == joined


@pytest.mark.parametrize("listing", list(Listing))
def test_a_list_has_no_two_columns_in_one_position_and_begins_with_the_keys(listing):
    ranks = [each.listings[listing] for each in COLUMNS if listing in each.listings]
    assert len({*ranks}) == len(ranks)
    assert listed(listing)[:2] == ["organization_id", "openid"]


def test_no_column_of_the_input_takes_a_name_of_the_table():
    renamed = name_columns(["openid", "organization_id", *NAMES[2:]], 0, 1)
    assert not {*renamed[2:]} & {*NAMES}


def test_every_column_has_a_checksum(report):
    assert {*column_digests(report.rows)} - {CARRIED} == {*NAMES}


def test_what_identifies_a_person_is_not_in_what_is_said_about_a_report(report):
    about = json.dumps(report.about)
    values = {str(each) for name in PERSONAL for each in report.rows[name]}
    assert {"openid"} == PERSONAL
    assert not [value for value in values if f'"{value}"' in about]


@pytest.mark.slow
def test_a_column_added_to_the_table_is_in_every_format(report, tmp_path):
    """Nothing but the table has to name it; an earlier report reads with the column empty."""
    before, after = tmp_path / "before.parquet", tmp_path / "after.parquet"
    write_parquet(report, before)
    done = subprocess.run(
        [sys.executable, "-c", ADD_A_COLUMN, before, after],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    read = duckdb.read_parquet(str(after))
    assert read.project("note").distinct().fetchall() == [("filled",)]
    assert shown["csv"][0].endswith(',"note"')
    assert shown["csv"][1].endswith(',"filled"')
    assert "<tr><th scope=row>note<td>a note" in shown["en"]
    assert "<tr><th scope=row>note<td>备注" in shown["zh"]
    assert "<th scope=col>note" in shown["en"]
    assert "<th scope=col>note" in shown["zh"]
    assert "<td>filled" in shown["en"]
