"""Numbers for Prometheus' textfile collector: written whole or not at all, with no openid."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile
from prometheus_client.parser import text_string_to_metric_families

from jobs.exits import Exit, Stop
from jobs.report import Report
from palm.printable import printable

__all__ = ["write_metrics"]

_PREFIX: Final = "palm_reconcile_"
_LAST_SUCCESS: Final = f"{_PREFIX}last_success_timestamp_seconds"


def write_metrics(
    path: Path, report: Report | None, *, exit_code: int, finished: float, seconds: float
) -> None:
    """Write how a run ended and, where it made a report, what is in it.

    The time of the last success is carried over from the file where this run is none.

    Args:
        path: ``….prom`` in the collector's folder.
        report: None: the run ended before it had one.
        exit_code: Of the command.
        finished: Unix seconds.
        seconds: How long it took.

    Raises:
        Stop: The file cannot be written (73).
    """
    registry = CollectorRegistry()

    def gauge(name: str, help_text: str, value: float) -> None:
        Gauge(f"{_PREFIX}{name}", help_text, registry=registry).set(value)

    def gauges(name: str, help_text: str, label: str, values: dict[str, int]) -> None:
        metric = Gauge(f"{_PREFIX}{name}", help_text, [label], registry=registry)
        for key, value in values.items():
            metric.labels(printable(key)).set(value)

    gauge("exit_code", "Exit code of the last run", exit_code)
    gauge("last_run_timestamp_seconds", "When the last run ended", finished)
    gauge("duration_seconds", "How long the last run took", seconds)
    success = finished if exit_code == Exit.DONE else _last_success(path)
    if success is not None:
        gauge("last_success_timestamp_seconds", "When a run last ended with exit code 0", success)
    if report is not None:
        summary, asking = report.summary, report.about["asking"]
        known = summary.pairs - summary.states["UNKNOWN"]
        gauge("coverage_ratio", "Pairs with an answer", known / max(summary.pairs, 1))
        gauges("pairs", "Pairs of the input by state", "state", summary.states)
        gauges("changes", "Rows of the report by change", "change", summary.changes)
        gauges("unknowns", "Unknown pairs by reason", "reason", summary.unknown_reasons)
        gauges("requests", "Requests by outcome", "outcome", asking["outcomes"])
        unnamed = asking["answers_without_echo"]
        gauge("answers_without_echo", "Accepted answers that do not name their pair", unnamed)
        refused = asking["answers_unnamed"]
        gauge("unnamed_answers", "Answers refused because they do not name their pair", refused)
        gauge("replayed_answers", "Answers refused as copies of earlier ones", asking["replays"])
        for name, text in (
            ("throttled_seconds", "Pauses after throttles"),
            ("outage_seconds", "Time in which the gateway was down"),
            ("starved_seconds", "Time in which no request could be sent for want of answers"),
        ):
            gauge(name, text, asking[name])
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise Stop(Exit.OUTPUT, f"{path} cannot be written: {error.strerror}") from None


def _last_success(path: Path) -> float | None:
    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
    values = [s.value for family in families for s in family.samples if s.name == _LAST_SUCCESS]
    return values[0] if values else None
