"""A night's rows as arrays under the numbers of their pairs: what the counts are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pandas as pd

from jobs.history.pair_numbers import PairNumbers
from jobs.input.keys import clean_rows
from jobs.partitions.choice import MOST_IN_MEMORY
from jobs.report.chunks import regrouped
from jobs.report.info import SCHEMA
from jobs.report.model import Report, ReportError
from jobs.schema import GAIN, HIDDEN, Array, Change, State, codes

__all__ = ["COLUMNS", "NightRows", "night_rows"]

COLUMNS: Final = (
    "organization_id", "openid", "state", "known_state", "previous_state", "change",
    "first_seen_at",
)  # fmt: skip
"""The only columns that are read."""

_STATES: Final = list(State)
_CHANGES: Final = list(Change)
_COUNTED: Final[Mapping[str, Sequence[str]]] = {"state": _STATES, "change": _CHANGES}
_ON: Final = _STATES.index(State.ON)


@dataclass(frozen=True, slots=True)
class NightRows:
    """One night, an entry for each row of its report.

    Attributes:
        day: The run date, as its proleptic Gregorian ordinal.
        pairs: The pair's number.
        organizations: The number of its organization.
        here: Whether it is in that night's input.
        answered: Whether it has a good answer of that night.
        on: Whether that answer is ON.
        known_on: Whether it is in the input and last known to be ON.
        change: The change, as a position in ``Change``.
        lost: Whether it is lost: CLOSED, or CLEARED from ON.
        first_seen_ms: When it was first answered, Unix time in milliseconds; the largest int64
            where it never was.
    """

    day: int
    pairs: Array
    organizations: Array
    here: Array
    answered: Array
    on: Array
    known_on: Array
    change: Array
    lost: Array
    first_seen_ms: Array

    def changed(self, changes: Iterable[Change]) -> Array:
        """Return which rows have one of these changes."""
        return np.isin(self.change, [_CHANGES.index(each) for each in changes])

    @property
    def gained(self) -> Array:
        """Which rows are gained: OPENED or REOPENED."""
        return self.changed(GAIN)

    @property
    def hidden(self) -> Array:
        """Which rows are REAUTHORIZED or CYCLED."""
        return self.changed(HIDDEN)


def night_rows(report: Report, numbers: PairNumbers, path: str) -> NightRows:
    """Return a report's rows as arrays.

    Args:
        report: Read with ``COLUMNS`` at least.
        numbers: Numbers the pairs; new ones are added.
        path: Of the report, for messages.

    Raises:
        ReportError: A row names no pair, a pair has two rows, or the rows are not those that the
            report's summary has counted.
    """
    counted = {name: np.zeros(len(words), dtype=np.int64) for name, words in _COUNTED.items()}
    pieces = []
    for rows in _pieces_of(report):
        if rows[["organization_id", "openid", "change"]].isna().to_numpy().any():
            raise ReportError(f"{path} is damaged: a row names no pair or no change")
        for name, words in _COUNTED.items():
            own = codes(rows, name)
            counted[name] += np.bincount(own[own >= 0], minlength=len(words))
        pieces.append(_piece(report, rows, numbers))
    _check_counts(report, counted, path)
    found = _joined(pieces)
    if len(np.unique(found.pairs)) != len(found.pairs):
        raise ReportError(f"{path} is damaged: a pair has two rows")
    return found


def _pieces_of(report: Report) -> Iterable[pd.DataFrame]:
    """Return as many rows at once as are held in memory anyway, for each is looked up among all.

    The pairs of an earlier version are made clean together: two of them may become one.
    """
    if report.metadata.schema < SCHEMA:
        return [report.rows]
    columns = list(COLUMNS)
    return regrouped((rows[columns] for rows in report.chunks()), MOST_IN_MEMORY)


def _piece(report: Report, rows: pd.DataFrame, numbers: PairNumbers) -> NightRows:
    """Return some of a report's rows as arrays."""
    if report.metadata.schema < SCHEMA:  # its keys may still have what is now taken off them
        rows = clean_rows(rows)
    pairs, organizations = numbers.number(rows)
    state, known, previous, change = (
        codes(rows, name) for name in ("state", "known_state", "previous_state", "change")
    )
    here = state >= 0
    seen = rows["first_seen_at"].to_numpy("datetime64[ms]")
    closed = change == _CHANGES.index(Change.CLOSED)
    cleared = change == _CHANGES.index(Change.CLEARED)
    return NightRows(
        day=report.run_date.toordinal(),
        pairs=pairs,
        organizations=organizations,
        here=here,
        answered=here & (state != _STATES.index(State.UNKNOWN)),
        on=state == _ON,
        known_on=here & (known == _ON),
        change=change,
        lost=closed | (cleared & (previous == _ON)),
        first_seen_ms=np.where(np.isnat(seen), np.iinfo(np.int64).max, seen.view("int64")),
    )


def _joined(pieces: Sequence[NightRows]) -> NightRows:
    """Return the rows of all pieces of one night."""
    if len(pieces) == 1:
        return pieces[0]
    names = [each.name for each in fields(NightRows) if each.name != "day"]
    arrays = {name: np.concatenate([getattr(each, name) for each in pieces]) for name in names}
    return NightRows(day=pieces[0].day, **arrays)


def _check_counts(report: Report, counted: Mapping[str, Array], path: str) -> None:
    """Refuse rows that do not add up to the summary: a report of schema 1 has no checksums."""
    expected = {"state": report.summary.states, "change": report.summary.changes}
    for column, counts in counted.items():
        words = _COUNTED[column]
        if dict(zip(words, counts.tolist(), strict=True)) != {
            w: expected[column][w] for w in words
        }:
            raise ReportError(
                f"{path} is damaged: its rows by {column} are not those it has counted"
            )
