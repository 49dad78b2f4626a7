"""The rows of one Parquet file of a report, whole or in pieces, and the checks of what is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.plurals import counted
from jobs.report.chunks import ROWS_PER_CHUNK
from jobs.report.info import Metadata
from jobs.report.metadata import Checksums, read_checksums
from jobs.report.model import ReportError
from jobs.report.parquet.checksums import ColumnDigests
from jobs.report.parquet.errors import translated
from jobs.schema import ARROW_TYPES, REQUIRED, ROWS, STRING, conform
from palm.files.regular import open_regular

__all__ = ["StoredRows", "check_count", "opened", "stored_rows"]

_TYPES: Final = {pa.int64(): pd.Int64Dtype()}


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows of a file, read in pieces each time that they are iterated.

    Attributes:
        path: The file.
        schema: Of the columns that are read; others come out empty.
        rows: How many there are.
        checksums: What the file says of its columns; None in a report of schema 1.
        identity: Which file it was, and in which state; another one is refused.
        is_subset: Whether the file has other columns, too.
    """

    path: Path
    schema: pa.Schema
    rows: int
    checksums: Checksums | None
    identity: tuple[int, ...]
    is_subset: bool

    @property
    def columns(self) -> Sequence[str]:
        """The columns of each piece."""
        return [str(name) for name in _frame(self.schema.empty_table()).columns]

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the rows in pieces of at most ``ROWS_PER_CHUNK``.

        Raises:
            ReportError: The file is damaged, cannot be read, or is not what it was.
        """
        with opened(self.path) as (file, identity):
            self._check_identity(identity)
            if not self.rows:
                yield _frame(self.schema.empty_table())
            for batch in file.iter_batches(ROWS_PER_CHUNK, columns=self.schema.names):
                yield _frame(pa.Table.from_batches([batch]))

    def whole(self) -> pd.DataFrame:
        """Return all rows in one frame.

        Raises:
            ReportError: As for the pieces.
        """
        with opened(self.path) as (file, identity):
            self._check_identity(identity)
            return _frame(file.read(columns=self.schema.names))

    def verified(self, take: Callable[[pd.DataFrame], object] = len) -> None:
        """Read all rows in pieces, and verify the checksums of their columns.

        Args:
            take: Is called with each piece, before all of them are known to be sound.

        Raises:
            ReportError: The file is damaged.
        """
        digests = ColumnDigests(self.rows)
        for rows in self:
            digests.update(rows[self.schema.names])
            self._check_required(rows)
            take(rows)
        self._check(digests.hexdigests())

    def verified_whole(self) -> pd.DataFrame:
        """Return all rows in one frame, and verify the checksums of their columns.

        Raises:
            ReportError: The file is damaged.
        """
        rows = self.whole()
        digests = ColumnDigests(self.rows)
        digests.update(rows[self.schema.names])
        self._check(digests.hexdigests())
        self._check_required(rows)
        return rows

    def _check_identity(self, identity: tuple[int, ...]) -> None:
        if identity != self.identity:
            raise ReportError(f"{self.path} has changed while it was read; run the command again")

    def _check(self, found: Mapping[str, str]) -> None:
        if self.checksums is None:
            return
        stored = self.checksums.columns
        expected = {name: stored.get(name) for name in found} if self.is_subset else stored
        names = {**expected, **found}
        if wrong := [name for name in names if found.get(name) != expected.get(name)]:
            raise ReportError(
                f"{self.path} is damaged: column {wrong[0]!r} does not match its checksum"
            )

    def _check_required(self, rows: pd.DataFrame) -> None:
        if not self.is_subset and rows[list(REQUIRED)].isna().to_numpy().any():
            raise ReportError(f"{self.path} is damaged: a row lacks its pair or its change")


@contextmanager
def opened(path: Path) -> Iterator[tuple[pq.ParquetFile, tuple[int, ...]]]:
    """Open a Parquet file whose pages are verified as they are read; yield it and its identity.

    Raises:
        ReportError: It cannot be read, or is damaged.
    """
    # Opened here because errors of the file system then have a number; pyarrow's have none.
    # With pre_buffer, the whole file would be in memory beside its rows.
    with (
        translated(path),
        open_regular(path) as stream,  # Arrow would wait for a FIFO, and take names for UTF-8
        pq.ParquetFile(stream, pre_buffer=False, page_checksum_verification=True) as file,
    ):
        status = os.fstat(stream.fileno())
        # Not the device's number: of a shared folder, each machine has its own.
        yield file, (status.st_ino, status.st_size, status.st_mtime_ns)


def stored_rows(
    file: pq.ParquetFile, identity: tuple[int, ...], path: Path, columns: Sequence[str] | None
) -> StoredRows:
    """Return the rows of an open file, to be read later; what contradicts itself is refused.

    Args:
        file: The file.
        identity: As :func:`opened` yields it.
        path: Of the file.
        columns: Read only these; None: all.

    Raises:
        ReportError: The file is damaged.
    """
    schema, texts = file.schema_arrow, file.metadata.metadata or {}
    if (schema.metadata or {}).items() - texts.items():
        raise ReportError(f"{path} is damaged: its two copies of the metadata differ")
    if len(set(schema.names)) != len(schema.names):
        raise ReportError(f"{path} is damaged: two columns have the same name")
    if wrong := [field.name for field in schema if not _is_convertible(field)]:
        raise ReportError(f"{path} is damaged: column {wrong[0]!r} has the wrong type")
    wanted = [field for field in schema if columns is None or field.name in columns]
    return StoredRows(
        path,
        pa.schema(wanted),
        file.metadata.num_rows,
        read_checksums(texts, str(path)),
        identity,
        is_subset=columns is not None,
    )


def check_count(rows: int, metadata: Metadata, path: Path) -> None:
    """Refuse a report that has not as many rows as it claims.

    Raises:
        ReportError: It is damaged.
    """
    claimed = sum(metadata.summary.changes.values())
    if rows > claimed or (rows < claimed and metadata.rows_chosen is None):
        raise ReportError(
            f"{path} is damaged: it has {counted(rows, 'row')} and claims {claimed:,}"
        )


def _is_convertible(field: pa.Field) -> bool:
    """Return True if a column can be converted to its type, whichever tool wrote it."""
    wanted, kind = ARROW_TYPES.get(field.name, pa.string()), field.type
    if pa.types.is_timestamp(wanted):
        return bool(pa.types.is_timestamp(kind))
    if pa.types.is_integer(wanted):
        return bool(pa.types.is_integer(kind))
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _frame(table: pa.Table) -> pd.DataFrame:
    """Return a table's rows under the dtypes of ``ROWS``, open sets of categories sorted.

    The table must not be used again.
    """
    table.validate(full=True)
    rows = table.to_pandas(
        ignore_metadata=True, split_blocks=True, self_destruct=True, types_mapper=_TYPES.get
    )
    rows = conform(rows, ROWS)
    open_sets = {
        str(name): rows[name].cat.set_categories(pd.Index(sorted(dtype.categories), dtype=STRING))
        for name, dtype in rows.dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype)
        and not isinstance(ROWS.get(str(name)), pd.CategoricalDtype)
    }
    return rows.assign(**open_sets)
