"""Makes the report of a run: the answers compared with the report before, part by part."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pandas as pd

from jobs.compare.changes import classify
from jobs.compare.freshness import NO_ANSWER_AGES, AnswerAges, answer_ages
from jobs.compare.summary import Summary, summarize_part
from jobs.compare.verdict import Verdict, judge
from jobs.evidence.in_order import EvidenceInOrder
from jobs.report.compose import compose
from jobs.report.info import GatewayId, RunInfo
from jobs.report.model import Report
from jobs.report.part_info import PartsInfo
from jobs.report.refusals import count_refused, refused_kinds
from jobs.report.request_info import RequestInfo
from jobs.run.asking.session import Asked
from jobs.run.config import Options
from jobs.run.preparation import Prepared
from jobs.run.resumption.earlier_answers import unnamed_answers
from jobs.run.rows.row_store import RowStore

__all__ = ["compose_report"]


@dataclass(slots=True)
class _Counts:
    """The counts of the partitions so far."""

    summary: Summary = field(default_factory=Summary.empty)
    ages: AnswerAges = NO_ANSWER_AGES
    refused: Counter[tuple[int | None, str | None]] = field(default_factory=Counter)

    def add(self, rows: pd.DataFrame, finished: datetime, earlier_run_date: date | None) -> None:
        """Count the rows of a partition."""
        self.summary += summarize_part(rows, baseline_run_date=earlier_run_date)
        self.ages += answer_ages(rows, finished)
        self.refused += refused_kinds(rows)


def compose_report(
    options: Options,
    prepared: Prepared,
    asked: Asked,
    gateway: GatewayId,
    started: datetime,
    *,
    store: RowStore,
    parts: PartsInfo | None,
    evidence: EvidenceInOrder | None = None,
) -> Report:
    """Return the report of a run.

    Args:
        options: The options of the run.
        prepared: The input, and the earlier reports.
        asked: The result of asking.
        gateway: The gateway that answered.
        started: When the run began, UTC.
        store: Takes the rows.
        parts: Into how many files the report is divided; None: it is one file.
        evidence: Takes the evidence of each partition's rows; None: it is not kept.

    Raises:
        OSError: The rows cannot be kept on disk.
    """
    source, baseline, finished = prepared.source, prepared.baseline, datetime.now(UTC)
    replaced = baseline.replaced
    if replaced is not None:
        asked.stats.without_echo += unnamed_answers(replaced, len(prepared.kept))
    counts = _Counts()
    for number in range(1 << source.partitions.bits):
        rows = _rows(options, prepared, asked, number)
        counts.add(rows, finished, prepared.earlier_run_date)
        store.add(number, rows)
        if evidence is not None:
            evidence.add(number, rows)
    summary = counts.summary.listed()
    refused = count_refused(counts.refused, asked.stats)
    return compose(
        store.content(),
        summary,
        run=RunInfo.ended(
            _verdict(options, summary, source.invalid, asked.not_asked),
            id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            date=options.run.run_date,
            timezone=options.run.timezone,
            started=started,
            finished=finished,
            parent=replaced.run_id if options.run.retry_unanswered and replaced else None,
        ),
        gateway=gateway,
        source=source,
        baseline=baseline.report,
        baseline_file=baseline.path,
        asking=RequestInfo.of(asked.stats, asked.pace, refused, counts.ages.freshness()),
        parts=parts,
        cluster=asked.cluster,
    )


def _rows(options: Options, prepared: Prepared, asked: Asked, number: int) -> pd.DataFrame:
    """Return the rows of a partition, columns ``ROWS`` and the carried ones."""
    kept, answers = prepared.kept.frame(number), asked.answers.frame(number)
    return classify(
        prepared.source.partitions.frame(number),
        pd.concat([kept, answers]) if len(kept) else answers,
        prepared.earlier_rows.frame(number),
        run_date=options.run.run_date,
        baseline_run_date=prepared.earlier_run_date,
        forget_after_days=options.compare.forget_after_days,
    )


def _verdict(options: Options, summary: Summary, invalid: int, not_asked: int) -> Verdict:
    return judge(
        summary,
        invalid,
        max_unknown=options.compare.max_unknown,
        fail_on=options.compare.fail_on,
        not_asked=not_asked,
    )
