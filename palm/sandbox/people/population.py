"""Made-up people: who has authorized whom, on each day, since when.

A pure function of pair, date and seed. Every openid and organization exists, and nothing is stored.
The events of a pair between two dates can be listed, so that a test knows which changes a report
must show.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple

from palm.sandbox.people.lifecycle import (
    DAY_S,
    PERIOD_DAYS,
    EventKind,
    PairState,
    Rates,
    active_days,
    state_at,
)

__all__ = ["CHINA", "EPOCH", "Event", "EventKind", "PairState", "PairStatus", "Population"]

CHINA: Final = timezone(timedelta(hours=8))
EPOCH: Final = date(2024, 1, 1)
"""Before this date nothing changes: the states are those of this day."""

_EPOCH_S: Final = int(datetime(EPOCH.year, EPOCH.month, EPOCH.day, tzinfo=CHINA).timestamp())


class PairStatus(NamedTuple):
    """The state of a pair at the beginning of a day.

    Attributes:
        state: ON, OFF or NONE.
        authorize_time: When it was last opened, +08:00; None if it never was, and for half of the
            cleared pairs (the official example has a time with NONE).
    """

    state: PairState
    authorize_time: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a pair's state.

    Attributes:
        at: When it happens, in whole seconds, +08:00.
        kind: Opening, closing or clearing.
        state: The pair's state from then on.
    """

    at: datetime
    kind: EventKind
    state: PairState


_AFTER: Final = {
    EventKind.OPEN: PairState.ON,
    EventKind.CLOSE: PairState.OFF,
    EventKind.CLEAR: PairState.NONE,
}


class Population:
    """All pairs, on every day.

    Args:
        seed: Another seed is another population.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._rates = lru_cache(maxsize=4096)(self._read_rates)

    def state_on(self, openid: str, organization_id: str, date: date) -> PairStatus:
        """Return the state of a pair at 00:00 of ``date`` in China.

        All times in it lie before that moment, so that it is valid on all of that day.
        """
        rates = self._rates(organization_id)
        key = _key(openid, rates)
        day = _day(key, date)
        state, opened = state_at(key, rates, day)
        if opened is None or (state is PairState.NONE and key & 1):
            return PairStatus(state, None)
        return PairStatus(state, _at(key, opened))

    def events(
        self, openid: str, organization_id: str, after: date, until: date
    ) -> tuple[Event, ...]:
        """Return the events of a pair from 00:00 of ``after`` to 00:00 of ``until``, in China."""
        rates = self._rates(organization_id)
        key = _key(openid, rates)
        first, end = _day(key, after), _day(key, until)
        return tuple(
            Event(
                _at(key, active.day * DAY_S + active.last_s + index * active.step_s),
                kind,
                _AFTER[kind],
            )
            for active in active_days(key, rates, first, end)
            for index, kind in enumerate(
                active.transition.kinds, start=1 - len(active.transition.kinds)
            )
        )

    def _read_rates(self, organization_id: str) -> Rates:
        text = f"{self.seed} {organization_id}".encode("utf-8", "surrogatepass")
        return Rates.read(hashlib.blake2b(text, digest_size=48).digest())


def _key(openid: str, rates: Rates) -> int:
    text = openid.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, key=rates.key, digest_size=8).digest())


def _day(key: int, date: date) -> int:
    """Return the number of a pair's day; periods of different pairs begin on different dates."""
    return max((date - EPOCH).days, 0) + _offset(key)


def _offset(key: int) -> int:
    return 1 + (key >> 8) % PERIOD_DAYS


def _at(key: int, second: int) -> datetime:
    return datetime.fromtimestamp(_EPOCH_S - _offset(key) * DAY_S + second, CHINA)
