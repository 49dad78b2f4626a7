"""jobs.render.csv: the rows as they stand in the Parquet, safe to open in a spreadsheet."""

import csv
import io
from dataclasses import replace
from datetime import datetime

import duckdb
import pandas as pd
import pytest

from jobs.input.pairs import parse_pairs
from jobs.render import writer_of
from jobs.render.csv import write_csv
from jobs.render.language import Language
from jobs.schema import ROWS

HOSTILE = ("<script>alert(1)</script>", "=1+1", '"; DROP', "学" * 128)
RUNNABLE = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"]


@pytest.fixture
def report(report_of, nights):
    """Return the report of a second night: a change, a pair without an answer, one that is gone."""
    first, second, _ = nights
    before = report_of({"0042/oA": "ON", "0042/oB": "ON", "7/oGone": "OFF"}, first)
    heard = {"0042/oA": "OFF", "0042/oB": "UNKNOWN", "=8/oNew": "NONE"}
    return report_of(heard, second, baseline=before)


def content(report) -> bytes:
    file = io.BytesIO()
    write_csv(report, file)
    return file.getvalue()


def lines(report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(report).decode("utf-8-sig"), newline="")))


def with_column(report, name, values):
    return replace(report, content=report.rows.assign(**{name: values}))


def test_rows_and_columns_are_the_report_s(report):
    written = lines(report)
    assert list(written[0]) == list(report.rows.columns)
    assert [line["openid"] for line in written] == report.rows["openid"].to_list()
    assert [line["change"] for line in written] == ["CLOSED", "UNKNOWN", "FIRST_SEEN", "DROPPED"]


def test_it_is_utf_8_with_a_mark_and_lines_end_in_lf(report):
    written = content(report)
    assert written.startswith(b'\xef\xbb\xbf"organization_id","openid",')
    assert written.endswith(b"\n")
    assert b"\r" not in written
    assert written.count(b"\n") == 1 + len(report.rows)


def test_what_is_missing_is_empty(report):
    unknown, gone = lines(report)[1], lines(report)[3]
    assert unknown["authorize_time"] == unknown["answered_at"] == unknown["error_code"] == ""
    assert gone["state"] == gone["input_line"] == gone["unknown_reason"] == ""
    assert b'"UNKNOWN",' in content(report)
    assert b'"",' not in content(report), "an empty text, and not a missing value, has quotes"


def test_times_are_iso_8601_with_their_zone_and_run_dates_are_dates(report, nights):
    for written, (_, row) in zip(lines(report), report.rows.iterrows(), strict=True):
        for name, dtype in ROWS.items():
            if isinstance(dtype, pd.DatetimeTZDtype) and written[name]:
                assert datetime.fromisoformat(written[name]) == row[name]
                assert len(written[name]) == len("2025-01-02T03:04:05.000+00:00")
    assert lines(report)[0]["last_in_input"] == nights[0].isoformat()


@pytest.mark.parametrize("text", RUNNABLE)
def test_no_cell_and_no_column_s_name_runs_as_a_formula(report, text):
    column = f"{text.strip()}name"
    report = with_column(report, column, text)
    report = with_column(report, "request_id", text)
    report = with_column(report, "openid", [f"{text.strip()}{at}" for at in range(4)])
    written = list(csv.reader(io.StringIO(content(report).decode("utf-8-sig"), newline="")))
    cells = [cell for record in written for cell in record]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert cells.count(f"'{text}") == 2 * len(report.rows)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1", "'=1"),
        ("'=1", "''=1"),
        ("''=1", "'''=1"),
        ("'", "'"),
        ("''", "''"),
        ("'a", "'a"),
        ("1=1", "1=1"),
        (" =1", " =1"),
        ("\n=1", "\n=1"),
        ("a\n=1", "a\n=1"),
    ],
)
def test_exactly_what_would_run_or_looks_guarded_gets_a_quote(report, text, written):
    assert {line["class"] for line in lines(with_column(report, "class", text))} == {written}


@pytest.mark.parametrize("openid", HOSTILE)
def test_hostile_openids_survive_and_come_back_as_an_input(report, openid):
    report = replace(report, content=report.rows.assign(openid=openid).iloc[[0, 2]])
    assert {line["openid"].removeprefix("'") for line in lines(report)} == {openid}
    found = parse_pairs(content(report), name="report.csv")
    assert found.pairs["openid"].to_list() == [openid] * 2
    assert found.pairs["organization_id"].to_list() == ["0042", "=8"]
    assert found.invalid == 0


def test_it_is_an_input_whose_columns_are_told_from_the_next_report_s(report):
    pairs = parse_pairs(content(report), name="report.csv").pairs
    assert pairs["class"].to_list() == report.rows["class"].to_list()
    assert pairs["input_state"].to_list() == ["OFF", "UNKNOWN", "NONE", ""]


def test_column_names_come_back_as_they_were(report):
    report = with_column(with_column(report, "=a", "1"), "'=b", "2")
    columns = parse_pairs(content(report), name="report.csv").pairs.columns
    assert {"=a", "'=b"} <= set(columns)


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("'=1+1", "=1+1"),
        ("'-1", "-1"),
        ("'\t1", "\t1"),
        ("''=1", "'=1"),
        ("'''@x", "''@x"),
        ("=1", "=1"),
        ("'", "'"),
        ("''", "''"),
        ("'a", "'a"),
        ("a'=1", "a'=1"),
        (" '=1", " '=1"),
        ("'=a\nb", "=a\nb"),
    ],
)
def test_any_input_s_cell_loses_one_quote_where_a_formula_would_follow(cell, read):
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["openid", "organization_id", "note"], ["oA", "1", cell]])
    assert parse_pairs(file.getvalue().encode(), name="p.csv").pairs["note"].to_list() == [read]


def test_an_input_s_keys_and_headings_lose_it_too():
    longest = "=" * 128
    text = f"'-key,organization_id\n'{longest},'=1\n"
    pairs = parse_pairs(text.encode(), name="p.csv", openid_column="-key").pairs
    assert pairs[["openid", "organization_id"]].to_numpy().tolist() == [[longest, "=1"]]


def test_duckdb_counts_the_same(report, tmp_path):
    path = tmp_path / "report.csv"
    path.write_bytes(content(report))
    found = duckdb.sql(f"select change, count(*) from '{path}' group by 1").fetchall()  # noqa: S608
    assert dict(found) == {k: n for k, n in report.summary.changes.items() if n}


@pytest.mark.manual
def test_parts_of_a_long_report_join_without_a_seam(report):
    rows = pd.concat([report.rows] * 20_000, ignore_index=True)
    rows["input_line"] = pd.array(range(len(rows)), "Int64")
    written = lines(replace(report, content=rows))
    assert [int(line["input_line"]) for line in written] == list(range(len(rows)))


def test_a_report_without_rows_is_its_header(report):
    assert content(replace(report, content=report.rows.iloc[:0])).count(b"\n") == 1


def test_the_language_changes_nothing(report):
    file = io.BytesIO()
    writer_of("csv")(report, file, Language.ZH)
    assert file.getvalue() == content(report)


def test_an_error_of_the_file_is_passed_on(report):
    class Full(io.RawIOBase):
        def write(self, _):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_csv(report, Full())
