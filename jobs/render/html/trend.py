"""The last runs as lines and bars: from numbers to SVG path data.

A chart is 1,000 units wide and 100 high, with its origin at the top left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

__all__ = ["Line", "bars", "line", "places"]

_LEFT, _RIGHT = 12, 988
_TOP, _BOTTOM = 8, 92
_MIDDLE: Final = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A line through counts.

    Attributes:
        path: The path data of the line.
        end: The path data of a dot at the last point.
        first: The first count.
        last: The last count.
        lowest: The lowest count.
        highest: The highest count.
    """

    path: str
    end: str
    first: int
    last: int
    lowest: int
    highest: int


def places(dates: Sequence[date]) -> list[int]:
    """Return the horizontal position of each date; a night without a run leaves a gap.

    The dates are in ascending order. A single one is in the middle.
    """
    days = [each.toordinal() for each in dates]
    span = days[-1] - days[0]
    if not span:
        return [(_LEFT + _RIGHT) // 2] * len(days)
    return [_LEFT + round((day - days[0]) * (_RIGHT - _LEFT) / span) for day in days]


def line(counts: Sequence[int], at: Sequence[int]) -> Line:
    """Return the line through ``counts``, scaled to their range; a level line is in the middle."""
    lowest, highest = min(counts), max(counts)
    reach = highest - lowest
    heights = [
        round(_BOTTOM - (count - lowest) * (_BOTTOM - _TOP) / reach) if reach else _MIDDLE
        for count in counts
    ]
    steps = zip(pairwise(at), pairwise(heights), strict=True)
    path = [f"{x - x0} {y - y0}".replace(" -", "-") for (x0, x), (y0, y) in steps]
    return Line(
        path=f"M{at[0]} {heights[0]}" + (f"l{' '.join(path)}" if path else ""),
        end=f"M{at[-1]} {heights[-1]}h0",
        first=counts[0],
        last=counts[-1],
        lowest=lowest,
        highest=highest,
    )


def bars(counts: Sequence[int], at: Sequence[int], *, highest: int, down: bool = False) -> str:
    """Return bars from the middle upwards, or ``down``; one of ``highest`` reaches the edge."""
    return "".join(_bars(counts, at, highest, 1 if down else -1))


def _bars(counts: Sequence[int], at: Sequence[int], highest: int, way: int) -> Iterator[str]:
    for count, x in zip(counts, at, strict=True):
        if count:
            # Every bar is high enough to be visible.
            tall = max(1, round(count * (_MIDDLE - 2) / highest))
            yield f"M{x} {_MIDDLE}v{way * tall}"
