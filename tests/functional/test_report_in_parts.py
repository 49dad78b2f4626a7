"""palm-report on a report in parts: what it shows and writes is what it does of one file."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.partitions.file_names import part_file
from jobs.partitions.hashing import partition_numbers
from jobs.report.model import Report
from jobs.report.parquet import read_parquet, write_parquet
from tests.parted import write_parts
from tests.several_nights import several_nights
from tests.unit.jobs.conftest import _report_of

FIRST, SECOND = date(2025, 3, 3), date(2025, 3, 4)
PARTS = 4
DAY = "reports/run_date=2025-03-04"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with two nights, the second in one file and in parts."""
    folder = tmp_path_factory.mktemp("made")
    chance = random.Random(5)
    kinds = ("ON", "OFF", "NONE", "UNKNOWN")
    heard = {f"{i % 5:04}/o{i:027}": chance.choice(kinds) for i in range(300)}
    first = _report_of(heard, FIRST)
    write_parquet(first, folder / "first.parquet")
    heard = {pair: chance.choice([state, *kinds]) for pair, state in heard.items()}
    gone = [pair for pair in heard if chance.random() < 0.1]
    heard = {pair: state for pair, state in heard.items() if pair not in gone}
    heard |= {f"0009/new{i}": "ON" for i in range(9)}
    second = _report_of(
        heard, SECOND, baseline=first, baseline_file=folder / "first.parquet", extra_lines=",7\n"
    )
    write_parts(second, folder / "parts", PARTS)
    write_parquet(as_merged(second), folder / "one.parquet")
    return folder


def as_merged(report: Report) -> Report:
    """Return the report with the pairs that are not in the input part by part, at the end."""
    rows = report.rows
    numbers = partition_numbers(rows["organization_id"], rows["openid"], 2)
    here = rows["input_line"].notna().to_numpy()
    assert not here.all()
    return replace(report, content=rows.iloc[np.lexsort((np.where(here, 0, numbers), ~here))]
                   .reset_index(drop=True))  # fmt: skip


@pytest.fixture
def nights(folder, made):
    """Lay them into the test's own folder: ``one.parquet``, and the folder of the day in parts."""
    for name in ("first.parquet", "one.parquet"):
        shutil.copy(made / name, name)
    shutil.copytree(made / "parts", DAY)
    return folder


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-v",),
        ("--changes",),
        ("--unanswered",),
        ("--organization", "0003"),
        ("--where", "class=k-new3", "--changes"),
        ("--by", "class"),
        ("--lang", "zh"),
    ],
)
def test_it_prints_what_it_prints_of_one_file(nights, show, options):
    one, several = (show(path, *options) for path in ("one.parquet", DAY))
    assert (several.code, several.err) == (one.code, one.err) == (0, "")
    parts = "parts: 0 of 328 rows lie in another part than its hash says"
    assert several.out.replace(parts, "") == one.out.replace(parts, "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.csv", "a.html", "a.json", "a.xlsx", "a.parquet"])
@pytest.mark.parametrize(
    "options",
    [(), ("--organization", "0003"), ("--changes",), ("--by", "class"), ("--unanswered",)],
)
def test_every_format_is_that_of_one_file_byte_for_byte(nights, show, name, options):
    files = []
    for path in ("one.parquet", DAY):
        assert show(path, "-o", name, *options).code == 0
        files.append(Path(name).read_bytes())
    assert files[0] == files[1]


def test_merged_into_one_file_it_is_the_report_of_one_file(nights, show):
    assert show(DAY, "-o", "merged.parquet").code == 0
    found, expected = read_parquet(Path("merged.parquet")), read_parquet(Path("one.parquet"))
    pd.testing.assert_frame_equal(found.rows, expected.rows)
    assert found.about == expected.about
    assert found.metadata.parts is None


