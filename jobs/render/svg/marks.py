"""Lines, steps and bars as SVG path data. Pure.

A line has a gap where there is no value. Coordinates are rounded to whole units: at a width of
1,000 that is less than a pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

__all__ = ["Line", "Point", "bar", "line", "steps"]

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points.

    Attributes:
        path: Its parts of at least two points, as path data.
        dots: The points that stand alone between two gaps, as path data: to be drawn with round
            ends.
    """

    path: str
    dots: str


def line(points: Iterable[Point | None]) -> Line:
    """Return the line through points; None is a gap."""
    parts: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            parts.append([])
        else:
            parts[-1].append(point)
    long = [_path(part) for part in parts if len(part) > 1]
    alone = [f"M{_pair(part[0])}h0" for part in parts if len(part) == 1]
    return Line("".join(long), "".join(alone))


def steps(points: Sequence[Point]) -> str:
    """Return a line that goes right from each point, and then up or down to the next."""
    if not points:
        return ""
    return f"M{_pair(points[0])}" + "".join(f"H{_unit(x)}V{_unit(y)}" for x, y in points[1:])


def bar(x: float, width: float, base: float, tip: float) -> str:
    """Return an upright bar, ``x`` its middle; it is never so low or narrow that it is not seen.

    The path is not closed: it is filled all the same.
    """
    tall = _unit(tip) - _unit(base) or (1 if tip > base else -1)
    wide = max(1, _unit(width))
    return f"M{_unit(x - wide / 2)} {_unit(base)}v{tall}h{wide}v{-tall}"


def _path(part: Sequence[Point]) -> str:
    """Return a line as its first point and the ways to the others: shorter than all points."""
    units = [(_unit(x), _unit(y)) for x, y in part]
    ways = [f"{x - x0} {y - y0}".replace(" -", "-") for (x0, y0), (x, y) in pairwise(units)]
    return f"M{units[0][0]} {units[0][1]}l{' '.join(ways)}"


def _pair(point: Point) -> str:
    return f"{_unit(point[0])} {_unit(point[1])}"


def _unit(number: float) -> int:
    return round(number)
