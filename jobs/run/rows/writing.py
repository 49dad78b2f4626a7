"""Writes the rows of a report, partition by partition, by this process or by workers."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pandas as pd

from jobs.cluster.dispatch.parts import WrittenByWorkers
from jobs.cluster.tasks.part_task import PartTask, WrittenPart, read_part, write_source
from jobs.evidence.in_order import EvidenceInOrder
from jobs.report.chunks import RowChunks, RowParts
from jobs.run.rows.row_store import RowStore
from jobs.store.files.filesystem import reason_of
from jobs.store.staging.part_stage import PartStage
from jobs.store.staging.row_source import RowCounts, RowSource

__all__ = ["WrittenRows", "write_rows", "write_rows_by_workers"]

_log: Final = logging.getLogger("palm")


@dataclass(frozen=True, slots=True)
class WrittenRows:
    """The rows of a report.

    Attributes:
        content: The rows, in memory or in pieces.
        counts: Their counts.
        finished: When all answers were there, UTC.
    """

    content: pd.DataFrame | RowChunks | RowParts
    counts: RowCounts
    finished: datetime


def write_rows(
    source: RowSource, store: RowStore, evidence: EvidenceInOrder | None = None
) -> WrittenRows:
    """Write all rows in this process.

    Args:
        source: What they are made of.
        store: Takes them.
        evidence: Takes the evidence of each partition's rows; None: it is not kept.

    Raises:
        OSError: A frame cannot be read, or the rows cannot be kept on disk.
    """
    counts = RowCounts()
    for number in range(1 << source.pairs.bits):
        rows = source.rows(number)
        counts += source.counts(rows)
        store.add(number, rows)
        if evidence is not None:
            evidence.add(number, rows)
    return WrittenRows(store.content(), counts, source.finished)


async def write_rows_by_workers(
    source: RowSource, stage: PartStage, workers: WrittenByWorkers, tasks: Path
) -> WrittenRows:
    """Have the rows of a report in parts written by workers.

    What no worker can write is written here.

    Args:
        source: What they are made of; its frames are in folders that the workers see.
        stage: Takes them.
        workers: Write them.
        tasks: A folder that the workers see.

    Raises:
        OSError: A frame cannot be read, or the rows cannot be kept on disk.
    """
    path, counts = write_source(source, tasks), RowCounts()
    parts = range(1 << source.pairs.bits)
    async for task, written in workers.write(PartTask(each, path, stage.folder) for each in parts):
        part = await asyncio.to_thread(_read, written, task)
        if part is None:  # in a thread: the scheduler and the workers are listened to meanwhile
            counts += await asyncio.to_thread(_write, source, stage, task.number)
        else:
            counts += part.counts
            stage.take(task.number, part.rows)
    return WrittenRows(stage.content(), counts, source.finished)


def _write(source: RowSource, stage: PartStage, number: int) -> RowCounts:
    """Write a part in this process, and return its counts."""
    rows = source.rows(number)
    stage.add(number, rows)
    return source.counts(rows)


def _read(path: Path | None, task: PartTask) -> WrittenPart | None:
    """Return a part that a worker has written; None: there is none, or it cannot be used here."""
    if path is None:
        return None
    try:
        part = read_part(path, task)
        part.rows.check()
    except OSError as error:
        _log.info("part %d is written by the command: %s", task.number, reason_of(error))
        return None
    return part
