"""The plots of a history: its numbers as coordinates, for the page's template. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from jobs.nights.history import History
from jobs.nights.kaplan_meier import Step
from jobs.nights.organizations import OrganizationHistory
from jobs.render.numbers import share
from jobs.render.svg import WIDTH, percent
from jobs.render.svg.dates import DateAxis
from jobs.render.svg.marks import Line, Point, bar, line, steps
from jobs.render.svg.scale import Scale, round_scale

__all__ = ["MULTIPLES", "Chart", "Multiple", "Text", "flows", "lasting", "multiples", "on_chart"]

MULTIPLES: Final = 24
"""Organizations that have a plot of their own at most."""
_HEIGHT, _SMALL = 190, 84
"""Of a plot, in pixels, without the dates below it."""
_TOP, _BOTTOM = 22, 8
"""Pixels that are left free above the highest and below the lowest value."""
_LABEL: Final = 15
"""Pixels that a label is high."""
_ABOVE: Final = 9
"""Pixels from the end of a line to the middle of its label."""
_BAR: Final = 0.38
"""Width of a bar, of the distance from one night to the next; two stand side by side."""
_SMALL_TICKS: Final = 5
_TICKS: Final = 5
"""Dates that are named below a plot at most; on a phone there is room for as many."""
_HALF: Final = 0.5


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


@dataclass(frozen=True, slots=True)
class Multiple:
    """One organization's small plot.

    Attributes:
        organization: Which one.
        line: Its share of ON, night by night.
        end: Where the line ends: a dot, as path data.
        first: The first share, as text.
        last: The last share, as text.
    """

    organization: OrganizationHistory
    line: Line
    end: str
    first: str
    last: str


def on_chart(history: History) -> Chart:
    """Return the number of pairs that are ON, night by night."""
    axis = _axis(history)
    counts = {night.run_date: night.on for night in history.nights}
    scale = round_scale(counts.values(), _HEIGHT - _BOTTOM, _TOP)
    points = _points(history, axis, scale, counts)
    last = points[-1] or (0.0, 0.0)
    return Chart(
        height=_HEIGHT,
        grid=_grid(scale, "{:,.0f}".format),
        zero=scale(0) if scale.has_zero else None,
        ticks=_dates(axis),
        lines={"on": line(points)},
        paths={"end on": _dot(last)},
        labels={"on": Text(percent(last[0]), max(last[1] - _ABOVE, _LABEL - 3),
                           f"{history.last.on:,} ON", "end")},
        upright=[],
        lowest=min(counts.values()),
        highest=max(counts.values()),
    )  # fmt: skip


def flows(history: History) -> Chart:
    """Return the pairs gained, upwards, and lost, downwards, each night."""
    axis = _axis(history)
    nights = history.nights
    values = [*(night.gained for night in nights), *(-night.lost for night in nights)]
    scale = round_scale(values, _HEIGHT - _BOTTOM, _TOP, zero=True)
    zero, width = scale(0), axis.width * _BAR * 2
    at = {night.run_date: axis(night.run_date) for night in nights}
    return Chart(
        height=_HEIGHT,
        grid=[
            Text(each.x, each.y, each.text.removeprefix("-"))
            for each in _grid(scale, "{:,.0f}".format)
        ],
        zero=zero,
        ticks=_dates(axis),
        lines={},
        paths={
            "gained": "".join(
                bar(at[n.run_date], width, zero, scale(n.gained)) for n in nights if n.gained
            ),
            "lost": "".join(
                bar(at[n.run_date], width, zero, scale(-n.lost)) for n in nights if n.lost
            ),
        },
        labels={},
        upright=[],
        highest=max(abs(value) for value in values),
    )


def lasting(history: History, median_text: str) -> Chart:
    """Return the share of authorizations that is still ON, by days since the opening.

    Args:
        history: Something was opened in it.
        median_text: What is said of the median of so many ``{days}``.
    """
    found = history.durations
    scale = Scale(0, 1, _HEIGHT - _BOTTOM, _TOP, (0, 0.25, 0.5, 0.75, 1))
    across = round_scale([0, max(found.longest_days, 1)], 10, WIDTH - 10, zero=True)
    points = _survival(found.steps, found.longest_days, scale, across)
    median = found.median_days
    x = across(median or 0)
    side = "end" if x > WIDTH / 2 else "start"
    return Chart(
        height=_HEIGHT,
        grid=_grid(scale, _percent),
        zero=scale(0),
        ticks=[
            Text(percent(across(tick)), _HEIGHT + _LABEL, f"{tick:,.0f}",
                 _anchor(across(tick)))
            for tick in across.ticks
        ],
        lines={"on": Line(steps(points), "")},
        paths={},
        labels={} if median is None else {
            "median": Text(percent(x + (-8 if side == "end" else 8)), scale(_HALF) - _ABOVE,
                           median_text.format(days=median), side)
        },
        upright=[] if median is None else [percent(x)],
    )  # fmt: skip


def _survival(found: Sequence[Step], longest: int, scale: Scale, across: Scale) -> list[Point]:
    points = [(across(0), scale(1)), *((across(step.days), scale(step.left)) for step in found)]
    return [*points, (across(longest), points[-1][1])]


def multiples(history: History) -> tuple[list[Multiple], Chart]:
    """Return the small plots of the organizations that lost most, and what they share.

    That is the scale of all of them, the dates, and the line of all organizations together.
    """
    axis = _axis(history)
    chosen = [each for each in history.organizations if each.lost][:MULTIPLES]
    shares = [{night.run_date: night.on / night.pairs for night in each.nights} for each in chosen]
    whole = {night.run_date: night.on / night.pairs for night in history.nights if night.pairs}
    every = [value for own in (*shares, whole) for value in own.values()]
    scale = round_scale(every, _SMALL - _BOTTOM, _BOTTOM, most=_SMALL_TICKS, whole=False, zero=None)
    scale = _within_one(scale)
    found = []
    for each, own in zip(chosen, shares, strict=True):
        points = _points(history, axis, scale, own)
        last = next(point for point in reversed(points) if point is not None)
        first, latest = each.nights[0], each.nights[-1]
        found.append(
            Multiple(each, line(points), _dot(last), share(first.on, first.pairs),
                     share(latest.on, latest.pairs))
        )  # fmt: skip
    common = Chart(
        height=_SMALL,
        grid=_grid(scale, _percent),
        zero=scale(0) if scale.has_zero else None,
        ticks=_ends(axis),
        lines={"all": line(_points(history, axis, scale, whole))},
        paths={},
        labels={},
        upright=[],
        lowest=scale.low,
        highest=scale.high,
    )
    return found, common


def _within_one(scale: Scale) -> Scale:
    """Return a scale of shares that does not go beyond 100 %."""
    if scale.high <= 1:
        return scale
    return Scale(scale.low, 1.0, scale.start, scale.end, (*(t for t in scale.ticks if t < 1), 1.0))


def _axis(history: History) -> DateAxis:
    return DateAxis(history.first.run_date, history.last.run_date)


def _points(
    history: History, axis: DateAxis, scale: Scale, values: Mapping[date, float]
) -> list[Point | None]:
    """Return a point for each night that has a value; None where one has none, or no report."""
    points: list[Point | None] = []
    before: date | None = None
    for night in history.nights:
        day = night.run_date
        if before is not None and (day - before).days > 1:
            points.append(None)
        points.append((axis(day), scale(values[day])) if day in values else None)
        before = day
    return points


def _grid(scale: Scale, text: Callable[[float], str]) -> list[Text]:
    return [Text("0%", scale(tick), text(tick)) for tick in scale.ticks]


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %"


def _dates(axis: DateAxis) -> list[Text]:
    return [Text(percent(x), _HEIGHT + _LABEL, text, _anchor(x)) for x, text in axis.ticks(_TICKS)]


def _ends(axis: DateAxis) -> list[Text]:
    """Return the first and the last date: a small plot has no room for more on a phone."""
    ends = [axis.first, axis.last] if axis.days else [axis.first]
    return [
        Text(percent(axis(day)), _SMALL + _LABEL, f"{day:%m-%d}", _anchor(axis(day)))
        for day in ends
    ]


def _anchor(x: float) -> str:
    edge = WIDTH / 12
    return "start" if x < edge else "end" if x > WIDTH - edge else "middle"


def _dot(point: Point) -> str:
    return f"M{round(point[0])} {round(point[1])}h0"
