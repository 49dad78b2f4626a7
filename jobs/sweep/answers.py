"""What came back for each pair: one slot a pair, whatever happened."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from jobs.schema import ANSWERS, State, UnknownReason, conform
from palm import (
    APIError,
    AuthorizationState,
    BodyError,
    LocalResourceError,
    MismatchError,
    NoStateError,
    PalmAuthorization,
    PalmError,
    RefusedError,
    ServerError,
    SignatureError,
    SignatureReason,
    ThrottledError,
    TimedOutError,
    TransportError,
    UnnamedError,
    UnrecognizedStateError,
)
from palm.errors import ArgumentError, PendingError

__all__ = ["AnswerTable", "Row", "is_good", "is_unnamed", "reason_of", "usable"]

Row = tuple[int, int, int, int, int, int, int, str | None, str | None]
"""Place, state, reason, authorize_time and answered_at (ms), status, attempts, code, request id.

A good answer has no error code; where it was accepted without naming the pair, ``UNNAMED`` stands
there, so that a run that is gone on with knows.
"""

_REASONS: Final[tuple[tuple[type[PalmError], UnknownReason], ...]] = (
    (TimedOutError, UnknownReason.TIMEOUT),
    (TransportError, UnknownReason.NETWORK),
    (LocalResourceError, UnknownReason.LOCAL),
    (ThrottledError, UnknownReason.THROTTLED),
    (ServerError, UnknownReason.SERVER_ERROR),
    (PendingError, UnknownReason.SERVER_ERROR),
    (RefusedError, UnknownReason.REFUSED),
    (ArgumentError, UnknownReason.REFUSED),
    (SignatureError, UnknownReason.SIGNATURE),
    (MismatchError, UnknownReason.MISMATCH),
    (UnnamedError, UnknownReason.UNNAMED),
    (BodyError, UnknownReason.BAD_BODY),
    (NoStateError, UnknownReason.NO_STATE),
    (UnrecognizedStateError, UnknownReason.NEW_STATE),
)
_STATES: Final = tuple(State)
_WHY: Final = tuple(UnknownReason)
_STATE_CODE: Final = {
    AuthorizationState.ON: _STATES.index(State.ON),
    AuthorizationState.OFF: _STATES.index(State.OFF),
    AuthorizationState.NONE: _STATES.index(State.NONE),
}
_UNKNOWN: Final = _STATES.index(State.UNKNOWN)
_NOT_ASKED: Final = _WHY.index(UnknownReason.NOT_ASKED)
_NO_TIME: Final = np.iinfo(np.int64).min  # how numpy writes "not a time"
_MOST_ATTEMPTS: Final = np.iinfo(np.int16).max
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_good(row: Row) -> bool:
    """Return True if a row holds a state."""
    return row[2] < 0


def is_unnamed(row: Row) -> bool:
    """Return True if a row holds a state from an answer that does not name the pair."""
    return is_good(row) and row[7] == UnknownReason.UNNAMED


def usable(rows: Iterable[Row], *, accept_unnamed: bool) -> list[Row]:
    """Return the rows of an unfinished run that count for this one.

    A state that an answer without names gave counts only where such answers are still accepted.
    """
    return [row for row in rows if accept_unnamed or not is_unnamed(row)]


def reason_of(error: PalmError) -> UnknownReason:
    """Return why an error leaves a pair without an answer."""
    if isinstance(error, SignatureError) and error.reason is SignatureReason.REPLAYED:
        return UnknownReason.REPLAYED
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    raise error


class AnswerTable:
    """Answers by the pair's place, in columns: about 40 bytes a pair, plus its request id.

    Args:
        pairs: How many there are.
    """

    def __init__(self, pairs: int) -> None:
        self._state = array("b", [_UNKNOWN]) * pairs
        self._reason = array("b", [_NOT_ASKED]) * pairs
        self._authorize_ms = array("q", [_NO_TIME]) * pairs
        self._answered_ms = array("q", [_NO_TIME]) * pairs
        self._status = array("h", [-1]) * pairs
        self._attempts = array("h", [0]) * pairs
        self._code: dict[int, str] = {}
        self._unnamed: set[int] = set()
        self._request_id: list[str | None] = [None] * pairs

    def __len__(self) -> int:
        return len(self._state)

    def answer(self, place: int, answer: PalmAuthorization, at_ms: int) -> None:
        """Write down a good answer, received at Unix time ``at_ms`` (milliseconds)."""
        self._state[place] = _STATE_CODE[answer.state]
        self._reason[place] = -1
        if answer.authorize_time is not None:
            self._authorize_ms[place] = _milliseconds(answer.authorize_time)
        self._answered_ms[place] = at_ms
        self._status[place] = 200
        self._add_attempts(place, answer.attempts)
        self._request_id[place] = answer.request_id
        self._code.pop(place, None)
        if not answer.echoed:
            self._unnamed.add(place)

    def fail(self, place: int, error: PalmError) -> UnknownReason:
        """Write down that there is no good answer, and return why."""
        reason = reason_of(error)
        self._reason[place] = _WHY.index(reason)
        self._status[place] = -1 if error.status is None else error.status
        self._add_attempts(place, error.attempts)
        self._request_id[place] = error.request_id
        if isinstance(error, APIError) and error.code:
            self._code[place] = error.code
        else:
            self._code.pop(place, None)
        return reason

    def reason(self, place: int) -> UnknownReason | None:
        """Return why a pair has no good answer, None where it has one."""
        code = self._reason[place]
        return _WHY[code] if code >= 0 else None

    def row(self, place: int) -> Row:
        """Return what is written about a pair."""
        return (
            place,
            self._state[place],
            self._reason[place],
            self._authorize_ms[place],
            self._answered_ms[place],
            self._status[place],
            self._attempts[place],
            UnknownReason.UNNAMED.value if place in self._unnamed else self._code.get(place),
            self._request_id[place],
        )

    def restore(self, row: Row) -> UnknownReason | None:
        """Write down what :meth:`row` gave; return why there is no good answer, None: there is."""
        place, state, reason, authorize_ms, answered_ms, status, attempts, code, request_id = row
        self._state[place] = state
        self._reason[place] = reason
        self._authorize_ms[place] = authorize_ms
        self._answered_ms[place] = answered_ms
        self._status[place] = status
        self._attempts[place] = attempts
        self._request_id[place] = request_id
        if is_unnamed(row):
            self._unnamed.add(place)
        elif code is not None:
            self._code[place] = code
        return _WHY[reason] if reason >= 0 else None

    def _add_attempts(self, place: int, attempts: int) -> None:
        self._attempts[place] = min(self._attempts[place] + attempts, _MOST_ATTEMPTS)

    def places(self, *reasons: UnknownReason) -> Iterator[int]:
        """Yield the places of the pairs that have no answer for one of ``reasons``."""
        wanted = {_WHY.index(reason) for reason in reasons}
        return (place for place, reason in enumerate(self._reason) if reason in wanted)

    def count(self, *reasons: UnknownReason) -> int:
        """Return how many pairs have no answer for one of ``reasons``."""
        return sum(self._reason.count(_WHY.index(reason)) for reason in reasons)

    def frame(self, index: pd.Index) -> pd.DataFrame:
        """Return the answers, columns ``ANSWERS``, under ``index``: the pairs' numbers."""
        status = np.asarray(self._status)
        columns = {
            "state": pd.Categorical.from_codes(self._state, dtype=ANSWERS["state"]),
            "authorize_time": _times(self._authorize_ms),
            "answered_at": _times(self._answered_ms),
            "unknown_reason": pd.Categorical.from_codes(
                self._reason, dtype=ANSWERS["unknown_reason"]
            ),
            "error_code": pd.Categorical([self._code.get(place) for place in range(len(self))]),
            "http_status": pd.arrays.IntegerArray(status, mask=status < 0),
            "attempts": pd.array(self._attempts, dtype="Int16"),
            "request_id": pd.array(self._request_id, dtype=ANSWERS["request_id"]),
        }
        return conform(pd.DataFrame(columns, index=index), ANSWERS)


def _milliseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _times(milliseconds: array[int]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(milliseconds).view("datetime64[ms]"), tz="UTC")
