"""The last runs as plots: ON, gained and lost, and all states on one scale. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from jobs.render.language import Translate
from jobs.render.svg import percent
from jobs.render.svg.chart import LABEL, Chart, Text, date_texts, dot, grid_texts, points
from jobs.render.svg.dates import DateAxis
from jobs.render.svg.labels import spread
from jobs.render.svg.marks import Line, bar, line
from jobs.render.svg.scale import Scale, round_scale
from jobs.report.info import HistoryEntry
from jobs.schema import State

__all__ = ["Trend", "trend_of"]

_HEIGHT: Final = 150
"""Of a plot, in pixels, without the dates below it."""
_TOP, _BOTTOM = 22, 6
"""Pixels that are left free above the highest and below the lowest value."""
_ABOVE: Final = 9
"""Pixels from the end of a line to the middle of its label."""
_BAR: Final = 0.76
"""Width of a bar, of the distance from one night to the next."""
_WIDEST: Final = 20
"""Units that a bar is wide at most, so that those of the first and the last night are whole."""
_TICKS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The plots of the last runs, each with its description for those who do not see it.

    Attributes:
        runs: How many runs there are, at least two.
        first: The run date of the first one.
        last: The run date of the last one.
        on: The pairs last known to be ON.
        on_text: What ``on`` shows, as a sentence.
        flows: The pairs gained, upwards, and lost, downwards.
        flows_text: What ``flows`` shows, as a sentence.
        states: The pairs in each state, on one scale that begins at 0.
        states_text: What ``states`` shows, as a sentence.
    """

    runs: int
    first: date
    last: date
    on: Chart
    on_text: str
    flows: Chart
    flows_text: str
    states: Chart
    states_text: str


def trend_of(history: Sequence[HistoryEntry], translate: Translate) -> Trend | None:
    """Return the plots of the last runs; None where there are fewer than two.

    States are those last known, which a night of errors does not change; UNKNOWN is as answered.
    """
    if len(history) < 2:  # noqa: PLR2004 - a point is not a trend
        return None
    axis = DateAxis(history[0].run_date, history[-1].run_date)
    counts = {
        state: {run.run_date: run.known.get(state, run.states[state]) for run in history}
        for state in State
    }
    on = _on(axis, counts[State.ON], translate)
    return Trend(
        runs=len(history),
        first=axis.first,
        last=axis.last,
        on=on,
        on_text=_on_text(on, counts[State.ON], translate),
        flows=_flows(axis, history),
        flows_text=_flows_text(history, translate),
        states=_states(axis, counts, translate),
        states_text=_states_text(axis.last, counts, translate),
    )


def _on(axis: DateAxis, counts: Mapping[date, int], translate: Translate) -> Chart:
    scale = round_scale(counts.values(), _HEIGHT - _BOTTOM, _TOP)
    way = points(counts, axis, scale, counts)
    end = (axis(axis.last), scale(counts[axis.last]))
    text = f"{counts[axis.last]:,} {translate(State.ON)}"
    before = next((point for point in reversed(way[:-1]) if point is not None), end)
    beside = end[1] + LABEL + 3 if before[1] < end[1] < _HEIGHT - 2 * LABEL else end[1] - _ABOVE
    return _chart(
        axis,
        scale,
        lines={State.ON: line(way)},
        paths={"end ON": dot(end)},
        labels={"on": Text(percent(end[0]), max(beside, LABEL - 3), text, "end")},
        values=tuple(counts.values()),
    )


def _flows(axis: DateAxis, history: Sequence[HistoryEntry]) -> Chart:
    values = [*(run.gain for run in history), *(-run.loss for run in history)]
    scale = round_scale(values, _HEIGHT - _BOTTOM, _TOP, zero=True)
    width, zero = min(axis.width * _BAR, _WIDEST), scale(0)
    gained = (bar(axis(r.run_date), width, zero, scale(r.gain)) for r in history if r.gain)
    lost = (bar(axis(r.run_date), width, zero, scale(-r.loss)) for r in history if r.loss)
    return _chart(axis, scale, paths={"gained": "".join(gained), "lost": "".join(lost)})


def _states(
    axis: DateAxis, counts: Mapping[State, Mapping[date, int]], translate: Translate
) -> Chart:
    shown = {state: own for state, own in counts.items() if any(own.values())}
    every = [count for own in shown.values() for count in own.values()]
    scale = round_scale(every, _HEIGHT - _BOTTOM, _TOP, zero=True)
    ends = {state: scale(own[axis.last]) for state, own in shown.items()}
    heights = spread(list(ends.values()), LABEL, LABEL / 2, _HEIGHT)
    return _chart(
        axis,
        scale,
        lines={state: line(points(own, axis, scale, own)) for state, own in shown.items()},
        paths={f"end {state}": dot((axis(axis.last), end)) for state, end in ends.items()},
        labels={
            state: Text("101%", height + LABEL / 3, f"{own[axis.last]:,} {translate(state)}")
            for (state, own), height in zip(shown.items(), heights, strict=True)
        },
    )


def _chart(
    axis: DateAxis,
    scale: Scale,
    *,
    lines: dict[str, Line] | None = None,
    paths: dict[str, str] | None = None,
    labels: dict[str, Text] | None = None,
    values: Sequence[int] = (0,),
) -> Chart:
    return Chart(
        height=_HEIGHT,
        grid=grid_texts(scale, lambda value: f"{abs(value):,.0f}"),
        zero=scale(0) if scale.has_zero else None,
        ticks=date_texts(axis, _HEIGHT, _TICKS),
        lines=lines or {},
        paths=paths or {},
        labels=labels or {},
        upright=[],
        lowest=min(values),
        highest=max(values),
    )


def _on_text(chart: Chart, counts: Mapping[date, int], translate: Translate) -> str:
    (since, first), *_, (last_date, last) = counts.items()
    return translate(
        "From {first} on {since} to {last} on {date}; lowest {lowest}, highest {highest}."
    ).format(
        first=f"{first:,}",
        since=since,
        last=f"{last:,}",
        date=last_date,
        lowest=f"{chart.lowest:,}",
        highest=f"{chart.highest:,}",
    )


def _flows_text(history: Sequence[HistoryEntry], translate: Translate) -> str:
    gained, lost = [run.gain for run in history], [run.loss for run in history]
    return translate("{loss} lost, {gain} gained; at most {highest} in one run.").format(
        gain=f"{sum(gained):,}", loss=f"{sum(lost):,}", highest=f"{max(*gained, *lost):,}"
    )


def _states_text(
    last: date, counts: Mapping[State, Mapping[date, int]], translate: Translate
) -> str:
    ends = (f"{translate(state)} {own[last]:,}" for state, own in counts.items())
    return f"{last}: {', '.join(ends)}"
