"""Made-up people: who has authorized whom, on each day, since when.

A pure function of pair, date and seed. Every openid and organization exists, nothing is stored,
and what a pair does between two dates can be listed, so that a test knows which changes a report
must show.

Each day has its events between 07:00 and 22:00 in China, a pair at most one group of them: a
closing, an opening, a closing and an opening, ... A pair's story is told in chapters of 128 days.
Each chapter begins afresh with a state drawn from its organization's mix, and what leads there
from the chapter before is an event of its first day. So a look reads one chapter, seldom two,
however long ago the story began.

The mix of states stands still over the years: per day, as many pairs come to a state as leave it
(the table ``_PER_DAY``). That is why clearings are no rarer than openings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from math import log, log1p
from typing import Final, NamedTuple

__all__ = ["CHINA", "EPOCH", "Event", "EventKind", "Population", "Standing", "State"]

CHINA: Final = timezone(timedelta(hours=8))
EPOCH: Final = date(2024, 1, 1)
"""Before it the population stands still, as it stood on that day."""


class State(StrEnum):
    """As the gateway calls it, without ``AUTHORIZATION_STATE_``."""

    ON = "ON"
    OFF = "OFF"
    NONE = "NONE"


class EventKind(StrEnum):
    """What a person, or for CLEAR the organization, does."""

    OPEN = "OPEN"
    CLOSE = "CLOSE"
    CLEAR = "CLEAR"


class Standing(NamedTuple):
    """A pair at the beginning of a day.

    Attributes:
        authorize_time: When it was last opened, +08:00; None where it never was, and for half of
            the pairs once they are cleared (the official example has a time with NONE).
    """

    state: State
    authorize_time: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a pair's story.

    Attributes:
        at: Whole seconds, +08:00.
        kind: What was done.
        state: The pair's state from then on.
    """

    at: datetime
    kind: EventKind
    state: State


_AFTER: Final = {
    EventKind.OPEN: State.ON,
    EventKind.CLOSE: State.OFF,
    EventKind.CLEAR: State.NONE,
}


class _Way(NamedTuple):
    """Steps from one state to another, or back to the same.

    Attributes:
        after_open: How many steps follow the last opening; None where there is none.
    """

    kinds: tuple[EventKind, ...]
    state: State
    after_open: int | None


_STILL: Final = _Way((), State.NONE, None)  # the state is not read
_OPEN: Final = _Way((EventKind.OPEN,), State.ON, 0)
_CLOSE: Final = _Way((EventKind.CLOSE,), State.OFF, None)
_CLEAR: Final = _Way((EventKind.CLEAR,), State.NONE, None)
_CLOSE_OPEN: Final = _Way((EventKind.CLOSE, EventKind.OPEN), State.ON, 0)
_OPEN_CLOSE: Final = _Way((EventKind.OPEN, EventKind.CLOSE), State.OFF, 1)
_OPEN_CLEAR: Final = _Way((EventKind.OPEN, EventKind.CLEAR), State.NONE, 1)

# Of 100 pairs, how many go each way per day. To and from each state are as many.
_PER_DAY: Final = {
    State.ON: {_CLOSE: 1.20, _CLOSE_OPEN: 0.05},
    State.OFF: {_OPEN: 0.70, _CLEAR: 0.54, _OPEN_CLOSE: 0.12},
    State.NONE: {_OPEN: 0.50, _OPEN_CLOSE: 0.04, _OPEN_CLEAR: 0.08},
}
# From the last state of a chapter to the first of the next. To ON always by an opening, so that
# a look need not read the chapter before.
_TURNS: Final = {
    (State.ON, State.ON): _CLOSE_OPEN,
    (State.ON, State.OFF): _CLOSE,
    (State.ON, State.NONE): _CLEAR,
    (State.OFF, State.ON): _OPEN,
    (State.OFF, State.OFF): _STILL,
    (State.OFF, State.NONE): _CLEAR,
    (State.NONE, State.ON): _OPEN,
    (State.NONE, State.OFF): _OPEN_CLOSE,
    (State.NONE, State.NONE): _STILL,
}

_CHAPTER: Final = 128  # days
_DAY_S: Final = 86_400
_EPOCH_S: Final = int(datetime(EPOCH.year, EPOCH.month, EPOCH.day, tzinfo=CHINA).timestamp())
_FIRST_S: Final = 8 * 3600  # of a day: the last step, which others may precede by an hour
_SPAN_S: Final = 14 * 3600
_LONGEST_STEP_S: Final = 3600
_UNREAD: Final = -1


class _Habits(NamedTuple):
    """What is common to the pairs of one organization."""

    key: bytes
    on: float  # share of pairs that are ON
    on_or_off: float
    ways: dict[State, tuple[float, tuple[tuple[float, _Way], ...]]]


