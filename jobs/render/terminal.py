"""The report's summary for a terminal, a pipe or a log, as wide as the terminal."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.compare.column_counts import most_changed
from jobs.compare.organizations import OrganizationCounts
from jobs.render.numbers import share, signed, state_counts
from jobs.render.text import headline
from jobs.render.warnings import warnings
from jobs.report.info import Metadata
from jobs.report.model import Report
from jobs.report.request_info import RequestInfo
from jobs.schema import Change, State
from palm.text.printable import printable, printable_values

__all__ = ["SummaryConsole", "print_rows", "print_summary", "summary_lines"]

_VALUES: Final = 20
"""Values of a column that are shown."""
_UNWRAPPED: Final = 100_000
"""Width in columns; no line of a summary is longer."""
_COLOURS = {State.ON: "green", State.OFF: "red", State.NONE: "yellow", State.UNKNOWN: "magenta"}


class SummaryConsole(Console):
    """A console that raises OSError if its reader is gone, where rich would end the process.

    Texts are printed as they are, never as markup.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of rich
        super().__init__(**{"markup": False, "emoji": False} | options)

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that is being handled."""
        raise  # noqa: PLE0704 - within rich's except clause


def print_summary(report: Report, console: Console, *, every_line: bool = False) -> None:
    """Print headline, warnings, counts, changes, transitions, unknowns and controls.

    ``every_line``: name each invalid line of the input, not only the first three.
    """
    report = replace(report, metadata=Metadata.from_json(printable_values(report.about)))
    for warning in warnings(report, every_line=every_line):
        console.print(Text(f"! {warning}", style="bold yellow"))
    console.print(Text(headline(report), style="bold"))
    console.print(_states(report))
    console.print(_changes(report))
    console.print(_transitions(report))
    if report.summary.unknown_reasons:
        console.print(_unknowns(report))
    for column, values in (report.metadata.by or {}).items():
        console.print(_by_column(column, values))
    console.print(_controls(report))
    if report.metadata.is_whole:
        console.print(Text(_asking(report)))


def summary_lines(report: Report, *, every_line: bool = False) -> list[str]:
    """Return what :func:`print_summary` prints, for a log: no line is wrapped or empty."""
    file = io.StringIO()
    console = SummaryConsole(file=file, width=_UNWRAPPED, force_terminal=False, color_system=None)
    print_summary(report, console, every_line=every_line)
    return [line.rstrip() for line in file.getvalue().splitlines() if line.strip()]


def print_rows(rows: pd.DataFrame, console: Console) -> None:
    """Print a frame's rows as a table; missing values stay empty."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in rows.columns:
        table.add_column(Text(printable(name)), overflow="fold")
    shown = rows.astype("str").where(rows.notna(), "")
    for row in shown.itertuples(index=False, name=None):
        table.add_row(*(Text(printable(value)) for value in row))
    console.print(table)


def _table(title: str, first: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(
            name, justify="right", overflow="fold"
        )  # a truncated number would be wrong
    return table


def _states(report: Report) -> Table:
    summary = report.summary
    table = _table("States", "state", "pairs", "share", "last known", "net change")
    for state, count, known, net in state_counts(report):
        table.add_row(
            Text(state, style=_COLOURS[state]),
            f"{count:,}",
            share(count, summary.pairs),
            "" if known is None else f"{known:,}",
            "" if net is None else signed(net),
        )
    table.add_row("total", f"{summary.pairs:,}", "", f"{sum(summary.known.values()):,}", "")
    return table


def _changes(report: Report) -> Table:
    table = _table("Changes", "change", "pairs")
    table.add_column("meaning")
    for change in Change:
        count = report.summary.changes[change]
        if count:
            table.add_row(change, f"{count:,}", change.meaning.en)
    return table


def _transitions(report: Report) -> Table:
    matrix = report.summary.transitions
    columns = list(next(iter(matrix.values())))
    table = _table("Transitions", "before \\ now", *(name.replace("_", " ") for name in columns))
    for before, row in matrix.items():
        table.add_row(before, *(f"{row[name]:,}" if row[name] else "·" for name in columns))
    return table


def _unknowns(report: Report) -> Table:
    table = _table("Unknown, by reason", "reason", "pairs")
    for reason, count in report.summary.unknown_reasons.items():
        table.add_row(reason, f"{count:,}")
    return table


def _by_column(column: str, values: Mapping[str, OrganizationCounts]) -> Table:
    title = f"By {column}, most lost first"
    table = _table(title, column, "pairs", "ON", "share ON", "gained", "lost", "net change")
    ranked = most_changed(values)
    for value, own in ranked[:_VALUES]:
        on = own.states[State.ON]
        numbers = (f"{own.pairs:,}", f"{on:,}", share(on, own.pairs), f"{own.gained:,}")
        table.add_row(
            Text(value or "(empty)"), *numbers, f"{own.lost or 0:,}", signed(own.net or 0)
        )
    if len(ranked) > _VALUES:
        table.add_row(f"{len(ranked) - _VALUES:,} more")
    return table


def _controls(report: Report) -> Table:
    held = sum(control.holds for control in report.controls)
    table = _table(f"Controls: {held} of {len(report.controls)} hold", "control")
    table.add_column("equation")
    for control in report.controls:
        mark, style = ("✓", "green") if control.holds else ("✗", "bold red")
        name = control.name.replace("_", " ")
        table.add_row(Text.assemble((mark, style), f" {name}"), Text(control.detail))
    return table


def _not_believed(asking: RequestInfo) -> str:
    """Return the counts of answers refused as repeated or unnamed; old reports have none."""
    counts = {"replays": asking.replays, "unnamed": asking.answers_unnamed}
    return "".join(f", {count:,} {name}" for name, count in counts.items() if count)


_MUCH: Final = 0.2
_LONG: Final = 1.0
_SLOW: Final = " (slow network or CPU; --concurrency may help)"
"""Shown if more than a fifth of the time, and more than a second, was spent waiting."""


def _asking(report: Report) -> str:
    asking, run, counted = report.asking, report.run, report.input
    latency = asking.latency_ms
    return (
        f"Asked {report.gateway}: {asking.requests:,} requests "
        f"({asking.retries:,} retries, {asking.throttles:,} throttled, "
        f"{asking.probes:,} probes{_not_believed(asking)}) in {asking.seconds:.1f} s, "
        f"{asking.achieved_rate:.1f}/s of {asking.rate:g}/s, "
        f"worst second {asking.worst_second:,}"
        + (f", median {latency['p50']} ms, 99 % within {latency['p99']} ms" if latency else "")
        + ".\nHeld back: "
        f"throttled {asking.throttled_seconds:.1f} s, outages {asking.outage_seconds:.1f} s, "
        f"waiting for answers {asking.starved_seconds:.1f} s"
        + (_SLOW if asking.starved_seconds > max(asking.seconds * _MUCH, _LONG) else "")
        + f".\nInput {counted.name} ({counted.encoding}): {counted.lines:,} lines. "
        f"Run {run.id}, finished {run.finished.isoformat(timespec='milliseconds')}"
        + (f" with exit code {run.exit_code}" if run.exit_code else "")
        + (f"; it corrects run {run.parent}" if run.parent else "")
        + "."
    )
