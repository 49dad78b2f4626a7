"""The pairs of an input that do not fit into memory, by partition in files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from jobs.freed_memory import release_arrow_memory
from jobs.input.blocks import read_tables, table_schema
from jobs.input.content.scan import InputScan
from jobs.input.header import Columns
from jobs.input.keys import KeyFacts
from jobs.input.pairs import Input, input_of, merge_pairs, no_pair, number_pairs, reading
from jobs.partitions.hashing import partition_numbers
from jobs.partitions.partitioned import FrameOnDisk
from jobs.partitions.writer import Opener, PartitionWriter
from jobs.schema import PAIRS, conform

__all__ = ["partition_pairs"]

_ROWS_PER_PIECE: Final = 1 << 16
_BYTES_PER_PIECE: Final = 1 << 25
_ROWS_AT_ONCE: Final = 1 << 18
"""Records of a partition in which repeated pairs are looked for at once."""
_KEYS: Final = ["organization_id", "openid"]
_COUNTED: Final = {"input_line": pa.int64(), "input_duplicates": pa.int32()}
"""The columns of ``PAIRS`` that are numbers; all others are texts."""


def partition_pairs(
    scan: InputScan,
    columns: Columns,
    bits: int,
    folder: Path,
    *,
    opener: Opener | None = None,
    block_size: int | None = None,
) -> Input:
    """Return the pairs of an input, divided by their hash into files.

    The memory that it takes is that of two partitions, and does not depend on the input's size.

    Args:
        scan: The input.
        columns: The names of the key columns.
        bits: Bits of the hash that divide the pairs, at least one.
        folder: An empty folder for the files.
        opener: Opens each file, as that of :func:`open` does.
        block_size: As for :func:`jobs.input.pairs.pairs_in_memory`.

    Raises:
        InputError: The text is not CSV with the two key columns, holds no valid pair, or changed
            since it was scanned.
        OSError: A file cannot be written.
    """
    with reading(scan, columns) as (header, stats):
        tables = read_tables(
            scan.content, scan.encoding, header, stats, scan.name, block_size=block_size
        )
        records = _write_records(tables, table_schema(header), bits, folder / "records", opener)
    if not len(records):
        raise no_pair(stats, scan.name)
    facts = KeyFacts()
    pairs = _write_pairs(records, folder / "pairs", facts, opener)
    return input_of(scan, header, stats, facts, pairs, len(records))


def _write_records(
    tables: Iterable[pa.Table], schema: pa.Schema, bits: int, folder: Path, opener: Opener | None
) -> FrameOnDisk:
    """Write the records by partition; return their pairs, which are found when one is read."""
    folder.mkdir()
    writer = PartitionWriter(folder, bits, schema, opener)
    for table in _joined(tables):
        keys = table.select(_KEYS).to_pandas()
        writer.write(table, partition_numbers(keys["organization_id"], keys["openid"], bits))
    return writer.close(_pairs_of)


def _joined(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield tables of at least ``_ROWS_PER_PIECE`` rows or of many bytes, but the last."""
    waiting: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        size += table.nbytes
        if rows >= _ROWS_PER_PIECE or size >= _BYTES_PER_PIECE:
            yield pa.concat_tables(waiting).unify_dictionaries().combine_chunks()
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.concat_tables(waiting).unify_dictionaries().combine_chunks()


def _pairs_of(records: pa.Table) -> pd.DataFrame:
    at = records.schema.get_field_index("organization_id")
    names = records.column(at).combine_chunks().dictionary_encode()
    return number_pairs(records.set_column(at, "organization_id", names).combine_chunks())


def _pairs_in(pieces: Iterable[pa.Table]) -> pd.DataFrame:
    """Return the pairs of a partition's records, which are more only where they repeat pairs.

    Records that repeat pairs are merged as they come: an input may hold one pair a million times.
    """
    pairs: list[pd.DataFrame] = []
    waiting: list[pa.Table] = []
    rows, most = 0, _ROWS_AT_ONCE
    for piece in pieces:
        waiting.append(piece)
        rows += len(piece)
        if rows >= most:
            pairs = [merge_pairs([*pairs, _pairs_of(pa.concat_tables(waiting))])]
            waiting, rows, most = [], 0, max(_ROWS_AT_ONCE, len(pairs[0]))
    if waiting:
        pairs.append(_pairs_of(pa.concat_tables(waiting)))
    return merge_pairs(pairs)


def _write_pairs(
    records: FrameOnDisk, folder: Path, facts: KeyFacts, opener: Opener | None
) -> FrameOnDisk:
    """Write the pairs of each partition, and remove its records."""
    folder.mkdir()
    schema = pa.schema([(name, _COUNTED.get(name, pa.large_string())) for name in records.columns])
    writer = PartitionWriter(folder, records.bits, schema, opener)
    for number in range(1 << records.bits):
        if not records.rows_of(number):
            continue
        pairs = _pairs_in(records.tables(number))
        records.remove(number)
        facts.add(pairs)
        table = pa.Table.from_pandas(pairs, schema=schema, preserve_index=False)
        writer.write_partition(number, table)
        release_arrow_memory()
    return writer.close(_pairs_in_file)


def _pairs_in_file(table: pa.Table) -> pd.DataFrame:
    return conform(table.to_pandas(), PAIRS)
