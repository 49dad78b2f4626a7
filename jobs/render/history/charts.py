"""The plots of a history: its numbers as coordinates, for the page's template. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from jobs.history.kaplan_meier import Step
from jobs.history.model import History
from jobs.history.organizations import OrganizationHistory
from jobs.plurals import filled
from jobs.render.numbers import share
from jobs.render.svg import WIDTH, percent
from jobs.render.svg.chart import (
    LABEL,
    Chart,
    Text,
    anchor,
    date_texts,
    dot,
    grid_texts,
    points,
)
from jobs.render.svg.dates import DateAxis
from jobs.render.svg.marks import Line, Point, bar, line, steps
from jobs.render.svg.scale import Scale, round_scale

__all__ = ["MULTIPLES", "Multiple", "flows", "lasting", "multiples", "on_chart"]

MULTIPLES: Final = 24
"""Organizations that have a plot of their own at most."""
_HEIGHT, _SMALL = 190, 84
"""Of a plot, in pixels, without the dates below it."""
_TOP, _BOTTOM = 22, 8
"""Pixels that are left free above the highest and below the lowest value."""
_ABOVE: Final = 9
"""Pixels from the end of a line to the middle of its label."""
_BAR: Final = 0.76
"""Width of a bar, of the distance from one night to the next; two stand side by side."""
_SMALL_TICKS: Final = 5
_TICKS: Final = 5
"""Dates that are named below a plot at most; on a phone there is room for as many."""
_HALF: Final = 0.5


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


def on_chart(history: History, on: str) -> Chart:
    """Return the number of pairs that are ON, night by night.

    Args:
        history: Of which nights.
        on: The word for ON in the language of the reader.
    """
    axis, days = _axis(history), _days(history)
    counts = {night.run_date: night.on for night in history.nights}
    scale = round_scale(counts.values(), _HEIGHT - _BOTTOM, _TOP)
    way = points(days, axis, scale, counts)
    last = way[-1] or (0.0, 0.0)
    return Chart(
        height=_HEIGHT,
        grid=grid_texts(scale, "{:,.0f}".format),
        zero=scale(0) if scale.has_zero else None,
        ticks=date_texts(axis, _HEIGHT, _TICKS),
        lines={"on": line(way)},
        paths={"end on": dot(last)},
        labels={"on": Text(percent(last[0]), max(last[1] - _ABOVE, LABEL - 3),
                           f"{history.last.on:,} {on}", "end")},
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
    zero, width = scale(0), axis.width * _BAR
    at = {night.run_date: axis(night.run_date) for night in nights}
    return Chart(
        height=_HEIGHT,
        grid=[
            Text(each.x, each.y, each.text.removeprefix("-"))
            for each in grid_texts(scale, "{:,.0f}".format)
        ],
        zero=zero,
        ticks=date_texts(axis, _HEIGHT, _TICKS),
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
        grid=grid_texts(scale, _percent),
        zero=scale(0),
        ticks=[
            Text(percent(across(tick)), _HEIGHT + LABEL, f"{tick:,.0f}",
                 anchor(across(tick)))
            for tick in across.ticks
        ],
        lines={"on": Line(steps(points), "")},
        paths={},
        labels={} if median is None else {
            "median": Text(percent(x + (-8 if side == "end" else 8)), scale(_HALF) - _ABOVE,
                           filled(median_text, days=median), side)
        },
        upright=[] if median is None else [percent(x)],
    )  # fmt: skip


def _survival(found: Sequence[Step], longest: int, scale: Scale, across: Scale) -> list[Point]:
    reached = [(across(0), scale(1)), *((across(step.days), scale(step.left)) for step in found)]
    return [*reached, (across(longest), reached[-1][1])]


def multiples(history: History) -> tuple[list[Multiple], Chart]:
    """Return the small plots of the organizations that lost most, and what they share.

    That is the scale of all of them, the dates, and the line of all organizations together.
    """
    axis, days = _axis(history), _days(history)
    chosen = [each for each in history.organizations if each.lost][:MULTIPLES]
    shares = [{night.run_date: night.on / night.pairs for night in each.nights} for each in chosen]
    whole = {night.run_date: night.on / night.pairs for night in history.nights if night.pairs}
    every = [value for own in (*shares, whole) for value in own.values()]
    scale = round_scale(every, _SMALL - _BOTTOM, _BOTTOM, most=_SMALL_TICKS, whole=False, zero=None)
    scale = _within_one(scale)
    found = []
    for each, own in zip(chosen, shares, strict=True):
        way = points(days, axis, scale, own)
        last = next(point for point in reversed(way) if point is not None)
        first, latest = each.nights[0], each.nights[-1]
        found.append(
            Multiple(each, line(way), dot(last), share(first.on, first.pairs),
                     share(latest.on, latest.pairs))
        )  # fmt: skip
    common = Chart(
        height=_SMALL,
        grid=grid_texts(scale, _percent),
        zero=scale(0) if scale.has_zero else None,
        ticks=_ends(axis),
        lines={"all": line(points(days, axis, scale, whole))},
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


def _days(history: History) -> list[date]:
    return [night.run_date for night in history.nights]


def _axis(history: History) -> DateAxis:
    return DateAxis(history.first.run_date, history.last.run_date, bars=_BAR)


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %"


def _ends(axis: DateAxis) -> list[Text]:
    """Return the first and the last date: a small plot has no room for more on a phone."""
    ends = [axis.first, axis.last] if axis.days else [axis.first]
    return [
        Text(percent(axis(day)), _SMALL + LABEL, f"{day:%m-%d}", anchor(axis(day))) for day in ends
    ]
