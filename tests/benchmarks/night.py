"""A night's input and its answers, made up: the same for the same number, night after night.

Of the pairs, 96 in 100 are UNCHANGED from one night to the next; the others are spread over all
that can happen. Inputs overlap but for half a percent, so that pairs come and go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["DAYS", "ORGANIZATIONS", "Night", "write_input"]

DAYS: Final = (date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21))
ORGANIZATIONS: Final = 200
_COME_AND_GO: Final = 0.005
_LETTERS: Final = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype="S1"
)
_ON, _OFF, _NONE, UNKNOWN = range(4)
_FIRST: Final = datetime(2024, 9, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Night:
    """What is answered about each line of a night's input, in its order.

    Attributes:
        states: 0 ON, 1 OFF, 2 NONE, 3: no answer.
        opened: When the person last opened the service, seconds after some moment; -1 never.
    """

    states: npt.NDArray[np.int8]
    opened: npt.NDArray[np.int64]

    @classmethod
    def of(cls, pairs: int, day: int) -> Night:
        """Return the answers of the night with the number ``day`` in ``DAYS``."""
        people = _people(pairs, day)
        everyone = _people(pairs, len(DAYS)).stop  # of any night: the same ones, night after night
        random = np.random.default_rng(20261121)
        states = random.choice(3, everyone, p=(0.8, 0.12, 0.08)).astype(np.int8)
        opened = random.integers(0, 60_000_000, everyone)
        for night in range(1, day + 1):
            chance = np.random.default_rng(night).random(everyone)
            moved = chance < 0.02
            states[moved] = np.array([_OFF, _ON, _ON], dtype=np.int8)[states[moved]]
            again = (chance < 0.026) & (states == _ON)
            opened[again] = 60_000_000 + 86_400 * night
            cleared = (chance > 0.999) & (states == _ON)
            states[cleared] = _NONE
        told = states.copy()
        told[np.random.default_rng(100 + day).random(everyone) < 0.003] = UNKNOWN
        times = np.where(states == _NONE, -1, opened)
        return cls(told[people.start : people.stop], times[people.start : people.stop])

    def time_of(self, place: int) -> datetime | None:
        """Return the answer's ``authorize_time``."""
        seconds = int(self.opened[place])
        return None if seconds < 0 else _FIRST + timedelta(seconds=seconds)


def write_input(path: Path, pairs: int, day: int) -> None:
    """Write the CSV of a night: organization and openid of each person."""
    people = _people(pairs, day)
    with path.open("wb") as file:
        file.write(b"organization_id,openid\n")
        for start in range(people.start, people.stop, 100_000):
            numbers = np.arange(start, min(start + 100_000, people.stop))
            names = _openids(numbers)
            file.writelines(
                b"%04d,o%b\n" % (number * 7 % ORGANIZATIONS, name)
                for number, name in zip(numbers.tolist(), names.tolist(), strict=True)
            )


def _people(pairs: int, day: int) -> range:
    gone = int(pairs * _COME_AND_GO) * day
    return range(gone, gone + pairs)


def _openids(numbers: npt.NDArray[Any]) -> npt.NDArray[np.bytes_]:
    """Return 27 letters for each number, which look as random as real ones do."""
    letters = np.empty((len(numbers), 27), dtype="S1")
    for part in range(3):
        mixed = numbers.astype(np.uint64) * np.uint64(3) + np.uint64(part)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        for at in range(9):
            code = (mixed >> np.uint64(6 * at)) & np.uint64(63)
            letters[:, 9 * part + at] = _LETTERS[code]
    return letters.view("S27").reshape(-1)
