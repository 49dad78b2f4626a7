"""A history as one HTML page: no script, no reference to anything, openids as text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import BinaryIO, Final

import jinja2

from jobs.history.model import Gap, History, Night
from jobs.plurals import filled
from jobs.render.history.charts import flows, lasting, multiples, on_chart
from jobs.render.history.words import (
    DEFINITIONS,
    arrived_sentence,
    duration_sentence,
    gap_note,
    gap_text,
    headline,
    history_translator,
    lost_sentence,
    night_note,
    turns_sentence,
    warnings,
)
from jobs.render.language import Language, Translate
from jobs.render.numbers import share
from jobs.render.svg.chart import Chart
from jobs.render.web.template import TAGS, environment, policy, style_sheet

__all__ = ["render_history", "write_history_html"]

_PEOPLE: Final = 20
_LINES: Final = 100
_WEEKS: Final = 26
_PACKAGE: Final = "jobs.render.history"


def write_history_html(history: History, file: BinaryIO, language: Language) -> None:
    """Write the history as a page.

    Raises:
        OSError: The file cannot be written.
    """
    file.write(render_history(history, language).encode())


def render_history(history: History, language: Language) -> str:
    """Return the page."""
    translate, style = history_translator(language), style_sheet(_PACKAGE)
    lines = list(_lines(history, translate))
    small, common = multiples(history)
    last = history.durations
    opened = bool(last.ended + last.censored)
    on = on_chart(history, translate("ON"))
    return _template().render(
        _=translate,
        tag=TAGS[language],
        policy=policy(style),
        style=style,
        history=history,
        period=translate("{first} to {last}").format(
            first=history.first.run_date, last=history.last.run_date
        ),
        headline=headline(history, translate),
        warnings=warnings(history, translate),
        on=on,
        on_text=_on_text(history, on, translate),
        flows=flows(history),
        flows_text=_flows_text(history, translate),
        multiples=small,
        common=common,
        losing=sum(each.lost > 0 for each in history.organizations),
        lasting=lasting(history, translate("median {days:,} {days:day|days}")) if opened else None,
        lasting_text=_lasting_text(history, translate),
        duration=duration_sentence(history, translate),
        arrived=arrived_sentence(history, translate),
        turns=turns_sentence(history, translate),
        lost=lost_sentence(history, translate),
        often=history.turns.often_pairs[:_PEOPLE],
        gone=history.turns.never_back_pairs[:_PEOPLE],
        weeks_shown=_WEEKS,
        lines=lines[-_LINES:],
        line_count=len(lines),
        notes=any(note for gap, _, note in lines if not gap),
        definitions=DEFINITIONS,
    )


def _lines(history: History, translate: Translate) -> Iterator[tuple[str, Night | None, str]]:
    """Yield each line of the table: the dates of a gap or the night, and what is said of it."""
    for line in history.lines():
        if isinstance(line, Gap):
            yield gap_text(line), None, gap_note(line, translate)
        else:
            yield "", line, night_note(line, translate)


def _on_text(history: History, chart: Chart, translate: Translate) -> str:
    return translate(
        "From {first} on {since} to {last} on {date}; lowest {lowest}, highest {highest}."
    ).format(
        first=f"{history.first.on:,}",
        since=history.first.run_date,
        last=f"{history.last.on:,}",
        date=history.last.run_date,
        lowest=f"{chart.lowest:,}",
        highest=f"{chart.highest:,}",
    )


def _flows_text(history: History, translate: Translate) -> str:
    gained, lost = ([getattr(n, name) for n in history.nights] for name in ("gained", "lost"))
    return translate("{lost} lost and {gained} gained in all; at most {most} in one night.").format(
        gained=f"{sum(gained):,}", lost=f"{sum(lost):,}", most=f"{max(*gained, *lost):,}"
    )


def _lasting_text(history: History, translate: Translate) -> str:
    found = history.durations
    left = found.steps[-1].left if found.steps else 1.0
    return filled(
        translate("From 100 % on the day of the opening to {left} after {days:,} {days:day|days}."),
        left=share(round(left * 1e9), 10**9),
        days=found.longest_days,
    )


@cache
def _template() -> jinja2.Template:
    made = environment(_PACKAGE)
    made.globals["share"] = share
    return made.get_template("page.html.j2")
