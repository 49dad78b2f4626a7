"""What the pages show is what the program does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from datetime import date, timedelta

import click
import duckdb
import pandas as pd
import polars as pl
import pyarrow.compute as pc
import pytest

from jobs.commands.exit_codes import EXIT_CODES
from jobs.report.parquet import read_parquet
from jobs.schema import ROWS, Change, State, UnknownReason
from palm.commands.main import command as palm
from palm.sandbox.faults import Fault
from tests import readme
from tests.forkserver import COMMANDS
from tests.parted import write_parts

PROJECT = tomllib.loads((readme.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HELP = [name for name in readme.ROOMS if name.startswith("help")]


@pytest.mark.parametrize("name", HELP)
def test_help_stands_on_its_page(name):
    assert readme.written(readme.ROOMS[name])[name] == readme.block(name)


def test_every_block_stands_on_its_page_and_on_no_other():
    found = [(name, page) for page in readme.PAGES for name in readme.written(page)]
    assert sorted(found) == sorted(readme.ROOMS.items())


def test_every_command_has_its_help_on_a_page():
    """A group shows what its subcommands do; those of ``palm`` are the only ones."""
    assert isinstance(palm, click.Group)
    commands = {*PROJECT["project"]["scripts"], *(f"palm {name}" for name in palm.commands)}
    assert {name.removeprefix("help: ") for name in HELP} == commands - {"palm"}


@pytest.mark.slow
def test_the_first_command_prints_what_the_readme_shows():
    """Tables are the same to the letter; only times, ids and speeds are those of the day."""
    shown, printed = readme.written(readme.README)["transcript"], readme.block("transcript")
    tables, printed_tables = (text.split("Asked ")[0] for text in (shown, printed))
    assert printed_tables == tables
    assert re.search(r"Controls: (\d+) of \1 hold", printed)


def first_cells(text):
    """Return the code and the numbers in the first cell of each row of a page's tables."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return [name for cell in cells for name in re.findall(r"`(\w+)`|\b(\d+)\b", cell)]


def test_every_column_of_the_report_has_its_row():
    rows = first_cells(readme.section(readme.JOBS, "### Columns"))
    assert sorted(name for name, _ in rows if name in ROWS) == sorted(ROWS)


@pytest.mark.parametrize("page", [readme.JOBS, readme.TWINS[readme.JOBS]])
def test_the_table_of_columns_is_the_program_s(page):
    assert readme.text_of(page) == readme.with_columns(page)


def test_every_state_and_reason_stands_with_its_column():
    table = readme.section(readme.JOBS, "### Columns").splitlines()
    for column, words in (("state", State), ("unknown_reason", UnknownReason)):
        (row,) = [line for line in table if line.startswith(f"| `{column}` |")]
        assert set(re.findall(r"`([A-Z_]+)`", row)) == set(words)


def test_every_change_has_its_row():
    rows = first_cells(readme.section(readme.JOBS, "### Changes"))
    assert sorted(name for name, _ in rows) == sorted(Change)


def test_every_exit_code_has_its_row():
    rows = first_cells(readme.section(readme.README, "## Exit codes"))
    assert [int(code) for _, code in rows] == [each.code for each in EXIT_CODES]


def test_every_fault_stands_on_the_page_of_the_sandbox():
    shown = readme.text_of(readme.SANDBOX)
    assert [fault for fault in Fault if not re.search(rf"^    {fault} ", shown, re.MULTILINE)] == []


def example(heading, language):
    """Return the example of a language under a heading of the job's page."""
    (code,) = re.findall(
        rf"```{language}\n(.*?)```", readme.section(readme.JOBS, heading), re.DOTALL
    )
    return code


@pytest.fixture(scope="module")
def nights(tmp_path_factory, quick_commands):
    """The folder in which ``reports/`` has three nights; the second input has one column more."""
    folder = tmp_path_factory.mktemp("nights")
    sample = readme.ROOT / "sample_data" / "pairs.csv"
    lines = sample.read_text(encoding="utf-8").splitlines()[:800]
    for night in range(3):
        more = ["," + ("remark" if at == 0 else "") for at in range(len(lines))]
        added = more if night else [""] * len(lines)
        text = "\n".join(map("".join, zip(lines, added, strict=True)))
        (folder / "pairs.csv").write_text(text, encoding="utf-8")
        day = date(2026, 11, 20) + timedelta(days=night)
        words = ["pairs.csv", "-o", "reports/", "--run-date", str(day), "--sandbox"]
        command = [COMMANDS / "palm-reconcile", *words]
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return folder


@pytest.fixture
def report(nights):
    """The report of the last of the three nights."""
    return nights / "reports" / "run_date=2026-11-22" / "report.parquet"


@pytest.mark.slow
def test_the_pandas_example_runs_on_the_report(report):
    code = example("### Reading one night", "python")
    names = {}
    exec(code.replace("report.parquet", str(report)), names)  # noqa: S102 - our own page
    assert names["report"]["state"].value_counts()["ON"] > 0
    assert isinstance(names["report"], pd.DataFrame)


@pytest.mark.slow
def test_the_duckdb_example_runs_on_the_report(report):
    queries = example("### Reading one night", "sql").replace("report.parquet", str(report))
    by_state, reopened = (
        duckdb.sql(query).to_arrow_table() for query in queries.strip().splitlines()
    )
    assert pc.sum(by_state.columns[-1]).as_py() == pd.read_parquet(report)["state"].count()
    assert len(reopened)


