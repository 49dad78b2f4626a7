"""The workbooks in another program: LibreOffice opens each, and finds the numbers that DuckDB does.

What LibreOffice read is what it saves again as a workbook of its own, with the values that it has
understood. Where no LibreOffice is, the tests are skipped and say so.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import warnings
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import duckdb
import openpyxl
import pytest

from jobs.history.read import read_history
from jobs.render.excel.workbook import write_excel
from jobs.render.history.excel import write_history_excel
from jobs.render.language import Language
from jobs.render.numbers import share
from jobs.report.parquet import read_parquet, write_parquet
from jobs.store.days import dated_reports
from tests.history_sql import Judge
from tests.many_nights import People, write_nights
from tests.several_nights import FIRST, report_of_night

LIBREOFFICE = next(filter(None, map(shutil.which, ("soffice", "libreoffice"))), None)
AS_SHOWN = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1"
"""Each sheet as a file of its own, in UTF-8, with the cells as they are seen."""
OPENED = datetime(2025, 1, 2, tzinfo=UTC)
NIGHTS = {"first": 0, "usual": -1}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        LIBREOFFICE is None,
        reason="no LibreOffice here; on Debian: apt-get install libreoffice-calc",
    ),
]


def convert(folder, target, *names):
    """Let LibreOffice open these files and save them again; fail if it cannot."""
    done = subprocess.run(
        [
            LIBREOFFICE, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless",
            "--convert-to", target, "--outdir", folder / "read", *(folder / name for name in names),
        ],
        check=False, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in names:
        stem, suffix = name.split(".")[0], target.split(":")[0]
        made = [path for path in (folder / "read").glob(f"{stem}*.{suffix}") if path.stat().st_size]
        assert made, f"LibreOffice did not convert {name}: {done.stdout}{done.stderr}"


def write_quiet_night(folder):
    """Write the report of a night on which every answer was that of the night before."""
    lines = [(f"o{number:027}", f"{1000 + number % 3}", "高一") for number in range(30)]
    answers = {(line[1], line[0]): ("ON", OPENED) for line in lines}
    first = report_of_night(lines, answers, FIRST)
    write_parquet(first, folder / "eve.parquet")
    second = report_of_night(
        lines, answers, FIRST + timedelta(days=1), baseline=first, path=folder / "eve.parquet"
    )
    write_parquet(second, folder / "night.parquet")
    return folder / "night.parquet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten nights and a night of 200,000 pairs, each as LibreOffice reads its workbook."""
    folder = tmp_path_factory.mktemp("books")
    people = People.of(1_500, 12, seed=4, carried={0: ("姓名",)})
    days = write_nights(folder / "reports", people, 10, without=(4,), bad=(6,), quiet=(8,))
    large = write_nights(folder / "large", People.of(200_000, 3_000, moves=0.01), 2)
    quiet = write_quiet_night(folder)
    kept = {name: days[at] for name, at in NIGHTS.items()} | {"large": large[-1], "quiet": quiet}
    for name, path in kept.items():
        shutil.copy(path, folder / f"{name}.parquet")
        shown = ("姓名",) if name in NIGHTS else ()
        for language in Language if name == "usual" else [Language.EN]:
            report = read_parquet(path)
            with (folder / f"{name}-{language}.xlsx").open("wb") as file:
                write_excel(replace(report, show=shown), file, language)
    for language in Language:
        with (folder / f"history-{language}.xlsx").open("wb") as file:
            history = read_history(dated_reports(folder / "reports"))
            write_history_excel(history, file, language)
    convert(folder, "xlsx", *(path.name for path in folder.glob("*.xlsx")))
    return folder


@cache
def book_of(folder, name):
    with warnings.catch_warnings():  # openpyxl does not read LibreOffice's charts
        warnings.filterwarnings("ignore", "Unable to read chart", UserWarning)
        return openpyxl.load_workbook(folder / "read" / f"{name}.xlsx")


def charts_of(folder, name):
    """Return the number of lines or sets of columns of each chart, as LibreOffice saved it."""
    with zipfile.ZipFile(folder / "read" / f"{name}.xlsx") as file:
        names = [each for each in file.namelist() if re.fullmatch(r"xl/charts/chart\d+.xml", each)]
        return sorted(len(re.findall("<c:ser>", file.read(each).decode())) for each in names)


def records(sheet, heading):
    """Return the rows of the table whose first column has that heading."""
    lines = list(sheet.iter_rows(values_only=True))
    top = next(at for at, line in enumerate(lines) if line[0] == heading and line[1])
    names = [name for name in lines[top] if name]
    found = []
    for line in lines[top + 1 :]:
        if line[0] is None:
            break
        found.append(dict(zip(names, line, strict=False)))
    return found


def ask(folder, name, query):
    return duckdb.sql(query.format(f"'{folder / name}.parquet'")).fetchall()


ORGANIZATIONS = """
SELECT organization_id,
    count(*) FILTER (change = 'CLOSED' OR change = 'CLEARED' AND previous_state = 'ON') AS lost,
    count(*) FILTER (change IN ('OPENED', 'REOPENED')),
    count(*) FILTER (state = 'ON'), count(*) FILTER (state = 'OFF'),
    count(*) FILTER (state = 'NONE'), count(*) FILTER (state = 'UNKNOWN'), count(state)
FROM {} GROUP BY ALL HAVING count(state) > 0 OR count(*) FILTER (change = 'DROPPED') > 0
"""
COUNTED = ("organization_id", "lost", "gained", "ON", "OFF", "NONE", "UNKNOWN", "pairs")


