"""What the rows of a report are made of, by partition, and what is counted of them on the way.

Both can be handed to another process: no frame is in memory, only where each one is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

import pandas as pd

from jobs.compare.changes import classify
from jobs.compare.freshness import NO_ANSWER_AGES, AnswerAges, answer_ages
from jobs.compare.summary import Summary, summarize_part
from jobs.partitions.partitioned import PartitionedFrame
from jobs.report.refusals import refused_kinds

__all__ = ["RowCounts", "RowSource"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSource:
    """What the rows of a report are made of.

    Attributes:
        pairs: Columns ``PAIRS`` and the carried ones.
        kept: Answers that are taken over from an earlier report; columns ``ANSWERS``.
        answers: All other answers; columns ``ANSWERS``.
        earlier: The rows of the report to compare with; columns ``ROWS``.
        run_date: Of the run.
        earlier_run_date: Of that report; None: there is none.
        forget_after_days: How long a pair that is missing from the input is remembered.
        finished: When all answers were there, UTC.
    """

    pairs: PartitionedFrame
    kept: PartitionedFrame
    answers: PartitionedFrame
    earlier: PartitionedFrame
    run_date: date
    earlier_run_date: date | None
    forget_after_days: int
    finished: datetime

    def rows(self, number: int) -> pd.DataFrame:
        """Return the rows of a partition, columns ``ROWS`` and the carried ones.

        Raises:
            OSError: A frame cannot be read.
            ReportError: The rows of the earlier report are in its files, and one has changed.
        """
        kept, answers = self.kept.frame(number), self.answers.frame(number)
        return classify(
            self.pairs.frame(number),
            pd.concat([kept, answers]) if len(kept) else answers,
            self.earlier.frame(number),
            run_date=self.run_date,
            baseline_run_date=self.earlier_run_date,
            forget_after_days=self.forget_after_days,
        )

    def counts(self, rows: pd.DataFrame) -> RowCounts:
        """Return the counts of the rows of a partition."""
        return RowCounts(
            summarize_part(rows, baseline_run_date=self.earlier_run_date),
            answer_ages(rows, self.finished),
            refused_kinds(rows),
        )


@dataclass(frozen=True, slots=True)
class RowCounts:
    """The counts of rows; those of two partitions can be added.

    Attributes:
        summary: States, changes and so on.
        ages: How many have an answer, and how old the known states are.
        refused: How many were refused with each status and code.
    """

    summary: Summary = field(default_factory=Summary.empty)
    ages: AnswerAges = NO_ANSWER_AGES
    refused: Counter[tuple[int | None, str | None]] = field(default_factory=Counter)

    def __add__(self, other: RowCounts) -> RowCounts:
        return RowCounts(
            self.summary + other.summary,
            self.ages + other.ages,
            self.refused + other.refused,
        )
