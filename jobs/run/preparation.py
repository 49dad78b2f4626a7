"""Determines the run date, the limits and the earlier reports before the first request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd
import structlog

from jobs.deadline import check_run_date
from jobs.extract.shown_report import check_columns
from jobs.input.pairs import Input
from jobs.loggers import ALWAYS
from jobs.partitions.partitioned import FrameInMemory
from jobs.plurals import counted
from jobs.render.language import RenderOptions
from jobs.report.info import SCHEMA, GatewayId
from jobs.run.config import Options
from jobs.run.resumption.earlier_answers import answers_to_keep
from jobs.run.resumption.run_date import resumed_run_date
from jobs.schema import PAIRS, ROWS, carried_columns, conform
from jobs.store.baseline import (
    Baseline,
    check_dropped,
    check_replaced,
    check_required,
    find_baseline,
)
from jobs.store.options import StoreOptions
from jobs.sweep.file_limit import connections_within_limit

__all__ = ["Prepared", "check_shown_columns", "prepare", "settled"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run starts from.

    Attributes:
        source: The input.
        baseline: The report to compare with, and the report that is replaced.
        kept: Answers taken over from the report that is corrected; columns ``ANSWERS``.
    """

    source: Input
    baseline: Baseline
    kept: pd.DataFrame

    @property
    def unanswered(self) -> pd.DataFrame:
        """The pairs to ask about; columns ``PAIRS``."""
        return self.source.pairs.drop(self.kept.index)

    @property
    def earlier_rows(self) -> pd.DataFrame:
        """The rows of the report to compare with; columns ``ROWS``."""
        report = self.baseline.report
        return conform(pd.DataFrame(), ROWS) if report is None else report.rows

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
    carried = carried_columns(carried_columns(source.pairs.columns, PAIRS), ROWS)
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
    run_date = resumed_run_date(run, files, gateway, FrameInMemory(source.pairs))
    if run_date != run.run_date:
        options = options.for_date(run_date)
    return _within_file_limit(options)


def prepare(options: Options, gateway: GatewayId, source: Input) -> Prepared:
    """Return what a run starts from; nothing is written.

    Args:
        options: As :func:`settled` returns them.
        gateway: The gateway that is asked.
        source: The input.

    Raises:
        RunError: The run cannot begin with this baseline or this input.
    """
    run_date = options.run.run_date
    baseline = _find_baseline(options.store, run_date, gateway, source)
    kept = answers_to_keep(options.run, baseline.replaced, baseline.report, source.pairs)
    return Prepared(source, baseline, kept)


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
    store: StoreOptions, run_date: date, gateway: GatewayId, source: Input
) -> Baseline:
    outputs = store.outputs
    baseline = find_baseline(
        outputs.primary,
        run_date=run_date,
        gateway=gateway,
        named=store.baseline,
        wanted=store.compare,
        folder=outputs.folder,
    )
    if baseline.report is not None and baseline.report.metadata.schema < SCHEMA:
        structlog.get_logger("palm.run").warning(
            f"{baseline.path} was written by an earlier version and has no checksums: its controls "
            "hold, but other damage to it would not be noticed"
        )
    if not store.replace:
        check_replaced(baseline.replaced, run_date, source.pairs)
    if store.require_baseline:
        check_required(baseline, outputs.folder or outputs.primary)
    if warning := check_dropped(baseline.report, source.pairs, store.max_dropped):
        structlog.get_logger(ALWAYS).warning(warning)
    return baseline
