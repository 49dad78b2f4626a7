"""``palm-reconcile --by``, ``--show`` and ``--redact``: what people read, never what is kept."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import duckdb
import openpyxl
import pytest

from jobs.person import Person
from jobs.report.parquet import read_parquet
from palm.sandbox import Faults
from tests.night import DAY

LATER = DAY + timedelta(days=30)
FILES = [word for name in ("html", "xlsx", "json", "csv") for word in ("-o", f"report.{name}")]
READ_BY_PEOPLE = ("report.html", "report.xlsx", "report.json")


def bytes_of(path):
    """Return all that is in a file, unpacked where it is a workbook."""
    if not path.endswith(".xlsx"):
        return Path(path).read_bytes()
    with zipfile.ZipFile(path) as book:
        return b"\n".join(book.read(name) for name in book.namelist())


@pytest.fixture
def second_night(reconcile, gateway):
    """Run a night, and then another one, in which many people change, with these options."""
    assert reconcile("-q").code == 0

    def run(*given):
        gateway.date = LATER
        return reconcile(*FILES, *given, run_date=LATER)

    return run


COUNTED = ("pairs", "ON", "gained", "lost")
"""Columns of the sheet By column, in the order of the query."""
BY_CLASS = """
SELECT class, count(*) FILTER (state IS NOT NULL), count(*) FILTER (state = 'ON'),
    count(*) FILTER (change IN ('OPENED', 'REOPENED')),
    count(*) FILTER (change = 'CLOSED' OR change = 'CLEARED' AND previous_state = 'ON')
FROM 'report.parquet' GROUP BY class
"""


def test_counts_by_a_column_are_those_of_duckdb_in_every_format(second_night):
    ended = second_night("--by", "class")
    assert ended.code == 0
    counted = {row[0]: row[1:] for row in duckdb.sql(BY_CLASS).fetchall()}
    by = json.loads(Path("report.json").read_text(encoding="utf-8"))["by"]["class"]
    for name, (pairs, on, gained, lost) in counted.items():
        own = by[name]
        assert (own["pairs"], own["states"]["ON"], own["lost"]) == (pairs, on, lost)
        changes = own["changes"]
        assert changes.get("OPENED", 0) + changes.get("REOPENED", 0) == gained
    sheet = openpyxl.load_workbook("report.xlsx")["By column"]
    head, *lines = sheet.iter_rows(values_only=True)
    rows = [dict(zip(head, line, strict=True)) for line in lines]
    assert {row["value"]: tuple(row[name] for name in COUNTED) for row in rows} == counted
    assert "By class" in Path("report.html").read_text(encoding="utf-8")
    assert "By class" in ended.err
    assert "by" not in read_parquet(Path("report.parquet")).about


def test_a_column_that_is_shown_stands_beside_the_openid_of_the_changed_pairs(second_night):
    assert second_night("--show", "class").code == 0
    page = Path("report.html").read_text(encoding="utf-8")
    assert "<th scope=col>openid<th scope=col>class<th scope=col>" in page
    book = openpyxl.load_workbook("report.xlsx")
    assert [cell.value for cell in book["Changes"][1]][1:3] == ["openid", "class"]
    assert [row[0].value for row in book["Unknown"].rows] == ["Every pair has a valid answer."]


def test_a_shown_column_keeps_its_name_on_a_chinese_page(second_night):
    assert second_night("--show", "class", "--lang", "zh").code == 0
    page = Path("report.html").read_text(encoding="utf-8")
    assert "<th scope=col>openid<th scope=col>class<th scope=col>变更" in page


def test_without_show_neither_page_nor_workbook_holds_a_carried_column(second_night):
    assert second_night().code == 0
    for name in READ_BY_PEOPLE:
        assert b"class 1" not in bytes_of(name), name
    assert b"class 1" in bytes_of("report.csv")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["--by", "clas"], "the input has no column 'clas'; did you mean class? (there are: class"),
        (["--show", "name"], "the input has no column 'name' (there are: class)"),
        (["--by", "state"], "'state' is a column of the report; name one of the input's own"),
        (["--plan", "--by", "clas"], "the input has no column 'clas'"),
        (["--redact", "--show", "class"], "--redact and --show contradict each other"),
    ],
)
def test_a_column_that_is_not_in_the_input_is_refused_before_the_first_request(
    reconcile, gateway, given, line
):
    ended = reconcile(*given)
    assert (ended.code, ended.out) == (2, "")
    assert line in ended.only_line
    assert gateway.stats.asked == {}
    assert not Path("report.parquet").exists()


def test_variable_and_palm_toml_name_columns_too(second_night, monkeypatch, config):
    config.write_text(config.read_text() + '\n[reconcile]\nshow = ["class"]\n')
    monkeypatch.setenv("PALM_BY", "class")
    assert second_night().code == 0
    page = Path("report.html").read_text(encoding="utf-8")
    assert "By class" in page
    assert "<th scope=col>class" in page


def test_redact_hides_people_where_people_read_and_leaves_parquet_and_csv_whole(
    second_night, monkeypatch
):
    monkeypatch.setenv("PALM_LOG_KEY", "secret")
    ended = second_night("--redact")
    assert ended.code == 0
    rows = read_parquet(Path("report.parquet")).rows
    for name in READ_BY_PEOPLE:
        content = bytes_of(name)
        assert [each for each in rows["openid"] if each.encode() in content] == [], name
        assert [each for each in rows["request_id"].dropna() if each.encode() in content] == []
        assert b"class 1" not in content, name
        assert str(Path.cwd()).encode() not in content, name
    assert all(each in bytes_of("report.csv").decode() for each in rows["openid"])
    changed = rows["openid"][~rows["change"].isin(["UNCHANGED", "UNKNOWN"])]
    person = Person("secret")
    assert len(changed) > 3
    assert all(person.of(each) in bytes_of("report.html").decode() for each in changed)


def test_a_hash_on_the_page_is_the_one_in_the_log(second_night, gateway, monkeypatch):
    monkeypatch.setenv("PALM_LOG_KEY", "secret")
    gateway.faults = Faults(nostate=0.5)
    ended = second_night("--redact", "-v", "--max-unknown", "1")
    rows = read_parquet(Path("report.parquet")).rows
    unknown = rows["openid"][rows["state"] == "UNKNOWN"]
    assert len(unknown) > 0, ended.err
    sheet = openpyxl.load_workbook(io.BytesIO(Path("report.xlsx").read_bytes()))["Unknown"]
    hashes = [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert len(hashes) == len(unknown)
    assert all(each in ended.err for each in hashes)
