"""The last lines of a summary: the controls, how the gateway was asked, which run it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.table import Table
from rich.text import Text

from jobs.plurals import filled
from jobs.render.language import Translate
from jobs.render.moments import moment_text, zone_of
from jobs.render.terminal.console import plain_table
from jobs.render.text import CONTROLS
from jobs.report.model import Report
from jobs.report.request_info import ClusterInfo, RequestInfo

__all__ = ["control_lines", "run_lines"]

_USUAL_ENCODINGS: Final = {"utf-8", "utf-8-sig"}
_LEAST_SECONDS: Final = 0.05
"""A shorter duration would be printed as 0.0 s."""
_MUCH: Final = 0.2
_LONG: Final = 1.0
_SLOW: Final = "waiting for answers {seconds:.1f} s (slow network or CPU; --concurrency may help)"
_SLOW_WORKERS: Final = (
    "waiting for answers {seconds:.1f} s (slow network or CPU, or too few workers)"
)
"""Shown if more than a fifth of the time, and more than a second, was spent waiting."""


def control_lines(report: Report, translate: Translate, *, verbose: bool) -> Table | Text:
    """Return one line if every control holds, else those that fail; with ``verbose`` all."""
    held = sum(control.holds for control in report.controls)
    title = filled(
        translate("Controls: {held} of {all} {held:holds|hold}"),
        held=held,
        all=len(report.controls),
    )
    shown = [each for each in report.controls if verbose or not each.holds]
    if not shown:
        return Text(title + translate("."))
    table = plain_table(title)
    table.add_column(translate("equation"))
    for control in shown:
        mark, style = ("✓", "green") if control.holds else ("✗", "bold red")
        name = control.name.replace("_", " ")
        if control.name in CONTROLS:
            name = translate(CONTROLS[control.name])
        table.add_row(Text.assemble((mark, style), f" {name}"), Text(control.detail))
    return table


def run_lines(report: Report, translate: Translate, *, verbose: bool) -> Iterator[str]:
    """Yield how the gateway was asked, what held the run back, and which run it was.

    What is as on every night is left out, but with ``verbose``.
    """
    comma, stop = translate(", "), translate(".")
    yield comma.join(_asked(report, translate, verbose=verbose)) + stop
    slow = _SLOW if report.metadata.cluster is None else _SLOW_WORKERS
    if held := list(_held_back(report.asking, slow, translate, verbose=verbose)):
        yield translate("Held back: {what}").format(what=comma.join(held)) + stop
    if (cluster := report.metadata.cluster) is not None:
        yield _workers(cluster, translate) + stop
    if (evidence := report.metadata.evidence) is not None:
        yield (
            filled(
                translate("Evidence: {backed:,} of {states:,} {states:state|states} backed"),
                backed=evidence.backed,
                states=evidence.states,
            )
            + stop
        )
    yield _run(report, translate, verbose=verbose)


def _workers(cluster: ClusterInfo, translate: Translate) -> str:
    return filled(
        translate(
            "Asked by {joined:,} {joined:worker|workers}, {lost:,} of them lost; lent at most "
            "{most:,} {most:request|requests} a second, {twice:,} {twice:pair|pairs} asked twice"
        ),
        joined=cluster.joined,
        lost=cluster.lost,
        most=cluster.most_promised,
        twice=cluster.asked_twice,
    )


def _asked(report: Report, translate: Translate, *, verbose: bool) -> Iterator[str]:
    asking, gateway = report.asking, report.gateway
    yield filled(
        translate("Asked {gateway}: {requests:,} {requests:request|requests} in {seconds:.1f} s"),
        gateway=translate("merchant {mchid} at {kind}").format(
            mchid=gateway.mchid, kind=gateway.kind
        ),
        requests=asking.requests,
        seconds=asking.seconds,
    )
    counts = {
        "{count:,} {count:retry|retries}": asking.retries,
        "{count:,} throttled": asking.throttles,
        "{count:,} {count:probe|probes}": asking.probes,
        "{count:,} repeated": asking.replays or 0,
        "{count:,} unnamed": asking.answers_unnamed or 0,
    }
    for text, count in counts.items():
        if count or verbose:
            yield filled(translate(text), count=count)
    yield translate("{achieved:.1f}/s of {rate:g}/s").format(
        achieved=asking.achieved_rate, rate=asking.rate
    )
    if verbose:
        yield translate("worst second {count:,}").format(count=asking.worst_second)
    if asking.latency_ms and verbose:
        yield translate("median {ms} ms").format(ms=asking.latency_ms["p50"])
    if asking.latency_ms:
        yield translate("99 % within {ms} ms").format(ms=asking.latency_ms["p99"])


def _held_back(
    asking: RequestInfo, slow: str, translate: Translate, *, verbose: bool
) -> Iterator[str]:
    for text, seconds in {
        "throttled {seconds:.1f} s": asking.throttled_seconds,
        "outages {seconds:.1f} s": asking.outage_seconds,
    }.items():
        if seconds >= _LEAST_SECONDS or verbose:
            yield translate(text).format(seconds=seconds)
    waited = asking.starved_seconds
    if waited > max(asking.seconds * _MUCH, _LONG):
        yield translate(slow).format(seconds=waited)
    elif verbose:
        yield translate("waiting for answers {seconds:.1f} s").format(seconds=waited)


def _run(report: Report, translate: Translate, *, verbose: bool) -> str:
    run, counted, zone = report.run, report.input, zone_of(report.timezone)
    usual = counted.encoding.lower() in _USUAL_ENCODINGS and not verbose
    text = (
        "Input {name}: {lines:,} {lines:line|lines}."
        if usual
        else "Input {name} ({encoding}): {lines:,} {lines:line|lines}."
    )
    exact = run.finished.isoformat(timespec="seconds")
    finished = moment_text(exact, zone)
    parts = [
        translate("Run {id}, finished {time}").format(
            id=run.id, time=finished if finished == exact else f"{finished} {zone.key}"
        )
    ]
    if run.exit_code:
        parts.append(translate(" with exit code {code}").format(code=run.exit_code))
    if run.parent:
        parts.append(translate("; it corrects run {parent}").format(parent=run.parent))
    described = filled(
        translate(text), name=counted.name, encoding=counted.encoding, lines=counted.lines
    )
    return described + translate(" ") + "".join(parts) + translate(".")
