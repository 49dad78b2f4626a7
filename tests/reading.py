"""Reads an input in blocks of several sizes, from memory and from a file, whole and in parts.

None of this may make a difference, which is asserted.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pytest

from jobs.errors import InputError
from jobs.input import partitioned
from jobs.input.blocks import read_table
from jobs.input.content import content as content_module
from jobs.input.content.content import Content, ContentInMemory, ContentOnDisk
from jobs.input.content.encoding import find_encoding
from jobs.input.content.scan import scan_stored
from jobs.input.content.source import Stored
from jobs.input.header import Columns, Header, find_header
from jobs.input.line_stats import LineStats
from jobs.input.pairs import Input, pairs_in_memory, parse_pairs
from jobs.input.partitioned import partition_pairs
from jobs.partitions.hashing import partition_numbers
from jobs.partitions.partitioned import FrameInMemory, frames

__all__ = ["assert_same_in_any_block", "parse_in_every_way"]

_SIZES: Final = (None, 1, 40)
"""All of a small text at once; each line a block of its own; a few lines."""
_LARGE: Final = 4_000


def parse_in_every_way(content: bytes, *, name: str, **options: Any) -> Input:
    """Return what ``parse_pairs`` returns, after reading in blocks of other sizes as well."""
    given = {"openid_column": "openid", "organization_column": "organization_id", **options}
    encoding = given.pop("encoding", None)
    sizes = _SIZES if len(content) < _LARGE else (None, _LARGE)
    columns = Columns(*given.values())
    assert_same_in_any_block(content, columns, encoding, sizes)
    found = _found(lambda: parse_pairs(content, name=name, **options))
    with _in_small_pieces(content):
        for bits in (0, 3):
            assert_same_in_parts(content, name, columns, encoding, bits, found)
    if isinstance(found, Exception):
        raise found
    return found


def assert_same_in_parts(
    content: bytes,
    name: str,
    columns: Columns,
    encoding: str | None,
    bits: int,
    expected: Input | Exception,
) -> None:
    """Assert that pairs, counts and error are the same read from a file, and gone to files.

    Without bits, the pairs stay in memory.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "parts")
        folder.mkdir()

        def read() -> Input:
            stored = Stored(name, _on_disk(content, made), hashlib.sha256(content).hexdigest())
            with scan_stored(stored, encoding) as scan:
                if not bits:
                    return pairs_in_memory(scan, columns)
                return partition_pairs(scan, columns, bits, folder, block_size=40)

        found = _found(read)
        if isinstance(expected, Exception) or isinstance(found, Exception):
            assert (type(found), str(found)) == (type(expected), str(expected))
            return
        nothing = FrameInMemory(pd.DataFrame())
        assert replace(found, partitions=nothing) == replace(expected, partitions=nothing)
        rows = found.pairs.sort_values("input_line", ignore_index=True)
        pd.testing.assert_frame_equal(_plain(rows), _plain(expected.pairs))
        assert list(found.partitions.columns) == list(expected.pairs.columns)
        for number, frame in enumerate(frames(found.partitions)):
            assert frame["input_line"].is_monotonic_increasing
            assert frame.dtypes.drop("organization_id").equals(
                expected.pairs.dtypes.drop("organization_id")
            )
            numbers = partition_numbers(frame["organization_id"], frame["openid"], bits)
            assert set(numbers.tolist()) <= {number}


@contextmanager
def _in_small_pieces(content: bytes) -> Iterator[None]:
    """Read a file a few bytes at a time, and look at a few records at a time."""
    size = 7 if len(content) < _LARGE else _LARGE
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_BLOCK", "_WINDOW"):
            patch.setattr(content_module, name, size)
        patch.setattr(partitioned, "_ROWS_PER_PIECE", size)
        patch.setattr(partitioned, "_ROWS_AT_ONCE", 2)
        yield


def _plain(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.astype({"organization_id": "str"})


def _found(read: Callable[[], Input]) -> Input | Exception:
    try:
        return read()
    except (InputError, UnicodeError) as error:
        return error


def _on_disk(content: bytes, folder: str) -> ContentOnDisk:
    path = Path(folder, "content")
    path.write_bytes(content)
    return ContentOnDisk(path.open("rb"))


def assert_same_in_any_block(
    content: bytes,
    columns: Columns = Columns(),  # noqa: B008 - a value
    encoding: str | None = None,
    sizes: Iterable[int | None] = _SIZES,
) -> None:
    """Assert that table, account of lines and error are those of reading line by line.

    The file's name is ``p.csv``. What is wrong about the header is no matter of blocks.
    """
    try:
        used = find_encoding(ContentInMemory(content), "p.csv", encoding).encoding
        header = find_header(ContentInMemory(content), used, columns, "p.csv")
    except (InputError, UnicodeError):
        return
    expected = _read(ContentInMemory(content), used, header, 0)
    for size in sizes:
        found = _read(ContentInMemory(content), used, header, size)
        assert found == expected, f"blocks of {size} bytes"
    with (
        _in_small_pieces(content),
        tempfile.TemporaryDirectory() as made,
        closing(_on_disk(content, made)) as stored,
    ):
        assert _read(stored, used, header, 40) == expected, "from a file"


def _read(content: Content, encoding: str, header: Header, size: int | None) -> tuple[Any, ...]:
    stats = LineStats()
    try:
        table = read_table(content, encoding, header, stats, "p.csv", block_size=size)
    except (InputError, UnicodeError) as error:
        return type(error), str(error)
    stats.blank_quote = 0  # of use within a record only; the header's own may be noted
    organizations = table["organization_id"].chunks
    names = [chunk.dictionary.to_pylist() for chunk in organizations]
    assert all(column.num_chunks <= 1 for column in table.columns)
    return _Table(table), names, stats, list(stats.by_reason)


class _Table:
    """A table that is equal to another one if its schema and all of its values are."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Table) and bool(
            self._table.equals(other._table, check_metadata=True)
        )

    __hash__ = None

    def __repr__(self) -> str:
        return repr(self._table.to_pylist())
