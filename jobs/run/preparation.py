"""Determines the run date, the limits and the earlier reports before the first request."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date
from functools import partial

import pandas as pd
import structlog

from jobs.deadline import check_run_date
from jobs.extract.shown_report import check_columns
from jobs.input.pairs import Input
from jobs.loggers import ALWAYS
from jobs.partitions.partitioned import PartitionedFrame, derived
from jobs.plurals import counted
from jobs.render.language import RenderOptions
from jobs.report.info import SCHEMA, GatewayId
from jobs.report.model import Report
from jobs.run.config import Options
from jobs.run.resumption.earlier_answers import answers_to_keep
from jobs.run.resumption.run_date import resumed_run_date
from jobs.run.rows.workspace import Workspace
from jobs.schema import PAIRS, ROWS, carried_columns
from jobs.store.baseline import (
    Baseline,
    check_dropped,
    check_replaced,
    check_required,
    find_baseline,
)
from jobs.store.options import StoreOptions
from jobs.store.staging.partitioned_rows import no_rows, partitioned_rows
from jobs.sweep.file_limit import connections_within_limit

__all__ = ["Prepared", "check_shown_columns", "prepare", "settled"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run starts from.

    Attributes:
        source: The input.
        baseline: The report to compare with, and the report that is replaced.
        earlier_rows: The rows of the report to compare with; columns ``ROWS``.
        replaced_rows: The rows of the report that is replaced, if this one is of the same date;
            columns ``ROWS``, in other cases none.
        kept: Answers taken over from the report that is corrected; columns ``ANSWERS``.
    """

    source: Input
    baseline: Baseline
    earlier_rows: PartitionedFrame
    replaced_rows: PartitionedFrame
    kept: PartitionedFrame

    @property
    def unanswered(self) -> PartitionedFrame:
        """The pairs to ask about; columns ``PAIRS``."""
        pairs, kept = self.source.partitions, self.kept
        if not len(kept):
            return pairs
        return derived(
            pairs.bits,
            pairs.columns,
            partial(_left, pairs, kept),
            [pairs.rows_of(number) - kept.rows_of(number) for number in range(1 << pairs.bits)],
        )

    @property
    def earlier_run_date(self) -> date | None:
        """The run date of the report to compare with; None if there is none."""
        report = self.baseline.report
        return None if report is None else report.run_date


def check_shown_columns(render: RenderOptions, source: Input) -> None:
    """Check that the input has the columns of ``--by`` and ``--show``.

    Raises:
        UsageError: A column is unknown.
    """
    carried = carried_columns(carried_columns(source.partitions.columns, PAIRS), ROWS)
    check_columns((*render.by, *render.show), carried, "input")


def settled(options: Options, gateway: GatewayId, source: Input) -> Options:
    """Return the options with the final run date and the final number of requests in flight.

    Args:
        options: As they were given.
        gateway: The gateway that is asked.
        source: The input.

    Raises:
        UsageError: The run date or the time limit cannot be used, or too few files may be open.
    """
    run, files = options.run, options.store.outputs.sidecars
    if gateway.kind != "sandbox":
        check_run_date(run.run_date, run.today(), run.timezone)
    run_date = resumed_run_date(run, files, gateway, source.partitions)
    if run_date != run.run_date:
        options = options.for_date(run_date)
    return _within_file_limit(options)


def prepare(options: Options, gateway: GatewayId, source: Input, workspace: Workspace) -> Prepared:
    """Return what a run starts from; nothing is written but in the workspace.

    Args:
        options: As :func:`settled` returns them.
        gateway: The gateway that is asked.
        source: The input.
        workspace: Where rows that do not fit into memory are kept.

    Raises:
        RunError: The run cannot begin with this baseline or this input.
    """
    run, store, pairs = options.run, options.store, source.partitions
    baseline = _find_baseline(store, run.run_date, gateway, in_memory=not pairs.bits)
    with workspace.reporting_errors():
        earlier = _rows(baseline.report, pairs.bits, workspace, "baseline")
        same_date = baseline.replaced and baseline.replaced.run_date == run.run_date
        replaced_report = baseline.replaced if same_date else None
        replaced = _rows(replaced_report, pairs.bits, workspace, "replaced")
        if not store.replace:
            check_replaced(replaced_report, replaced, pairs)
        if store.require_baseline:
            check_required(baseline, store.outputs.folder or store.outputs.primary)
        if warning := check_dropped(earlier, pairs, store.max_dropped):
            structlog.get_logger(ALWAYS).warning(warning)
        kept = answers_to_keep(run, baseline.replaced, baseline.report, replaced, pairs)
    return Prepared(source, baseline, earlier, replaced, kept)


def _left(pairs: PartitionedFrame, kept: PartitionedFrame, number: int) -> pd.DataFrame:
    """Return the pairs of a partition whose answers are not taken over."""
    return pairs.frame(number).drop(kept.frame(number).index)


def _rows(report: Report | None, bits: int, workspace: Workspace, name: str) -> PartitionedFrame:
    if report is None:
        return no_rows(bits)
    return partitioned_rows(report, bits, workspace.folder(name) if bits else None)


def _within_file_limit(options: Options) -> Options:
    """Return the options with the requests in flight limited by the limit of open files.

    Raises:
        UsageError: Not even one request is possible.
    """
    wanted = options.sweep.in_flight
    possible = connections_within_limit(wanted, each=options.endpoint.files_per_request)
    if possible < wanted:
        structlog.get_logger("palm.run").warning(
            f"The limit of open files allows {counted(possible, 'request')} in flight instead of "
            f"{wanted:,}: raise it with ulimit -n, or use --concurrency {possible}"
        )
    return options.with_at_most(possible)


def _find_baseline(
    store: StoreOptions, run_date: date, gateway: GatewayId, *, in_memory: bool
) -> Baseline:
    outputs = store.outputs
    baseline = find_baseline(
        outputs.primary,
        run_date=run_date,
        gateway=gateway,
        named=store.baseline,
        wanted=store.compare,
        folder=outputs.folder,
        most_in_memory=sys.maxsize if in_memory else 0,  # its rows will all be needed
    )
    if baseline.report is not None and baseline.report.metadata.schema < SCHEMA:
        structlog.get_logger("palm.run").warning(
            f"{baseline.path} was written by an earlier version and has no checksums: its controls "
            "hold, but other damage to it would not be noticed"
        )
    return baseline
