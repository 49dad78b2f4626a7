"""The geometry of plots: numbers and dates in, coordinates and SVG path data out. Pure.

A plot is as wide as the page lets it be, and its texts keep their size: they stand at percentages
of the width (:func:`percent`). Lines and bars are in an inner ``svg`` that is ``WIDTH`` units wide
and stretched (``preserveAspectRatio="none"``, with ``vector-effect: non-scaling-stroke``). Heights
are pixels in both.
"""

from __future__ import annotations

from typing import Final

__all__ = ["WIDTH", "percent"]

WIDTH: Final = 1000
"""Units from the left edge of a plot to its right edge."""


def percent(x: float) -> str:
    """Return a position from the left edge, in units, as a percentage of the width."""
    return f"{100 * x / WIDTH:.4g}%"
