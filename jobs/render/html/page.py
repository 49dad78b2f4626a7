"""The report as one HTML page without scripts and without references to other files.

The template is beside this file; its values are collected here. Everything is escaped, and a
Content-Security-Policy would block scripts and requests even if something were not.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

import jinja2
import pandas as pd
from markupsafe import Markup

from jobs.compare.column_counts import most_changed
from jobs.compare.summary import Summary
from jobs.render.html.excerpt import (
    LISTED,
    changed_pairs,
    failures,
    most_moved,
    moved,
    unknown_ages,
)
from jobs.render.html.trend import bars, line, places
from jobs.render.language import Language, Translate
from jobs.render.moments import moment_text, texts, zone_of
from jobs.render.numbers import StateCounts, share, signed, state_counts
from jobs.render.text import CONTROLS, headline, verdict
from jobs.render.translations import translator
from jobs.render.warnings import reason_in, warnings
from jobs.report.info import HistoryEntry
from jobs.report.input_info import InvalidLineInfo
from jobs.report.model import Report
from jobs.schema import (
    COLUMNS,
    GAIN,
    HIDDEN,
    LOSS,
    Change,
    Listing,
    State,
    UnknownReason,
    listed,
)
from palm.text.printable import printable

__all__ = ["render", "write_html"]

_PAIRS: Final = 100
_ORGANIZATIONS: Final = 20
_INVALID_LINES: Final = 20
_FAILURES: Final = 10
_HEATS: Final = 5
_MISSING: Final = "–"
_TAGS: Final = {Language.EN: "en", Language.ZH: "zh-CN"}
_POLICY: Final = (
    "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
)


def write_html(report: Report, file: BinaryIO, language: Language) -> None:
    """Write the report as a page.

    Raises:
        OSError: The file cannot be written.
    """
    file.write(render(report, language).encode())


def render(report: Report, language: Language) -> str:
    """Return the page."""
    translate, summary, metadata = translator(language), report.summary, report.metadata
    zone, style = zone_of(report.timezone), _style()
    unknown = summary.states[State.UNKNOWN] > 0
    run, counted = metadata.run, metadata.input
    return _template().render(
        _=translate,
        tag=_TAGS[language],
        policy=_POLICY.format(digest=_digest(style)),
        style=Markup(style),  # noqa: S704 - our own; it must match its hash
        metadata=metadata,
        zone=zone.key,
        summary=summary,
        warnings=warnings(report, translate=translate),
        headline=headline(report, translate),
        verdict=verdict(report, translate),
        states=list(_states(report)),
        matrix=_matrix(summary),
        organizations=most_moved(summary, _ORGANIZATIONS),
        trend=_trend(metadata.history) if metadata.history else None,
        pairs=list(_pairs(report.rows, zone)),
        changed=sum(summary.changes[change] for change in LISTED),
        ages=unknown_ages(report.rows) if unknown else {},
        failures=failures(report.rows, _FAILURES) if unknown else [],
        controls=[_control(each.name, translate) for each in report.controls],
        flows={state: asdict(flow) for state, flow in summary.roll_forward.items()},
        started=moment_text(run.started.isoformat(), zone) if run else None,
        finished=moment_text(run.finished.isoformat(), zone) if run else None,
        invalid=_invalid(counted.invalid_lines, translate) if counted else [],
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {"number": "{:,}".format, "signed": signed}
    environment.globals |= {
        "changes": Change,
        "columns": COLUMNS,
        "gain": GAIN,
        "hidden": HIDDEN,
        "loss": LOSS,
        "most_changed": most_changed,
        "moved": moved,
        "reasons": UnknownReason,
        "segments": _segments,
        "share": share,
        "total": _total,
    }
    return environment.from_string(_resource("page.html.j2"))


def _shown(value: object) -> object:
    """Return a value as it is written into the page, without characters that change direction."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _style() -> str:
    """Return the style sheet without unnecessary spaces."""
    text = " ".join(_resource("page.css").split())
    return re.sub(r" ?([{};,]) ?|(:) ", r"\1\2", text).replace(";}", "}")


