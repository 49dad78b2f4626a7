"""Made-up people: who has authorized whom, on each day, since when.

A pure function of pair, date and seed. Every openid and organization exists, nothing is stored,
and what a pair does between two dates can be listed, so that a test knows which changes a report
must show.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple

from palm.sandbox.people.lifecycle import CHAPTER, DAY_S, EventKind, Habits, State, state_at, turns

__all__ = ["CHINA", "EPOCH", "Event", "EventKind", "Population", "Standing", "State"]

CHINA: Final = timezone(timedelta(hours=8))
EPOCH: Final = date(2024, 1, 1)
"""Before it the population stands still, as it stood on that day."""

_EPOCH_S: Final = int(datetime(EPOCH.year, EPOCH.month, EPOCH.day, tzinfo=CHINA).timestamp())


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


class Population:
    """Everybody, on every day.

    Args:
        seed: Another seed is another population.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._habits = lru_cache(maxsize=4096)(self._read_habits)

    def state_on(self, openid: str, organization_id: str, date: date) -> Standing:
        """Return how the pair stands at 00:00 of ``date`` in China.

        All times lie before that moment, so whoever asks during that day sees the past.
        """
        habits = self._habits(organization_id)
        key = _key(openid, habits)
        day = _day(key, date)
        state, opened = state_at(key, habits, day)
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
        return tuple(
            Event(
                _at(key, turn.day * DAY_S + turn.last_s + index * turn.step_s), kind, _AFTER[kind]
            )
            for turn in turns(key, habits, first, end)
            for index, kind in enumerate(turn.way.kinds, start=1 - len(turn.way.kinds))
        )

    def _read_habits(self, organization_id: str) -> Habits:
        text = f"{self.seed} {organization_id}".encode("utf-8", "surrogatepass")
        return Habits.read(hashlib.blake2b(text, digest_size=48).digest())


def _key(openid: str, habits: Habits) -> int:
    text = openid.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, key=habits.key, digest_size=8).digest())


def _day(key: int, date: date) -> int:
    """Number the days of a pair; chapters of different pairs begin on different dates."""
    return max((date - EPOCH).days, 0) + _offset(key)


def _offset(key: int) -> int:
    return 1 + (key >> 8) % CHAPTER


def _at(key: int, second: int) -> datetime:
    return datetime.fromtimestamp(_EPOCH_S - _offset(key) * DAY_S + second, CHINA)
