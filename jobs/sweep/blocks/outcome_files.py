"""The outcomes of a sweep on disk: one file a partition, to which settled blocks are appended."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.partitions.checked_files import SUFFIX, append_table, tables_in
from jobs.partitions.file_names import partition_name
from jobs.partitions.partitioned import DerivedFrame, PartitionedFrame
from jobs.schema import ANSWERS, Array, UnknownReason
from jobs.sweep.answers import NO_TIME, AnswerTable, Row
from jobs.sweep.blocks.answers_frame import answers_frame
from jobs.sweep.blocks.block import Block, Slice, lookup_of

__all__ = ["OUTCOMES", "OutcomesOnDisk"]

_REASONS: Final = list(UnknownReason)
_NOT_ASKED: Final = _REASONS.index(UnknownReason.NOT_ASKED)
_NUMBERS: Final = ("state", "reason", "authorize_ms", "answered_ms", "status", "attempts")
OUTCOMES: Final = pa.schema(
    {
        "position": pa.int32(),
        "state": pa.int8(),
        "reason": pa.int8(),
        "authorize_ms": pa.int64(),
        "answered_ms": pa.int64(),
        "status": pa.int16(),
        "attempts": pa.int16(),
        "code": pa.string(),
        "request_id": pa.string(),
    }
)
"""The position of a pair in its partition, and the attributes of :class:`Row` but the first."""


class OutcomesOnDisk:
    """Outcomes of pairs by partition. A file holds tables of :data:`OUTCOMES`; later ones count.

    Args:
        pairs: Columns ``PAIRS``.
        folder: A folder for the files.
    """

    def __init__(self, pairs: PartitionedFrame, folder: Path) -> None:
        self._pairs = pairs
        self._folder = folder
        self._lock = threading.Lock()  # two blocks, or tasks, may hold pairs of one partition
        self._counts = self._nothing_asked()
        self._sizes: dict[int, int] = {}  # what an earlier run left in other files is not read

    def restore(
        self,
        number: int,
        rows: Sequence[Row],
        *,
        before: UnknownReason = UnknownReason.NOT_ASKED,
    ) -> None:
        """Take over outcomes of an earlier sweep, or of a process that was lost.

        Args:
            number: The number of the partition.
            rows: The outcomes, by their positions in it.
            before: The reason that all of these pairs had until now.

        Raises:
            OSError: They cannot be written.
        """
        if not rows:
            return
        columns: dict[str, Any] = dict(zip(Row._fields, zip(*rows, strict=True), strict=True))
        position = np.array(columns.pop("pair_index"), dtype=np.int64)
        columns |= {name: np.array(columns[name]) for name in _NUMBERS}
        reasons = np.full(len(rows), _REASONS.index(before))
        with self._lock:
            self._append(number, position, columns, reasons)

    def add(self, number: int, outcomes: pa.Table, before: Array) -> None:
        """Take over outcomes of a partition's pairs that another process asked about.

        Args:
            number: The number of the partition.
            outcomes: Columns :data:`OUTCOMES`.
            before: The reasons that the pairs had before, see ``AnswerTable.reasons``.

        Raises:
            OSError: They cannot be written.
        """
        with self._lock:
            self._append_table(number, outcomes, before)

    def clear(self) -> None:
        """Forget all outcomes."""
        self._sizes.clear()
        self._counts = self._nothing_asked()

    def not_asked(self, number: int) -> Array:
        """Return the positions of a partition's pairs that have no outcome.

        Raises:
            OSError: They cannot be read.
        """
        return self.positions(number, UnknownReason.NOT_ASKED)

    def slices(self, *reasons: UnknownReason) -> Iterator[Slice]:
        """Yield the pairs that are UNKNOWN for one of ``reasons``, reading one partition a time.

        Raises:
            OSError: They cannot be read.
        """
        wanted = [_REASONS.index(reason) for reason in reasons]
        for number in np.flatnonzero(self._counts[:, wanted].sum(axis=1)).tolist():
            yield Slice(number, self.positions(number, *reasons))

    def load(self, slices: Sequence[Slice], *, again: bool) -> Block:
        """Return the pairs of slices with their outcomes; ``again``: they have some already.

        Raises:
            OSError: They cannot be read.
        """
        pairs, is_whole = lookup_of(self._pairs, slices)
        answers, start = AnswerTable(len(pairs)), 0
        for each in slices if again else ():
            index = np.full(self._pairs.rows_of(each.number), -1)
            index[each.positions] = np.arange(start, start + len(each))
            if is_whole:
                index = np.arange(len(pairs))
            start += len(each)
            self._restore_into(answers, each.number, index)
        return Block(slices, pairs, answers, is_whole=is_whole)

    def save(self, block: Block) -> None:
        """Append the outcomes of a block's pairs that were asked; it is not used any more.

        Raises:
            OSError: They cannot be written.
        """
        with self._lock:
            for number, positions, indexes in block.done():
                columns = block.answers.columns(indexes)
                self._append(number, positions, columns, block.reasons_before[indexes])

    def count(self, *reasons: UnknownReason) -> int:
        """Return how many pairs are UNKNOWN for one of ``reasons``."""
        return int(self._counts[:, [_REASONS.index(reason) for reason in reasons]].sum())

    def frames(self) -> PartitionedFrame:
        """Return columns ``ANSWERS``, under the index of each partition's pairs.

        They read the files, to which nothing may be added any more.
        """
        pairs = self._pairs
        counts = [pairs.rows_of(number) for number in range(len(self._counts))]
        make = partial(_answers_of, pairs, self._folder, dict(self._sizes))
        return DerivedFrame(pairs.bits, list(ANSWERS), counts, make)

    def _restore_into(self, answers: AnswerTable, number: int, index: Array) -> None:
        """Store a partition's outcomes in a table; ``index``: of each position there, or -1."""
        for table in self._tables(number):
            at = index[table["position"].to_numpy()]
            here = np.flatnonzero(at >= 0)
            chosen = table.take(here)
            columns: dict[str, Any] = {name: chosen[name].to_numpy() for name in _NUMBERS}
            columns |= {name: chosen[name].to_pylist() for name in ("code", "request_id")}
            answers.restore_columns(at[here], columns)

    def positions(self, number: int, *reasons: UnknownReason) -> Array:
        """Return the positions of a partition's pairs that are UNKNOWN for one of ``reasons``.

        Raises:
            OSError: They cannot be read.
        """
        latest = np.full(self._pairs.rows_of(number), _NOT_ASKED, dtype=np.int8)
        for table in self._tables(number):
            latest[table["position"].to_numpy()] = table["reason"].to_numpy()
        return np.flatnonzero(np.isin(latest, [_REASONS.index(reason) for reason in reasons]))

    def answered_ms(self, number: int) -> Array:
        """Return when the answer about each pair of a partition was received, see :class:`Row`.

        Raises:
            OSError: They cannot be read.
        """
        latest = np.full(self._pairs.rows_of(number), NO_TIME, dtype=np.int64)
        for table in self._tables(number):
            latest[table["position"].to_numpy()] = table["answered_ms"].to_numpy()
        return latest

    def _tables(self, number: int) -> list[pa.Table]:
        """Return the tables of a partition's file, the oldest first; none is half written."""
        with self._lock:
            return _tables_of(self._folder, self._sizes, number)

    def _append(
        self, number: int, positions: Array, columns: dict[str, Any], before: Array
    ) -> None:
        """Append outcomes to a partition's file; ``before``: the reasons that they replace."""
        self._append_table(
            number, pa.table({"position": positions, **columns}, schema=OUTCOMES), before
        )

    def _append_table(self, number: int, table: pa.Table, before: Array) -> None:
        mode = "ab" if number in self._sizes else "wb"
        with _file_of(self._folder, number).open(mode) as file:
            append_table(file, table)
            self._sizes[number] = file.tell()
        counts = self._counts[number]
        np.subtract.at(counts, before, 1)
        np.add.at(counts, table["reason"].to_numpy(), 1)

    def _nothing_asked(self) -> Array:
        """Return how many pairs of each partition have each reason; the last column: none."""
        counts = np.zeros((1 << self._pairs.bits, len(_REASONS) + 1), dtype=np.int64)
        counts[:, _NOT_ASKED] = [self._pairs.rows_of(number) for number in range(len(counts))]
        return counts


