"""What changed from one report to any later one, whatever nights lie between them. Pure.

The later report's rows cannot be taken as they are: on a night without answers it says nothing of
those who closed in the nights before. So they are compared anew, with the earlier report as the
baseline and what the later one knows as the answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from jobs.compare.changes import classify
from jobs.compare.match import match
from jobs.compare.summary import Summary, summarize_part
from jobs.errors import UsageError
from jobs.report.chunks import RowChunks
from jobs.report.info import BaselineInfo
from jobs.report.model import Report, recheck
from jobs.report.part_info import PartInfo
from jobs.schema import ANSWERS, PAIRS, ROWS, Array, State, carried_columns, conform

__all__ = ["check_order", "compare", "compare_rows", "comparison"]


_OF_THE_NIGHT: Final = ["error_code", "http_status", "attempts", "request_id"]
"""Columns that are about the later night's asking, and say nothing of an answer before it."""
_NEVER: Final = np.datetime64("NaT", "ms")


def compare(before: Report, after: Report, *, baseline: BaselineInfo) -> Report:
    """Return what changed from one report to a later one.

    Args:
        before: The earlier report, whole.
        after: The later report, whole; all rows of both are read into memory.
        baseline: What is said of the earlier one.

    Raises:
        UsageError: They are not of two dates in this order, or not of one merchant and gateway.
    """
    check_order(before, after)
    rows, known_before_only = compare_rows(before, before.rows, after, after.rows)
    return comparison(before, after, rows, known_before_only, baseline=baseline)


def compare_rows(
    before: Report, earlier: pd.DataFrame, after: Report, later: pd.DataFrame
) -> tuple[pd.DataFrame, int]:
    """Return the rows of a comparison, and of how many pairs more is known from the earlier report.

    The answer about a pair of the later report's input is its ``known_state`` there, if that was
    answered later than what the earlier report knows; otherwise there is none. When a pair was
    first seen, when it last changed, and for how many runs it has had no answer, the later report
    knows itself.

    Args:
        before: The earlier report.
        earlier: Its rows: all of them, or those of a partition.
        after: The later report.
        later: Its rows: all of them, or those of the same partition.
    """
    pairs, known = _pairs(later)
    found = match(pairs, earlier).found
    rows = classify(
        pairs,
        _answers(known, _known_at(earlier, found)),
        earlier,
        run_date=after.run_date,
        baseline_run_date=before.run_date,
    )
    _take_over(rows, known)
    return rows, _known_before_only(rows, known)


def comparison(
    before: Report,
    after: Report,
    content: pd.DataFrame | RowChunks,
    known_before_only: int,
    *,
    baseline: BaselineInfo,
) -> Report:
    """Return the report of a comparison.

    Args:
        before: The earlier report.
        after: The later report.
        content: The rows of the comparison, as :func:`compare_rows` returned them.
        known_before_only: The pairs of which the earlier report knows more.
        baseline: What is said of the earlier one.
    """
    summary = Summary.empty()
    for rows in Report(content, after.metadata).row_chunks:
        summary += summarize_part(rows, baseline_run_date=before.run_date)
    run = replace(after.run, verdict=(), parent=None, exit_code=None, reasons=None)
    metadata = replace(
        after.metadata,
        run=run,
        input=None,
        asking=None,
        history=None,
        only="comparison",
        part=PartInfo(
            comparison=True,
            rewritten=False,
            known_before_only=known_before_only,
            organizations=(),
            where=(),
        ),
        parts=None,
        baseline=baseline,
        summary=summary.listed(),
    )
    report = Report(content, metadata)
    return replace(report, metadata=replace(metadata, controls=recheck(report, before)))


def check_order(before: Report, after: Report) -> None:
    """Refuse reports that cannot be compared.

    Raises:
        UsageError: They are not of two dates in this order, or not of one merchant and gateway.
    """
    if before.gateway != after.gateway:
        raise UsageError(
            f"the first report is of {before.gateway}, the second of {after.gateway}: only reports "
            "of one merchant and gateway can be compared"
        )
    if before.run_date == after.run_date:
        raise UsageError(
            f"both reports are of {before.run_date}: only reports of different dates can be "
            "compared"
        )
    if before.run_date > after.run_date:
        raise UsageError(
            f"the first report is of {before.run_date}, the second of {after.run_date}: name the "
            "earlier one first"
        )


def _pairs(later: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the pairs of a report's input, columns ``PAIRS``, and their rows, index alike."""
    known = later[later["state"].notna()].reset_index(drop=True)
    carried = carried_columns(known.columns, ROWS)
    return conform(known[[*PAIRS, *carried]], PAIRS), known


def _known_at(earlier: pd.DataFrame, found: Array) -> Array:
    """Return when what the earlier report knows of each pair was answered; NaT: it knows none."""
    times = earlier["known_at"].to_numpy("datetime64[ms]")
    return np.append(times, _NEVER)[found]


def _answers(known: pd.DataFrame, known_before: Array) -> pd.DataFrame:
    """Return what the later report knows as answers: columns ``ANSWERS``, one for each pair."""
    known_at = known["known_at"].to_numpy("datetime64[ms]")
    later = ~np.isnat(known_at) & (np.isnat(known_before) | (known_at > known_before))
    unknown = (known["state"] == State.UNKNOWN).to_numpy(bool)
    earlier_night = later & unknown
    answers = known[list(ANSWERS)].copy()
    answers["state"] = known["known_state"].astype("object").where(later, State.UNKNOWN.value)
    times = known["authorize_time"].where(~unknown, known["previous_authorize_time"])
    answers["authorize_time"] = times.where(later)
    answers["answered_at"] = known["known_at"].where(later)
    answers["unknown_reason"] = known["unknown_reason"].where(~later)
    for name in _OF_THE_NIGHT:
        answers[name] = answers[name].where(~earlier_night)
    return conform(answers, ANSWERS)


def _take_over(rows: pd.DataFrame, known: pd.DataFrame) -> None:
    """Fill in what the later report itself knows of its pairs, which are the first of the rows."""
    count = len(known)
    first, changed = (
        rows[name].to_numpy("datetime64[ms]").copy()
        for name in ("first_seen_at", "last_changed_at")
    )
    first[:count] = np.fmin(first[:count], known["first_seen_at"].to_numpy("datetime64[ms]"))
    own = known["last_changed_at"].to_numpy("datetime64[ms]")
    changed[:count] = np.where(np.isnat(own), changed[:count], own)
    rows["first_seen_at"] = pd.DatetimeIndex(first, tz="UTC")
    rows["last_changed_at"] = pd.DatetimeIndex(changed, tz="UTC")
    runs = rows["unknown_runs"].array.copy()
    unknown = (rows["state"].iloc[:count] == State.UNKNOWN).to_numpy(bool)
    runs[:count] = np.where(unknown, known["unknown_runs"].to_numpy("int16", na_value=0), 0)
    rows["unknown_runs"] = runs


def _known_before_only(rows: pd.DataFrame, known: pd.DataFrame) -> int:
    """Return of how many pairs more is known from the earlier report than the later one knows."""
    ours = rows["known_at"].iloc[: len(known)].to_numpy("datetime64[ms]")
    theirs = known["known_at"].to_numpy("datetime64[ms]")
    return int(np.count_nonzero(~np.isnat(ours) & (np.isnat(theirs) | (ours > theirs))))
