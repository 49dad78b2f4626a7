"""Answers that a run reuses from the report of the same date that it replaces."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import structlog

from jobs.compare.match import match
from jobs.errors import UsageError
from jobs.partitions.partitioned import FrameInMemory, whole
from jobs.plurals import Quantity, counted
from jobs.report.model import Report
from jobs.run.options import RunOptions
from jobs.run.session import Asked
from jobs.schema import ANSWERS, State, conform

__all__ = ["answers_to_keep", "unnamed_answers", "with_earlier_answers"]


def answers_to_keep(
    run: RunOptions, replaced: Report | None, baseline: Report | None, pairs: pd.DataFrame
) -> pd.DataFrame:
    """Return the answers that a correcting run reuses: the good ones of the corrected report.

    Args:
        run: Whether the run corrects a report, and the report of which date.
        replaced: The report that this run replaces.
        baseline: The report that this run compares with.
        pairs: Columns ``PAIRS``.

    Returns:
        Columns ``ANSWERS``, with the index of ``pairs``; empty for a run that corrects nothing.

    Raises:
        UsageError: There is no report of that date, or it was compared with another baseline.
    """
    if not run.retry_unanswered:
        return conform(pd.DataFrame(), ANSWERS)
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
    return _good_answers(replaced, pairs)


def with_earlier_answers(
    asked: Asked, replaced: Report | None, pairs: pd.DataFrame, run_date: date
) -> Asked:
    """Return the result of asking, completed by the report of the same date that is replaced.

    Only a run that its time limit cut short is completed: a pair without an answer keeps the one in
    that report, so that the new report never knows less than the one before it.

    Args:
        asked: The result of asking.
        replaced: The report that this run replaces.
        pairs: Columns ``PAIRS``.
        run_date: The date of this run.
    """
    if not asked.cut or replaced is None or replaced.run_date != run_date:
        return asked
    answers = whole(asked.answers)
    unanswered = answers.index[(answers["state"] == State.UNKNOWN).to_numpy()]
    kept = _good_answers(replaced, pairs.loc[unanswered])
    if not len(kept):
        return asked
    asked.stats.without_echo += unnamed_answers(replaced, kept)
    structlog.get_logger("palm.run").info(
        f"{counted(len(kept), 'pair')} {Quantity(len(kept)):keeps|keep} the answer of the report "
        f"of {run_date} that is replaced"
    )
    completed = pd.concat([answers.drop(kept.index), kept]).loc[answers.index]
    return replace(asked, answers=FrameInMemory(completed))


def unnamed_answers(report: Report, kept: pd.DataFrame) -> int:
    """Return how many of the answers that were reused from a report may be unnamed.

    A report says how many of its answers are unnamed, but not which ones.
    """
    return min(len(kept), report.asking.answers_without_echo)


def _good_answers(report: Report, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the good answers of a report about some pairs.

    Args:
        report: The report that the answers are taken from.
        pairs: Columns ``PAIRS``.

    Returns:
        Columns ``ANSWERS``, with the index of ``pairs``; pairs without a good answer are left out.
    """
    positions = match(pairs, report.rows).found
    good = report.rows["state"].isin([State.ON, State.OFF, State.NONE]).to_numpy()
    answered = np.flatnonzero((positions >= 0) & good[positions])
    kept = report.rows.iloc[positions[answered]].set_axis(pairs.index[answered])
    return conform(kept[list(ANSWERS)], ANSWERS)
