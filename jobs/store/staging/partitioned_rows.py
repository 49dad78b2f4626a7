"""The rows of a report, divided into the partitions of a run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from jobs.partitions.hashing import partition_numbers
from jobs.partitions.partitioned import DerivedFrame, FrameInMemory, PartitionedFrame
from jobs.partitions.writer import PartitionWriter
from jobs.report.chunks import RowChunks, RowParts
from jobs.report.model import Report
from jobs.report.parquet.parts import StoredParts
from jobs.schema import ARROW_TYPES, ROWS, concatenated, conform
from jobs.store.files.filesystem import private_opener

__all__ = ["no_rows", "partitioned_rows"]

_TYPES: Final = {pa.int64(): pd.Int64Dtype()}


def no_rows(bits: int) -> PartitionedFrame:
    """Return partitions without rows, columns ``ROWS``."""
    if not bits:
        return FrameInMemory(_no_rows(0))
    return DerivedFrame(bits, list(ROWS), [0] * (1 << bits), _no_rows)


def partitioned_rows(report: Report, bits: int, folder: Path | None) -> PartitionedFrame:
    """Return the rows of a report by partition, each in the report's order.

    The files of a report in at least as many parts are read as they are; the rows of another one
    are written to the folder by partition.

    Args:
        report: In memory, in pieces, or in parts.
        bits: Bits of the hash that divide the rows; 0: all rows are in memory.
        folder: For the rows of each partition; not needed without bits.

    Raises:
        OSError: The rows cannot be written.
        ReportError: The rows are in files, and one cannot be read or has changed.
    """
    if not bits:
        return FrameInMemory(report.rows)
    parts = report.metadata.parts
    if parts is not None and parts.bits >= bits and isinstance(report.content, RowParts):
        return _joined(report, report.content, parts.bits - bits, bits)
    if folder is None:
        raise ValueError("partitions on disk need a folder")
    schema = _schema(report.columns)
    writer = PartitionWriter(folder, bits, schema, private_opener)
    for rows in report.chunks():
        numbers = partition_numbers(rows["organization_id"], rows["openid"], bits)
        table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False, safe=True)
        writer.write(table, numbers)
    return writer.close(_rows)


def _joined(report: Report, parts: RowParts, more_bits: int, bits: int) -> PartitionedFrame:
    """Return partitions that are several parts each."""
    if isinstance(parts, StoredParts):
        parts = parts.absolute()
    each = 1 << more_bits
    counts = [sum(map(len, _parts_of(parts, each, number))) for number in range(1 << bits)]
    return DerivedFrame(bits, report.columns, counts, partial(_rows_of_parts, parts, each))


def _parts_of(parts: RowParts, each: int, number: int) -> list[RowChunks]:
    """Return the parts of a report that are one partition."""
    return [parts.part(part) for part in range(number * each, (number + 1) * each)]


def _rows_of_parts(parts: RowParts, each: int, number: int) -> pd.DataFrame:
    return concatenated([rows for part in _parts_of(parts, each, number) for rows in part])


def _no_rows(number: int) -> pd.DataFrame:  # noqa: ARG001 - the same for each partition
    return conform(pd.DataFrame(), ROWS)


def _schema(columns: list[str]) -> pa.Schema:
    """Return the types of the columns, categories as texts."""
    kinds = {name: ARROW_TYPES.get(name, pa.string()) for name in columns}
    return pa.schema(
        [
            (name, kind.value_type if pa.types.is_dictionary(kind) else kind)
            for name, kind in kinds.items()
        ]
    )


def _rows(table: pa.Table) -> pd.DataFrame:
    return conform(table.to_pandas(types_mapper=_TYPES.get), ROWS)
