"""The words and the frames that the parts of the job hand to each other.

A frame's columns and dtypes are one constant here, and :func:`conform` applies it, even to an
empty frame, so that no column's type depends on what a night happened to hold.

``PAIRS``
    One row per pair of the input, in input order. The index is the pair's number. Columns of the
    input beyond the two keys ("carried") stand between ``openid`` and ``input_line``, as text.
``ANSWERS``
    At most one row per pair asked, under the pair's number as index.
``ROWS``
    The report: one row per pair of the input or of the baseline, carried columns after ``openid``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = [
    "ANSWERS",
    "GAIN",
    "HIDDEN",
    "LOSS",
    "PAIRS",
    "ROWS",
    "Change",
    "State",
    "UnknownReason",
    "carried_columns",
    "codes",
    "conform",
]


class State(StrEnum):
    """What was answered about a pair; UNKNOWN where there is no good answer."""

    ON = "ON"
    OFF = "OFF"
    NONE = "NONE"
    UNKNOWN = "UNKNOWN"


class Change(StrEnum):
    """What happened to a pair since it was last known; exactly one each.

    The order is the one in which a reader wants to see them, not that of the rules.
    """

    FIRST_SEEN = "FIRST_SEEN"
    OPENED = "OPENED"
    REOPENED = "REOPENED"
    REAUTHORIZED = "REAUTHORIZED"
    CLOSED = "CLOSED"
    CYCLED = "CYCLED"
    CLEARED = "CLEARED"
    ANOMALY = "ANOMALY"
    UNKNOWN = "UNKNOWN"
    DROPPED = "DROPPED"
    ABSENT = "ABSENT"
    UNCHANGED = "UNCHANGED"


GAIN: Final = (Change.OPENED, Change.REOPENED)
LOSS: Final = (Change.CLOSED, Change.CLEARED)
"""CLEARED is a loss only where it comes from ON; :mod:`jobs.compare.summary` sees to that."""
HIDDEN: Final = (Change.REAUTHORIZED, Change.CYCLED)


class UnknownReason(StrEnum):
    """Why there is no good answer about a pair."""

    NOT_ASKED = "NOT_ASKED"
    TIMEOUT = "TIMEOUT"
    NETWORK = "NETWORK"
    LOCAL = "LOCAL"
    SERVER_ERROR = "SERVER_ERROR"
    THROTTLED = "THROTTLED"
    REFUSED = "REFUSED"
    SIGNATURE = "SIGNATURE"
    REPLAYED = "REPLAYED"
    MISMATCH = "MISMATCH"
    UNNAMED = "UNNAMED"
    BAD_BODY = "BAD_BODY"
    NO_STATE = "NO_STATE"
    NEW_STATE = "NEW_STATE"


_TEXT: Final = pd.StringDtype(na_value=float("nan"))
_TIME: Final = pd.DatetimeTZDtype("ms", "UTC")
_GOOD: Final = pd.CategoricalDtype([State.ON.value, State.OFF.value, State.NONE.value])
_ANY: Final = pd.CategoricalDtype([state.value for state in State])
_WHY: Final = pd.CategoricalDtype([reason.value for reason in UnknownReason])
_CHANGE: Final = pd.CategoricalDtype([change.value for change in Change])

PAIRS: Final[Mapping[str, Any]] = {
    "organization_id": "category",
    "openid": _TEXT,
    "input_line": "int64",
    "input_duplicates": "int32",
}

ANSWERS: Final[Mapping[str, Any]] = {
    "state": _ANY,
    "authorize_time": _TIME,
    "answered_at": _TIME,
    "unknown_reason": _WHY,
    "error_code": "category",
    "http_status": "Int16",
    "attempts": "Int16",
    "request_id": _TEXT,
}

ROWS: Final[Mapping[str, Any]] = {
    "organization_id": "category",
    "openid": _TEXT,
    "state": _ANY,
    "known_state": _GOOD,
    "previous_state": _GOOD,
    "change": _CHANGE,
    "authorize_time": _TIME,
    "previous_authorize_time": _TIME,
    "unconfirmed_authorize_time": _TIME,
    "answered_at": _TIME,
    "known_at": _TIME,
    "first_seen_at": _TIME,
    "last_changed_at": _TIME,
    "last_in_input": "datetime64[ms]",
    "unknown_reason": _WHY,
    "unknown_runs": "Int16",
    "error_code": "category",
    "http_status": "Int16",
    "attempts": "Int16",
    "request_id": _TEXT,
    "input_line": "Int64",
    "input_duplicates": "Int32",
}


def carried_columns(columns: Iterable[str], schema: Mapping[str, Any]) -> list[str]:
    """Return the columns that are not ours: those carried through from the input, in order."""
    return [column for column in columns if column not in schema]


def codes(rows: pd.DataFrame, column: str) -> npt.NDArray[np.int8]:
    """Return a category column of ``ROWS`` as int8 codes in the schema's order, -1 where missing.

    The categories are set, not only cast to: two dtypes whose categories stand in another order
    count as equal, so that a cast would leave a file's codes as they are.
    """
    dtype = ROWS[column]
    named = rows[column].astype(dtype).cat.set_categories(dtype.categories)
    return np.asarray(named.cat.codes, dtype=np.int8)


def conform(frame: pd.DataFrame, schema: Mapping[str, Any]) -> pd.DataFrame:
    """Return ``frame`` with the columns of ``schema``, in its order and dtypes; others as text.

    Carried columns follow ``openid``, or stand at the end where the schema has none. A column that
    the frame lacks comes out empty (all missing).
    """
    carried = carried_columns(frame.columns, schema)
    order: list[str] = []
    for name in schema:
        order.append(name)
        if name == "openid":
            order += carried
    if "openid" not in schema:
        order += carried
    columns = {
        name: (
            frame[name].astype(schema.get(name, _TEXT))
            if name in frame.columns
            else pd.Series(index=frame.index, dtype=schema[name])
        )
        for name in order
    }
    return pd.DataFrame(columns, index=frame.index, columns=order)
