"""Rows go in by partition, and come out in the report's order."""

from __future__ import annotations

import errno
import io
import os
import resource
import stat

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import jobs.store.staging.part_stage as part_module
import jobs.store.staging.row_stage as stage_module
from jobs.partitions.hashing import partition_numbers
from jobs.report.chunks import RowParts
from jobs.report.model import Report
from jobs.report.parquet import write_parquet
from jobs.schema import ROWS, STRING, concatenated, conform
from jobs.store.staging.part_stage import PartStage
from jobs.store.staging.row_stage import RowStage


def by_line(folder, bits):
    return RowStage(folder)


STAGES = pytest.mark.parametrize("make", [by_line, PartStage])


def report_rows(count, *, lines=None, seed=1):
    """Return rows as a report has them: the input's in its order, with gaps, then a tenth more."""
    chance = np.random.default_rng(seed)
    here = count - count // 10
    line = np.sort(chance.choice(np.arange(2, (lines or 3 * count) + 2), here, replace=False))
    missing = np.arange(count) >= here
    times = pd.DatetimeIndex(chance.integers(0, 2**40, count).view("M8[ms]"), tz="UTC")
    words = pd.Series(chance.choice(["0042", "学校", "=5", "x" * 32], count), dtype=STRING)
    rows = pd.DataFrame(
        {
            "organization_id": words.astype("category"),
            "openid": pd.Series([f"o{number}" for number in range(count)], dtype=STRING),
            "class": words.where(chance.random(count) < 0.5),
            "state": pd.Series(chance.choice(["ON", "UNKNOWN"], count)).mask(missing),
            "change": chance.choice(["UNCHANGED", "OPENED"], count),
            "answered_at": pd.Series(times).mask(chance.random(count) < 0.1),
            "error_code": pd.Series(chance.choice(["A", "B", None], count)).astype("category"),
            "last_in_input": pd.Series(times.tz_localize(None)).mask(missing),
            "attempts": pd.Series(chance.integers(0, 9, count), dtype="Int16").mask(missing),
            "input_line": pd.array([*line, *[None] * (count - here)], dtype="Int64"),
            "input_duplicates": pd.Series(0, index=range(count), dtype="Int32").mask(missing),
        }
    )
    return conform(rows, ROWS)


def staged(folder, rows, bits, make):
    """Put rows through a stage."""
    stage = make(folder, bits)
    numbers = partition_numbers(rows["organization_id"], rows["openid"], bits)
    for number in range(1 << bits):
        own = rows[numbers == number].reset_index(drop=True)
        for name in ("organization_id", "error_code"):
            own[name] = own[name].cat.remove_unused_categories()
        stage.add(number, own)
    return stage.content()


@pytest.fixture
def small(monkeypatch):
    """Let a few rows be many."""
    monkeypatch.setattr(stage_module, "_ROWS_IN_MEMORY", 150)
    monkeypatch.setattr(stage_module, "_LINES_PER_RANGE", 64)
    monkeypatch.setattr(stage_module, "ROWS_PER_CHUNK", 64)
    monkeypatch.setattr(part_module, "ROWS_PER_CHUNK", 64)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("bits", [0, 1, 3, 6])
def test_pairs_come_in_the_order_of_the_input_then_the_others_part_by_part(tmp_path, bits):
    rows = report_rows(1000)
    content = staged(tmp_path, rows, bits, by_line)
    pieces = list(content)
    here, others = rows[rows["input_line"].notna()], rows[rows["input_line"].isna()]
    numbers = partition_numbers(others["organization_id"], others["openid"], bits)
    expected = [here, others.iloc[np.argsort(numbers, kind="stable")]]
    assert_frame_equal(pd.concat(pieces, ignore_index=True), pd.concat(expected, ignore_index=True))
    assert max(map(len, pieces)) <= 64
    assert len(content) == 1000
    assert list(content.columns) == list(rows.columns)
    assert_frame_equal(concatenated(list(content)), concatenated(pieces))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("bits", [0, 3])
def test_parts_hold_the_rows_of_one_partition_each_as_they_came(tmp_path, bits):
    rows = report_rows(700)
    content = staged(tmp_path, rows, bits, PartStage)
    assert isinstance(content, RowParts)
    assert content.count == 1 << bits
    numbers = partition_numbers(rows["organization_id"], rows["openid"], bits)
    for number in range(content.count):
        part = content.part(number)
        expected = rows[numbers == number].reset_index(drop=True)
        assert_frame_equal(concatenated(list(part)), expected)
        assert len(part) == len(expected)
    each = [concatenated(list(content.part(number))) for number in range(content.count)]
    assert_frame_equal(concatenated(list(content)), concatenated(each))


@pytest.mark.usefixtures("small")
def test_the_file_is_that_of_the_same_rows_in_memory(tmp_path, report_of, nights):
    metadata = report_of({"A/a": "ON"}, nights[0]).metadata
    rows = report_rows(500)
    rows = rows[rows["input_line"].notna()].reset_index(drop=True)
    files = []
    for content in (rows, staged(tmp_path, rows, 3, by_line)):
        files.append(io.BytesIO())
        write_parquet(Report(content, metadata), files[-1])
    assert files[0].getvalue() == files[1].getvalue()


@STAGES
def test_a_report_without_rows_has_one_empty_piece(tmp_path, make):
    empty = report_rows(10).iloc[:0]
    content = staged(tmp_path, empty, 2, make)
    (piece,) = content
    assert len(content) == 0
    assert_frame_equal(piece, empty, check_categorical=False)
    assert piece["organization_id"].dtype == "category"
    assert list(content.columns) == list(empty.columns)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@STAGES
def test_no_file_stays_open_and_no_other_user_can_read_one(tmp_path, make):
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 8, hard))
    try:
        content = staged(tmp_path, report_rows(2000), 7, make)
        assert sum(map(len, content)) == 2000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    files = list(tmp_path.iterdir())
    assert len(files) > 40
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@STAGES
def test_a_full_disk_is_an_error_of_the_operating_system(tmp_path, make, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    stage = make(tmp_path, 0)
    monkeypatch.setattr("builtins.open", lambda *_, **__: full())
    with pytest.raises(OSError, match="No space left") as stop:
        stage.add(0, report_rows(10))
        stage.content()
    assert stop.value.errno == errno.ENOSPC


@STAGES
@pytest.mark.parametrize("damage", ["cut", "gone", "other"])
def test_a_file_that_is_not_as_it_was_written_is_an_error(tmp_path, make, damage):
    content = staged(tmp_path, report_rows(100), 0, make)
    path = max(tmp_path.iterdir(), key=lambda path: path.stat().st_size)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "other":
        path.write_bytes(b"nothing of ours" * 9)
    else:
        path.unlink()
    with pytest.raises(OSError, match=path.name) as stop:
        list(content)
    assert path.name in str(stop.value)
