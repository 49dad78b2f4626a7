"""The last runs as lines and bars: numbers in, SVG path data out.

A chart is 1,000 wide and 100 high, whatever it is drawn at, with its origin at the top left.
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
        path: Its path.
        end: The path of a dot at its last point.
        first: The first count; ``last``, ``lowest`` and ``highest`` likewise.
    """

    path: str
    end: str
    first: int
    last: int
    lowest: int
    highest: int


def places(dates: Sequence[date]) -> list[int]:
    """Return how far to the right each date stands; a night without a run leaves a gap.

    Dates rise. A single one stands in the middle.
    """
    days = [each.toordinal() for each in dates]
    span = days[-1] - days[0]
    if not span:
        return [(_LEFT + _RIGHT) // 2] * len(days)
    return [_LEFT + round((day - days[0]) * (_RIGHT - _LEFT) / span) for day in days]


def line(counts: Sequence[int], at: Sequence[int]) -> Line:
    """Return the line through ``counts``, as high as they reach; a level one is in the middle."""
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
            # A bar is never so low that it cannot be seen.
            tall = max(1, round(count * (_MIDDLE - 2) / highest))
            yield f"M{x} {_MIDDLE}v{way * tall}"
