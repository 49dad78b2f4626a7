"""The outcomes of all pairs of a sweep, by partition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from jobs.partitions.partitioned import FrameInMemory, PartitionedFrame
from jobs.schema import Array, UnknownReason
from jobs.sweep.answers import AnswerTable, Row
from jobs.sweep.blocks.block import Block, Slice, lookup_of

__all__ = ["Outcomes", "OutcomesInMemory"]


class Outcomes(Protocol):
    """Where the outcomes of a sweep are kept while they are not in a block."""

    def restore(self, number: int, rows: Sequence[Row]) -> None:
        """Take over outcomes of an earlier sweep, by their positions in a partition."""

    def clear(self) -> None:
        """Forget all outcomes."""

    def not_asked(self, number: int) -> Array:
        """Return the positions of a partition's pairs that have no outcome."""

    def slices(self, *reasons: UnknownReason) -> Iterator[Slice]:
        """Yield the pairs that are UNKNOWN for one of ``reasons``."""

    def load(self, slices: Sequence[Slice], *, again: bool) -> Block:
        """Return the pairs of slices with their outcomes; ``again``: they have some already."""

    def save(self, block: Block) -> None:
        """Keep the outcomes of the pairs of a block that were asked; it is not used any more."""

    def count(self, *reasons: UnknownReason) -> int:
        """Return how many pairs are UNKNOWN for one of ``reasons``."""

    def frames(self) -> PartitionedFrame:
        """Return columns ``ANSWERS``, under the index of each partition's pairs."""


class OutcomesInMemory:
    """Outcomes of pairs in memory, which are one partition; its only block has the same table.

    Args:
        pairs: Columns ``PAIRS``.
    """

    def __init__(self, pairs: PartitionedFrame) -> None:
        self._pairs = pairs
        self._answers = AnswerTable(len(pairs))

    def restore(self, number: int, rows: Sequence[Row]) -> None:  # noqa: ARG002 - there is only one
        """Take over outcomes of an earlier sweep, by their positions."""
        for row in rows:
            self._answers.restore(row)

    def clear(self) -> None:
        """Forget all outcomes."""
        self._answers = AnswerTable(len(self._pairs))

    def not_asked(self, number: int) -> Array:  # noqa: ARG002
        """Return the positions of the pairs that have no outcome."""
        return self._positions(UnknownReason.NOT_ASKED)

    def slices(self, *reasons: UnknownReason) -> Iterator[Slice]:
        """Yield the pairs that are UNKNOWN for one of ``reasons``."""
        yield Slice(0, self._positions(*reasons))

    def load(self, slices: Sequence[Slice], *, again: bool) -> Block:  # noqa: ARG002
        """Return all pairs with their outcomes."""
        pairs, is_whole = lookup_of(self._pairs, slices)
        block = Block(slices, pairs, self._answers, is_whole=is_whole)
        block.is_done[:] = self._answers.asked().tobytes()
        return block

    def save(self, block: Block) -> None:
        """Do nothing: the block's table is this one's."""

    def count(self, *reasons: UnknownReason) -> int:
        """Return how many pairs are UNKNOWN for one of ``reasons``."""
        return self._answers.count(*reasons)

    def frames(self) -> PartitionedFrame:
        """Return columns ``ANSWERS``, under the index of the pairs."""
        return FrameInMemory(self._answers.frame(self._pairs.frame(0).index))

    def _positions(self, *reasons: UnknownReason) -> Array:
        return np.fromiter(self._answers.indexes(*reasons), dtype=np.int64)
