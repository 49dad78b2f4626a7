"""Who gains and loses ON again and again, and who was lost and never came back.

A *turn* is one gain or one loss of ON. A REAUTHORIZED or a CYCLED is two: closed and opened between
two nights, or opened and closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from jobs.history.night_rows import NightRows
from jobs.history.pair_numbers import PairNumbers, grown
from jobs.json_dataclass import JsonDataclass
from jobs.schema import Array, Change

__all__ = ["LISTED", "OFTEN", "LostPair", "PairTurns", "TurnCounts", "Turns"]

OFTEN: Final = 3
"""As many turns are often."""
LISTED: Final = 1_000
"""People that are listed at most; all of them are counted."""


@dataclass(frozen=True, slots=True)
class PairTurns(JsonDataclass):
    """A pair that turns often."""

    organization_id: str
    """Its organization."""
    openid: str
    """Its person."""
    turns: int
    """How often it gained or lost ON."""
    last: date
    """The last night on which it did."""


@dataclass(frozen=True, slots=True)
class LostPair(JsonDataclass):
    """A pair that was lost and never came back."""

    organization_id: str
    """Its organization."""
    openid: str
    """Its person."""
    lost: date
    """The night of its loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns(JsonDataclass):
    """Who gained and lost ON, and how often."""

    often: int
    """Pairs with at least three turns."""
    often_pairs: tuple[PairTurns, ...]
    """The first 1,000 of them, most turns first."""
    lost: int
    """Pairs that were lost at least once."""
    never_back: int
    """Those of them that no later night shows ON, nor CYCLED."""
    never_back_gone: int
    """Those of these that are not in the last night's input."""
    never_back_pairs: tuple[LostPair, ...]
    """The first 1,000 of those that never came back, the last lost first."""


class TurnCounts:
    """Counts each pair's turns from night to night."""

    def __init__(self) -> None:
        self._turns = np.array([], dtype=np.int32)
        self._turned = np.array([], dtype=np.int32)
        self._ever_lost = np.array([], dtype=np.int8)
        self._lost = np.array([], dtype=np.int32)
        self._here = np.array([], dtype=np.int8)

    def observe(self, night: NightRows, pairs: int) -> None:
        """Take one more night, later than all before; ``pairs`` is how many have a number."""
        for name in self.__dict__:
            setattr(self, name, grown(getattr(self, name), pairs, 0))
        once, twice = night.gained | night.lost, night.hidden
        self._turns[night.pairs[once]] += 1
        self._turns[night.pairs[twice]] += 2
        self._turned[night.pairs[once | twice]] = night.day
        back = night.on | night.changed((Change.CYCLED,))
        self._lost[night.pairs[back]] = 0
        self._lost[night.pairs[night.lost]] = night.day
        self._ever_lost[night.pairs[night.lost]] = 1
        self._here[:] = 0
        self._here[night.pairs[night.here]] = 1

    def never_back(self) -> Array:
        """Return which pairs were lost and never came back, by number."""
        return self._lost > 0

    def turns(self, numbers: PairNumbers) -> Turns:
        """Return what has been seen so far."""
        often = np.flatnonzero(self._turns >= OFTEN)
        shown = _first(often, self._turns[often], self._turned[often], numbers)
        gone = np.flatnonzero(self.never_back())
        listed = _first(gone, self._lost[gone], self._lost[gone], numbers)
        return Turns(
            often=len(often),
            often_pairs=tuple(
                PairTurns(*name, int(self._turns[pair]), _date(self._turned[pair]))
                for pair, name in shown
            ),
            lost=int(np.count_nonzero(self._ever_lost)),
            never_back=len(gone),
            never_back_gone=int(np.count_nonzero(self._here[gone] == 0)),
            never_back_pairs=tuple(
                LostPair(*name, _date(self._lost[pair])) for pair, name in listed
            ),
        )


def _first(
    pairs: Array, most: Array, latest: Array, numbers: PairNumbers
) -> list[tuple[int, tuple[str, str]]]:
    """Return the pairs to list with their names: by ``most``, ``latest``, then by name."""
    order = np.lexsort((-latest, -most))
    if len(pairs) > LISTED:  # the last one listed may have equals: all of them are compared by name
        last = order[LISTED - 1]
        order = order[(most[order] > most[last]) | ((most[order] == most[last])
                                                   & (latest[order] >= latest[last]))]  # fmt: skip
    chosen = pairs[order]
    ranked = zip(
        (-most[order]).tolist(), (-latest[order]).tolist(), numbers.names(chosen), chosen.tolist(),
        strict=True,
    )  # fmt: skip
    return [(pair, name) for *_, name, pair in sorted(ranked)[:LISTED]]


def _date(day: int) -> date:
    return date.fromordinal(int(day))
