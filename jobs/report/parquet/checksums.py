"""Checksums of a report's columns: of their values, not of how a file stores them.

Pure. The sha256 of a column is taken over its name and its values in a canonical form, so that it
does not depend on chunks, row groups, dictionaries, compression or the versions of libraries. A
file rewritten by another tool with the same values has the same checksums.

=====================  ===========================================================================
column                 canonical form, integers little-endian
=====================  ===========================================================================
states, changes, ...   one int8 a row: the position in the column's categories, -1 where missing
organization, codes    the distinct texts in the order of their first row, and an int32 a row
times                  one int64 a row, milliseconds since 1970; the least int64 where missing
whole numbers          one of the column's own width a row, 0 where missing; one bit a row: missing
texts                  one int32 a row, the length in UTF-8, -1 where missing; all texts joined
=====================  ===========================================================================
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.schema import ROWS, Array, codes

__all__ = ["ColumnDigests", "column_digests"]

_MISSING: Final = -1
_CODEC: Final = "lz4"
_NARROW: Final = ((2**8, "u1"), (2**16, "<u2"))
"""Types in which the numbers of a column with so few distinct texts are kept."""


def column_digests(rows: pd.DataFrame) -> dict[str, str]:
    """Return the sha256 of each column, by its name, as hexadecimal digits.

    Args:
        rows: Columns of ``ROWS`` under its dtypes, and carried ones as text.
    """
    digests = ColumnDigests(len(rows))
    digests.update(rows)
    return digests.hexdigests()


class ColumnDigests:
    """Computes the sha256 of each column from pieces of the rows, in their order.

    What cannot be hashed before the last row is known is kept: a byte or two a row for each column
    of organizations or codes, a bit a row for each column of whole numbers.

    Args:
        rows: How many rows all pieces have together.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._columns: dict[str, _Column] = {}

    def update(self, rows: pd.DataFrame) -> None:
        """Take the next rows.

        Args:
            rows: The same columns each time; those of ``ROWS`` under its dtypes, others as text.
        """
        for name, column in rows.items():
            own = self._columns.get(str(name))
            if own is None:
                head = hashlib.sha256(json.dumps([name, self._rows]).encode() + b"\n")
                own = self._columns[str(name)] = _kind_of(str(name), column)(head)
            own.update(column)

    def hexdigests(self) -> dict[str, str]:
        """Return the sha256 of each column, by its name, as hexadecimal digits, at the end."""
        return {name: column.hexdigest() for name, column in self._columns.items()}


class _Column:
    """The canonical form of a column, hashed from the first row to the last."""

    def __init__(self, digest: hashlib._Hash) -> None:
        self._digest = digest

    def update(self, column: pd.Series) -> None:
        """Take the next values."""
        raise NotImplementedError

    def hexdigest(self) -> str:
        """Return the sha256 of all values."""
        return self._digest.hexdigest()


class _ClosedSet(_Column):
    def update(self, column: pd.Series) -> None:
        name = str(column.name)
        self._digest.update(codes(column.to_frame(name), name).data)


class _Times(_Column):
    def update(self, column: pd.Series) -> None:
        times = column.to_numpy("datetime64[ms]").view("int64")
        self._digest.update(np.ascontiguousarray(times, "<i8").data)


class _Integers(_Column):
    """Values first, then a bit a row: whole bytes of these are kept, and up to seven rows more."""

    def __init__(self, digest: hashlib._Hash) -> None:
        super().__init__(digest)
        self._bits: list[bytes] = []
        self._rest: Array = np.array([], dtype=bool)

    def update(self, column: pd.Series) -> None:
        width = np.dtype(str(column.dtype).lower()).newbyteorder("<")
        self._digest.update(np.ascontiguousarray(column.to_numpy(width, na_value=0)).data)
        missing = np.concatenate([self._rest, column.isna().to_numpy(bool)])
        whole = len(missing) - len(missing) % 8
        self._bits.append(np.packbits(missing[:whole]).tobytes())
        self._rest = missing[whole:]

    def hexdigest(self) -> str:
        digest = self._digest.copy()
        digest.update(b"".join(self._bits))
        digest.update(np.packbits(self._rest).data)
        return digest.hexdigest()


class _Distinct(_Column):
    """The distinct texts first: they are known at the end, so the number of each row is kept."""

    def __init__(self, digest: hashlib._Hash) -> None:
        super().__init__(digest)
        self._known: dict[str | None, int] = {}
        self._pieces: list[tuple[str, int, bytes]] = []

    def update(self, column: pd.Series) -> None:
        numbers, places = pd.factorize(column.cat.codes.to_numpy())
        words = column.cat.categories
        texts = [None if place == _MISSING else str(words[place]) for place in places.tolist()]
        known = self._known
        own = np.array([known.setdefault(text, len(known)) for text in texts], dtype="<i4")
        kind = next((kind for most, kind in _NARROW if len(known) <= most), "<i4")
        packed = own[numbers].astype(kind).tobytes()
        self._pieces.append((kind, len(packed), pa.compress(packed, _CODEC, asbytes=True)))

    def hexdigest(self) -> str:
        digest = self._digest.copy()
        digest.update(json.dumps(list(self._known)).encode() + b"\n")
        for kind, size, packed in self._pieces:
            numbers = np.frombuffer(pa.decompress(packed, size, _CODEC, asbytes=True), kind)
            digest.update(numbers.astype("<i4").data)
        return digest.hexdigest()


class _Texts(_Column):
    """A hash of all lengths and a hash of all texts: two streams over the same rows."""

    def __init__(self, digest: hashlib._Hash) -> None:
        super().__init__(digest)
        self._lengths, self._texts = hashlib.sha256(), hashlib.sha256()

    def update(self, column: pd.Series) -> None:
        cells = pa.array(column)
        for chunk in cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]:
            size = pc.fill_null(pc.binary_length(chunk).cast(pa.int32()), _MISSING)
            self._lengths.update(np.ascontiguousarray(size.to_numpy(), "<i4").data)
            self._texts.update(_joined(pc.fill_null(chunk, "") if chunk.null_count else chunk))

    def hexdigest(self) -> str:
        digest = self._digest.copy()
        digest.update(self._lengths.digest())
        digest.update(self._texts.digest())
        return digest.hexdigest()


def _kind_of(name: str, column: pd.Series) -> type[_Column]:
    if isinstance(ROWS.get(name), pd.CategoricalDtype):
        return _ClosedSet
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _Distinct
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _Times
    return _Integers if pd.api.types.is_integer_dtype(column.dtype) else _Texts


def _joined(chunk: pa.Array) -> memoryview:
    """Return the bytes of all texts of an array without missing ones, concatenated."""
    _, starts, content = chunk.buffers()
    if not len(chunk) or content is None:
        return memoryview(b"")
    width = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
    offsets = np.frombuffer(starts, width)[chunk.offset : chunk.offset + len(chunk) + 1]
    return memoryview(content)[int(offsets[0]) : int(offsets[-1])]