@pytest.mark.slow
def test_the_pandas_example_reads_all_nights(nights, monkeypatch):
    monkeypatch.chdir(nights)
    *lines, last = example("### Reading all nights", "python").strip().splitlines()
    names = {}
    exec("\n".join([*lines, f"lost = {last}"]), names)  # noqa: S102 - our own page
    with_remark = names["nights"].groupby("run_date")["remark"].count()
    assert (with_remark > 0).to_dict() == {
        "2026-11-20": False, "2026-11-21": True, "2026-11-22": True,
    }  # fmt: skip
    assert set(names["nights"]["run_date"]) == {"2026-11-20", "2026-11-21", "2026-11-22"}
    assert names["lost"]["2026-11-21"] > 0


@pytest.mark.slow
def test_the_polars_example_reads_all_nights(nights, monkeypatch):
    """Its dates are dates, and a column that the first night does not have is there."""
    monkeypatch.chdir(nights)
    *lines, last = example("### All nights in Polars", "python").strip().splitlines()
    names = {}
    exec("\n".join([*lines, f"states = {last}"]), names)  # noqa: S102 - our own page
    found = names["nights"].collect()
    assert found["last_in_input"].dtype == found["run_date"].dtype == pl.Date
    assert found["last_in_input"].max() == date(2026, 11, 21)
    assert found.filter(pl.col("remark").is_not_null())["run_date"].min() == date(2026, 11, 21)
    assert names["states"]["len"].sum() == len(found)


def test_the_duckdb_example_reads_all_nights(nights, monkeypatch):
    monkeypatch.chdir(nights)
    queries = example("### Reading all nights", "sql").strip().split(";\n")
    states, one, runs = (duckdb.sql(query.rstrip(";")).fetchall() for query in queries)
    nights_known = [date(2026, 11, day) for day in (20, 21, 22)]
    assert sorted({day for day, *_ in states}) == nights_known
    assert [day for day, *_ in one] == nights_known
    assert all(run for _, run in runs)
    assert len(runs) == len(nights_known)


@pytest.fixture(scope="module")
def nights_in_parts(nights, tmp_path_factory):
    """The folder in which ``reports/`` has a night in one file, and then one in parts."""
    folder = tmp_path_factory.mktemp("parts")
    first, second = (f"reports/run_date=2026-11-{day}" for day in (20, 21))
    shutil.copytree(nights / first, folder / first)
    report = read_parquet(nights / second / "report.parquet")
    write_parts(report, folder / second, 4)
    return folder


def test_the_examples_read_a_report_in_parts(nights_in_parts, monkeypatch):
    """Each program reads all rows with one line, and pandas the metadata of the whole report."""
    monkeypatch.chdir(nights_in_parts)
    day = nights_in_parts / "reports" / "run_date=2026-11-21"
    assert sorted(path.name for path in day.iterdir()) == [
        f"part-0000{n}.parquet" for n in range(4)
    ]
    *imports, in_pandas, in_polars = example("### A report in parts", "python").splitlines()
    names = {}
    exec("\n".join([*imports, in_pandas]), names)  # noqa: S102 - our own page
    report = names["report"]
    exec("\n".join([*imports, in_polars]), names)  # noqa: S102 - our own page
    query = example("### A report in parts", "sql").strip().rstrip(";")
    found = duckdb.sql(query).fetchall()
    assert len(report) == len(names["report"]) == len(found) > 700
    summary = report.attrs["palm_reconcile"]["summary"]
    assert report["state"].value_counts().to_dict() == summary["states"]
    ordered = report.sort_values("input_line", na_position="last")
    assert ordered["openid"].tolist()[:9] == [row[1] for row in found[:9]]


def test_the_other_examples_read_reports_of_both_kinds(nights_in_parts, monkeypatch):
    """With ``*.parquet`` in place of ``report.parquet``."""
    monkeypatch.chdir(nights_in_parts)
    names = {}
    for heading in ("### Reading all nights", "### All nights in Polars"):
        code = example(heading, "python").replace("report.parquet", "*.parquet")
        exec(code, names)  # noqa: S102 - our own page
        nights = names["nights"]
        rows = nights.collect().to_pandas() if isinstance(nights, pl.LazyFrame) else nights
        assert rows.groupby("run_date", observed=True).size().min() > 700
        assert rows["run_date"].nunique() == 2
    queries = example("### Reading all nights", "sql").replace("report.parquet", "*.parquet")
    states, _, runs = (
        duckdb.sql(query.rstrip(";")).fetchall() for query in queries.strip().split(";\n")
    )
    assert {day for day, *_ in states} == {date(2026, 11, 20), date(2026, 11, 21)}
    assert [name.rpartition("/")[2] for name, _ in runs] == ["report.parquet", "part-00000.parquet"]


def test_both_commands_set_up_an_environment_first():
    for command in readme.commands():
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")


def test_the_commands_run_on_this_python():
    """The README promises 3.11; the package asks for no more."""
    assert sys.version_info >= (3, 11)
    assert PROJECT["project"]["requires-python"] == ">=3.11"
