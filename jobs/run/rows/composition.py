"""Makes the report of a run: what its rows are made of, and then all that is said of them."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime

from jobs.compare.summary import Summary
from jobs.compare.verdict import Verdict, judge
from jobs.evidence.in_order import EvidenceInOrder
from jobs.report.compose import compose
from jobs.report.info import GatewayId, RunInfo
from jobs.report.model import Report
from jobs.report.part_info import PartsInfo
from jobs.report.refusals import count_refused
from jobs.report.request_info import RequestInfo
from jobs.run.asking.session import Asked
from jobs.run.asking.worker_places import WorkerPlaces
from jobs.run.config import Options
from jobs.run.preparation import Prepared
from jobs.run.resumption.earlier_answers import unnamed_answers, with_earlier_answers
from jobs.run.rows.evidence import RunEvidence
from jobs.run.rows.row_store import row_store
from jobs.run.rows.workspace import Workspace
from jobs.run.rows.writing import WrittenRows, write_rows, write_rows_by_workers
from jobs.store.staging.part_stage import PartStage
from jobs.store.staging.row_source import RowSource

__all__ = ["make_report"]


async def make_report(  # noqa: PLR0917 - one of each thing that a run takes
    options: Options,
    prepared: Prepared,
    asked: Asked,
    gateway: GatewayId,
    workspace: Workspace,
    started: datetime,
    evidence: RunEvidence | None,
    workers: WorkerPlaces | None,
) -> tuple[Report, EvidenceInOrder | None]:
    """Return the report of a run, and the evidence of its rows; None: none is kept.

    Args:
        options: The options of the run.
        prepared: The input, and the earlier reports.
        asked: The result of asking.
        gateway: The gateway that answered.
        workspace: Where rows that do not fit into memory are kept.
        started: When the run began, UTC.
        evidence: What was collected of it; None: it is not kept.
        workers: Those that asked, which then write the rows; None: this process does.

    Raises:
        OSError: What is in the workspace cannot be read, or the rows cannot be written there.
    """
    pairs = prepared.source.partitions
    asked = with_earlier_answers(
        asked, prepared.baseline.replaced, prepared.replaced_rows, pairs, options.run.run_date
    )
    in_parts = options.store.outputs.in_parts
    store = row_store(pairs.bits, workspace, in_parts=in_parts)
    parts = PartsInfo(1 << pairs.bits) if in_parts else None
    found = evidence.in_order(workspace, pairs.bits, in_parts=in_parts) if evidence else None
    made_of = _row_source(options, prepared, asked)
    writing = workers.crew.writing(options.run.clock) if workers else None
    if writing is not None and workers is not None and isinstance(store, PartStage):
        rows = await write_rows_by_workers(made_of, store, writing, workers.tasks)
        asked = replace(asked, cluster=workers.crew.counted(asked.cluster))
    else:
        rows = write_rows(made_of, store, found)
    report = _compose(options, prepared, asked, gateway, started, rows=rows, parts=parts)
    return report, found


def _row_source(options: Options, prepared: Prepared, asked: Asked) -> RowSource:
    """Return what the rows of a report are made of, once all answers are there."""
    return RowSource(
        pairs=prepared.source.partitions,
        kept=prepared.kept,
        answers=asked.answers,
        earlier=prepared.earlier_rows,
        run_date=options.run.run_date,
        earlier_run_date=prepared.earlier_run_date,
        forget_after_days=options.compare.forget_after_days,
        finished=datetime.now(UTC),
    )


def _compose(
    options: Options,
    prepared: Prepared,
    asked: Asked,
    gateway: GatewayId,
    started: datetime,
    *,
    rows: WrittenRows,
    parts: PartsInfo | None,
) -> Report:
    """Return the report of a run.

    Args:
        options: The options of the run.
        prepared: The input, and the earlier reports.
        asked: The result of asking.
        gateway: The gateway that answered.
        started: When the run began, UTC.
        rows: The rows, and their counts.
        parts: Into how many files the report is divided; None: it is one file.

    Raises:
        OSError: The rows cannot be read.
    """
    source, baseline, counts = prepared.source, prepared.baseline, rows.counts
    replaced = baseline.replaced
    if replaced is not None:
        asked.stats.without_echo += unnamed_answers(replaced, len(prepared.kept))
    summary = counts.summary.listed()
    refused = count_refused(counts.refused, asked.stats)
    return compose(
        rows.content,
        summary,
        run=RunInfo.ended(
            _verdict(options, summary, source.invalid, asked.not_asked),
            id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            date=options.run.run_date,
            timezone=options.run.timezone,
            started=started,
            finished=rows.finished,
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


def _verdict(options: Options, summary: Summary, invalid: int, not_asked: int) -> Verdict:
    return judge(
        summary,
        invalid,
        max_unknown=options.compare.max_unknown,
        fail_on=options.compare.fail_on,
        not_asked=not_asked,
    )
