"""Answers that a run reuses from the report of the same date that it replaces."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pandas as pd
import structlog

from jobs.compare.match import match
from jobs.errors import UsageError
from jobs.partitions.partitioned import PartitionedFrame, derived
from jobs.plurals import Quantity, counted
from jobs.report.model import Report
from jobs.run.asking.session import Asked
from jobs.run.options import RunOptions
from jobs.schema import ANSWERS, State, conform

__all__ = ["answers_to_keep", "unnamed_answers", "with_earlier_answers"]


def answers_to_keep(
    run: RunOptions,
    replaced: Report | None,
    baseline: Report | None,
    rows: PartitionedFrame,
    pairs: PartitionedFrame,
) -> PartitionedFrame:
    """Return the answers that a correcting run reuses: the good ones of the corrected report.

    Args:
        run: Whether the run corrects a report, and the report of which date.
        replaced: The report that this run replaces.
        baseline: The report that this run compares with.
        rows: The rows of ``replaced``, columns ``ROWS``.
        pairs: Columns ``PAIRS``.

    Returns:
        Columns ``ANSWERS``, with the index of ``pairs``; empty for a run that corrects nothing.

    Raises:
        UsageError: There is no report of that date, or it was compared with another baseline.
    """
    if not run.retry_unanswered:
        return derived(pairs.bits, list(ANSWERS), _nothing, [0] * (1 << pairs.bits))
    if replaced is None or replaced.run_date != run.run_date:
        raise UsageError(
            f"--retry-unanswered: there is no report of {run.run_date} to correct; "
            "run without it, or set --run-date",
        )
    compared = replaced.metadata.baseline
    if (compared and compared.run_id) != (baseline and baseline.run_id):
        was = f"the report of {compared.run_date}" if compared else "nothing"
        remedy = "name that one with --baseline" if compared else "say --no-baseline"
        raise UsageError(
            f"--retry-unanswered: the report of {run.run_date} was compared with {was}; {remedy}",
        )
    return derived(pairs.bits, list(ANSWERS), partial(_good_answers_of, rows, pairs))


def with_earlier_answers(
    asked: Asked,
    replaced: Report | None,
    rows: PartitionedFrame,
    pairs: PartitionedFrame,
    run_date: date,
) -> Asked:
    """Return the result of asking, completed by the report of the same date that is replaced.

    Only a run that its time limit cut short is completed: a pair without an answer keeps the one in
    that report, so that the new report never knows less than the one before it.

    Args:
        asked: The result of asking.
        replaced: The report that this run replaces.
        rows: The rows of ``replaced``, columns ``ROWS``.
        pairs: Columns ``PAIRS``.
        run_date: The date of this run.
    """
    if not asked.cut or replaced is None or replaced.run_date != run_date:
        return asked
    answers = asked.answers
    counts = [answers.rows_of(number) for number in range(1 << answers.bits)]
    count = sum(
        len(_still_good(answers.frame(number), rows.frame(number), pairs.frame(number)))
        for number in range(len(counts))
    )
    if not count:
        return asked
    asked.stats.without_echo += unnamed_answers(replaced, count)
    structlog.get_logger("palm.run").info(
        f"{counted(count, 'pair')} {Quantity(count):keeps|keep} the answer of the report "
        f"of {run_date} that is replaced"
    )
    completed = partial(_completed, answers, rows, pairs)
    return replace(asked, answers=derived(answers.bits, list(ANSWERS), completed, counts))


def unnamed_answers(report: Report, kept: int) -> int:
    """Return how many of the ``kept`` answers that were reused from a report may be unnamed.

    A report says how many of its answers are unnamed, but not which ones.
    """
    return min(kept, report.asking.answers_without_echo)


def _nothing(number: int) -> pd.DataFrame:  # noqa: ARG001 - the same for each partition
    return conform(pd.DataFrame(), ANSWERS)


def _completed(
    answers: PartitionedFrame, rows: PartitionedFrame, pairs: PartitionedFrame, number: int
) -> pd.DataFrame:
    """Return the answers of a partition, and for pairs without one that of the earlier report."""
    found = answers.frame(number)
    earlier = _still_good(found, rows.frame(number), pairs.frame(number))
    return pd.concat([found.drop(earlier.index), earlier]).loc[found.index]


def _still_good(found: pd.DataFrame, rows: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the good answers of the earlier report about pairs that have none now."""
    unanswered = found.index[(found["state"] == State.UNKNOWN).to_numpy()]
    return _good_answers(rows, pairs.loc[unanswered])


def _good_answers_of(rows: PartitionedFrame, pairs: PartitionedFrame, number: int) -> pd.DataFrame:
    return _good_answers(rows.frame(number), pairs.frame(number))


def _good_answers(rows: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the good answers of a report about some pairs.

    Args:
        rows: The rows that the answers are taken from, columns ``ROWS``.
        pairs: Columns ``PAIRS``.

    Returns:
        Columns ``ANSWERS``, with the index of ``pairs``; pairs without a good answer are left out.
    """
    positions = match(pairs, rows).found
    good = rows["state"].isin([State.ON, State.OFF, State.NONE]).to_numpy()
    answered = np.flatnonzero((positions >= 0) & np.append(good, False)[positions])
    kept = rows.iloc[positions[answered]].set_axis(pairs.index[answered])
    return conform(kept[list(ANSWERS)], ANSWERS)
