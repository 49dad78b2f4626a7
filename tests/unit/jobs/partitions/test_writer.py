"""Rows written by partition are read back by partition, each in its order."""

from __future__ import annotations

import resource
import zlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jobs.partitions import writer
from jobs.partitions.hashing import partition_numbers
from jobs.partitions.partitioned import (
    DerivedFrame,
    FrameInMemory,
    frames,
    whole,
)
from jobs.partitions.writer import PartitionWriter
from jobs.store.files.filesystem import private_opener

SCHEMA = pa.schema(
    [("organization_id", pa.dictionary(pa.int32(), pa.string())), ("openid", pa.string()),
     ("at", pa.int64())]
)  # fmt: skip


def table(start: int, end: int) -> pa.Table:
    organizations = pa.array([f"org-{at % 3}" for at in range(start, end)]).dictionary_encode()
    openids = [f"o{at}" for at in range(start, end)]
    return pa.table([organizations, openids, list(range(start, end))], schema=SCHEMA)


def numbers(rows: pa.Table, bits: int):
    frame = rows.to_pandas()
    return partition_numbers(frame["organization_id"], frame["openid"], bits)


def write(folder, bits: int, *, pieces=((0, 700), (700, 701), (701, 2_000))):
    made = PartitionWriter(folder, bits, SCHEMA, private_opener)
    for start, end in pieces:
        rows = table(start, end)
        made.write(rows, numbers(rows, bits))
    return made.close(pa.Table.to_pandas)


@pytest.mark.parametrize("bits", [0, 3, 7])
@pytest.mark.parametrize("buffered", [1, 100, 1 << 17])
def test_each_partition_has_its_rows_in_the_order_in_which_they_came(
    tmp_path, monkeypatch, bits, buffered
):
    monkeypatch.setattr(writer, "_BUFFERED", buffered)
    monkeypatch.setattr(writer, "_BUFFERED_EACH", 0)
    found = write(tmp_path, bits)
    assert (found.bits, len(found)) == (bits, 2_000)
    for number, frame in enumerate(frames(found)):
        assert len(frame) == found.rows_of(number)
        hashes = [
            zlib.crc32(f"{row.organization_id}\0{row.openid}".encode())
            for row in frame.itertuples()
        ]
        assert {each >> (32 - bits) for each in hashes} <= {number}
        assert frame["at"].is_monotonic_increasing
    assert sorted(whole(found)["at"]) == list(range(2_000))


def test_wide_rows_are_written_before_many_are_held(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_BUFFERED_BYTES", 10_000)
    schema = pa.schema([("note", pa.large_string())])
    made = PartitionWriter(tmp_path, 1, schema)
    rows = pa.table([["x" * 3_000] * 3], schema=schema)
    for _ in range(2):
        made.write(rows, np.array([0, 1, 0], dtype=np.int32))
    assert [path.stat().st_size > 0 for path in sorted(tmp_path.iterdir())] == [True, True]
    found = made.close(pa.Table.to_pandas)
    assert [len(frame) for frame in frames(found)] == [4, 2]


def test_files_are_private_and_few_are_open_at_a_time(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        found = write(tmp_path, 8)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(found) == 2_000
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_partition_without_rows_is_an_empty_frame_with_the_columns(tmp_path):
    found = PartitionWriter(tmp_path, 2, SCHEMA).close(pa.Table.to_pandas)
    assert [len(frame) for frame in frames(found)] == [0, 0, 0, 0]
    assert list(found.frame(3).columns) == list(found.columns) == SCHEMA.names


def test_what_an_earlier_run_left_is_replaced(tmp_path):
    write(tmp_path, 3)
    assert len(whole(write(tmp_path, 3, pieces=[(0, 10)]))) == 10


def test_a_frame_in_memory_is_one_partition():
    rows = pd.DataFrame({"a": [1, 2]})
    one = FrameInMemory(rows)
    assert (one.bits, len(one), list(one.columns), one.rows_of(0)) == (0, 2, ["a"], 2)
    assert whole(one) is rows
    with pytest.raises(IndexError):
        one.frame(1)


def test_derived_frames_are_computed_when_they_are_read():
    made = []

    def make(number: int) -> pd.DataFrame:
        made.append(number)
        return pd.DataFrame({"a": [number] * number})

    derived = DerivedFrame(1, ["a"], [0, 1], make)
    assert (len(derived), derived.rows_of(1), made) == (1, 1, [])
    assert derived.frame(1)["a"].tolist() == [1]
    assert made == [1]
