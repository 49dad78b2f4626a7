"""The change of each pair: from pairs, answers and the baseline's rows to the report's rows.

Pure: no clock, no files, no network. Pairs are matched once, by integer codes; all further steps
compute with arrays as long as the report. Times are ``datetime64[ms]`` in UTC,
where a comparison with a missing time is False. A time of
authorization outside 2000 to 2100 (Go's zero time, 0001-01-01) is kept but compared with nothing.
States are int8 codes in the order ON, OFF, NONE; -1 where there is no valid answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from pandas.errors import MergeError

from jobs.compare.match import match
from jobs.schema import (
    GAIN,
    HIDDEN,
    LOSS,
    PAIRS,
    ROWS,
    STRING,
    Array,
    Change,
    State,
    UnknownReason,
    carried_columns,
    categories,
    codes,
    with_dtype,
)

__all__ = ["classify"]

_ON, _OFF, _NONE, _UNKNOWN = range(len(State))
_CHANGE: Final = {change: np.int8(code) for code, change in enumerate(Change)}
_NOT_ASKED: Final = list(UnknownReason).index(UnknownReason.NOT_ASKED)
_MOVED: Final = [_CHANGE[change] for change in (*GAIN, *LOSS, *HIDDEN)]
_NEVER: Final = np.datetime64("NaT", "ms")
_CLOCKS_DIFFER: Final = np.timedelta64(5 * 60 * 1000, "ms")
_INT16_MAX: Final = 2**15 - 1
_USUAL_TIMES: Final = np.datetime64("2000-01-01", "ms"), np.datetime64("2100-01-01", "ms")


def classify(
    pairs: pd.DataFrame,
    answers: pd.DataFrame,
    baseline_rows: pd.DataFrame,
    *,
    run_date: date,
    baseline_run_date: date | None,
    forget_after_days: int = 90,
) -> pd.DataFrame:
    """Return the report's rows: the pairs, their answers and their changes.

    Args:
        pairs: One row per pair, columns ``PAIRS`` and carried ones, index unique integers.
        answers: At most one row per pair, columns ``ANSWERS``, index from that of ``pairs``.
            A pair without a row was not asked.
        baseline_rows: One row per pair known before, columns ``ROWS`` and carried ones, or empty.
        run_date: Local business date of this run.
        baseline_run_date: Run date of the baseline; None only if there are no baseline rows.
        forget_after_days: How long a pair that is missing from the input is remembered.

    Returns:
        Columns ``ROWS`` with the pairs' carried columns: the pairs in their order, then the pairs
        of the baseline that are not among them, in its order.

    Raises:
        pandas.errors.MergeError: A frame repeats a pair, or an answer belongs to no pair.
        ValueError: The baseline has rows and no run date.
    """
    if baseline_run_date is None and len(baseline_rows):
        raise ValueError("a baseline with rows needs its run date")
    organizations, found, missing = match(pairs, baseline_rows)
    missing = missing[_remembered(baseline_rows.iloc[missing], run_date, forget_after_days)]
    listed = np.concatenate([np.arange(len(pairs)), len(pairs) + missing])
    before = _View(baseline_rows, np.concatenate([found, missing]))
    now = _View(answers, np.concatenate([_asked(pairs, answers), np.full(len(missing), -1)]))
    here = np.arange(len(listed)) < len(pairs)
    k, c = before.codes("known_state"), now.codes("state")
    good, was_here = (c >= 0) & (c != _UNKNOWN), before.codes("state") >= 0
    answered_at, last_run = now.times("answered_at"), np.datetime64(baseline_run_date, "ms")
    told = np.where(good, now.times("authorize_time"), _NEVER)
    t = _usual(told)
    q = _time_to_compare_with(before, t)
    change = _change(k, np.where(good, c, -1), t, q, answered_at, here=here, was_here=was_here)

    columns: dict[str, object] = {
        "organization_id": organizations.take(listed).remove_unused_categories(),
        **_texts(pairs, baseline_rows, missing),
        **_classes(
            np.where(here, np.where(good, c, _UNKNOWN), -1), np.where(good, c, k), k, change
        ),
        "authorize_time": _utc(told),
        "previous_authorize_time": _utc(q),
        "unconfirmed_authorize_time": _utc(_unconfirmed(before, t, q, change, answered_at)),
        "answered_at": _utc(answered_at),
        **_history(before, answered_at, good, change, was_here=was_here, last_run=last_run),
        **_attempts(before, now, good, change, here=here),
        "input_line": _integers("input_line", pairs["input_line"], here),
        "input_duplicates": _integers("input_duplicates", pairs["input_duplicates"], here),
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(len(listed)), copy=False)


@dataclass(frozen=True, slots=True)
class _View:
    """A frame's columns in the order of the report's rows.

    ``at`` is each report row's position in the frame, -1 if it has none.
    """

    frame: pd.DataFrame
    at: Array

    def array(self, name: str, at: Array | None = None) -> ExtensionArray:
        column: ExtensionArray = with_dtype(self.frame[name], ROWS[name]).array
        return column.take(self.at if at is None else at, allow_fill=True)

    def codes(self, name: str) -> Array:
        return np.append(codes(self.frame, name), np.int8(-1))[self.at]

    def times(self, name: str) -> Array:
        return np.append(self.frame[name].to_numpy("datetime64[ms]"), _NEVER)[self.at]

    def integers(self, name: str) -> Array:
        return np.append(self.frame[name].to_numpy("int32", na_value=0), np.int32(0))[self.at]


def _classes(state: Array, known: Array, previous: Array, change: Array) -> dict[str, object]:
    """Return the columns of closed sets from their codes."""
    return {
        "state": _category("state", state),
        "known_state": _category("known_state", known),
        "previous_state": _category("previous_state", previous),
        "change": _category("change", change),
    }


def _history(
    before: _View,
    answered_at: Array,
    good: Array,
    change: Array,
    *,
    was_here: Array,
    last_run: np.datetime64,
) -> dict[str, object]:
    """Return when each pair was answered first and last, when it changed, and when it was here."""
    first, moved = before.times("first_seen_at"), np.isin(change, _MOVED)
    return {
        "known_at": _utc(np.where(good, answered_at, before.times("known_at"))),
        "first_seen_at": _utc(np.where(good & np.isnat(first), answered_at, first)),
        "last_changed_at": _utc(np.where(moved, answered_at, before.times("last_changed_at"))),
        "last_in_input": np.where(was_here, last_run, before.times("last_in_input")),
    }


def _attempts(
    before: _View, now: _View, good: Array, change: Array, *, here: Array
) -> dict[str, object]:
    """Return why there is no valid answer, for how many runs, and the last attempt's outcome."""
    why = np.where(now.at < 0, _NOT_ASKED, now.codes("unknown_reason"))
    runs = np.where(good, 0, np.minimum(before.integers("unknown_runs") + here, _INT16_MAX))
    unchanged = change == _CHANGE[Change.UNCHANGED]
    return {
        "unknown_reason": _category("unknown_reason", np.where(here & ~good, why, -1)),
        "unknown_runs": _integers("unknown_runs", runs, np.ones(len(runs), dtype=bool)),
        "error_code": now.array("error_code"),
        "http_status": now.array("http_status"),
        "attempts": _integers("attempts", now.integers("attempts"), here),
        "request_id": now.array("request_id", np.where(unchanged, -1, now.at)),
    }