@pytest.mark.parametrize("name", ["usual", pytest.param("large", marks=pytest.mark.manual)])
def test_the_organizations_are_those_of_duckdb_and_those_that_lost_most_come_first(folder, name):
    rows = records(book_of(folder, f"{name}-en")["Organizations"], "organization_id")
    found = [tuple(row[column] for column in COUNTED) for row in rows]
    assert sorted(found) == sorted(ask(folder, name, ORGANIZATIONS))
    order = [(-row["lost"], -row["gained"], -row["pairs"]) for row in rows]
    assert order == sorted(order)
    for row in rows:
        assert row["net"] == row["gained"] - row["lost"]
        assert row["CLOSED"] <= row["lost"]
    assert len(rows) == {"usual": 12, "large": 3_000}[name]


@pytest.mark.parametrize(
    "name", ["first", "usual", "quiet", pytest.param("large", marks=pytest.mark.manual)]
)
def test_states_and_pairs_are_those_of_duckdb(folder, name):
    book = book_of(folder, f"{name}-en")
    states = {row["state"]: row["pairs"] for row in records(book["Summary"], "state")}
    assert {state: count for state, count in states.items() if count} == dict(
        ask(folder, name, "SELECT state, count(*) FROM {} WHERE state IS NOT NULL GROUP BY 1")
    )
    changed = ask(
        folder, name,
        "SELECT organization_id, openid, change FROM {} "
        "WHERE change NOT IN ('UNCHANGED', 'UNKNOWN', 'ABSENT')",
    )  # fmt: skip
    unknown = ask(
        folder,
        name,
        "SELECT organization_id, openid, unknown_reason FROM {} WHERE state = 'UNKNOWN'",
    )
    for sheet, column, expected in (
        ("Changes", "change", changed), ("Unknown", "unknown_reason", unknown),
    ):  # fmt: skip
        if expected:
            rows = records(book[sheet], "organization_id")
            keys = [(row["organization_id"], row["openid"], row[column]) for row in rows]
            assert sorted(keys) == sorted(expected)
        else:
            assert book[sheet].max_row == 1


def test_the_trend_is_that_of_the_nights_and_has_its_charts(folder):
    book = book_of(folder, "usual-en")
    nights = {night[0]: night for night in Judge(folder / "reports").nights()}
    rows = records(book["Trend"], "night")
    assert len(rows) == 10
    for row in rows:
        night = nights.get(row["night"].date())
        numbers = [row[name] for name in ("pairs", "ON", "OFF", "NONE", "gained", "lost")]
        if night is None:
            assert set(numbers) == {None}
            assert row["remark"] == "no run"
        else:
            assert numbers == [*night[1:5], night[7], night[8]]
    assert charts_of(folder, "usual-en") == [1, 2, 4]


def test_a_first_night_and_a_quiet_one_say_so(folder):
    for name, said in (("first", "No comparison"), ("quiet", "Nothing changed since 2025-03-03")):
        book = book_of(folder, f"{name}-en")
        assert book["Transitions"].max_row == 1
        assert book["Transitions"]["A1"].value.startswith(said)
    assert book["Changes"].max_row == 1


def test_the_chinese_workbook_has_the_same_numbers(folder):
    english, chinese = book_of(folder, "usual-en"), book_of(folder, "usual-zh")
    assert len(english.sheetnames) == len(chinese.sheetnames) == 7
    for one, other in zip(english.worksheets, chinese.worksheets, strict=True):
        numbers = [
            [
                cell
                for row in sheet.iter_rows(values_only=True)
                for cell in row
                if isinstance(cell, (int, float, datetime))
            ]
            for sheet in (one, other)
        ]
        assert numbers[0] == numbers[1]
        assert numbers[0]


@pytest.mark.parametrize(("language", "name"), [("en", "Nights"), ("zh", "逐日")])
def test_the_history_has_the_nights_of_duckdb(folder, language, name):
    book = book_of(folder, f"history-{language}")
    lines = list(book[name].iter_rows(values_only=True))
    rows = [line for line in lines if isinstance(line[0], datetime)]
    judge = {night[0]: night for night in Judge(folder / "reports").nights()}
    assert len(rows) == 10
    for row in rows:
        night = judge.get(row[0].date())
        shown = [row[at] for at in (1, 3, 4, 5, 6, 7, 8, 9)]
        expected = [*night[1:5], night[7], night[8], night[9], night[6]] if night else [None] * 8
        assert shown == expected
    small = sum(
        each.lost > 0 for each in read_history(dated_reports(folder / "reports")).organizations
    )
    assert charts_of(folder, f"history-{language}") == sorted([1, 2, 1, *[1] * small])


def test_shares_are_seen_as_on_the_page(folder):
    convert(folder, AS_SHOWN, "usual-en.xlsx")
    with (folder / "read" / "usual-en-Organizations.csv").open(encoding="utf-8") as file:
        seen = {row["organization_id"]: row for row in csv.DictReader(file)}
    summary = read_parquet(folder / "usual.parquet").summary
    assert len(seen) == len(summary.by_organization)
    for name, own in summary.by_organization.items():
        for column, part, whole in (
            ("share ON before", own.on_before, own.pairs_before),
            ("share ON after", own.on_after, own.pairs),
            ("share lost", own.lost, own.on_before),
        ):
            assert seen[name][column] == share(part, whole).replace(" %", "%")
        assert seen[name]["net"] == (f"{own.net:+,}" if own.net else "0")


def test_a_file_that_it_cannot_open_fails(tmp_path):
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 and then nothing of a workbook")
    with pytest.raises(AssertionError, match="did not convert broken"):
        convert(tmp_path, "xlsx", "broken.xlsx")