def _answers_of(
    pairs: PartitionedFrame, folder: Path, sizes: Mapping[int, int], number: int
) -> pd.DataFrame:
    """Return the answers of a partition, without a Python object for each text."""
    rows = pairs.rows_of(number)
    nothing = AnswerTable(1).columns(np.zeros(1, dtype=np.int64))
    numbers = {name: np.repeat(nothing[name], rows) for name in _NUMBERS}
    tables = _tables_of(folder, sizes, number)
    table = pa.concat_tables([*tables, OUTCOMES.empty_table()])
    positions = table["position"].to_numpy()
    for name in _NUMBERS:  # the later of two values for one position stays
        numbers[name][positions] = table[name].to_numpy()
    latest = np.full(rows, -1)
    latest[positions] = np.arange(len(table))
    texts = table.select(["code", "request_id"]).take(pa.array(latest, mask=latest < 0))
    is_code = pa.array(numbers["reason"] >= 0)  # UNNAMED of a good answer is none
    codes = pc.if_else(is_code, texts["code"], pa.scalar(None, pa.string()))
    return answers_frame(
        pairs.frame(number).index,
        numbers,
        pd.Categorical(codes.to_pandas()),
        texts["request_id"].to_pandas().array,
    )


def _tables_of(folder: Path, sizes: Mapping[int, int], number: int) -> list[pa.Table]:
    size = sizes.get(number)
    return [] if size is None else list(tables_in(_file_of(folder, number), size))


def _file_of(folder: Path, number: int) -> Path:
    return folder / f"{partition_name(number)}{SUFFIX}"
