"""Numbers for Prometheus' textfile collector: written whole or not at all, with no openid."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from jobs.compare.column_counts import most_changed
from jobs.compare.summary import Summary
from jobs.errors import OutputError
from jobs.report.model import Report
from jobs.schema import Change
from jobs.store.locations import METRICS_MODE, mode_of, temporary_metrics
from palm.files.regular import kind_of, path_fault
from palm.text.printable import printable

__all__ = ["check_metrics", "write_metrics"]

_PREFIX: Final = "palm_reconcile_"
_LABEL: Final = "report"
_LAST_SUCCESS: Final = "last_success_timestamp_seconds"
_RUN_DATE: Final = "run_date_timestamp_seconds"
_MOST_ORGANIZATIONS: Final = 200
"""Of more, the numbers of those that changed most are written: each label value is a series."""
_CARRIED_OVER: Final = {f"{_PREFIX}{name}" for name in (_LAST_SUCCESS, _RUN_DATE)}


class _Numbers:
    """What is written: each number with the label that says which report it is about."""

    def __init__(self, name: str) -> None:
        self.registry = CollectorRegistry()
        self._name = printable(name)

    def add(self, name: str, help_text: str, value: float) -> None:
        """Add one number."""
        gauge = Gauge(f"{_PREFIX}{name}", help_text, [_LABEL], registry=self.registry)
        gauge.labels(self._name).set(value)

    def add_each(self, name: str, help_text: str, label: str, values: Mapping[str, int]) -> None:
        """Add one number for each value of a further label."""
        gauge = Gauge(f"{_PREFIX}{name}", help_text, [_LABEL, label], registry=self.registry)
        for key, value in values.items():
            gauge.labels(self._name, printable(key)).set(value)


def write_metrics(
    path: Path, report: Report | None, *, name: str, exit_code: int, finished: float, seconds: float
) -> None:
    """Write how a run ended and, where it made a report, what is in it.

    The time of the last success, and the run date of the last report, are carried over from the
    file where this run has none.

    Args:
        path: ``….prom`` in the collector's folder.
        report: None: the run ended before it had one.
        name: Of the report: the label ``report``.
        exit_code: Of the command.
        finished: Unix seconds.
        seconds: How long it took.

    Raises:
        OutputError: The file cannot be written.
    """
    numbers, before = _Numbers(name), _carried_over(path, printable(name))
    numbers.add("exit_code", "Exit code of the last run", exit_code)
    numbers.add("last_run_timestamp_seconds", "When the last run ended", finished)
    numbers.add("duration_seconds", "How long the last run took", seconds)
    success = finished if exit_code == 0 else before.get(_LAST_SUCCESS)
    if success is not None:
        numbers.add(_LAST_SUCCESS, "When a run last ended with exit code 0", success)
    day = before.get(_RUN_DATE) if report is None else _midnight(report.run_date)
    if day is not None:
        numbers.add(_RUN_DATE, "Run date of the last report, at 00:00 UTC", day)
    if report is not None:
        _add_report(numbers, report)
    try:
        _replace(path, generate_latest(numbers.registry))
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} cannot be written: {path_fault(error)}") from None


def check_metrics(path: Path) -> Path:
    """Return where the numbers are written: what a link points to, where ``path`` is one.

    Raises:
        OutputError: Its folder does not exist, or something that is not a file is there.
    """
    try:
        target = path.resolve()
        path = target if path.is_symlink() else path
        if not path.parent.is_dir():
            raise OutputError(f"the folder {path.parent} does not exist; make it first")
        with suppress(FileNotFoundError):
            if kind := kind_of(path.stat().st_mode):
                raise OutputError(
                    f"--metrics: {path} is {kind}, not a file; name a file in a folder"
                )
    except (OSError, ValueError, RuntimeError) as error:
        raise OutputError(f"--metrics: the path cannot be used: {path_fault(error)}") from None
    return path


def _replace(path: Path, content: bytes) -> None:
    """Write a file beside, which no collector takes for metrics, and put it in its place."""
    fresh = temporary_metrics(path)
    fresh.unlink(missing_ok=True)  # in a container, a run that was killed may have had the same id
    try:
        with fresh.open("xb") as file:
            os.fchmod(file.fileno(), mode_of(path, METRICS_MODE))
            file.write(content)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _add_report(numbers: _Numbers, report: Report) -> None:
    summary, asking = report.summary, report.asking
    numbers.add("coverage_ratio", "Pairs with an answer", asking.knowledge.coverage)
    numbers.add_each("pairs", "Pairs of the input by state", "state", summary.states)
    numbers.add_each("changes", "Rows of the report by change", "change", summary.changes)
    numbers.add_each("unknowns", "Unknown pairs by reason", "reason", summary.unknown_reasons)
    numbers.add_each("requests", "Requests by outcome", "outcome", asking.outcomes)
    _add_moves(numbers, summary)
    for name, text, value in (
        ("invalid_lines", "Input lines that hold no pair", report.input.invalid),
        (
            "dropped_pairs",
            "Pairs of the last report that are missing from the input",
            summary.changes[Change.DROPPED],
        ),
        (
            "answers_without_echo",
            "Accepted answers that do not name their pair",
            asking.answers_without_echo,
        ),
        (
            "unnamed_answers",
            "Answers refused because they do not name their pair",
            asking.answers_unnamed or 0,
        ),
        ("replayed_answers", "Answers refused as copies of earlier ones", asking.replays or 0),
        ("throttled_seconds", "Pauses after throttles", asking.throttled_seconds),
        ("outage_seconds", "Time in which the gateway was down", asking.outage_seconds),
        (
            "starved_seconds",
            "Time in which no request could be sent for want of answers",
            asking.starved_seconds,
        ),
    ):
        numbers.add(name, text, value)
    if (cluster := report.metadata.cluster) is not None:
        for name, text, value in (
            ("workers", "Workers that were there at the end", cluster.workers),
            ("workers_joined", "Workers that were used", cluster.joined),
            ("workers_lost", "Of them, those that went away during the run", cluster.lost),
            (
                "most_promised_requests",
                "Requests a second that all workers together were ever lent, at most",
                cluster.most_promised,
            ),
            (
                "asked_twice_pairs",
                "Pairs asked again because a worker went away with their answers",
                cluster.asked_twice,
            ),
        ):
            numbers.add(name, text, value)


def _add_moves(numbers: _Numbers, summary: Summary) -> None:
    """Add how many pairs gained and lost ON, or changed in between, and of which organizations."""
    moves = {
        "gained_pairs": ("Pairs that are OPENED or REOPENED", summary.gain),
        "lost_pairs": ("Pairs that are CLOSED, or CLEARED from ON", summary.loss),
        "hidden_pairs": ("Pairs that are REAUTHORIZED or CYCLED", summary.hidden),
    }
    for name, (text, value) in moves.items():
        numbers.add(name, text, value)
    own = dict(most_changed(summary.by_organization)[:_MOST_ORGANIZATIONS])
    by_organization = {
        "gained_pairs": {each: counts.gained for each, counts in own.items()},
        "lost_pairs": {each: counts.lost or 0 for each, counts in own.items()},
        "hidden_pairs": {each: counts.hidden for each, counts in own.items()},
    }
    for name, values in by_organization.items():
        text = f"{moves[name][0]}, by organization (the {_MOST_ORGANIZATIONS} that lost most)"
        numbers.add_each(f"organization_{name}", text, "organization", values)
    numbers.add("organizations", "Organizations in the report", len(summary.by_organization))


def _midnight(day: date) -> float:
    """Return the Unix seconds at which a date begins in UTC."""
    return datetime.combine(day, time(), UTC).timestamp()


def _carried_over(path: Path, name: str) -> dict[str, float]:
    """Return what the file says of the same report and a run that made none does not know."""
    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
    return {
        sample.name.removeprefix(_PREFIX): sample.value
        for family in families
        for sample in family.samples
        if sample.name in _CARRIED_OVER and sample.labels.get(_LABEL) == name
    }
