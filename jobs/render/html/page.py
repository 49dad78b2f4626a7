"""The report as one HTML page without scripts and without references to other files.

The templates are beside this file, one for each part of the page; their values are collected here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

import jinja2
import pandas as pd

from jobs.compare.column_counts import most_changed
from jobs.extract.excerpt import excerpt
from jobs.render.html.excerpt import (
    LISTED,
    all_organizations,
    largest,
    most_moved,
)
from jobs.render.html.matrix import transition_cells
from jobs.render.html.trend import trend_of
from jobs.render.language import Language, Translate
from jobs.render.moments import moment_text, texts, zone_of
from jobs.render.numbers import StateCounts, nobody_answered, share, signed, state_counts
from jobs.render.text import CONTROLS, headline, verdict
from jobs.render.translations import translator
from jobs.render.warnings import input_notes, reason_in, serious_warnings
from jobs.render.web.template import TAGS, environment, policy, style_sheet
from jobs.report.input_info import InvalidLineInfo
from jobs.report.model import Report
from jobs.schema import COLUMNS, HIDDEN, NO_CHANGE, Listing, State, UnknownReason, listed

__all__ = ["DEFINITIONS", "render", "write_html"]

DEFINITIONS: Final = (
    "Lost is CLOSED, and CLEARED from ON; gained is OPENED and REOPENED; net is gained minus lost.",
    (
        "Last known is the state answered in this run or, where there is no valid answer, the last "
        "known one before. Net changes of ON, OFF and NONE are of what is last known, so that a "
        "night of errors moves nothing."
    ),
    (
        "Share ON before and after: those last known to be ON, of the pairs in the last report's "
        "input and of those in this one's. Share lost: what was lost, of those ON before."
    ),
    (
        "Hidden: a person closed and opened again between two runs; only the time of authorization "
        "tells."
    ),
    (
        "That authorize_time moves when a person authorizes again is its documented meaning, not "
        "yet seen against the live service."
    ),
)
"""What the numbers mean: the same every night, so at the end of the page."""
_PACKAGE: Final = "jobs.render.html"
_PAIRS: Final = 100
_ORGANIZATIONS: Final = 20
_INVALID_LINES: Final = 20
_FAILURES: Final = 10
_MISSING: Final = "–"


def write_html(report: Report, file: BinaryIO, language: Language) -> None:
    """Write the report as a page.

    Raises:
        OSError: The file cannot be written.
    """
    file.write(render(report, language).encode())


def render(report: Report, language: Language) -> str:
    """Return the page."""
    translate, summary, metadata = translator(language), report.summary, report.metadata
    zone, style = zone_of(report.timezone), style_sheet(_PACKAGE)
    run, counted, unknown = metadata.run, metadata.input, summary.states[State.UNKNOWN]
    changed = sum(summary.changes[change] for change in LISTED)
    first = metadata.baseline is None and run is not None
    unanswered = nobody_answered(report)
    still = first or unanswered or not changed
    matrix = transition_cells(summary)
    taken = excerpt(report, most=_PAIRS, order=(*LISTED, *NO_CHANGE))
    return _template().render(
        _=translate,
        tag=TAGS[language],
        policy=policy(style),
        style=style,
        metadata=metadata,
        zone=zone.key,
        summary=summary,
        warnings=serious_warnings(report, translate),
        headline=headline(report, translate),
        verdict=verdict(report, translate),
        first=first,
        quiet=not changed,
        compared=metadata.baseline is not None,
        nobody_answered=unanswered,
        whole=all_organizations(summary),
        states=list(_states(report)),
        matrix=matrix,
        columns_of_matrix=list(next(iter(matrix.values()), {})),
        organizations=(largest if still else most_moved)(summary, _ORGANIZATIONS),
        trend=trend_of(metadata.history or (), translate),
        pairs=list(_pairs(taken.changed.rows, report, zone, translate)),
        changed=changed,
        ages=taken.ages if unknown else {},
        failures=taken.failures[:_FAILURES] if unknown else [],
        controls=[_control(each.name, translate) for each in report.controls],
        flows={state: asdict(flow) for state, flow in summary.roll_forward.items()},
        started=moment_text(run.started.isoformat(), zone) if run else None,
        finished=moment_text(run.finished.isoformat(), zone) if run else None,
        notes=input_notes(counted, translate) if counted else [],
        invalid=_invalid(counted.invalid_lines, translate) if counted else [],
        definitions=DEFINITIONS,
    )


@cache
def _template() -> jinja2.Template:
    made = environment(_PACKAGE)
    made.filters["signed"] = signed
    made.globals |= {
        "changes": (*LISTED, *NO_CHANGE),
        "columns": COLUMNS,
        "hidden": HIDDEN,
        "most_changed": most_changed,
        "reasons": UnknownReason,
        "segments": _segments,
        "share": share,
        "total": _total,
    }
    return made.get_template("page.html.j2")


def _states(report: Report) -> Iterator[StateCounts]:
    """Yield the counts of each state; UNKNOWN is compared with the baseline's count, too."""
    baseline, history = report.metadata.baseline, report.metadata.history
    before = [run for run in history or () if baseline and run.run_id == baseline.run_id]
    for each in state_counts(report):
        if each.state is State.UNKNOWN and before:
            yield each._replace(net=each.pairs - before[-1].states[each.state])
        else:
            yield each


def _total(changes: Mapping[str, int], kinds: Iterable[str]) -> int:
    return sum(changes.get(kind, 0) for kind in kinds)


def _segments(states: dict[str, int]) -> Iterator[tuple[str, float, float]]:
    """Yield each state that occurs, with the start and the width of its bar segment in percent."""
    total, start = sum(states.values()), 0
    for state, count in states.items():
        if count:
            yield state, round(100 * start / total, 1), round(100 * count / total, 1)
        start += count


def _pairs(
    picked: pd.DataFrame, report: Report, zone: ZoneInfo, translate: Translate
) -> Iterator[dict[str, str]]:
    """Yield the changed pairs as texts under their headings, times in ``zone``.

    The two states are one cell.
    """
    organization, openid, *others = listed(Listing.HTML)
    names = [organization, openid, *report.show, *others]
    text = picked[names].astype(object).where(picked[names].notna(), "")
    for name in picked[names].select_dtypes("datetimetz"):
        text[name] = texts(picked[name], zone)
    for name in {"change", "state", "previous_state"} & set(names):
        text[name] = text[name].map(lambda value: translate(value) if value else "")
    headings = {name: name if name in report.show else _heading(name, translate) for name in names}
    for row in text.itertuples(index=False):
        cells = dict(zip(names, map(str, row), strict=True))
        now = cells.pop("state") or _MISSING
        yield {
            headings[name]: f"{cell or _MISSING} → {now}" if name == "previous_state" else cell
            for name, cell in cells.items()
        }


def _heading(name: str, translate: Translate) -> str:
    """Return the heading of a column of ours, which is its name where it has no label."""
    try:
        return translate("previous_state → state" if name == "previous_state" else name)
    except KeyError:
        return name


def _control(name: str, translate: Translate) -> str:
    return translate(CONTROLS[name]) if name in CONTROLS else name.replace("_", " ")


def _invalid(lines: Sequence[InvalidLineInfo], translate: Translate) -> list[tuple[int, str]]:
    return [(each.line, reason_in(translate, each.reason)) for each in lines[:_INVALID_LINES]]
