"""The pairs that are in memory together while they are asked about, and their outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from jobs.input.lookup import PairLookup
from jobs.partitions.partitioned import PartitionedFrame
from jobs.schema import Array
from jobs.sweep.answers import AnswerTable

__all__ = ["Block", "Slice", "grouped", "lookup_of"]

_CHUNK: Final = 65_536
"""Positions that are Python objects at a time."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Pairs of one partition to be asked about, in their order.

    Attributes:
        number: The number of the partition.
        positions: Where the pairs stand in the partition's frame, none of them twice.
    """

    number: int
    positions: Array

    def __len__(self) -> int:
        return len(self.positions)


class Block:
    """Pairs that are asked about together, each known by its index in the block.

    Args:
        slices: What the block consists of.
        pairs: Its pairs; those of a block of one slice may be the whole partition's, and then the
            index of a pair is its position in the partition.
        answers: Their outcomes.

    Attributes:
        slices: What the block consists of.
        pairs: Its pairs.
        answers: Their outcomes.
        is_done: 1 for each pair that has been asked, or need not be.
        turn: The indexes of the pairs to ask about, in their order; shared by all workers.
        is_exhausted: True if no index is left in ``turn``.
        workers: How many workers ask about its pairs.
        reasons_before: The reasons of its pairs when it was loaded, see ``AnswerTable.reasons``.
    """

    def __init__(
        self, slices: Sequence[Slice], pairs: PairLookup, answers: AnswerTable, *, is_whole: bool
    ) -> None:
        self.slices = slices
        self.pairs = pairs
        self.answers = answers
        self.is_done = bytearray(len(pairs))
        self.is_exhausted = False
        self.workers = 0
        self.reasons_before = answers.reasons()
        self._is_whole = is_whole
        self._ends = np.cumsum([len(each) for each in slices])
        self.turn = _each(slices[0].positions) if is_whole else iter(range(len(pairs)))

    def partition_of(self, index: int) -> int:
        """Return the number of the partition that a pair belongs to."""
        if len(self.slices) == 1:
            return self.slices[0].number
        return self.slices[int(np.searchsorted(self._ends, index, side="right"))].number

    def done(self) -> Iterator[tuple[int, Array, Array]]:
        """Yield the pairs that have been asked: of each partition the positions and the indexes."""
        done = np.frombuffer(self.is_done, dtype=np.uint8).astype(bool)
        if self._is_whole:
            indexes = np.flatnonzero(done)
            yield self.slices[0].number, indexes, indexes
            return
        start = 0
        for each, end in zip(self.slices, self._ends.tolist(), strict=True):
            here = np.flatnonzero(done[start:end])
            if len(here):
                yield each.number, each.positions[here], here + start
            start = end

    def of_different_organizations(self) -> Iterator[int]:
        """Yield all indexes: first pairs of different organizations, then the remaining ones."""
        codes = pd.Series(self.pairs.codes)
        turn = codes.groupby(codes, sort=False).cumcount().to_numpy()
        return (int(index) for index in turn.argsort(kind="stable"))


def lookup_of(pairs: PartitionedFrame, slices: Sequence[Slice]) -> tuple[PairLookup, bool]:
    """Return the pairs of a block, and whether they are those of a whole partition.

    A frame in memory is not copied: such a block has the whole frame, whatever is asked of it.

    Raises:
        OSError: A partition cannot be read.
    """
    first = slices[0]
    if len(slices) == 1 and (not pairs.bits or len(first) == pairs.rows_of(first.number)):
        return PairLookup(pairs.frame(first.number)), True
    keys = ["organization_id", "openid"]
    chosen = [pairs.frame(each.number)[keys].iloc[each.positions] for each in slices]
    return PairLookup(_joined(chosen)), False


def grouped(slices: Iterable[Slice], least: int) -> Iterator[list[Slice]]:
    """Yield slices in groups of at least ``least`` pairs, but for the last one."""
    group: list[Slice] = []
    pairs = 0
    for each in slices:
        group.append(each)
        pairs += len(each)
        if pairs >= least:
            yield group
            group, pairs = [], 0
    if group:
        yield group


def _each(positions: Array) -> Iterator[int]:
    """Yield positions, without all of them in memory as objects."""
    for start in range(0, len(positions), _CHUNK):
        yield from positions[start : start + _CHUNK].tolist()


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return frames of pairs one after the other, their organizations as one category."""
    if len(frames) == 1:
        return frames[0]
    organizations = pd.api.types.union_categoricals([each["organization_id"] for each in frames])
    joined = pd.concat([each[["openid"]] for each in frames], ignore_index=True)
    return joined.assign(organization_id=organizations)