class Population:
    """Everybody, on every day.

    Args:
        seed: Another seed is another population.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._habits = lru_cache(maxsize=4096)(self._read_habits)

    def look(self, openid: str, organization_id: str, date: date) -> Standing:
        """Return how the pair stands at 00:00 of ``date`` in China.

        All times lie before that moment, so whoever asks during that day sees the past.
        """
        habits = self._habits(organization_id)
        key = _key(openid, habits)
        day = _day(key, date)
        state, opened = _stand(key, habits, day)
        if opened is None or (state is State.NONE and key & 1):
            return Standing(state, None)
        return Standing(state, _at(key, opened))

    def events(
        self, openid: str, organization_id: str, after: date, until: date
    ) -> tuple[Event, ...]:
        """Return what the pair does between its looks at ``after`` and at ``until``."""
        habits = self._habits(organization_id)
        key = _key(openid, habits)
        first, end = _day(key, after), _day(key, until)
        found = []
        for chapter in range(first // _CHAPTER, (end - 1) // _CHAPTER + 1):
            turn = _turn(key, habits, chapter)
            for day, way, last_s, step_s in (turn, *_walk(key, habits, chapter, end)):
                for index, kind in enumerate(way.kinds, start=1 - len(way.kinds)):
                    if first <= day < end:
                        at = _at(key, day * _DAY_S + last_s + index * step_s)
                        found.append(Event(at, kind, _AFTER[kind]))
        return tuple(found)

    def _read_habits(self, organization_id: str) -> _Habits:
        text = f"{self.seed} {organization_id}".encode("utf-8", "surrogatepass")
        drawn = hashlib.blake2b(text, digest_size=48).digest()
        off = 0.06 + 0.12 * drawn[0] / 255
        none = 0.08 + 0.20 * drawn[1] / 255
        mix = {State.ON: 1 - off - none, State.OFF: off, State.NONE: none}
        ways = {}
        for state, share in mix.items():
            # Of those in this state, how many do anything on a day; and what.
            total = sum(_PER_DAY[state].values())
            steps, sofar = [], 0.0
            for way, rate in _PER_DAY[state].items():
                sofar += rate
                steps.append((sofar / total, way))
            ways[state] = (1 / log1p(-total / 100 / share), tuple(steps))
        return _Habits(drawn[16:], mix[State.ON], 1 - none, ways)


def _key(openid: str, habits: _Habits) -> int:
    text = openid.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, key=habits.key, digest_size=8).digest())


def _day(key: int, date: date) -> int:
    """Number the days of a pair; chapters of different pairs begin on different dates."""
    return max((date - EPOCH).days, 0) + _offset(key)


def _offset(key: int) -> int:
    return 1 + (key >> 8) % _CHAPTER


def _at(key: int, second: int) -> datetime:
    return datetime.fromtimestamp(_EPOCH_S - _offset(key) * _DAY_S + second, CHINA)


def _mix(number: int) -> int:
    """Scatter 64 bits (the finalizer of SplitMix64)."""
    number &= 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return number ^ number >> 31


def _times(drawn: int) -> tuple[int, int]:
    """Return, in seconds, the last step's time of day and the time between two steps."""
    return _FIRST_S + (drawn & 0xFFFFFF) % _SPAN_S, 60 + (drawn >> 24) % _LONGEST_STEP_S


def _begin(key: int, habits: _Habits, chapter: int) -> tuple[State, int]:
    """Return a chapter's first state, and what its first day's times are drawn from."""
    drawn = _mix(key + chapter * 0x9E3779B97F4A7C15)
    share = (drawn >> 40) / 2**24
    if share < habits.on:
        return State.ON, drawn
    return State.OFF if share < habits.on_or_off else State.NONE, drawn


def _turn(key: int, habits: _Habits, chapter: int) -> tuple[int, _Way, int, int]:
    """Return day, way and times of what leads from the chapter before to this one."""
    day = chapter * _CHAPTER
    state, drawn = _begin(key, habits, chapter)
    if chapter == 0:
        return day, _STILL, 0, 0
    before, _ = _stand(key, habits, day)
    return day, _TURNS[before, state], *_times(drawn)


def _walk(
    key: int, habits: _Habits, chapter: int, end: int
) -> Iterator[tuple[int, _Way, int, int]]:
    """Yield a chapter's days with events, those before ``end``: day, way and times as `_turn`."""
    state, drawn = _begin(key, habits, chapter)
    day = chapter * _CHAPTER
    end = min(end, day + _CHAPTER)
    while True:
        drawn = _mix(drawn + key)
        rareness, steps = habits.ways[state]
        day += 1 + int(log(((drawn >> 40) + 1) / 2**24) * rareness)
        if day >= end:
            return
        which = (drawn >> 28 & 0xFFF) / 2**12
        way = _choose(steps, which)
        state = way.state
        yield day, way, *_times(drawn * 0x2545F491 >> 8)


def _choose(steps: tuple[tuple[float, _Way], ...], which: float) -> _Way:
    for step, way in steps:
        if which < step:
            return way
    return steps[-1][1]


def _stand(key: int, habits: _Habits, day: int) -> tuple[State, int | None]:
    """Return the state at the beginning of ``day``, and the second at which it was last opened."""
    chapter = (day - 1) // _CHAPTER
    state, drawn = begun, at_turn = _begin(key, habits, max(chapter, 0))
    last_s, step_s = _times(at_turn)
    opened: int | None = _UNREAD
    if begun is State.ON and chapter > 0:
        opened = chapter * _CHAPTER * _DAY_S + last_s
    for on_day, way, last, step in _walk(key, habits, max(chapter, 0), day):
        state = way.state
        if way.after_open is not None:
            opened = on_day * _DAY_S + last - way.after_open * step
    if opened != _UNREAD:
        return state, opened
    if chapter <= 0:
        # Opened in the year before the story begins, or never.
        return state, None if begun is State.NONE else -(drawn % (365 * _DAY_S))
    before, opened = _stand(key, habits, chapter * _CHAPTER)
    if before is State.NONE and begun is State.OFF:
        opened = chapter * _CHAPTER * _DAY_S + last_s - step_s
    return state, opened
