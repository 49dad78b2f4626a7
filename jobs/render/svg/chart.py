"""A plot as values: grid lines, dates, lines with gaps, labels. Pure.

A template draws it (``jobs/render/web/plot.html.j2``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from jobs.render.svg import WIDTH, percent
from jobs.render.svg.dates import DateAxis
from jobs.render.svg.marks import Line, Point
from jobs.render.svg.scale import Scale

__all__ = ["LABEL", "Chart", "Text", "anchor", "date_texts", "dot", "grid_texts", "points"]

LABEL: Final = 15
"""Pixels that a text is high."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text in a plot.

    Attributes:
        x: From the left, as a percentage of the width.
        y: From the top, in pixels.
        text: What it says.
        anchor: Which of its ends stands at ``x``: start, middle or end.
    """

    x: str
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A plot.

    Attributes:
        height: In pixels, without the axis below it.
        grid: The grid lines, each with the text at its left.
        zero: Where the line of 0 is, in pixels; None: 0 is not on the scale.
        ticks: The texts below the plot.
        lines: The lines, each with the class that colours it.
        paths: Further shapes, each with its class.
        labels: At the ends of lines, each with its class.
        upright: Upright lines, each with its position as a percentage.
        lowest: The lowest value; ``highest`` likewise.
        highest: The highest value.
    """

    height: int
    grid: list[Text]
    zero: float | None
    ticks: list[Text]
    lines: dict[str, Line]
    paths: dict[str, str]
    labels: dict[str, Text]
    upright: list[str]
    lowest: float = 0
    highest: float = 0


def points(
    days: Iterable[date], axis: DateAxis, scale: Scale, values: Mapping[date, float]
) -> list[Point | None]:
    """Return a point for each day that has a value; None, a gap, where days or values are missing.

    Args:
        days: The days with data, in ascending order.
        axis: The axis of dates.
        scale: The scale of the values.
        values: The values by day.
    """
    found: list[Point | None] = []
    before: date | None = None
    for day in days:
        if before is not None and (day - before).days > 1:
            found.append(None)
        found.append((axis(day), scale(values[day])) if day in values else None)
        before = day
    return found


def grid_texts(scale: Scale, text: Callable[[float], str]) -> list[Text]:
    """Return the ticks of a scale as texts at their heights."""
    return [Text("0%", scale(tick), text(tick)) for tick in scale.ticks]


def date_texts(axis: DateAxis, height: float, most: int) -> list[Text]:
    """Return at most so many dates as texts below a plot of a height."""
    return [Text(percent(x), height + LABEL, text, anchor(x)) for x, text in axis.ticks(most)]


def anchor(x: float) -> str:
    """Return which end of a text stands at a position, so that it is within the plot."""
    edge = WIDTH / 12
    return "start" if x < edge else "end" if x > WIDTH - edge else "middle"


def dot(point: Point) -> str:
    """Return a point as path data, to be drawn with round ends."""
    return f"M{round(point[0])} {round(point[1])}h0"
