"""Reads the evidence files of a night, by ranges of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.errors import InputError
from jobs.evidence.columns import EVIDENCE, PAIR
from jobs.evidence.keys import EvidenceKey
from jobs.evidence.write import FOOTER, SCHEMA
from jobs.store.files.filesystem import reason_of
from palm.files.regular import open_regular

__all__ = ["EvidenceFiles"]

_GROUPS_HELD: Final = 2
_DAMAGED: Final = (
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
    AttributeError,
    pa.ArrowException,
)
_Positions: TypeAlias = npt.NDArray[np.int64]


class EvidenceFiles:
    """The evidence files of one night, as one sequence of rows; a context that closes them.

    Args:
        paths: The files, in their order.

    Attributes:
        paths: The same.
        keys: The keys that signed, by id, as the files carry them: whether they are trusted is
            another question.

    Raises:
        InputError: A file cannot be read, or is not an evidence file that this version knows.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths: tuple[Path, ...] = tuple(paths)
        self.keys: dict[str, EvidenceKey] = {}
        self._files: list[pq.ParquetFile] = []
        self._groups: list[tuple[int, int]] = []
        """The file and the number in it of each row group."""
        starts = [0]
        with ExitStack() as stack:
            for at, path in enumerate(self.paths):
                with _translated(path):
                    file = _opened(path, stack)
                    self._files.append(file)
                    self.keys |= _keys(file, path)
                    for group in range(file.num_row_groups):
                        self._groups.append((at, group))
                        starts.append(starts[-1] + _rows_of(file.metadata.row_group(group)))
            self._opened = stack.pop_all()
        self._starts: _Positions = np.array(starts, np.int64)
        self._group = lru_cache(_GROUPS_HELD)(self._read_group)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()

    def pairs(self) -> Iterator[pa.Table]:
        """Yield the pairs of all rows, group by group.

        Raises:
            InputError: A file cannot be read.
        """
        for number in range(len(self._groups)):
            yield self._rows(number, list(PAIR))

    def take(self, positions: _Positions) -> pa.Table:
        """Return some rows, columns ``EVIDENCE``.

        Args:
            positions: Their numbers among all rows, in any order.

        Raises:
            InputError: A file cannot be read.
        """
        if not len(positions):
            return EVIDENCE.empty_table()
        groups = np.searchsorted(self._starts, positions, side="right") - 1
        tables, offset = [], np.empty(len(positions), np.int64)
        held = 0
        for group in np.unique(groups).tolist():
            table = self._group(group)
            here = groups == group
            offset[here] = positions[here] - self._starts[group] + held
            held += len(table)
            tables.append(table)
        table = pa.concat_tables(tables).unify_dictionaries()
        first = int(offset[0])
        if np.array_equal(offset, np.arange(first, first + len(offset))):
            return table.slice(first, len(offset))
        return table.take(pa.array(offset))

    def tables(self) -> Iterator[pa.Table]:
        """Yield all rows, for a run that takes over answers of this one, group by group.

        Raises:
            InputError: A file cannot be read.
        """
        yield from map(self._read_group, range(len(self._groups)))

    def _read_group(self, number: int) -> pa.Table:
        return self._rows(number)

    def _rows(self, number: int, columns: list[str] | None = None) -> pa.Table:
        at, group = self._groups[number]
        with _translated(self.paths[at]):
            table = self._files[at].read_row_group(group, columns=columns)
            table.validate(full=True)
            if len(table) != self._starts[number + 1] - self._starts[number]:
                raise ValueError("a row group has another number of rows than it claims")
            return table.replace_schema_metadata(None)


def _opened(path: Path, stack: ExitStack) -> pq.ParquetFile:
    """Return a Parquet file that ``stack`` closes."""
    file = stack.enter_context(open_regular(path))
    return stack.enter_context(
        pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True)
    )


def _rows_of(group: pq.RowGroupMetaData) -> int:
    """Return how many rows a row group claims; its columns claim as many values, nulls included."""
    rows: int = group.num_rows
    if any(group.column(number).num_values != rows for number in range(group.num_columns)):
        raise ValueError("the columns of a row group differ in their number of rows")
    return rows


def _keys(file: pq.ParquetFile, path: Path) -> dict[str, EvidenceKey]:
    text = (file.metadata.metadata or {}).get(FOOTER)
    if text is None:
        raise InputError(f"{path} is not evidence of palm-reconcile")
    footer = json.loads(text)
    if footer["schema"] != SCHEMA:
        raise InputError(f"{path} was written with another schema; this version knows {SCHEMA}")
    if not file.schema_arrow.equals(EVIDENCE):
        raise InputError(f"{path} does not have the columns of evidence")
    return {str(name): EvidenceKey.from_json(key) for name, key in footer["keys"].items()}


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Raise the errors of libraries about a file as an InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason_of(error)}") from None
    except _DAMAGED:
        raise InputError(f"{path} is damaged, or not evidence of palm-reconcile") from None
