"""Reads an input in blocks of several sizes, and asserts that the size makes no difference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from jobs.errors import InputError
from jobs.input.blocks import read_table
from jobs.input.header import Columns, Header, find_header
from jobs.input.line_stats import LineStats
from jobs.input.pairs import Input, parse_pairs
from jobs.input.source import find_encoding

__all__ = ["assert_same_in_any_block", "parse_in_every_way"]

_SIZES: Final = (None, 1, 40)
"""All of a small text at once; each line a block of its own; a few lines."""
_LARGE: Final = 4_000


def parse_in_every_way(content: bytes, *, name: str, **options: Any) -> Input:
    """Return what ``parse_pairs`` returns, after reading in blocks of other sizes as well."""
    given = {"openid_column": "openid", "organization_column": "organization_id", **options}
    encoding = given.pop("encoding", None)
    sizes = _SIZES if len(content) < _LARGE else (None, _LARGE)
    assert_same_in_any_block(content, Columns(*given.values()), encoding, sizes)
    return parse_pairs(content, name=name, **options)


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
        used = find_encoding(content, "p.csv", encoding)
        header = find_header(content, used, columns, "p.csv")
    except (InputError, UnicodeError):
        return
    expected = _read(content, used, header, 0)
    for size in sizes:
        assert _read(content, used, header, size) == expected, f"blocks of {size} bytes"


def _read(content: bytes, encoding: str, header: Header, size: int | None) -> tuple[Any, ...]:
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
