"""The records of an input that name a pair, as one table, read block by block.

Nearly all blocks of nearly all inputs are plain: quotes round whole fields or none, exactly one
pair per line, as many fields in each line as in the header, keys of ``A-Za-z0-9_-`` only. For such
a block the rules of :mod:`jobs.input.records` and :mod:`jobs.input.valid_records` come to splitting
lines at the delimiter, which Arrow's CSV reader does in a tenth of the time. Any other block is
left to them: a block is called plain only if that changes nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import Final

import numpy as np
import pyarrow as pa

from jobs.input.content.content import Content
from jobs.input.header import Header
from jobs.input.line_stats import LineStats
from jobs.input.plain_parser import LONGEST, PlainParser, can_be_plain
from jobs.input.records import (
    START,
    Position,
    Record,
    count_lines,
    line_end,
    read_records,
    skip_lines,
)
from jobs.input.valid_records import valid_records

__all__ = ["BLOCK_SIZE", "read_table", "read_tables", "table_schema"]

BLOCK_SIZE: Final = 1 << 18
"""Bytes. The larger a block, the less parsing it costs, but the likelier something in it is odd."""
_BYTES_PER_COLUMN: Final = 1 << 12
"""A block of many columns is larger, for it takes time for each column besides each line."""
_PARTS: Final = 16
"""A block that is not plain is cut into so many, of which most may be."""
_FEWEST: Final = 16
"""Lines. A block or part of fewer takes Arrow longer than to be read line by line."""
_CHUNK: Final = 1_000
"""Records held as Python lists at a time: few, for the garbage collector goes through them all."""


def read_table(
    content: Content,
    encoding: str,
    header: Header,
    stats: LineStats,
    name: str,
    *,
    block_size: int | None = None,
) -> pa.Table:
    """Return the records that name a pair, repeated ones too, and the line each begins on.

    Args:
        content: The file's bytes, unpacked.
        encoding: In which they are text.
        header: The header, below which the records are.
        stats: Is updated as the records are read.
        name: The file's name, for the messages.
        block_size: Bytes that are parsed at once where they are plain; 0: each line alone; None:
            ``BLOCK_SIZE``, or more where there are many columns.

    Returns:
        The header's columns, in its order, and ``input_line``, each in one piece.

    Raises:
        InputError: A quote is never closed, or a line is the header of another file.
    """
    tables = read_tables(content, encoding, header, stats, name, block_size=block_size)
    return pa.concat_tables([table_schema(header).empty_table(), *tables]).combine_chunks()


def read_tables(
    content: Content,
    encoding: str,
    header: Header,
    stats: LineStats,
    name: str,
    *,
    block_size: int | None = None,
) -> Iterator[pa.Table]:
    """Yield the table that :func:`read_table` returns in pieces, as they are read."""
    reader = _BlockReader(content, encoding, header, stats, name, table_schema(header))
    if block_size is None:
        block_size = min(max(BLOCK_SIZE, _BYTES_PER_COLUMN * len(header.names)), LONGEST >> 2)
    return _merged(reader.tables(block_size))


def _merged(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Merge small tables, each column of which takes some hundred bytes besides its values."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        if rows >= _CHUNK:
            yield pa.concat_tables(waiting).combine_chunks() if waiting[1:] else table
            waiting, rows = [], 0
    yield from waiting


def table_schema(header: Header) -> pa.Schema:
    """Return the columns of the table of an input's records, and their types."""
    columns = [pa.field(column, pa.large_string()) for column in header.names]
    columns[header.keys.organization] = pa.field(
        "organization_id", pa.dictionary(pa.int32(), pa.string())
    )
    return pa.schema([*columns, pa.field("input_line", pa.int64())])


@dataclass(slots=True)
class _Section:
    """Records up to the one that ends on the line ``end`` or goes beyond it.

    Attributes:
        records: The records.
        end: The line.
        last: The last line that was read.
    """

    records: Iterable[Record]
    end: int
    last: int = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self.records:
            self.last = record[2]
            yield record
            if self.last >= self.end:
                return


@dataclass(frozen=True, slots=True)
class _BlockReader:
    """Reads an input block by block, and blocks that are not plain line by line."""

    content: Content
    encoding: str
    header: Header
    stats: LineStats
    name: str
    schema: pa.Schema

    def tables(self, block_size: int) -> Iterator[pa.Table]:
        """Yield the records in pieces."""
        if not block_size or not can_be_plain(self.header, self.encoding):
            records = self._records(START)
            yield from self._by_line(dropwhile(lambda each: each[2] <= self.header.line, records))
            return
        parser = PlainParser(self.header, self.encoding, self.schema)
        at = skip_lines(self.content, START, self.header.line)
        cut_until = 0
        while at.offset < len(self.content):
            is_part = at.offset < cut_until
            size = block_size // _PARTS if is_part else block_size
            end = line_end(self.content, at.offset + max(size - 1, 0))
            block = self.content.read(at.offset, end)
            columns = parser.parse(block)
            if columns is not None:
                self.stats.reject_blank_before(at.line + 1)
                at, lines = Position(end, at.line + len(columns[0])), at.line + 1
                columns.append(pa.array(np.arange(lines, at.line + 1)))
                yield pa.Table.from_arrays(columns, schema=self.schema)
            elif is_part or count_lines(block) < _PARTS * _FEWEST:
                at = yield from self._other_block(block, at)
            else:
                cut_until = end

    def _other_block(self, block: bytes, at: Position) -> Generator[pa.Table, None, Position]:
        """Yield the records that begin in a block; return where the first one after it begins."""
        end = Position(at.offset + len(block), at.line + count_lines(block))
        section = _Section(self._records(at), end.line)
        yield from self._by_line(section)
        return skip_lines(self.content, end, section.last - end.line)

    def _records(self, start: Position) -> Iterator[Record]:
        encoding = self.encoding if start == START else self.encoding.removesuffix("-sig")
        return read_records(
            self.content,
            encoding,
            self.header.delimiter,
            self.name,
            stats=self.stats,
            start=start,
        )

    def _by_line(self, records: Iterable[Record]) -> Iterator[pa.Table]:
        width, keys = len(self.header.names), self.header.keys
        rows = valid_records(records, width, keys, self.stats, self.name)
        while chunk := list(islice(rows, _CHUNK)):
            fields, lines = zip(*chunk, strict=True)
            columns = [*zip(*fields, strict=True), lines]
            yield pa.Table.from_arrays(
                [
                    pa.array(values, field.type)
                    for values, field in zip(columns, self.schema, strict=True)
                ],
                schema=self.schema,
            )
