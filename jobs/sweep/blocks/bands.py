"""The order in which blocks are asked about; under a time limit the urgent pairs of all come first.

A frame in memory has the exact order of :mod:`jobs.sweep.blocks.order`. Pairs on disk are asked in
bands, each of all partitions one after the other: the classes of that order, the last one divided
by the day of the last answer, the oldest first. Two bytes a pair are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from jobs.partitions.partitioned import PartitionedFrame
from jobs.schema import Array
from jobs.sweep.blocks.block import Slice
from jobs.sweep.blocks.order import order, turns
from jobs.sweep.blocks.outcomes import Outcomes

__all__ = ["by_urgency", "not_asked"]

_MOST_BANDS: Final = 32
"""The last class is divided into so many bands at most."""
_LAST_CLASS: Final = 3
_MS_PER_DAY: Final = 86_400_000
_ASKED: Final = np.iinfo(np.uint16).max
"""The urgency of a pair that has an outcome already."""


def not_asked(pairs: PartitionedFrame, outcomes: Outcomes) -> Iterator[Slice]:
    """Yield the pairs without an outcome, in the order of the pairs.

    Args:
        pairs: Columns ``PAIRS``.
        outcomes: Of the same pairs.

    Raises:
        OSError: Outcomes cannot be read.
    """
    slices = (Slice(number, outcomes.not_asked(number)) for number in range(1 << pairs.bits))
    return (each for each in slices if len(each))


def by_urgency(
    pairs: PartitionedFrame,
    baseline_rows: PartitionedFrame,
    outcomes: Outcomes,
    *,
    run_date: date,
) -> Iterator[Slice]:
    """Yield the pairs without an outcome, the most urgent ones first.

    Args:
        pairs: Columns ``PAIRS``.
        baseline_rows: Columns ``ROWS``, divided in the same way.
        outcomes: Of the same pairs.
        run_date: The run date of this run.

    Raises:
        OSError: A partition, or its outcomes, cannot be read.
    """
    if not len(baseline_rows):
        yield from not_asked(pairs, outcomes)
        return
    if not pairs.bits:
        yield Slice(0, order(pairs.frame(0), baseline_rows.frame(0), run_date=run_date))
        return
    urgencies = []
    for number in range(1 << pairs.bits):
        urgency = _urgency(pairs.frame(number), baseline_rows.frame(number), run_date)
        asked = np.ones(len(urgency), dtype=bool)
        asked[outcomes.not_asked(number)] = False
        urgency[asked] = _ASKED
        urgencies.append(urgency)
    for first, last in _bands(urgencies):
        for number, urgency in enumerate(urgencies):
            positions = np.flatnonzero((urgency >= first) & (urgency <= last))
            if len(positions):
                yield Slice(number, positions)


def _urgency(pairs: pd.DataFrame, baseline_rows: pd.DataFrame, run_date: date) -> Array:
    """Return the class of each pair; in the last class, plus the day since 1970; uint16."""
    if not len(baseline_rows):
        return np.zeros(len(pairs), dtype=np.uint16)
    turn, age = turns(pairs, baseline_rows, run_date=run_date)
    day = np.clip(age // _MS_PER_DAY, 0, _ASKED - _LAST_CLASS - 1)
    return np.where(turn == _LAST_CLASS, _LAST_CLASS + day, turn).astype(np.uint16)


def _bands(urgencies: list[Array]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last urgency of each band, bands of the last class about as large."""
    counts: Array = np.zeros(_ASKED + 1, dtype=np.int64)
    for urgency in urgencies:
        counts += np.bincount(urgency, minlength=_ASKED + 1)
    there = np.flatnonzero(counts[:_ASKED])
    yield from ((each, each) for each in there[there < _LAST_CLASS].tolist())
    days = there[there >= _LAST_CLASS]
    if len(days) <= _MOST_BANDS:
        yield from ((each, each) for each in days.tolist())
        return
    before = np.cumsum(counts[days]) - counts[days]
    band = before * _MOST_BANDS // counts[days].sum()
    for each in np.unique(band):
        within = days[band == each]
        yield int(within[0]), int(within[-1])
