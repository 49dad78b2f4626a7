"""A task: some pairs to ask about, in a file; and what came of it, in another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.partitions.checked_files import append_table, read_table
from jobs.schema import Array
from jobs.store.locations import UNFINISHED
from jobs.sweep.answers import AnswerTable
from jobs.sweep.blocks.block import Block
from jobs.sweep.blocks.outcome_files import OUTCOMES

__all__ = [
    "AskTask",
    "TaskEnd",
    "TaskResult",
    "read_outcomes",
    "read_task",
    "write_outcomes",
    "write_task",
]

_TASK: Final = pa.schema(
    {
        "number": pa.int32(),
        "position": pa.int32(),
        "organization_id": pa.dictionary(pa.int32(), pa.string()),
        "openid": pa.large_string(),
        **{field.name: field.type for field in OUTCOMES if field.name != "position"},
    }
)
"""The pairs: partition and position, the pair itself, the outcome that it has already."""
_DONE: Final = pa.schema([("number", pa.int32()), *OUTCOMES, ("before", pa.int8())])


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTask:
    """Pairs that one worker is to ask about.

    Attributes:
        number: Of the task, from 0.
        path: The file of its pairs, which every worker sees.
        pairs: How many they are.
        parts: The partitions that they belong to.
        again: Whether they were asked before, in the first round.
        has_good_answer: Whether the run has a good answer already.
    """

    number: int
    path: Path
    pairs: int
    parts: tuple[int, ...]
    again: bool
    has_good_answer: bool

    def label(self, job: str) -> str:
        """Return what the labels of the journals of all attempts at it begin with."""
        return f"{job}-{self.number}"


class TaskEnd(StrEnum):
    """How an attempt at a task ended."""

    DONE = "done"
    CANCELLED = "cancelled"
    """The command said so, because of a deadline, a signal or an error."""
    GIVEN_UP = "given up"
    """This process cannot go on; another one has to."""
    FAILED = "failed"
    """The run must be stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What came of one attempt at a task.

    Attributes:
        end: How it ended.
        worker: Where it ran.
        outcomes: The file of the outcomes; None: there is none.
        report: The last report of the process that asked, as the command gets it during the run.
        error: Why the run must be stopped, or why another process has to go on.
    """

    end: TaskEnd
    worker: str = ""
    outcomes: Path | None = None
    report: dict[str, Any] | None = None
    error: Exception | None = None


def write_task(path: Path, block: Block, numbers: Array, positions: Array, order: Array) -> None:
    """Write the pairs of a block, with the outcomes that they have, by partition.

    Args:
        path: The file.
        block: The pairs.
        numbers: The partition of each.
        positions: Where each stands in its partition.
        order: The indexes of the pairs in the order in which they are written, those of a partition
            together.

    Raises:
        OSError: It cannot be written.
    """
    every = np.arange(len(block.pairs))
    organization_ids, openids = block.pairs.columns()
    columns = {
        "number": numbers,
        "position": positions,
        "organization_id": organization_ids,
        "openid": openids,
        **block.answers.columns(every),
    }
    _write(path, pa.table(columns, schema=_TASK).take(pa.array(order)))


def read_task(path: Path) -> tuple[pd.DataFrame, AnswerTable]:
    """Return the pairs of a task, and the outcomes that they have.

    Returns:
        Columns ``number``, ``position``, ``organization_id`` (a category) and ``openid``, and the
        outcomes in the same order.

    Raises:
        OSError: It cannot be read.
    """
    table = _read(path)
    pairs = table.select(["number", "position", "organization_id", "openid"]).to_pandas()
    answers = AnswerTable(len(pairs))
    columns: dict[str, Any] = {
        name: table[name].to_pylist() if name in {"code", "request_id"} else table[name].to_numpy()
        for name in OUTCOMES.names
        if name != "position"
    }
    answers.restore_columns(np.arange(len(pairs)), columns)
    return pairs, answers


def write_outcomes(path: Path, pairs: pd.DataFrame, answers: AnswerTable, done: Array) -> None:
    """Write the outcomes of the pairs of a task that were asked.

    Args:
        path: The file.
        pairs: As :func:`read_task` returns them, with their reasons before as ``before``.
        answers: The outcomes of all pairs.
        done: The indexes of the pairs that were asked.

    Raises:
        OSError: It cannot be written.
    """
    columns = {name: pairs[name].to_numpy()[done] for name in ("number", "position", "before")}
    _write(path, pa.table({**columns, **answers.columns(done)}, schema=_DONE))


def read_outcomes(path: Path) -> Iterator[tuple[int, pa.Table, Array]]:
    """Yield what :func:`write_outcomes` wrote, partition by partition.

    Yields:
        The number of the partition, columns ``OUTCOMES``, and the reasons before.

    Raises:
        OSError: It cannot be read.
    """
    table = _read(path)
    numbers = table["number"].to_numpy()
    for number in np.unique(numbers).tolist():
        rows = table.filter(pa.array(numbers == number))
        yield number, rows.select(OUTCOMES.names), rows["before"].to_numpy()


def _write(path: Path, table: pa.Table) -> None:
    unfinished = path.with_name(f"{path.name}{UNFINISHED}")
    with unfinished.open("wb") as file:
        append_table(file, table)
    unfinished.replace(path)


def _read(path: Path) -> pa.Table:
    with path.open("rb") as file:
        return read_table(file)
