"""How a pair's story goes: from state to state, in chapters, drawn from a number of 64 bits.

Each day has its events between 07:00 and 22:00 in China, a pair at most one group of them: a
closing, an opening, a closing and an opening, ... A story is told in chapters of 128 days. Each
chapter begins afresh with a state drawn from its organization's mix, and what leads there from the
chapter before is an event of its first day. So a look reads one chapter, seldom two, however long
ago the story began.

The mix of states stands still over the years: per day, as many pairs come to a state as leave it
(the table ``PER_DAY``). That is why clearings are no rarer than openings.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from math import log, log1p
from typing import Final, NamedTuple

__all__ = ["CHAPTER", "DAY_S", "EventKind", "Habits", "State", "Turn", "Way", "state_at", "turns"]


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


class Way(NamedTuple):
    """Steps from one state to another, or back to the same.

    Attributes:
        after_open: How many steps follow the last opening; None where there is none.
    """

    kinds: tuple[EventKind, ...]
    state: State
    after_open: int | None


_STILL: Final = Way((), State.NONE, None)  # the state is not read
_OPEN: Final = Way((EventKind.OPEN,), State.ON, 0)
_CLOSE: Final = Way((EventKind.CLOSE,), State.OFF, None)
_CLEAR: Final = Way((EventKind.CLEAR,), State.NONE, None)
_CLOSE_OPEN: Final = Way((EventKind.CLOSE, EventKind.OPEN), State.ON, 0)
_OPEN_CLOSE: Final = Way((EventKind.OPEN, EventKind.CLOSE), State.OFF, 1)
_OPEN_CLEAR: Final = Way((EventKind.OPEN, EventKind.CLEAR), State.NONE, 1)

# Of 100 pairs, how many go each way per day. To and from each state are as many.
PER_DAY: Final = {
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

CHAPTER: Final = 128
"""In days."""

DAY_S: Final = 86_400
_FIRST_S: Final = 8 * 3600  # of a day: the last step, which others may precede by an hour
_SPAN_S: Final = 14 * 3600
_LONGEST_STEP_S: Final = 3600
_UNREAD: Final = -1


class Habits(NamedTuple):
    """What is common to the pairs of one organization.

    Attributes:
        key: Keeps its pairs' stories apart from those of other organizations.
        on: Share of the pairs that are ON.
        on_or_off: Share of the pairs that are ON or OFF.
        ways: From each state: how seldom a pair leaves it, and which way it then takes.
    """

    key: bytes
    on: float
    on_or_off: float
    ways: dict[State, tuple[float, tuple[tuple[float, Way], ...]]]

    @classmethod
    def read(cls, drawn: bytes) -> Habits:
        """Return the habits that 48 random bytes stand for."""
        off = 0.06 + 0.12 * drawn[0] / 255
        none = 0.08 + 0.20 * drawn[1] / 255
        mix = {State.ON: 1 - off - none, State.OFF: off, State.NONE: none}
        ways = {}
        for state, share in mix.items():
            # Of those in this state, how many do anything on a day; and what.
            total = sum(PER_DAY[state].values())
            steps, sofar = [], 0.0
            for way, rate in PER_DAY[state].items():
                sofar += rate
                steps.append((sofar / total, way))
            ways[state] = (1 / log1p(-total / 100 / share), tuple(steps))
        return cls(drawn[16:], mix[State.ON], 1 - none, ways)


class Turn(NamedTuple):
    """One day of a story on which something happens.

    Attributes:
        day: Of the pair's own count.
        way: What happens.
        last_s: When the last step is taken, in seconds of that day.
        step_s: Seconds between two steps.
    """

    day: int
    way: Way
    last_s: int
    step_s: int


def turns(key: int, habits: Habits, first: int, end: int) -> Iterator[Turn]:
    """Yield the days from ``first`` on and before ``end`` on which something happens, in order."""
    for chapter in range(first // CHAPTER, (end - 1) // CHAPTER + 1):
        for turn in (_turn(key, habits, chapter), *_walk(key, habits, chapter, end)):
            if first <= turn.day < end:
                yield turn


def state_at(key: int, habits: Habits, day: int) -> tuple[State, int | None]:
    """Return the state at the beginning of ``day``, and the second at which it was last opened."""
    chapter = (day - 1) // CHAPTER
    state, drawn = begun, at_turn = _begin(key, habits, max(chapter, 0))
    last_s, step_s = _times(at_turn)
    opened: int | None = _UNREAD
    if begun is State.ON and chapter > 0:
        opened = chapter * CHAPTER * DAY_S + last_s
    for on_day, way, last, step in _walk(key, habits, max(chapter, 0), day):
        state = way.state
        if way.after_open is not None:
            opened = on_day * DAY_S + last - way.after_open * step
    if opened != _UNREAD:
        return state, opened
    if chapter <= 0:
        # Opened in the year before the story begins, or never.
        return state, None if begun is State.NONE else -(drawn % (365 * DAY_S))
    before, opened = state_at(key, habits, chapter * CHAPTER)
    if before is State.NONE and begun is State.OFF:
        opened = chapter * CHAPTER * DAY_S + last_s - step_s
    return state, opened


def _mix(number: int) -> int:
    """Scatter 64 bits (the finalizer of SplitMix64)."""
    number &= 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return number ^ number >> 31


def _times(drawn: int) -> tuple[int, int]:
    """Return, in seconds, the last step's time of day and the time between two steps."""
    return _FIRST_S + (drawn & 0xFFFFFF) % _SPAN_S, 60 + (drawn >> 24) % _LONGEST_STEP_S


def _begin(key: int, habits: Habits, chapter: int) -> tuple[State, int]:
    """Return a chapter's first state, and what its first day's times are drawn from."""
    drawn = _mix(key + chapter * 0x9E3779B97F4A7C15)
    share = (drawn >> 40) / 2**24
    if share < habits.on:
        return State.ON, drawn
    return State.OFF if share < habits.on_or_off else State.NONE, drawn


def _turn(key: int, habits: Habits, chapter: int) -> Turn:
    """Return what leads from the chapter before to this one."""
    day = chapter * CHAPTER
    state, drawn = _begin(key, habits, chapter)
    if chapter == 0:
        return Turn(day, _STILL, 0, 0)
    before, _ = state_at(key, habits, day)
    return Turn(day, _TURNS[before, state], *_times(drawn))


def _walk(key: int, habits: Habits, chapter: int, end: int) -> Iterator[Turn]:
    """Yield a chapter's days with events behind its first, those before ``end``."""
    state, drawn = _begin(key, habits, chapter)
    day = chapter * CHAPTER
    end = min(end, day + CHAPTER)
    while True:
        drawn = _mix(drawn + key)
        rareness, steps = habits.ways[state]
        day += 1 + int(log(((drawn >> 40) + 1) / 2**24) * rareness)
        if day >= end:
            return
        which = (drawn >> 28 & 0xFFF) / 2**12
        way = _choose(steps, which)
        state = way.state
        yield Turn(day, way, *_times(drawn * 0x2545F491 >> 8))


def _choose(steps: tuple[tuple[float, Way], ...], which: float) -> Way:
    for step, way in steps:
        if which < step:
            return way
    return steps[-1][1]
