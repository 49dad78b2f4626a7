"""Many nights, by the command: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from datetime import date
from html.parser import HTMLParser

import openpyxl
import pyarrow.parquet as pq
import pytest

from jobs.report.model import GatewayId
from tests.forkserver import COMMANDS
from tests.history_sql import Judge
from tests.many_nights import FIRST, People, write_nights
from tests.night import SCRIPTS

PEOPLE = People.of(300, 6, seed=5, moves=0.06, carried={0: ("class",)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve nights, of which two have no report, one is bad and one quiet."""
    folder = tmp_path_factory.mktemp("nights") / "reports"
    write_nights(folder, PEOPLE, 12, without=(3, 4), bad=(6,), quiet=(8,))
    return folder


def show(*words, scripts=COMMANDS, **options):
    command = [scripts / "palm-report", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, **options)


def test_a_folder_of_nights_is_a_line_a_night_and_missing_ones_are_seen(folder):
    shown = show(folder, scripts=SCRIPTS)
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert lines[0] == "! 2 nights have no report: 2026-08-06 – 2026-08-07."
    dates = [line[:10] for line in lines if line.startswith("2026-08-") and line[10] == " "]
    assert len(dates) == 11
    assert "2026-08-06 – 2026-08-07  no report (2 nights)" in lines
    assert max(map(len, [line for line in lines if line[:4] == "2026"][1:])) <= 80