def _change(
    k: Array, c: Array, t: Array, q: Array, answered_at: Array, *, here: Array, was_here: Array
) -> Array:
    """Return each row's change as a code of ``Change``: the first rule that holds."""
    later, earlier = t > q, t < q
    ahead = (t > answered_at + _CLOCKS_DIFFER) & (t != q)
    same = k == c
    rules = {
        Change.ABSENT: ~here & ~was_here,
        Change.DROPPED: ~here,
        Change.UNKNOWN: c < 0,
        Change.FIRST_SEEN: k < 0,
        Change.ANOMALY: same & (earlier | ahead),
        Change.OPENED: (k == _NONE) & (c == _ON),
        Change.REOPENED: (k == _OFF) & (c == _ON),
        Change.REAUTHORIZED: (k == _ON) & (c == _ON) & later,
        Change.CLOSED: (k == _ON) & (c == _OFF),
        Change.CYCLED: ((k == _NONE) & (c == _OFF)) | (same & later),
        Change.CLEARED: (k != _NONE) & (c == _NONE),
    }
    chosen = [_CHANGE[change] for change in rules]
    return np.select(list(rules.values()), chosen, default=_CHANGE[Change.UNCHANGED])


def _time_to_compare_with(before: _View, t: Array) -> Array:
    """Return the latest plausible authorize_time known of each row before this run.

    A time that made an ANOMALY, or that was later than its answer by more than clocks differ, is
    not used until another answer repeats it. ``t`` itself is returned if the last answer with a
    time had the same one, even if nights without a time lie between. The report then has it as the
    time compared with, from which the next run knows that it is accepted.
    """
    last = _usual(before.times("authorize_time"))
    known = _accepted(
        last,
        _usual(before.times("previous_authorize_time")),
        before.codes("change"),
        before.times("answered_at"),
    )
    repeated = (t == last) | (t == before.times("unconfirmed_authorize_time"))
    return np.where(repeated, t, known)


