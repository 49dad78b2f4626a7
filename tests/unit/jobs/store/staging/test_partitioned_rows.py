"""A report's rows by partition: the same rows, each in the partition of its pair, in its order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from jobs.partitions.checked_files import SUFFIX
from jobs.partitions.hashing import partition_numbers
from jobs.partitions.partitioned import FrameInMemory, frames, whole
from jobs.report.chunks import ChunksInMemory
from jobs.report.part_info import PartsInfo
from jobs.schema import ROWS
from jobs.store.staging.partitioned_rows import no_rows, partitioned_rows


@dataclass(frozen=True)
class Parts(ChunksInMemory):
    """The rows of a report in four parts."""

    count: int = 4

    def part(self, number):
        numbers = partition_numbers(self.rows["organization_id"], self.rows["openid"], 2)
        return ChunksInMemory(self.rows[numbers == number].reset_index(drop=True))


@pytest.fixture
def report(report_of, nights):
    states = ["ON", "OFF", "NONE"]
    return report_of({f"{'ABC'[at % 3]}/o{at}": states[at % 3] for at in range(200)}, nights[0])


def in_chunks(report):
    return replace(report, content=ChunksInMemory(report.rows))


def in_parts(report):
    metadata = replace(report.metadata, parts=PartsInfo(4))
    return replace(report, content=Parts(report.rows), metadata=metadata)


@pytest.mark.slow
@pytest.mark.parametrize("made", [lambda report: report, in_chunks, in_parts])
@pytest.mark.parametrize("bits", [1, 2, 5])
def test_each_partition_has_the_rows_of_its_pairs_in_the_reports_order(
    report, tmp_path, made, bits
):
    found = partitioned_rows(made(report), bits, tmp_path)
    ordered = pd.concat([rows for _, rows in made(report).numbered_chunks()])
    numbers = partition_numbers(ordered["organization_id"], ordered["openid"], bits)
    assert (found.bits, len(found)) == (bits, 200)
    assert list(found.columns) == list(report.rows.columns)
    for number, rows in enumerate(frames(found)):
        expected = ordered[numbers == number].reset_index(drop=True)
        assert found.rows_of(number) == len(rows)
        plain = {"organization_id": "str", "error_code": "str"}
        pd.testing.assert_frame_equal(
            rows.reset_index(drop=True).astype(plain), expected.astype(plain)
        )


def test_parts_of_the_report_are_read_where_they_are(report, tmp_path):
    partitioned_rows(in_parts(report), 1, tmp_path)
    assert list(tmp_path.iterdir()) == []
    partitioned_rows(in_parts(report), 3, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {f"part-0000{n}{SUFFIX}" for n in range(8)}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_without_bits_the_rows_are_in_memory(report):
    assert partitioned_rows(report, 0, None).frame(0) is report.rows
    with pytest.raises(ValueError, match="folder"):
        partitioned_rows(report, 1, None)


@pytest.mark.parametrize("bits", [0, 2])
def test_no_rows_have_the_columns_of_a_report(bits):
    found = no_rows(bits)
    assert (found.bits, len(found), list(whole(found).columns)) == (bits, 0, list(ROWS))
    assert isinstance(found, FrameInMemory) == (bits == 0)
    assert np.array_equal([found.rows_of(number) for number in range(1 << bits)], [0] * (1 << bits))