@pytest.mark.slow
def test_every_format_has_the_numbers_that_duckdb_finds(folder, tmp_path):
    names = ("html", "xlsx", "csv", "json", "parquet")
    outputs = [word for name in names for word in ("-o", tmp_path / f"history.{name}")]
    shown = show(folder, *outputs)
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
    judge = Judge(folder)
    found = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    with (tmp_path / "history.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    rows = pq.read_table(tmp_path / "history.parquet").to_pylist()
    book = openpyxl.load_workbook(tmp_path / "history.xlsx")
    cells = list(book["Nights"].iter_rows(min_row=4, values_only=True))
    assert len(found["nights"]) == 10
    assert len(lines) == len(rows) == len(cells) == 12
    nights = {each[0]: each for each in judge.nights()}
    by_date = {each["run_date"]: each for each in found["nights"]}
    names = ("pairs", "on", "off", "none", "answered_on", "unknown", "gained", "lost", "hidden",
             "first_seen", "dropped")  # fmt: skip
    for line, row, cell in zip(lines, rows, cells, strict=True):
        day = row["run_date"]
        assert line["run_date"] == str(day) == str(cell[0].date())
        if day not in nights:
            assert {line[name] for name in names} == {""}
            assert {row[name] for name in names} == {cell[3]} == {None}
            continue
        expected = dict(zip(names, nights[day][1:], strict=True))
        assert {name: row[name] for name in names} == expected
        assert {name: int(line[name]) for name in names} == expected
        assert {name: by_date[str(day)][name] for name in names} == expected
        assert (cell[1], cell[3], cell[6], cell[7]) == (
            expected["pairs"], expected["on"], expected["gained"], expected["lost"],
        )  # fmt: skip
    table = Cells((tmp_path / "history.html").read_text(encoding="utf-8")).rows
    on = {
        row[0]: int(row[1].replace(",", "")) for row in table if len(row) == 11 and row[1] != "ON"
    }
    assert on == {str(day): night[2] for day, night in nights.items()}


def test_the_workbook_has_charts_of_excel(folder, tmp_path):
    show(folder, "-o", tmp_path / "history.xlsx")
    book = openpyxl.load_workbook(tmp_path / "history.xlsx")
    assert len(book["Trend"]._charts) == 2
    assert len(book["Organization nights"]._charts) == 6
    assert len(book["Durations"]._charts) == 1


def test_since_and_until_choose_nights(folder):
    shown = show(
        folder, "--since", "2026-08-08", "--until", "2026-08-10", "-o", "-", "--format", "csv"
    )
    assert [line[:10] for line in shown.stdout.splitlines()[1:]] == [
        "2026-08-08", "2026-08-09", "2026-08-10",
    ]  # fmt: skip
    for words, said in (
        (("--since", "2027-01-01"), "has no report of these dates; it has 10 from 2026-08-03 to"),
        (("--since", "tomorrow"), "--since: 'tomorrow' is not a date such as 2026-11-21"),
    ):
        refused = show(folder, *words)
        assert refused.returncode == (65 if "2027" in words[1] else 2)
        assert said in refused.stderr


@pytest.mark.slow
def test_in_chinese_no_english_sentence_is_left(folder, tmp_path):
    shown = show(folder, "--lang", "zh")
    assert "有 2 天没有报告" in shown.stdout
    assert "nights" not in shown.stdout
    show(folder, "--lang", "zh", "-o", tmp_path / "history.xlsx")
    assert openpyxl.load_workbook(tmp_path / "history.xlsx").sheetnames[0] == "逐日"


@pytest.fixture
def copy(folder, tmp_path):
    """The same nights, to be damaged."""
    target = tmp_path / "reports"
    target.mkdir()
    for day in folder.iterdir():
        (target / day.name).mkdir()
        os.link(day / "report.parquet", target / day.name / "report.parquet")
    return target


def test_a_report_that_is_damaged_is_named_its_night_left_out_and_the_exit_code_65(copy, tmp_path):
    damaged = copy / "run_date=2026-08-09" / "report.parquet"
    content = damaged.read_bytes()
    damaged.unlink()
    damaged.write_bytes(content[:-400])
    shown = show(copy)
    assert shown.returncode == 65
    assert f"! {damaged} is not a Parquet file, or a damaged one; this night is left out" in (
        shown.stdout
    )
    assert "2026-08-09  no report" in shown.stdout
    written = show(copy, "-o", tmp_path / "history.html")
    assert written.returncode == 65
    assert str(damaged) in written.stderr
    assert "2026-08-09" in (tmp_path / "history.html").read_text(encoding="utf-8")


def test_a_report_in_the_folder_of_another_date_is_not_believed(copy):
    (copy / "run_date=2026-08-09").rename(copy / "run_date=2026-08-20")
    shown = show(copy)
    assert shown.returncode == 65
    assert "is a report of 2026-08-09, not of the date of its folder" in shown.stdout


def test_what_is_not_the_report_of_a_date_is_named(copy):
    (copy / "notes.txt").write_text("for me")
    (copy / "run_date=2026-02-30").mkdir()
    (copy / ".report.lock").touch()
    shown = show(copy)
    assert shown.returncode == 0
    assert shown.stderr == (
        f"palm-report: {copy}: not the report of a date, and left out: notes.txt, "
        "run_date=2026-02-30\n"
    )


@pytest.mark.slow
def test_reports_of_two_merchants_are_refused(copy):
    write_nights(
        copy, PEOPLE, 1, first=date(2026, 8, 20), gateway=GatewayId("wechatpay", "1900000001")
    )
    shown = show(copy)
    assert shown.returncode == 2
    assert "is a report of merchant 1900000001 at wechatpay, and that of 2026-08-14 is of" in (
        shown.stderr
    )
    assert show(copy, "--until", "2026-08-14").returncode == 0


def test_nothing_is_written_among_the_reports(copy):
    before = sorted(copy.rglob("*"))
    for name in ("history.html", "run_date=2026-08-03/report.parquet", "run_date=2026-08-03/x.csv"):
        refused = show(copy, "-o", copy / name)
        assert refused.returncode == 2
        assert "is in the folder of reports, which others read whole" in refused.stderr
    assert show(copy, "-o", f"{copy}/").returncode == 2
    assert sorted(copy.rglob("*")) == before


def test_an_output_that_cannot_be_written_is_73(folder, tmp_path):
    assert show(folder, "-o", tmp_path / "missing" / "folder" / "history.html").returncode == 73


def test_the_rows_of_one_report_cannot_be_asked_of_many(folder):
    refused = show(folder, "--changes")
    assert refused.returncode == 2
    assert "--changes is about one report: name a day's folder" in refused.stderr


def test_since_and_until_are_about_a_folder_only(folder):
    refused = show(folder / "run_date=2026-08-03", "--since", "2026-08-01")
    assert refused.returncode == 2
    assert "--since and --until choose nights of a folder" in refused.stderr


def test_one_night_alone_is_no_error(tmp_path):
    write_nights(tmp_path, PEOPLE, 1)
    shown = show(tmp_path)
    assert shown.returncode == 0
    assert "There is only one night: nothing to compare yet." in shown.stdout
    assert show(tmp_path / f"run_date={FIRST}").returncode == 0


class Cells(HTMLParser):
    """The rows of all tables of a page, as text."""

    def __init__(self, text):
        super().__init__()
        self.rows, self._open = [], False
        self.feed(text)

    def handle_starttag(self, tag, _):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self._open = tag in ("td", "th") or (self._open and tag in ("small", "span"))

    def handle_endtag(self, _):
        self._open = False

    def handle_data(self, data):
        if self._open:
            self.rows[-1][-1] += data.strip()
