"""How long authorizations last: from the night that shows the opening to that of the closing.

An authorization begins on the night of an OPENED, REOPENED or REAUTHORIZED. It ends on the night of
a CLOSED, CLEARED from ON or REAUTHORIZED; a CYCLED is one of one day. What has not ended is
censored on the last night that answered ON. Those that the first night shows are left out, for
nobody saw them begin. Days are counted between run dates.

Where reports are missing, an end may be. An authorization that then turns out to be over without an
end that was seen is censored as well.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from jobs.history.kaplan_meier import Step, kaplan_meier, median
from jobs.history.night_rows import NightRows
from jobs.history.pair_numbers import grown
from jobs.json_dataclass import JsonDataclass
from jobs.schema import GAIN, Array, Change

__all__ = ["Durations", "OpenAuthorizations"]

_NONE: Final = 0
"""No day has this ordinal."""


@dataclass(frozen=True, slots=True)
class Durations(JsonDataclass):
    """How long authorizations last that began after the first night."""

    ended: int
    """How many have ended."""
    censored: int
    """How many have not, or ended unseen."""
    median_days: int | None
    """The Kaplan-Meier median; null: more than half last longer than anybody was observed."""
    longest_days: int
    """The longest that any of them was observed."""
    steps: tuple[Step, ...]
    """The Kaplan-Meier estimate, the shortest length first."""

    @classmethod
    def of(cls, ended: Counter[int], censored: Counter[int]) -> Durations:
        """Return what lengths show, each with how many there are of it."""
        return cls(
            ended=ended.total(),
            censored=censored.total(),
            median_days=median(ended, censored),
            longest_days=max((*ended, *censored), default=0),
            steps=kaplan_meier(ended, censored),
        )


class OpenAuthorizations:
    """Follows each pair's authorization from night to night."""

    def __init__(self) -> None:
        self._began = np.array([], dtype=np.int32)
        self._last_on = np.array([], dtype=np.int32)
        self._ended: Counter[int] = Counter()
        self._censored: Counter[int] = Counter()
        self._first = True

    def observe(self, night: NightRows, pairs: int) -> None:
        """Take one more night, later than all before; ``pairs`` is how many have a number."""
        self._began = grown(self._began, pairs, _NONE)
        self._last_on = grown(self._last_on, pairs, _NONE)
        if self._first:
            self._first = False
            return
        again = night.changed((Change.REAUTHORIZED,))
        cycled = night.changed((Change.CYCLED,))
        began = night.changed(GAIN) | again
        self._end(night.pairs[night.lost | again], night.day)
        # Open still by what was seen: the end was on a night without a report, or was forgotten.
        over = began | night.changed((Change.FIRST_SEEN,)) | (night.answered & ~night.on)
        self._censor(night.pairs[over])
        self._ended[1] += int(np.count_nonzero(cycled))
        self._began[night.pairs[began]] = night.day
        self._last_on[night.pairs[night.on]] = night.day

    def durations(self) -> Durations:
        """Return what has been seen so far; to be called once, at the end."""
        self._censor(np.arange(len(self._began)))
        return Durations.of(+self._ended, +self._censored)

    def _end(self, pairs: Array, day: int) -> None:
        open_ones = pairs[self._began[pairs] != _NONE]
        self._ended.update((day - self._began[open_ones]).tolist())
        self._began[open_ones] = _NONE

    def _censor(self, pairs: Array) -> None:
        open_ones = pairs[self._began[pairs] != _NONE]
        self._censored.update((self._last_on[open_ones] - self._began[open_ones]).tolist())
        self._began[open_ones] = _NONE
