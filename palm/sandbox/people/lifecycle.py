"""The lifecycle of a pair: its states over time, computed from a number of 64 bits.

All events happen between 07:00 and 22:00 in China. On one day a pair has at most one transition: a
closing, an opening, a closing followed by an opening, ... Time is divided into periods of 128 days.
Each period starts with a state drawn from the organization's mix of states, and the transition from
the last state of the period before is an event of its first day. So computing a state takes one
period, seldom two, however long ago the lifecycle began.

The mix of states stays the same over the years: on each day as many pairs enter a state as leave it
(the table ``DAILY_PERCENT``). That is why clearings are as frequent as openings.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from math import log, log1p
from typing import Final, NamedTuple

__all__ = [
    "DAY_S",
    "PERIOD_DAYS",
    "ActiveDay",
    "EventKind",
    "PairState",
    "Rates",
    "Transition",
    "active_days",
    "state_at",
]


class PairState(StrEnum):
    """The state of a pair: the gateway's name without ``AUTHORIZATION_STATE_``."""

    ON = "ON"
    OFF = "OFF"
    NONE = "NONE"


class EventKind(StrEnum):
    """What changes a state: the person opens or closes, the organization clears."""

    OPEN = "OPEN"
    CLOSE = "CLOSE"
    CLEAR = "CLEAR"


class Transition(NamedTuple):
    """The events of one day that lead from one state to another, or back to the same.

    Attributes:
        kinds: The events in order.
        state: The state after them.
        after_open: How many events follow the last opening; None if there is no opening.
    """

    kinds: tuple[EventKind, ...]
    state: PairState
    after_open: int | None


_STILL: Final = Transition((), PairState.NONE, None)  # the state is not read
_OPEN: Final = Transition((EventKind.OPEN,), PairState.ON, 0)
_CLOSE: Final = Transition((EventKind.CLOSE,), PairState.OFF, None)
_CLEAR: Final = Transition((EventKind.CLEAR,), PairState.NONE, None)
_CLOSE_OPEN: Final = Transition((EventKind.CLOSE, EventKind.OPEN), PairState.ON, 0)
_OPEN_CLOSE: Final = Transition((EventKind.OPEN, EventKind.CLOSE), PairState.OFF, 1)
_OPEN_CLEAR: Final = Transition((EventKind.OPEN, EventKind.CLEAR), PairState.NONE, 1)

# Of 100 pairs, how many have each transition on a day. As many enter each state as leave it.
DAILY_PERCENT: Final = {
    PairState.ON: {_CLOSE: 1.20, _CLOSE_OPEN: 0.05},
    PairState.OFF: {_OPEN: 0.70, _CLEAR: 0.54, _OPEN_CLOSE: 0.12},
    PairState.NONE: {_OPEN: 0.50, _OPEN_CLOSE: 0.04, _OPEN_CLEAR: 0.08},
}
# From the last state of a period to the first of the next. To ON always by an opening, so that the
# period before is not needed for the time of the opening.
_BETWEEN_PERIODS: Final = {
    (PairState.ON, PairState.ON): _CLOSE_OPEN,
    (PairState.ON, PairState.OFF): _CLOSE,
    (PairState.ON, PairState.NONE): _CLEAR,
    (PairState.OFF, PairState.ON): _OPEN,
    (PairState.OFF, PairState.OFF): _STILL,
    (PairState.OFF, PairState.NONE): _CLEAR,
    (PairState.NONE, PairState.ON): _OPEN,
    (PairState.NONE, PairState.OFF): _OPEN_CLOSE,
    (PairState.NONE, PairState.NONE): _STILL,
}

PERIOD_DAYS: Final = 128
"""Days of a period."""

DAY_S: Final = 86_400
_FIRST_S: Final = 8 * 3600  # of a day: the last event, at most an hour after the one before
_SPAN_S: Final = 14 * 3600
_MAX_STEP_S: Final = 3600
_UNREAD: Final = -1


class Rates(NamedTuple):
    """How often the pairs of one organization change their states.

    Attributes:
        key: Makes the lifecycles of its pairs different from those of other organizations.
        on: Share of the pairs that are ON.
        on_or_off: Share of the pairs that are ON or OFF.
        transitions: For each state, the scale of the days until a pair leaves it, and its
            transitions with their cumulative shares.
    """

    key: bytes
    on: float
    on_or_off: float
    transitions: dict[PairState, tuple[float, tuple[tuple[float, Transition], ...]]]

    @classmethod
    def read(cls, drawn: bytes) -> Rates:
        """Return the rates drawn from 48 random bytes."""
        off = 0.06 + 0.12 * drawn[0] / 255
        none = 0.08 + 0.20 * drawn[1] / 255
        mix = {PairState.ON: 1 - off - none, PairState.OFF: off, PairState.NONE: none}
        transitions = {}
        for state, share in mix.items():
            # How many of the pairs in this state have any transition on a day, and which.
            total = sum(DAILY_PERCENT[state].values())
            cumulative, below = [], 0.0
            for transition, rate in DAILY_PERCENT[state].items():
                below += rate
                cumulative.append((below / total, transition))
            transitions[state] = (1 / log1p(-total / 100 / share), tuple(cumulative))
        return cls(drawn[16:], mix[PairState.ON], 1 - none, transitions)


