"""The report: its rows, and what is said about them.

One value that every writer takes. ``about`` is plain JSON, so that what a Parquet file carries in
its metadata, what the JSON format writes and what the terminal shows are the same numbers.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pandas as pd

from jobs.compare.controls import Control, check
from jobs.compare.summary import Summary
from jobs.compare.verdict import Verdict
from jobs.input.pairs import Input
from jobs.schema import ROWS, conform
from jobs.sweep.stats import RequestStats
from palm import __version__

__all__ = [
    "SCHEMA",
    "GatewayId",
    "Report",
    "ReportError",
    "Run",
    "compose",
    "recheck",
    "recheck_alone",
]

SCHEMA: Final = 2
"""Version of the columns and of the metadata; a reader refuses a later one."""
KEY: Final = "palm_reconcile"
"""Key of the metadata in a Parquet file, and in ``DataFrame.attrs``."""
_HISTORY: Final = 90
_LIBRARIES: Final = ("aiohttp", "cryptography", "pandas", "pyarrow", "tenacity")


class ReportError(Exception):
    """A file is not a report that this version can read; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class GatewayId:
    """Who answered, and for whom.

    Attributes:
        kind: ``wechatpay``, ``sandbox`` or ``other``.
        mchid: The merchant that asked.
    """

    kind: str
    mchid: str

    def __str__(self) -> str:
        return f"merchant {self.mchid} at {self.kind}"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the job.

    Attributes:
        id: Unique.
        date: Its business date.
        timezone: In which that date was today.
        started: Aware.
        finished: Aware.
        verdict: How it ended.
        parent: The run whose report this one corrects; None: it corrects none.
    """

    id: str
    date: date
    timezone: str
    started: datetime
    finished: datetime
    verdict: Verdict
    parent: str | None = None


@dataclass(frozen=True)  # no slots: a cached property has to be kept somewhere
class Report:
    """Rows and metadata; neither is to be changed, only replaced.

    Attributes:
        rows: Columns ``ROWS`` and the carried ones.
        about: JSON: schema, run, tool, gateway, input, baseline, summary, asking, controls,
            history; ``only`` where the rows are not all of a report's.
    """

    rows: pd.DataFrame
    about: dict[str, Any]

    @property
    def run_date(self) -> date:
        """The business date that it is about."""
        return date.fromisoformat(self.about["run"]["date"])

    @property
    def run_id(self) -> str:
        """The run that made it."""
        return str(self.about["run"]["id"])

    @property
    def gateway(self) -> GatewayId:
        """Who answered, and for whom."""
        return GatewayId(**self.about["gateway"])

    @property
    def verdict(self) -> Verdict | None:
        """How the run ended; None where an earlier version wrote sentences only."""
        reasons = self.about["run"].get("reasons")
        return None if reasons is None else Verdict.from_json(reasons)

    @cached_property
    def summary(self) -> Summary:
        """Its counts."""
        return Summary.from_dict(self.about["summary"])

    @property
    def controls(self) -> tuple[Control, ...]:
        """What was checked before it was published."""
        return tuple(Control(**each) for each in self.about["controls"])


def compose(
    rows: pd.DataFrame,
    summary: Summary,
    *,
    run: Run,
    gateway: GatewayId,
    source: Input,
    baseline: Report | None,
    baseline_file: Path | None,
    stats: RequestStats,
    asking: Mapping[str, Any],
) -> Report:
    """Return the report of a run.

    Args:
        rows: As :func:`jobs.compare.changes.classify` made them.
        summary: Their counts.
        run: When, and with what verdict.
        gateway: Who answered.
        source: The input.
        baseline: What was compared with.
        baseline_file: Its file.
        stats: What was sent.
        asking: What else is to be said of it.
    """
    about: dict[str, Any] = {
        "schema": SCHEMA,
        "run": {
            **asdict(run),
            "date": run.date.isoformat(),
            "started": run.started.isoformat(timespec="milliseconds"),
            "finished": run.finished.isoformat(timespec="milliseconds"),
            "exit_code": run.verdict.exit_code,
            "verdict": list(run.verdict.sentences),
            "reasons": run.verdict.to_json(),
        },
        "tool": {
            "palm-reconcile": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
        "gateway": asdict(gateway),
        "input": _about_input(source),
        "baseline": _about_baseline(baseline, baseline_file),
        "summary": summary.to_dict(),
        "asking": {**_about_asking(stats), **asking},
        "history": _history(run, summary, baseline),
    }
    controls = _check(rows, about, *_compared(baseline))
    return Report(rows, {**about, "controls": [asdict(control) for control in controls]})


def recheck(report: Report, baseline: Report | None) -> tuple[Control, ...]:
    """Return the controls, computed anew from a report as it was read back."""
    return _check(report.rows, report.about, *_compared(baseline))


def recheck_alone(report: Report) -> tuple[Control, ...]:
    """Return the controls of a whole report, computed anew without what it was compared with.

    That its opening is that report's closing is all that cannot be known then: each opening is held
    against what the report itself claims.
    """
    before = report.about["baseline"]
    opening = {state: flow.opening for state, flow in report.summary.roll_forward.items()}
    return _check(
        report.rows,
        report.about,
        opening,
        date.fromisoformat(before["run_date"]) if before else None,
    )


def with_rows(rows: pd.DataFrame, about: dict[str, Any]) -> Report:
    """Return a report whose rows have exactly the columns and dtypes of ``ROWS``."""
    return Report(conform(rows, ROWS), about)


def _check(
    rows: pd.DataFrame,
    about: Mapping[str, Any],
    baseline_closing: Mapping[str, int] | None,
    baseline_run_date: date | None,
) -> tuple[Control, ...]:
    counted = about["input"]
    return check(
        rows,
        input_counts={name: counted[name] for name in ("lines", "pairs", "duplicates", "invalid")},
        summary=Summary.from_dict(about["summary"]),
        baseline_closing=baseline_closing,
        baseline_run_date=baseline_run_date,
    )


def _compared(baseline: Report | None) -> tuple[dict[str, int] | None, date | None]:
    if baseline is None:
        return None, None
    closing = {state: flow.closing for state, flow in baseline.summary.roll_forward.items()}
    return closing, baseline.run_date


def _about_input(source: Input) -> dict[str, Any]:
    return {
        "name": source.name,
        "sha256": source.sha256,
        "encoding": source.encoding,
        "lines": source.lines,
        "pairs": len(source.pairs),
        "duplicates": source.duplicates,
        "invalid": source.invalid,
        "continuation_lines": source.continuation_lines,
        "unusual_openids": source.unusual_openids,
        "decorated_lines": source.decorated,
        "first_decorated_line": source.first_decorated or None,
        "damaged_keys": [{**asdict(each), "kinds": list(each.kinds)} for each in source.damaged],
        "invalid_by_reason": source.invalid_by_reason,
        "invalid_lines": [
            {"line": each.line, "reason": str(each.reason)} for each in source.invalid_lines
        ],
    }


def _about_baseline(baseline: Report | None, file: Path | None) -> dict[str, Any] | None:
    if baseline is None or file is None:
        return None
    with file.open("rb") as stored:
        digest = hashlib.file_digest(stored, "sha256").hexdigest()
    return {
        "run_id": baseline.run_id,
        "run_date": baseline.run_date.isoformat(),
        "sha256": digest,
        "pairs": baseline.summary.pairs,
    }


def _about_asking(stats: RequestStats) -> dict[str, Any]:
    return {
        "requests": stats.requests,
        "retries": stats.retries,
        "throttles": stats.throttles,
        "probes": stats.probes,
        "replays": stats.replays,
        "answers_unnamed": stats.unnamed,
        "answers_without_echo": stats.without_echo,
        "outcomes": dict(sorted(stats.outcomes.items())),
        "latency_ms": stats.latency.percentiles_ms(),
    }


def _history(run: Run, summary: Summary, baseline: Report | None) -> list[dict[str, Any]]:
    """Return the counts of the last runs, this one last."""
    before = baseline.about["history"] if baseline else []
    this = {
        "run_date": run.date.isoformat(),
        "run_id": run.id,
        "pairs": summary.pairs,
        "states": summary.states,
        "known": summary.known,
        "changes": summary.changes,
        "gain": summary.gain,
        "loss": summary.loss,
    }
    return [*before, this][-_HISTORY:]
