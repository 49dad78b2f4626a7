"""How long something lasts where some of it still goes on: the Kaplan-Meier estimate. Pure.

What still goes on is *censored*: it is known to have lasted so long, and not how long it will.
Before each length at which something ended, the share that is left is multiplied by the part of
those still under observation that did not end there. The median is the first length at which no
more than half is left. It is computed in fractions, so that "half" is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from jobs.json_dataclass import JsonDataclass

__all__ = ["Step", "kaplan_meier", "median"]

_HALF: Final = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Step(JsonDataclass):
    """What is left after a length of time at which something ended."""

    days: int
    """The length."""
    at_risk: int
    """How many lasted at least so long and were still under observation."""
    ended: int
    """How many of them ended then."""
    left: float
    """Estimated share of all that lasts longer."""


def kaplan_meier(ended: Mapping[int, int], censored: Mapping[int, int]) -> tuple[Step, ...]:
    """Return the steps of the estimate, the shortest length first; none where nothing ended.

    Args:
        ended: How many ended after so many days.
        censored: How many had lasted so many days when they were last seen; what ended after the
            same number of days is taken to have ended before.
    """
    return tuple(step for step, _ in _exact(ended, censored))


def median(ended: Mapping[int, int], censored: Mapping[int, int]) -> int | None:
    """Return the first number of days after which no more than half is left.

    None where more than half is left for as long as anything was observed.
    """
    return next((step.days for step, left in _exact(ended, censored) if left <= _HALF), None)


def _exact(ended: Mapping[int, int], censored: Mapping[int, int]) -> list[tuple[Step, Fraction]]:
    at_risk, left = sum(ended.values()) + sum(censored.values()), Fraction(1)
    steps = []
    for days in sorted({*ended, *censored}):
        if ends := ended.get(days, 0):
            left *= Fraction(at_risk - ends, at_risk)
            steps.append((Step(days, at_risk, ends, float(left)), left))
        at_risk -= ends + censored.get(days, 0)
    return steps
