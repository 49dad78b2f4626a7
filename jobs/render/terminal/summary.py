"""The report's summary for a terminal, a pipe or a log, as wide as the terminal.

The summary of a usual night fits on one screen of 80 columns and 40 lines.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from jobs.compare.column_counts import most_changed
from jobs.compare.organizations import OrganizationCounts
from jobs.plurals import filled
from jobs.render.language import Language, Translate
from jobs.render.numbers import LOSSES_FIRST, share, signed, state_counts
from jobs.render.terminal.console import SummaryConsole, plain_table
from jobs.render.terminal.run_lines import control_lines, run_lines
from jobs.render.text import headline, no_change, verdict
from jobs.render.translations import translator
from jobs.render.warnings import serious_warnings, small_warnings
from jobs.report.info import Metadata
from jobs.report.model import Report
from jobs.schema import State
from palm.text.printable import printable_values

__all__ = ["print_summary", "summary_lines"]

_VALUES: Final = 20
"""Values of a column that are shown."""
_ORGANIZATIONS: Final = 5
_UNWRAPPED: Final = 100_000
"""Width in columns; no line of a summary is longer."""
_COLOURS = {State.ON: "green", State.OFF: "red", State.NONE: "yellow", State.UNKNOWN: "magenta"}


def print_summary(
    report: Report,
    console: Console,
    language: Language = Language.EN,
    *,
    verbose: bool = False,
    with_verdict: bool = True,
) -> None:
    """Print verdict, headline, states, changes, warnings, controls, and how the run went.

    Serious warnings stand before the headline, small ones, which are about single lines of the
    input, behind the counts.

    Args:
        report: The report.
        console: Where to print it. The organizations are printed on a terminal only, for a log is
            read by more people than a report.
        language: The language of labels and sentences.
        verbose: Print everything: each invalid line of the input, each control, the meaning of each
            change, and what is the same on every night.
        with_verdict: Whether to print why the exit code is not 0; the command that made the report
            prints it itself, at the end.
    """
    report = replace(report, metadata=Metadata.from_json(printable_values(report.about)))
    translate = translator(language)
    run = report.metadata.run
    if with_verdict and run and run.exit_code and (why := verdict(report, translate)):
        console.print(Text(why, style="bold red"))
    for warning in serious_warnings(report, translate):
        console.print(Text(f"! {warning}", style="bold yellow"))
    console.print(Text(headline(report, translate), style="bold"))
    sections = [
        _states(report, translate),
        _organizations(report, translate) if console.is_terminal else None,
        *_changes(report, translate, verbose=verbose),
        *(_by_column(*each, translate) for each in (report.metadata.by or {}).items()),
    ]
    for section in filter(None, sections):
        console.print()
        console.print(section)
    console.print()
    if reasons := report.summary.unknown_reasons:
        console.print(Text(_unknowns(reasons, translate)))
    for warning in small_warnings(report, translate, every_line=verbose):
        console.print(Text(f"! {warning}", style="yellow"))
    console.print(control_lines(report, translate, verbose=verbose))
    if report.metadata.is_whole:
        for line in run_lines(report, translate, verbose=verbose):
            console.print(Text(line))


def summary_lines(report: Report, *, verbose: bool = False) -> list[str]:
    """Return what :func:`print_summary` prints, for a log: no line is wrapped or empty.

    It is English, as a log is: those who search it, and what watches it, know one wording. Why the
    exit code is not 0 is an error in the log, with its level, and not among these lines.
    """
    file = io.StringIO()
    console = SummaryConsole(file=file, width=_UNWRAPPED, force_terminal=False, color_system=None)
    print_summary(report, console, verbose=verbose, with_verdict=False)
    return [line.rstrip() for line in file.getvalue().splitlines() if line.strip()]


def _states(report: Report, translate: Translate) -> Table | None:
    """Return the counts by state; None if no state is known."""
    summary, compared = report.summary, report.metadata.baseline is not None
    answered = summary.states[State.UNKNOWN] < summary.pairs
    if not answered and not any(summary.known[state] for state in State if state in summary.known):
        return None
    table = plain_table(
        translate("States"),
        *map(translate, ("pairs", "share", "last known", *(["net change"] if compared else []))),
    )
    for state, count, known, net in state_counts(report):
        if state is State.UNKNOWN and not count:
            continue
        told = answered or state is State.UNKNOWN
        table.add_row(
            Text(translate(state), style=_COLOURS[state]),
            f"{count:,}" if told else "",
            share(count, summary.pairs) if told else "",
            "" if known is None else f"{known:,}",
            *(["" if net is None else signed(net)] if compared else []),
        )
    table.add_row(translate("total"), f"{summary.pairs:,}", "", f"{sum(summary.known.values()):,}")
    return table


def _organizations(report: Report, translate: Translate) -> Table | None:
    """Return those that lost most, then those that gained most; None if no more than one."""
    own = report.summary.by_organization
    ranked = [(name, counts) for name, counts in most_changed(own) if counts.lost or counts.gained]
    if len(own) <= 1 or not ranked:
        return None
    names = ("lost", "gained", "net change", "share lost", "ON before", "ON after")
    table = plain_table(translate("Organization"), *map(translate, names))
    for name, counts in ranked[:_ORGANIZATIONS]:
        table.add_row(Text(name), *_organization(counts))
    if others := ranked[_ORGANIZATIONS:]:
        rest = others[0][1]
        for _, counts in others[1:]:
            rest += counts
        table.add_row(
            filled(translate("{count:,} {count:other|others}"), count=len(others)),
            *_organization(rest),
        )
    table.columns[0].max_width, table.columns[0].overflow = 24, "ellipsis"
    return table


def _organization(counts: OrganizationCounts) -> list[str]:
    lost, before = counts.lost or 0, counts.on_before or 0
    return [
        f"{lost:,}",
        f"{counts.gained:,}",
        signed(counts.gained - lost),
        share(lost, before),
        share(before, counts.pairs_before or 0),
        share(counts.on_after or 0, counts.pairs),
    ]


def _changes(report: Report, translate: Translate, *, verbose: bool) -> Iterator[RenderableType]:
    """Yield the transitions and the changes, or why there are none."""
    if (nothing := no_change(report, translate)) is not None:
        yield Text(nothing)
        if not verbose:
            return
    yield _transitions(report, translate)
    counts = {kind: report.summary.changes[kind] for kind in LOSSES_FIRST}
    present = {kind: count for kind, count in counts.items() if count}
    if not verbose:
        told = translate(", ").join(f"{translate(kind)} {n:,}" for kind, n in present.items())
        yield Text(translate("Changes: {changes}").format(changes=told) + translate("."))
        return
    table = plain_table(translate("Changes"), translate("pairs"))
    table.add_column(translate("meaning"))
    for kind, count in present.items():
        table.add_row(translate(kind), f"{count:,}", translate(kind.meaning.en))
    yield table


def _transitions(report: Report, translate: Translate) -> Table:
    matrix = report.summary.transitions
    columns = list(next(iter(matrix.values())))
    table = plain_table(
        translate("before \\ now"), *(translate(name.replace("_", " ")) for name in columns)
    )
    for before, row in matrix.items():
        if any(row.values()):
            numbers = (f"{row[name]:,}" if row[name] else "·" for name in columns)
            table.add_row(translate(before), *numbers)
    return table


def _unknowns(reasons: Mapping[str, int], translate: Translate) -> str:
    told = translate(", ").join(
        f"{translate(reason)} {count:,}" for reason, count in reasons.items()
    )
    return translate("Unknown, by reason: {reasons}").format(reasons=told) + translate(".")


def _by_column(
    column: str, values: Mapping[str, OrganizationCounts], translate: Translate
) -> Table:
    names = ("pairs", "ON", "share ON", "gained", "lost", "net change")
    title = translate("By {column}").format(column=column)
    table = plain_table(title, *map(translate, names))
    ranked = most_changed(values)
    for value, own in ranked[:_VALUES]:
        on = own.states[State.ON]
        numbers = (f"{own.pairs:,}", f"{on:,}", share(on, own.pairs), f"{own.gained:,}")
        table.add_row(
            Text(value or translate("(empty)")), *numbers, f"{own.lost or 0:,}",
            signed(own.net or 0),
        )  # fmt: skip
    if len(ranked) > _VALUES:
        table.add_row(translate("{count:,} more").format(count=len(ranked) - _VALUES))
    return table