@pytest.mark.slow
def test_redacted_pages_and_split_workbooks_are_those_of_one_file(nights, show, monkeypatch):
    monkeypatch.setenv("PALM_LOG_KEY", "x" * 32)
    pages = []
    for number, path in enumerate(("one.parquet", DAY)):
        assert show(path, "--redact", "-o", "page.html").code == 0
        pages.append(Path("page.html").read_bytes())
        assert show(path, "--split-by", "organization_id", "-o", f"split{number}/").code == 0
    books = [
        {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        for folder in ("split0", "split1")
    ]
    assert pages[0] == pages[1]
    assert books[0] == books[1]
    assert len(books[0]) == 6


@pytest.mark.slow
def test_a_large_report_is_shown_as_a_small_one(nights, show, monkeypatch):
    """It is read in pieces, and what is chosen from it is not held in memory."""
    expected = {}
    for large in (False, True):
        if large:
            monkeypatch.setattr("jobs.report.parquet.read.MOST_IN_MEMORY", 10)
            monkeypatch.setattr("jobs.extract.chosen_rows.MOST_IN_MEMORY", 50)
            monkeypatch.setattr("jobs.extract.split.MOST_IN_MEMORY", 50)
            monkeypatch.setattr("jobs.report.parquet.stored_rows.ROWS_PER_CHUNK", 33)
        for name in ("a.csv", "a.html", "a.json", "a.xlsx", "a.parquet"):
            for options in ((), ("--organization", "0003"), ("--changes",)):
                assert show("one.parquet", "-o", name, *options).code == 0
                found = Path(name).read_bytes()
                assert expected.setdefault((name, options), found) == found
        assert show("one.parquet", "--split-by", "organization_id", "-o", f"s{large}/").code == 0
        for path in Path(f"s{large}").iterdir():
            assert expected.setdefault(path.name, path.read_bytes()) == path.read_bytes()


@pytest.mark.slow
def test_two_reports_are_compared_whatever_files_they_have(nights, show):
    write_parts(read_parquet(Path("first.parquet")), Path("reports/run_date=2025-03-03"), 8)
    printed = []
    for before in ("first.parquet", "reports/run_date=2025-03-03"):
        for after in ("one.parquet", DAY):
            ended = show(before, after, "--changes")
            assert ended.code == 0
            printed.append(ended.out)
            assert show(before, after, "-o", "a.json").code == 0
            counts = json.loads(Path("a.json").read_text())["summary"]
    assert printed[0] == printed[1]
    assert {tuple(sorted(text.splitlines())) for text in printed} == {
        tuple(sorted(printed[0].splitlines()))
    }
    assert printed[0].count("\n") > 50
    assert counts["transitions"]["ON"]["OFF"] > 0


@pytest.mark.slow
def test_large_reports_are_compared_partition_by_partition(nights, show, monkeypatch):
    """Pairs that are not in the later input follow partition by partition."""
    found = []
    for large in (False, True):
        if large:
            monkeypatch.setattr("jobs.partitions.choice.MOST_IN_MEMORY", 10)
            monkeypatch.setattr("jobs.partitions.choice._MOST_PER_PARTITION", 30)
        for after in ("one.parquet", DAY):
            assert show("first.parquet", after, "-o", "a.json", "-o", "a.csv").code == 0
            about = json.loads(Path("a.json").read_text())
            lines = Path("a.csv").read_text().splitlines()
            here = [line for line in lines if not line.endswith(",,")]
            assert lines[: len(here)] == here
            found.append((about, here, sorted(lines[len(here) :])))
    assert len(found[0][1]) > 200
    assert len(found[0][2]) > 5
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda day: (day / part_file(2)).unlink(),
            f"{DAY} is incomplete: of 4 parts part-00002.parquet is missing",
        ),
        (
            lambda day: shutil.copy("one.parquet", day / "report.parquet"),
            f"{DAY} holds report.parquet and 4 parts of a report, so that each pair may be ",
        ),
        (
            lambda day: write_parts(
                _report_of({"A/a": "ON"}, SECOND, run_id="20250304T090000Z-0000000a"),
                day.parent / "other", PARTS,
            ).joinpath(part_file(1)).replace(day / part_file(1)),
            f"{DAY} holds parts of two runs: part-00000.parquet of ",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("options", [(), ("-o", "a.csv"), ("--changes",)])
def test_a_folder_that_is_not_one_report_ends_with_65(nights, show, spoil, said, options):
    spoil(Path(DAY))
    ended = show(DAY, *options)
    assert (ended.code, ended.out) == (65, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_part_alone_is_refused_and_the_folder_named(nights, show):
    ended = show(f"{DAY}/{part_file(1)}")
    assert ended.code == 65
    assert f"is part 1 of 4 of a report, which is read whole: name its folder, {DAY}" in ended.err


def test_no_part_can_be_an_output(nights, show):
    ended = show(DAY, "-o", f"{DAY}/{part_file(1)}")
    assert ended.code == 2
    assert "would be overwritten" in ended.err


def test_a_part_that_changes_while_it_is_read_ends_with_65(nights, show, monkeypatch):
    read = read_parquet.__globals__["Report"]

    def replaced_meanwhile(*given, **named):
        shutil.copy(f"{DAY}/{part_file(1)}", "copy")
        Path("copy").replace(f"{DAY}/{part_file(1)}")
        return read(*given, **named)

    monkeypatch.setitem(read_parquet.__globals__, "Report", replaced_meanwhile)
    ended = show(DAY, "-o", "a.csv")
    assert ended.code == 65
    assert "has changed while it was read; run the command again" in ended.err
    assert not Path("a.csv").exists()


def test_temporary_files_without_room_are_an_output_error(nights, show, monkeypatch):
    def full(*_given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jobs.store.staging.row_files.RowFiles.append", full)
    ended = show(DAY, "-o", "a.csv")
    assert ended.code == 73
    assert ended.err.startswith("palm-report: a.csv cannot be written: temporary files in ")
    assert ended.err.endswith(": No space left on device; TMPDIR names another folder\n")
    assert not Path("a.csv").exists()
    ended = show(DAY, "--by", "class")
    assert ended.code == 73
    assert ended.err.startswith("palm-report: temporary files in ")


def test_nothing_is_left_in_the_temporary_folder(nights, show, monkeypatch, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(own))
    assert show(DAY, "-o", "a.csv", "-o", "b.parquet").code == 0
    assert list(own.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("large", [pytest.param(False, marks=pytest.mark.manual), True])
def test_many_nights_are_the_same_in_parts(folder, show, monkeypatch, large):
    """Whatever files each night has, and however few rows are held at once."""
    if large:
        monkeypatch.setattr("jobs.report.parquet.read.MOST_IN_MEMORY", 10)
        monkeypatch.setattr("jobs.history.night_rows.MOST_IN_MEMORY", 7)
    made = several_nights(11, people=60, nights=6)
    kinds = ("one", "parts", "mixed")
    for number, night in enumerate(made):
        for kind in kinds:
            day = Path(kind) / f"run_date={night.report.run_date}"
            if kind == "one" or (kind == "mixed" and number % 2):
                day.mkdir(parents=True)
                write_parquet(night.report, day / "report.parquet")
            else:
                write_parts(night.report, day, 1 << number)
    said = []
    for kind in kinds:
        assert show(f"{kind}/", "-o", "history.json").code == 0
        history = json.loads(Path("history.json").read_text())
        said.append(history)
    assert said[0] == said[1] == said[2]
