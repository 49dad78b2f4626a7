"""A report in parts, made from one in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from jobs.partitions.file_names import part_file
from jobs.partitions.hashing import partition_numbers
from jobs.report.chunks import ChunksInMemory
from jobs.report.model import Report, recheck_alone
from jobs.report.parquet import write_part
from jobs.report.part_info import PartsInfo


@dataclass(frozen=True)
class PartsInMemory:
    """Rows divided by the hash of their pair, each part in the order of the rows."""

    rows: pd.DataFrame
    count: int

    @property
    def columns(self) -> list[str]:
        return [str(name) for name in self.rows.columns]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for number in range(self.count):
            yield from self.part(number)

    def part(self, number: int) -> ChunksInMemory:
        bits = self.count.bit_length() - 1
        numbers = partition_numbers(self.rows["organization_id"], self.rows["openid"], bits)
        return ChunksInMemory(self.rows[numbers == number].reset_index(drop=True))


def parted(report: Report, count: int) -> Report:
    """Return the same report in parts, with the control of these."""
    metadata = replace(report.metadata, parts=PartsInfo(count))
    made = replace(report, content=PartsInMemory(report.rows, count), metadata=metadata)
    return replace(made, metadata=replace(metadata, controls=recheck_alone(made)))


def write_parts(report: Report, folder: Path, count: int) -> Path:
    """Write a report in parts, part 0 last, and return the folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    divided = parted(report, count)
    for number in reversed(range(count)):
        write_part(divided, number, folder / part_file(number))
    return folder
