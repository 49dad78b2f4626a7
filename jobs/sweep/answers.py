"""The outcome of every pair of a sweep, in columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.schema import STRING, Array, State, UnknownReason
from jobs.sweep.blocks.answers_frame import answers_frame
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

__all__ = ["NO_TIME", "AnswerTable", "Row", "is_good", "is_unnamed", "reason_of", "usable"]


class Row(NamedTuple):
    """The outcome of one pair, as plain numbers and texts.

    Attributes:
        pair_index: The pair's position in the frame of pairs.
        state: Position in ``State``.
        reason: Position in ``UnknownReason``; -1 for a good answer.
        authorize_ms: ``authorize_time`` of the answer, Unix milliseconds; numpy's "not a time" if
            there is none.
        answered_ms: When the answer was received, Unix milliseconds; "not a time" if there is none.
        status: HTTP status; -1 if there was no response.
        attempts: How many requests were sent.
        code: The gateway's error code, or None. A good answer that was accepted without naming its
            pair has ``UNNAMED`` here, so that a resumed run can tell.
        request_id: WeChat Pay's id of the last request, or None.
    """

    pair_index: int
    state: int
    reason: int
    authorize_ms: int
    answered_ms: int
    status: int
    attempts: int
    code: str | None
    request_id: str | None


_REASON_OF: Final[tuple[tuple[type[PalmError], UnknownReason], ...]] = (
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
_REASON_NAMES: Final = tuple(UnknownReason)
_STATE_CODE: Final = {
    AuthorizationState.ON: _STATES.index(State.ON),
    AuthorizationState.OFF: _STATES.index(State.OFF),
    AuthorizationState.NONE: _STATES.index(State.NONE),
}
_UNKNOWN: Final = _STATES.index(State.UNKNOWN)
_NOT_ASKED: Final = _REASON_NAMES.index(UnknownReason.NOT_ASKED)
NO_TIME: Final = np.iinfo(np.int64).min
"""How numpy writes "not a time"."""
_MOST_ATTEMPTS: Final = np.iinfo(np.int16).max
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_good(row: Row) -> bool:
    """Return True if a row holds a state."""
    return row.reason < 0


def is_unnamed(row: Row) -> bool:
    """Return True if a row holds a state from an answer that does not name the pair."""
    return is_good(row) and row.code == UnknownReason.UNNAMED


def usable(rows: Iterable[Row], *, accept_unnamed: bool) -> list[Row]:
    """Return the rows of an unfinished run that this run can use.

    A state from an answer that does not name its pair is used only if such answers are accepted.
    """
    return [row for row in rows if accept_unnamed or not is_unnamed(row)]


def reason_of(error: PalmError) -> UnknownReason:
    """Return why an error leaves a pair without an answer."""
    if isinstance(error, SignatureError) and error.reason is SignatureReason.REPLAYED:
        return UnknownReason.REPLAYED
    for kind, reason in _REASON_OF:
        if isinstance(error, kind):
            return reason
    raise error


class AnswerTable:
    """One outcome per pair, by the pair's index: about 40 bytes each, plus the request id.

    Args:
        pairs: The number of pairs. Each is UNKNOWN because it was NOT_ASKED, to begin with.
    """

    def __init__(self, pairs: int) -> None:
        self._state = array("b", [_UNKNOWN]) * pairs
        self._reason = array("b", [_NOT_ASKED]) * pairs
        self._authorize_ms = array("q", [NO_TIME]) * pairs
        self._answered_ms = array("q", [NO_TIME]) * pairs
        self._status = array("h", [-1]) * pairs
        self._attempts = array("h", [0]) * pairs
        self._code: dict[int, str] = {}
        self._unnamed: set[int] = set()
        self._request_id: list[str | None] = [None] * pairs

    def __len__(self) -> int:
        return len(self._state)

    def answer(self, index: int, answer: PalmAuthorization, at_ms: int) -> None:
        """Store a good answer that was received at ``at_ms``, Unix milliseconds."""
        self._state[index] = _STATE_CODE[answer.state]
        self._reason[index] = -1
        if answer.authorize_time is not None:
            self._authorize_ms[index] = _milliseconds(answer.authorize_time)
        self._answered_ms[index] = at_ms
        self._status[index] = 200
        self._add_attempts(index, answer.attempts)
        self._request_id[index] = answer.request_id
        self._code.pop(index, None)
        if not answer.echoed:
            self._unnamed.add(index)

    def fail(self, index: int, error: PalmError) -> UnknownReason:
        """Store that there is no good answer, and return why."""
        reason = reason_of(error)
        self._reason[index] = _REASON_NAMES.index(reason)
        self._status[index] = -1 if error.status is None else error.status
        self._add_attempts(index, error.attempts)
        self._request_id[index] = error.request_id
        if isinstance(error, APIError) and error.code:
            self._code[index] = error.code
        else:
            self._code.pop(index, None)
        return reason

    def reason(self, index: int) -> UnknownReason | None:
        """Return why a pair has no good answer, or None if it has one."""
        code = self._reason[index]
        return _REASON_NAMES[code] if code >= 0 else None

    def row(self, index: int) -> Row:
        """Return the outcome that is stored for a pair."""
        return Row(
            index,
            self._state[index],
            self._reason[index],
            self._authorize_ms[index],
            self._answered_ms[index],
            self._status[index],
            self._attempts[index],
            UnknownReason.UNNAMED.value if index in self._unnamed else self._code.get(index),
            self._request_id[index],
        )

    def restore(self, row: Row) -> UnknownReason | None:
        """Store what :meth:`row` returned; return why it is not a good answer, or None if it is."""
        index, state, reason, authorize_ms, answered_ms, status, attempts, code, request_id = row
        self._state[index] = state
        self._reason[index] = reason
        self._authorize_ms[index] = authorize_ms
        self._answered_ms[index] = answered_ms
        self._status[index] = status
        self._attempts[index] = attempts
        self._request_id[index] = request_id
        if is_unnamed(row):
            self._unnamed.add(index)
        elif code is not None:
            self._code[index] = code
        return _REASON_NAMES[reason] if reason >= 0 else None

    def _add_attempts(self, index: int, attempts: int) -> None:
        self._attempts[index] = min(self._attempts[index] + attempts, _MOST_ATTEMPTS)

    def indexes(self, *reasons: UnknownReason) -> Iterator[int]:
        """Yield the indexes of the pairs that are UNKNOWN for one of ``reasons``."""
        wanted = {_REASON_NAMES.index(reason) for reason in reasons}
        return (index for index, reason in enumerate(self._reason) if reason in wanted)

    def count(self, *reasons: UnknownReason) -> int:
        """Return how many pairs are UNKNOWN for one of ``reasons``."""
        return sum(self._reason.count(_REASON_NAMES.index(reason)) for reason in reasons)

    def asked(self) -> npt.NDArray[np.bool_]:
        """Return for each pair whether it has an outcome."""
        return np.not_equal(self.reasons(), _NOT_ASKED)

    def reasons(self) -> npt.NDArray[np.int8]:
        """Return the reason of each pair: its position in ``UnknownReason``, -1 if answered."""
        return np.array(self._reason, dtype=np.int8)

    def columns(self, indexes: Array) -> dict[str, Any]:
        """Return outcomes in columns, named and valued as the attributes of :class:`Row`.

        Args:
            indexes: Of the pairs; ``pair_index`` is left out.
        """
        chosen = indexes.tolist()
        unnamed, code = UnknownReason.UNNAMED.value, self._code
        return {
            **{name: np.asarray(column)[indexes] for name, column in self._numbers().items()},
            "code": [unnamed if each in self._unnamed else code.get(each) for each in chosen],
            "request_id": [self._request_id[each] for each in chosen],
        }

    def restore_columns(self, indexes: Array, columns: Mapping[str, Any]) -> None:
        """Store what :meth:`columns` returned, in place of what is stored for the pairs.

        Args:
            indexes: Of the pairs, in the order of the columns.
            columns: Sequences, those of the numbers as arrays.
        """
        for name, column in self._numbers().items():
            np.asarray(column)[indexes] = columns[name]
        good = columns["reason"] < 0
        texts = zip(indexes.tolist(), columns["code"], columns["request_id"], good, strict=True)
        for index, code, request_id, is_answered in texts:
            self._request_id[index] = request_id
            self._code.pop(index, None)
            if is_answered and code == UnknownReason.UNNAMED:
                self._unnamed.add(index)
            elif code is not None:
                self._code[index] = code

    def _numbers(self) -> dict[str, array[int]]:
        return {
            "state": self._state,
            "reason": self._reason,
            "authorize_ms": self._authorize_ms,
            "answered_ms": self._answered_ms,
            "status": self._status,
            "attempts": self._attempts,
        }

    def frame(self, index: pd.Index) -> pd.DataFrame:
        """Return columns ``ANSWERS``, one row per pair.

        Args:
            index: The index of the frame of pairs.
        """
        numbers = {name: np.asarray(column) for name, column in self._numbers().items()}
        codes = pd.Categorical([self._code.get(each) for each in range(len(self))])
        return answers_frame(index, numbers, codes, pd.array(self._request_id, dtype=STRING))


def _milliseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)