class ActiveDay(NamedTuple):
    """A day on which a pair has a transition.

    Attributes:
        day: The number of the day, which each pair counts from a date of its own.
        transition: The transition.
        last_s: When its last event happens, in seconds of that day.
        step_s: Seconds between two of its events.
    """

    day: int
    transition: Transition
    last_s: int
    step_s: int


def active_days(key: int, rates: Rates, first: int, end: int) -> Iterator[ActiveDay]:
    """Yield the days with a transition, from ``first`` on and before ``end``, in order."""
    for period in range(first // PERIOD_DAYS, (end - 1) // PERIOD_DAYS + 1):
        for active in (_first_day(key, rates, period), *_later_days(key, rates, period, end)):
            if first <= active.day < end:
                yield active


def state_at(key: int, rates: Rates, day: int) -> tuple[PairState, int | None]:
    """Return the state at the beginning of ``day``, and the second at which it was last opened."""
    period = (day - 1) // PERIOD_DAYS
    state, drawn = first, first_bits = _first_state(key, rates, max(period, 0))
    last_s, step_s = _times(first_bits)
    opened: int | None = _UNREAD
    if first is PairState.ON and period > 0:
        opened = period * PERIOD_DAYS * DAY_S + last_s
    for on_day, transition, last, step in _later_days(key, rates, max(period, 0), day):
        state = transition.state
        if transition.after_open is not None:
            opened = on_day * DAY_S + last - transition.after_open * step
    if opened != _UNREAD:
        return state, opened
    if period <= 0:
        # Opened in the year before the lifecycle begins, or never.
        return state, None if first is PairState.NONE else -(drawn % (365 * DAY_S))
    before, opened = state_at(key, rates, period * PERIOD_DAYS)
    if before is PairState.NONE and first is PairState.OFF:
        opened = period * PERIOD_DAYS * DAY_S + last_s - step_s
    return state, opened


def _mix(number: int) -> int:
    """Return 64 well-mixed bits (the finalizer of SplitMix64)."""
    number &= 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return number ^ number >> 31


def _times(drawn: int) -> tuple[int, int]:
    """Return, in seconds, the last event's time of day and the time between two events."""
    return _FIRST_S + (drawn & 0xFFFFFF) % _SPAN_S, 60 + (drawn >> 24) % _MAX_STEP_S


def _first_state(key: int, rates: Rates, period: int) -> tuple[PairState, int]:
    """Return a period's first state, and the bits that its first day's times are drawn from."""
    drawn = _mix(key + period * 0x9E3779B97F4A7C15)
    share = (drawn >> 40) / 2**24
    if share < rates.on:
        return PairState.ON, drawn
    return PairState.OFF if share < rates.on_or_off else PairState.NONE, drawn


def _first_day(key: int, rates: Rates, period: int) -> ActiveDay:
    """Return the first day of a period, with the transition from the period before."""
    day = period * PERIOD_DAYS
    state, drawn = _first_state(key, rates, period)
    if period == 0:
        return ActiveDay(day, _STILL, 0, 0)
    before, _ = state_at(key, rates, day)
    return ActiveDay(day, _BETWEEN_PERIODS[before, state], *_times(drawn))


def _later_days(key: int, rates: Rates, period: int, end: int) -> Iterator[ActiveDay]:
    """Yield the days of a period with a transition, after its first day and before ``end``."""
    state, drawn = _first_state(key, rates, period)
    day = period * PERIOD_DAYS
    end = min(end, day + PERIOD_DAYS)
    while True:
        drawn = _mix(drawn + key)
        scale, cumulative = rates.transitions[state]
        day += 1 + int(log(((drawn >> 40) + 1) / 2**24) * scale)
        if day >= end:
            return
        share = (drawn >> 28 & 0xFFF) / 2**12
        transition = _choose(cumulative, share)
        state = transition.state
        yield ActiveDay(day, transition, *_times(drawn * 0x2545F491 >> 8))


def _choose(cumulative: tuple[tuple[float, Transition], ...], share: float) -> Transition:
    """Return the transition whose part of the cumulative shares a number in [0, 1) falls into."""
    for below, transition in cumulative:
        if share < below:
            return transition
    return cumulative[-1][1]
