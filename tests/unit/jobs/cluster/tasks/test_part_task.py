"""A part that another process writes is the one that this process would write."""

from __future__ import annotations

import pickle
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from jobs.cluster.tasks.part_task import PartTask, read_part, write_here, write_source
from jobs.partitions.hashing import partition_numbers
from jobs.partitions.partitioned import DerivedFrame, FrameOnDisk
from jobs.partitions.writer import PartitionWriter
from jobs.schema import ANSWERS, PAIRS, concatenated, conform
from jobs.store.staging.partitioned_rows import no_rows
from jobs.store.staging.row_source import RowCounts, RowSource
from tests.damage import damage

BITS = 1
DAY = date(2026, 11, 21)


def as_pairs(table: pa.Table) -> pd.DataFrame:
    return conform(table.to_pandas(), PAIRS)


def answers_of(pairs: FrameOnDisk, number: int) -> pd.DataFrame:
    """Return an answer about every second pair."""
    index = pairs.frame(number).index[::2]
    answers = pd.DataFrame({"state": "ON", "http_status": 200, "attempts": 1}, index=index)
    answers["error_code"] = ["A", *[None] * (len(index) - 1)]
    return conform(answers, ANSWERS)


class Answers:
    """Answers that another process can make, too."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __call__(self, number):
        return answers_of(self.pairs, number)


@pytest.fixture
def source(tmp_path):
    """Return what the rows of two parts are made of."""
    count = 40
    frame = conform(
        pd.DataFrame(
            {
                "organization_id": [f"org-{number % 3}" for number in range(count)],
                "openid": [f"o{number:027}" for number in range(count)],
                "class": ["学校" if number % 2 else "" for number in range(count)],
                "input_line": range(2, count + 2),
                "input_duplicates": 0,
            }
        ),
        PAIRS,
    )
    folder = tmp_path / "pairs"
    folder.mkdir()
    schema = pa.Schema.from_pandas(frame.astype({"organization_id": "str"}), preserve_index=False)
    writer = PartitionWriter(folder, BITS, schema)
    table = pa.Table.from_pandas(
        frame.astype({"organization_id": "str"}), schema=schema, preserve_index=False
    )
    numbers = partition_numbers(frame["organization_id"], frame["openid"], BITS)
    writer.write(table, numbers)
    pairs = writer.close(as_pairs)
    nothing = DerivedFrame(BITS, list(ANSWERS), [0, 0], no_rows(BITS).frame)
    return RowSource(
        pairs=pairs,
        kept=nothing,
        answers=DerivedFrame(BITS, list(ANSWERS), [0, 0], Answers(pairs)),
        earlier=no_rows(BITS),
        run_date=DAY,
        earlier_run_date=None,
        forget_after_days=90,
        finished=datetime(2026, 11, 21, 4, tzinfo=UTC),
    )


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "rows"
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_the_parts_of_another_process_are_ours(source, tmp_path, folder):
    path = write_source(source, tmp_path)
    counts = RowCounts()
    for number in range(1 << BITS):
        task = PartTask(number, path, folder)
        program = (
            "import pickle, sys; from jobs.cluster.tasks.part_task import write_here; "
            "print(write_here(pickle.load(sys.stdin.buffer)))"
        )
        ended = subprocess.run(
            [sys.executable, "-c", program], input=pickle.dumps(task), check=True,
            stdout=subprocess.PIPE, cwd=Path(__file__).parents[5],
        )  # fmt: skip
        part = read_part(Path(ended.stdout.decode().strip()), task)
        rows = source.rows(number)
        assert_frame_equal(concatenated(list(part.rows)), rows)
        assert part.counts == source.counts(rows)
        counts += part.counts
    assert counts.summary.states == {"ON": 20, "OFF": 0, "NONE": 0, "UNKNOWN": 20}


def test_two_attempts_do_not_meet_and_no_other_user_reads_them(source, tmp_path, folder):
    task = PartTask(0, write_source(source, tmp_path), folder)
    one, other = write_here(task), write_here(task)
    assert one != other
    assert len(list(folder.iterdir())) == 4
    rows = [concatenated(list(read_part(path, task).rows)) for path in (one, other)]
    assert_frame_equal(*rows)
    files = [*folder.iterdir(), task.source]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


def test_a_later_run_in_the_same_folder_has_another_source(source, tmp_path):
    assert write_source(source, tmp_path) != write_source(source, tmp_path)


def test_a_source_that_is_not_seen_is_an_error_of_the_operating_system(tmp_path, folder):
    with pytest.raises(FileNotFoundError):
        write_here(PartTask(0, tmp_path / "source", folder))


def test_what_is_damaged_is_never_read(source, tmp_path, folder):
    task = PartTask(0, write_source(source, tmp_path), folder)
    path = write_here(task)
    rows = read_part(path, task).rows
    for file, read in ((path, lambda: read_part(path, task)), (rows.path, rows.check)):
        content = file.read_bytes()
        for seed in range(100):
            damaged = damage(content, seed)
            if damaged.startswith(content):
                continue  # there is more behind it, which nobody reads
            file.write_bytes(damaged)
            with pytest.raises(OSError, match="is not as it was written$"):
                read()
        file.write_bytes(content)
        read()


def test_the_part_of_another_task_is_none(source, tmp_path, folder):
    """Another command, or another number: its rows would be published as those of this one."""
    task = PartTask(0, write_source(source, tmp_path), folder)
    path = write_here(task)
    for other in (replace(task, number=1), replace(task, source=write_source(source, tmp_path))):
        with pytest.raises(OSError, match="is not the part that was to be written$"):
            read_part(path, other)
