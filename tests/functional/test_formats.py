"""Every format through the command: several at once, into a pipe, and with whatever is asked."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from jobs.render import FORMATS
from jobs.report.parquet import read_parquet
from tests.forkserver import COMMANDS
from tests.night import DAY, NEXT, write_pairs

HOSTILE = ["<script>alert(1)</script>", "=1+1", '"; DROP', "掌" * 128]
FILES = [f"report.{suffix}" for suffix in FORMATS]


class Cells(HTMLParser):
    """The texts of a page's table cells, and the tags that it has."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.cells = set(), [""]
        self.feed(page)

    def handle_starttag(self, tag, _):
        self.tags.add(tag)
        self.cells += [""]

    def handle_data(self, data):
        self.cells[-1] += data


def rows_of_csv(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def several(*paths):
    return [word for path in paths for word in ("-o", path)]


def test_several_outputs_are_written_at_once_from_one_report(reconcile, gateway):
    ended = reconcile(*several(*FILES[1:]))
    assert (ended.code, ended.out) == (0, "")
    assert [line for line in ended.err.splitlines() if "Written" in line] == [
        f"Written: {name}" for name in FILES
    ]
    assert set(gateway.stats.asked.values()) == {1}
    report = read_parquet(Path("report.parquet"))
    assert json.loads(Path("report.json").read_text(encoding="utf-8")) == report.about
    rows = rows_of_csv(Path("report.csv").read_bytes())
    assert [row["state"] for row in rows] == list(report.rows["state"])
    assert report.run_id in Path("report.html").read_text(encoding="utf-8")
    book = openpyxl.load_workbook("report.xlsx")
    assert book["Changes"].max_row == 31


def test_where_one_output_cannot_be_written_none_is(reconcile, folder):
    assert reconcile("-q", "-o", "report.csv").code == 0
    before = Path("report.parquet").read_bytes(), Path("report.csv").read_bytes()
    Path("report.html").mkdir()
    ended = reconcile("-q", "-o", "report.csv", "-o", "report.html", run_date=NEXT)
    assert (ended.code, ended.out) == (73, "")
    assert "report.html is a folder" in ended.only_line
    assert (Path("report.parquet").read_bytes(), Path("report.csv").read_bytes()) == before
    assert {path.name for path in folder.iterdir()} == {
        ".report.lock", "keys", "pairs.csv", "report.csv", "report.html", "report.parquet",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_standard_output_carries_the_report_and_nothing_else(pipe, config, source, name):
    given = [source, "-o", "-", "--format", name, "--run-date", DAY, "--config", config]
    done = pipe("palm-reconcile", *given)
    assert done.returncode == 0
    assert b"30 pairs" in done.stderr
    if name == "parquet":
        assert len(pd.read_parquet(io.BytesIO(done.stdout))) == 30
    elif name == "csv":
        assert len(rows_of_csv(done.stdout)) == 30
    elif name == "xlsx":
        assert openpyxl.load_workbook(io.BytesIO(done.stdout))["Changes"].max_row == 31
    elif name == "html":
        assert done.stdout.startswith(b"<!doctype html>")
        assert done.stdout.rstrip().endswith(b"</html>")
    else:
        assert json.loads(done.stdout)["summary"]["pairs"] == 30
    assert not list(Path().glob("*report*")), "no file is written"


@pytest.mark.slow
def test_standard_output_may_stand_beside_files(pipe, config, source):
    given = [source, *several("r.parquet", "-", "r.json"), "--format", "csv"]
    done = pipe("palm-reconcile", *given, "--run-date", DAY, "--config", config, "-q")
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(rows_of_csv(done.stdout)) == len(read_parquet(Path("r.parquet")).rows) == 30
    assert json.loads(Path("r.json").read_text(encoding="utf-8"))["run"]["exit_code"] == 0


@pytest.mark.slow
def test_a_reader_of_standard_output_who_is_gone_ends_it_with_73(folder, config, source):
    read, write = os.pipe()
    os.close(read)
    given = [source, "-o", "-", "--format", "csv", "--run-date", str(DAY), "--config", config]
    done = subprocess.run(
        [COMMANDS / "palm-reconcile", *given, "-q"],
        stdout=write, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(write)
    assert done.returncode == 73
    assert b"standard output cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["-o", "-"], "--format goes with -o -"),
        (["-o", "r.parquet", "--format", "csv"], "--format goes with -o -"),
        (["-o", "r.parquet", "-o", "r.parquet"], "is named twice"),
        (["-o", "r.parquet", "-o", "../{folder}/r.parquet"], "is named twice"),
        (["-o", "a/", "-o", "b/"], "only one of the outputs can be a folder"),
        (["-o", "r.parquet", "-o", "a/"], "name the folder a/ first"),
        (["-o", "report"], "the format is known by the suffix"),
        (["-o", "r.parquet", "--keep", "3"], "--keep goes with an output folder"),
    ],
)
def test_outputs_that_do_not_go_together_end_with_2(call, source, folder, given, said):
    ended = call(source, *[word.format(folder=folder.name) for word in given], "--sandbox")
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.only_line


def test_the_first_parquet_file_is_the_one_compared_with(reconcile, gateway):
    assert reconcile("-q", "-o", "copy.parquet").code == 0
    gateway.date = NEXT
    assert reconcile("-q", "-o", "copy.parquet", run_date=NEXT).code == 0
    for name in ("report.parquet", "copy.parquet"):
        assert read_parquet(Path(name)).about["baseline"]["run_date"] == "2025-03-03"
    assert Path("report.previous.parquet").exists()
    assert not Path("copy.previous.parquet").exists()


def test_a_link_stays_one_and_what_it_points_to_is_replaced(reconcile, folder):
    (folder / "store").mkdir()
    Path("report.parquet").symlink_to("store/night.parquet")
    for day in (DAY, NEXT):
        assert reconcile("-q", run_date=day).code == 0
        assert Path("report.parquet").is_symlink()
        assert read_parquet(Path("store/night.parquet")).run_date == day
    assert read_parquet(Path("store/night.previous.parquet")).run_date == DAY


def test_labels_are_chinese_where_asked_and_names_of_the_csv_stay(reconcile):
    assert reconcile("-q", "--lang", "zh", *several(*FILES[1:])).code == 0
    page = Path("report.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in page
    assert "刷掌授权核对报告" in page
    assert "<td>首次出现" in page
    book = openpyxl.load_workbook("report.xlsx")
    assert book.sheetnames == ["摘要", "机构", "状态迁移", "趋势", "变更", "未知", "关于"]
    assert [cell.value for cell in book["变更"][1]][:3] == ["机构", "openid", "变更"]
    assert {cell.value for cell in book["变更"]["C"][1:]} == {"首次出现"}
    assert rows_of_csv(Path("report.csv").read_bytes())[0]["change"] == "FIRST_SEEN"


@pytest.fixture
def hostile(folder):
    """Return an input whose openids each mean something to some reader of the report."""
    path = folder / "hostile.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["openid", "organization_id", "note"], *([one, "0042", one] for one in HOSTILE)]
        )
    return path


GUARDED = [HOSTILE[0], "'=1+1", *HOSTILE[2:]]
"""As they stand in a CSV: what a spreadsheet would run begins with a ``'``."""


@pytest.fixture
def hostile_report(reconcile, hostile):
    assert reconcile("-q", "--show", "note", *several(*FILES[1:]), source=hostile).code == 0


def test_hostile_openids_go_through_every_format_unharmed(hostile_report, gateway):
    assert {openid for _, openid in gateway.stats.asked} == set(HOSTILE)

    report = pd.read_parquet("report.parquet")
    assert list(report["openid"]) == list(report["note"]) == HOSTILE

    rows = rows_of_csv(Path("report.csv").read_bytes())
    assert [row["openid"] for row in rows] == [row["note"] for row in rows] == GUARDED

    cells = list(openpyxl.load_workbook("report.xlsx")["Changes"].iter_rows(min_row=2))
    for column in (1, 2):
        found = {(row[column].value, row[column].data_type) for row in cells}
        assert found == {(openid, "s") for openid in HOSTILE}

    page = Cells(Path("report.html").read_text(encoding="utf-8"))
    assert set(HOSTILE) <= {cell.strip() for cell in page.cells}
    assert "script" not in page.tags

    text = Path("report.json").read_text(encoding="utf-8")
    assert json.loads(text)["summary"]["pairs"] == len(HOSTILE)
    assert not [openid for openid in HOSTILE if openid in text]


def test_hostile_openids_are_shown_as_they_are(hostile_report, show, pipe, monkeypatch):
    piped = pipe("palm-report", "report.parquet", "--changes")
    assert [row["openid"] for row in rows_of_csv(piped.stdout)] == GUARDED
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal
    monkeypatch.setenv("COLUMNS", "500")
    table = show("report.parquet", "--changes").out
    assert all(openid in table for openid in HOSTILE)


def test_the_report_as_csv_is_an_input_again(reconcile, gateway, hostile):
    """Its own columns come back with ``input_`` in front; what was guarded is as it was."""
    assert reconcile("-q", "-o", "report.csv", source=hostile).code == 0
    ended = reconcile("-q", source="report.csv", output="again.parquet")
    assert (ended.code, ended.err) == (0, "")
    rows = pd.read_parquet("again.parquet")
    assert list(rows["openid"]) == list(rows["note"]) == HOSTILE
    assert list(rows["input_state"]) == list(pd.read_parquet("report.parquet")["state"])


def test_an_input_that_lost_more_than_a_tenth_is_said_first(reconcile, folder):
    assert reconcile("-q").code == 0
    fewer = reconcile("-o", "report.html", source=write_pairs(folder / "f.csv", 26), run_date=NEXT)
    summary = fewer.err[fewer.err.index("\n! ") :]
    assert " ".join(summary.split()).startswith(
        "! 4 of 30 pairs of the last report (2025-03-03) are missing from today's input (13.3 %): "
        "is it complete? 2025-03-04: of 26 pairs"
    )
    page = Path("report.html").read_text(encoding="utf-8")
    assert page.index("4 of 30 pairs of the last report") < page.index('class="headline"')
    assert fewer.code == 0, "it is a warning; --fail-on 'dropped>10%' makes it more"


def test_an_input_that_lost_a_tenth_is_not_warned_of(reconcile, folder):
    assert reconcile("-q").code == 0
    ended = reconcile(source=write_pairs(folder / "f.csv", 27), run_date=NEXT)
    assert ended.err.startswith("2025-03-04: of 27 pairs")
