"""Scales with round ticks: where a value stands between two ends. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["Scale", "round_scale"]

_STEPS: Final = (1, 2, 5, 10)
_FROM_ZERO: Final = 0.5
"""A scale begins at 0 where its lowest value is less than this part of its highest."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from values to coordinates.

    Attributes:
        low: The value that stands at ``start``.
        high: The value that stands at ``end``.
        start: A coordinate.
        end: A coordinate; less than ``start`` where values grow upwards.
        ticks: Round values from ``low`` to ``high``, for grid lines.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...] = ()

    def __call__(self, value: float) -> float:
        """Return where a value stands; in the middle where the scale has only one value."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        part = (value - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    @property
    def has_zero(self) -> bool:
        """Whether 0 is on the scale."""
        return self.low <= 0 <= self.high


def round_scale(
    values: Iterable[float],
    start: float,
    end: float,
    *,
    most: int = 5,
    zero: bool | None = None,
    whole: bool = True,
) -> Scale:
    """Return a scale from one round tick to another, with all values between them.

    Args:
        values: What is to be shown; without any, the scale is that of 0 and 1.
        start: Where the lowest tick stands.
        end: Where the highest tick stands.
        most: How many ticks there are at most; at least 3.
        zero: Whether 0 is among them; None: where the lowest value is under half of the highest.
        whole: Whether values are whole numbers, and so are the ticks.
    """
    shown = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(shown), max(shown)
    if zero is None:
        zero = low < high * _FROM_ZERO if low >= 0 else True
    if zero:
        low, high = min(low, 0), max(high, 0)
    step = _step(high - low, most, whole=whole)
    first, last = math.floor(low / step), math.ceil(high / step)
    while last - first + 1 > most:  # the ends were moved outwards to ticks
        step = _step(step * most, most, whole=whole, above=step)
        first, last = math.floor(low / step), math.ceil(high / step)
    if first == last:
        first, last = (first, first + 1) if first >= 0 else (first - 1, first)
    ticks = tuple(_round(number * step, step) for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], start, end, ticks)


def _step(span: float, most: int, *, whole: bool, above: float = 0.0) -> float:
    """Return the least round step with which a span has no more than so many ticks."""
    least = max(span / (most - 1), 1.0 if whole else 1e-9)
    power = 10.0 ** math.floor(math.log10(least))
    steps = (factor * power * scale for scale in (1, 10) for factor in _STEPS)
    return next(step for step in steps if step >= least * (1 - 1e-9) and step > above)


def _round(value: float, step: float) -> float:
    """Return a tick without what binary fractions add to it."""
    return round(value, max(0, -math.floor(math.log10(step))))
