"""The evidence of each piece of a report, however its pieces follow from the partitions.

A report in parts has its rows partition by partition. Another one has those of all partitions in
the order of the input, in pieces by ranges of input lines; so each partition's evidence is cut into
files by the same ranges, of which one is in memory at a time.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.evidence.columns import PAIR
from jobs.evidence.kept import CollectedEvidence, KeptEvidence
from jobs.evidence.write import has_state
from jobs.partitions.hashing import partition_numbers
from jobs.report.chunks import ROWS_PER_CHUNK
from jobs.schema import Array
from jobs.store.staging.row_files import RowFiles

__all__ = ["EvidenceInOrder"]

_NO_LINE: Final = 0


class EvidenceInOrder:
    """Finds the evidence of a report's pieces.

    Args:
        collected: What was kept.
        folder: An empty folder for the files of ranges; None: the report is in parts, or there is
            one partition.
    """

    def __init__(self, collected: CollectedEvidence, folder: Path | None) -> None:
        self._collected = collected
        self._ranges = None if folder is None else RowFiles(folder)
        self._of = lru_cache(1)(self._read)

    def add(self, number: int, rows: pd.DataFrame) -> None:
        """Take the evidence of a partition's rows; to be called once for each partition.

        Args:
            number: Of the partition.
            rows: Its rows of the report, columns ``ROWS``.

        Raises:
            OSError: A file cannot be read or written.
        """
        if self._ranges is None:
            return
        good = rows.loc[has_state(rows)]
        found = self._collected.of(number).find(*(good[name].tolist() for name in PAIR))
        ranges = _ranges_of(good)[found.has_evidence]
        for each in np.unique(ranges).tolist():
            self._ranges.append(str(each), found.rows.filter(pa.array(ranges == each)))

    def of(self, rows: pd.DataFrame) -> KeptEvidence:
        """Return the evidence of a piece of the report.

        Args:
            rows: Columns ``ROWS``.

        Raises:
            OSError: A file cannot be read.
        """
        if self._ranges is not None:
            numbers = _ranges_of(rows)
        else:
            organization_ids = rows["organization_id"].astype("category")
            numbers = partition_numbers(organization_ids, rows["openid"], self._collected.bits)
        return self._of(tuple(np.unique(numbers).tolist()))

    def _read(self, numbers: tuple[int, ...]) -> KeptEvidence:
        ranges = self._ranges
        if ranges is None:
            return self._collected.of(*numbers)
        tables = [table for each in numbers for table in ranges.read(str(each))]
        return KeptEvidence(tables, self._collected.keys)


def _ranges_of(rows: pd.DataFrame) -> Array:
    """Return the number of the range that each row's input line is in; -1 where it has none."""
    lines = rows["input_line"].fillna(_NO_LINE).to_numpy(np.int64)
    return (lines - 1) // ROWS_PER_CHUNK