def _resource(name: str) -> str:
    return files("jobs.render.html").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _states(report: Report) -> Iterator[StateCounts]:
    """Yield the counts of each state; UNKNOWN is compared with the baseline's count, too."""
    baseline, history = report.metadata.baseline, report.metadata.history
    before = [run for run in history or () if baseline and run.run_id == baseline.run_id]
    for each in state_counts(report):
        if each.state is State.UNKNOWN and before:
            yield each._replace(net=each.pairs - before[-1].states[each.state])
        else:
            yield each


def _matrix(summary: Summary) -> dict[str, dict[str, tuple[int, str]]]:
    """Return the transitions, each with a class for its colour; unchanged states have none."""
    cells = {
        (before, now): count
        for before, row in summary.transitions.items()
        for now, count in row.items()
    }
    most = max((count for (before, now), count in cells.items() if before != now), default=0)
    heat = {
        cell: "stayed" if cell[0] == cell[1] else f"heat{_heat(count, most)}"
        for cell, count in cells.items()
    }
    return {
        before: {now: (count, heat[before, now]) for now, count in row.items()}
        for before, row in summary.transitions.items()
    }


def _heat(count: int, most: int) -> int:
    """Return 0 for none to 5 for the most, on a logarithmic scale: 3 of 1,000 are visible."""
    return math.ceil(_HEATS * math.log1p(count) / math.log1p(most)) if count else 0


def _total(changes: Mapping[str, int], kinds: Iterable[str]) -> int:
    return sum(changes.get(kind, 0) for kind in kinds)


def _segments(states: dict[str, int]) -> Iterator[tuple[str, float, float]]:
    """Yield each state that occurs, with the start and the width of its bar segment in percent."""
    total, start = sum(states.values()), 0
    for state, count in states.items():
        if count:
            yield state, round(100 * start / total, 1), round(100 * count / total, 1)
        start += count


def _trend(history: Sequence[HistoryEntry]) -> dict[str, object]:
    """Return the charts of the last runs, with last known states, which errors do not change."""
    at = places([run.run_date for run in history])
    counts = {
        state.value: [run.known.get(state, run.states[state]) for run in history] for state in State
    }
    gained = [run.gain for run in history]
    lost = [run.loss for run in history]
    highest = max(*gained, *lost)
    return {
        "runs": len(history),
        "first": history[0].run_date,
        "last": history[-1].run_date,
        "lines": {state: line(own, at) for state, own in counts.items()},
        "gained": bars(gained, at, highest=highest),
        "lost": bars(lost, at, highest=highest, down=True),
        "highest": highest,
        "totals": (sum(gained), sum(lost)),
    }


def _pairs(rows: pd.DataFrame, zone: ZoneInfo) -> Iterator[dict[str, str]]:
    """Yield the changed pairs as texts under their headings, times in ``zone``.

    The two states are one cell.
    """
    picked = changed_pairs(rows, _PAIRS)
    names = listed(Listing.HTML)
    text = picked[names].astype(object).where(picked[names].notna(), "")
    for name in picked[names].select_dtypes("datetimetz"):
        text[name] = texts(picked[name], zone)
    for row in text.itertuples(index=False):
        cells = dict(zip(names, map(str, row), strict=True))
        now = cells.pop("state") or _MISSING
        yield {
            f"{name} → state" if name == "previous_state" else name: (
                f"{cell or _MISSING} → {now}" if name == "previous_state" else cell
            )
            for name, cell in cells.items()
        }


def _control(name: str, translate: Translate) -> str:
    return translate(CONTROLS[name]) if name in CONTROLS else name.replace("_", " ")


def _invalid(lines: Sequence[InvalidLineInfo], translate: Translate) -> list[tuple[int, str]]:
    return [(each.line, reason_in(translate, each.reason)) for each in lines[:_INVALID_LINES]]