def _unconfirmed(before: _View, t: Array, q: Array, change: Array, answered_at: Array) -> Array:
    """Return the authorize_time last answered where it was not accepted, else a missing time.

    It is kept over nights without a time, so that a later answer can repeat it.
    """
    refused = t != _accepted(t, q, change, answered_at)
    waiting = _usual(before.times("unconfirmed_authorize_time"))
    kept = np.where(np.isnat(t), waiting, _NEVER)
    return np.where(~np.isnat(t) & refused, t, kept)


def _accepted(t: Array, q: Array, change: Array, answered_at: Array) -> Array:
    """Return the time that the next run compares with, after this one answered ``t``."""
    odd = (change == _CHANGE[Change.ANOMALY]) | (t > answered_at + _CLOCKS_DIFFER)
    return np.where(odd, q, np.fmax(q, t))


def _usual(times: Array) -> Array:
    """Return the times, missing where outside 2000 to 2100: such are zero times of programs."""
    first, end = _USUAL_TIMES
    return np.where((times >= first) & (times < end), times, _NEVER)


def _asked(pairs: pd.DataFrame, answers: pd.DataFrame) -> Array:
    """Return the position of each pair's answer, -1 where there is none."""
    if not (pairs.index.is_unique and answers.index.is_unique):
        raise MergeError("two pairs, or two answers, have the same number")
    asked = answers.index.get_indexer(pairs.index)
    if np.count_nonzero(asked >= 0) != len(answers):
        raise MergeError("an answer belongs to no pair of the input")
    return asked


def _remembered(missing: pd.DataFrame, run_date: date, days: int) -> Array:
    """Return which missing pairs stay: each in one report, then until it is forgotten."""
    age = np.datetime64(run_date, "ms") - missing["last_in_input"].to_numpy("datetime64[ms]")
    known = missing["known_state"].notna().to_numpy(bool)
    was_here = missing["state"].notna().to_numpy(bool)
    return np.asarray(was_here | (known & (age <= np.timedelta64(days, "D"))))


def _texts(
    pairs: pd.DataFrame, baseline_rows: pd.DataFrame, missing: Array
) -> dict[str, pd.Series]:
    """Return the openids and the carried columns, of the pairs and then of the missing ones."""
    carried = carried_columns(carried_columns(pairs.columns, PAIRS), ROWS)
    nothing = pd.Series(index=missing, dtype=STRING)
    kept = {
        name: baseline_rows[name].iloc[missing] if name in baseline_rows else nothing
        for name in ("openid", *carried)
    }
    return {
        name: pd.concat([pairs[name], column], ignore_index=True).astype(STRING)
        for name, column in kept.items()
    }


def _category(name: str, codes: Array) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, dtype=categories(name))


def _utc(times: Array) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(times, tz="UTC")


def _integers(name: str, values: Array | pd.Series, there: Array) -> ExtensionArray:
    """Return a column of integers, missing where ``there`` is False or ``values`` has ended."""
    padded = np.zeros(len(there), dtype=str(ROWS[name]).lower())
    padded[: len(values)] = values
    return pd.arrays.IntegerArray(padded, ~there)
