"""Divides the pairs of a round into tasks, each in a file that the workers see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np

from jobs.cluster.tasks.task import AskTask, write_task
from jobs.partitions.checked_files import SUFFIX
from jobs.partitions.partitioned import PartitionedFrame
from jobs.sweep.blocks.block import Slice, grouped
from jobs.sweep.blocks.outcome_files import OutcomesOnDisk

__all__ = ["TaskFiles", "most_pairs"]

_MOST: Final = 32_768
_LEAST: Final = 100
_TASKS_PER_WORKER: Final = 8
"""At least, so that no worker is left with a long task at the end."""


def most_pairs(pairs: int, workers: int) -> int:
    """Return how many pairs a task has at most.

    Args:
        pairs: Of all tasks.
        workers: How many workers there are.
    """
    return min(_MOST, max(_LEAST, -(-pairs // (_TASKS_PER_WORKER * max(1, workers)))))


class TaskFiles:
    """Makes tasks, one after the other, as they are needed.

    Args:
        folder: A folder that every worker sees.
        pairs: Columns ``PAIRS``.
        outcomes: Of the same pairs.
    """

    def __init__(self, folder: Path, pairs: PartitionedFrame, outcomes: OutcomesOnDisk) -> None:
        self._folder = folder
        self._pairs = pairs
        self._outcomes = outcomes
        self._numbers = count()

    def tasks(
        self,
        slices: Iterable[Slice],
        *,
        most: int,
        again: bool,
        has_good_answer: Callable[[], bool],
    ) -> Iterator[AskTask]:
        """Yield the tasks of a round, in the order of its slices.

        Args:
            slices: The pairs to ask about.
            most: How many pairs a task has at most.
            again: Whether they were asked before.
            has_good_answer: Returns whether the run has a good answer.

        Raises:
            OSError: A file cannot be read or written.
        """
        for group in grouped(_cut(slices, most), most):
            number = next(self._numbers)
            path = self._folder / f"task-{number:06}{SUFFIX}"
            block = self._outcomes.load(group, again=again)
            first = group[0]
            is_whole = len(group) == 1 and len(first) == self._pairs.rows_of(first.number)
            positions = (
                np.arange(len(first)) if is_whole else np.concatenate([s.positions for s in group])
            )
            order = np.argsort(numbers := _numbers(group), kind="stable")
            write_task(path, block, numbers, positions, order)
            yield AskTask(
                number=number,
                path=path,
                pairs=len(positions),
                parts=tuple(sorted({each.number for each in group})),
                again=again,
                has_good_answer=has_good_answer(),
            )


def _numbers(group: list[Slice]) -> np.ndarray:
    return np.repeat([each.number for each in group], [len(each) for each in group])


def _cut(slices: Iterable[Slice], most: int) -> Iterator[Slice]:
    """Yield slices of at most ``most`` pairs."""
    for each in slices:
        for start in range(0, len(each), most):
            yield Slice(each.number, each.positions[start : start + most])
