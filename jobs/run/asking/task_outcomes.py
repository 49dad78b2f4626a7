"""Where the outcomes of tasks go, and what the journals of their attempts hold."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path

import structlog

from jobs.cluster.dispatch.task_store import TaskStore
from jobs.cluster.tasks.task import AskTask, TaskResult, read_outcomes
from jobs.evidence.kept import EvidenceCollector
from jobs.journal.kept import KeptAnswers
from jobs.journal.paths import JournalPath, attempts
from jobs.journal.recovery import read_for_run, set_aside
from jobs.journal.stored import UnusableJournal
from jobs.loggers import ALWAYS
from jobs.partitions.partitioned import PartitionedFrame
from jobs.report.model import GatewayId
from jobs.schema import UnknownReason
from jobs.sweep.answers import is_good
from jobs.sweep.blocks.outcome_files import OutcomesOnDisk
from jobs.sweep.engine import LAST_ROUND

__all__ = ["TaskOutcomes"]


class TaskOutcomes:
    """Takes the outcomes of tasks over into those of the run.

    Args:
        outcomes: Those of the run.
        pairs: Columns ``PAIRS``, of the same pairs.
        journals: The folder for the journals of the run date.
        job: Begins the labels of this run's journals.
        run_date: Of the run.
        gateway: The gateway that is asked, and the merchant that asks.
    """

    def __init__(
        self,
        outcomes: OutcomesOnDisk,
        pairs: PartitionedFrame,
        journals: Path,
        job: str,
        *,
        run_date: date,
        gateway: GatewayId,
    ) -> None:
        self._outcomes, self._pairs = outcomes, pairs
        self._journals, self._job = journals, job
        self._read = partial(read_for_run, run_date=run_date, gateway=gateway)

    def store(self) -> TaskStore:
        """Return what a dispatch calls."""
        return TaskStore(take=self._take, restore=self._restore, progress=self._progress)

    def collect(self, collector: EvidenceCollector) -> None:
        """Hand on what is signed of the answers of this run's workers that the report will have.

        A worker that was taken for lost may have had another answer about a pair.

        Args:
            collector: Takes it.

        Raises:
            OutputError: A journal cannot be read.
            OSError: What is signed cannot be kept.
        """
        read = partial(self._read, unusable=[])
        kept = KeptAnswers(
            attempts(self._journals, self._job), read,
            collector=collector, answered_ms=self._outcomes.answered_ms,
        )  # fmt: skip
        for _ in kept.by_partition(self._pairs):
            pass

    def _take(self, result: TaskResult) -> None:
        """Take the outcomes of an attempt, and remove the files."""
        path = result.outcomes
        if path is None:
            return
        for number, outcomes, before in read_outcomes(path):
            self._outcomes.add(number, outcomes, before)
        path.unlink(missing_ok=True)

    def _restore(self, task: AskTask) -> None:
        """Take what the journals hold of a task that is not waited for.

        Raises:
            OutputError: A journal cannot be read.
            OSError: The outcomes cannot be read or written.
        """
        unusable: list[tuple[JournalPath, UnusableJournal]] = []
        kept = self._kept(task, unusable)
        reasons = LAST_ROUND if task.again else (UnknownReason.NOT_ASKED,)
        for number, _, rows in kept.by_partition(self._pairs):
            for reason in reasons:  # of the last round good answers only: those before stand
                open_ = set(self._outcomes.positions(number, reason).tolist())
                chosen = [row for row in rows if row.pair_index in open_]
                found = [row for row in chosen if is_good(row)] if task.again else chosen
                self._outcomes.restore(number, found, before=reason)
        for path, why in unusable:
            structlog.get_logger(ALWAYS).warning(set_aside(path, why))

    def _kept(
        self, task: AskTask, unusable: list[tuple[JournalPath, UnusableJournal]]
    ) -> KeptAnswers:
        read = partial(self._read, unusable=unusable)
        return KeptAnswers(attempts(self._journals, task.label(self._job)), read)

    def _progress(self, task: AskTask) -> int:
        size = 0
        for each in attempts(self._journals, task.label(self._job)):
            with suppress(OSError):
                size += each.path.stat().st_size
        return size
