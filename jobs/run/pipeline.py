"""One run of the job, in the order in which things happen."""

from __future__ import annotations

import asyncio
import secrets
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import structlog
from rich.console import Console

from jobs.compare.changes import classify
from jobs.compare.freshness import freshness
from jobs.compare.match import match
from jobs.compare.summary import summarize
from jobs.compare.verdict import judge
from jobs.deadline import check_run_date, today_in
from jobs.errors import UsageError
from jobs.input.pairs import Input, read_pairs
from jobs.journal.unfinished import kept_answers
from jobs.loggers import ALWAYS
from jobs.observe.logs import first_line_first
from jobs.observe.notifier import Outcome
from jobs.report.info import SCHEMA, GatewayId, RunInfo
from jobs.report.model import Report, compose
from jobs.report.refusals import refusals
from jobs.report.request_info import RequestInfo
from jobs.run.cleanup import expired_reports, tidy_up
from jobs.run.config import Options
from jobs.run.endpoint import open_endpoint
from jobs.run.estimate import Plan
from jobs.run.remedy import telling_how_to_go_on
from jobs.run.resume import dated
from jobs.run.session import Asked, ask_all, within_limits
from jobs.run.signals import signals_ignored
from jobs.run.start_line import log_first_line
from jobs.schema import ANSWERS, ROWS, State, conform
from jobs.store.baseline import (
    Baseline,
    check_dropped,
    check_replaced,
    check_required,
    find_baseline,
)
from jobs.store.lock import one_at_a_time
from jobs.store.preflight import check_outputs
from jobs.store.publish import publish
from jobs.store.published import Published
from jobs.sweep.answers import usable

__all__ = ["plan", "run"]


def run(options: Options, console: Console, outcome: Outcome | None = None) -> Published:
    """Ask about every pair of the input, compare, and publish the report.

    Args:
        options: How.
        console: For the progress bar.
        outcome: Is kept up to date with what is known of the run: its date, its journal, its
            report.

    Raises:
        RunError: The run ended before it had a verdict; nothing was published.
        palm.SettingsError: A setting is wrong; nothing was sent.
    """
    started = datetime.now(UTC)
    outcome = outcome or Outcome(str(options.run_date))
    check_outputs(options.store.outputs)
    with ExitStack() as stack:
        files = options.store.outputs.sidecars
        if files is not None:
            with telling_how_to_go_on(options):
                stack.enter_context(one_at_a_time(files.lock, started=started))
        return asyncio.run(_run(options, _read(options), started, console, stack, outcome))


def plan(options: Options) -> Plan:
    """Return what a run would do, and how long it would take; nothing is sent or written.

    Raises:
        RunError: As :func:`run`, where it would not even begin.
        palm.SettingsError: A setting is wrong.
    """
    return asyncio.run(_plan(options, _read(options)))


def _read(options: Options) -> Input:
    return read_pairs(options.input)


async def _plan(options: Options, source: Input) -> Plan:
    async with open_endpoint(options.settings, options.run_date) as endpoint:
        _check_run_date(options, endpoint.gateway)
        options = within_limits(dated(options, source, endpoint))
        found = _find_baseline(options, endpoint.gateway, source)
    kept = _kept_answers(options, found, source)
    files, asked = options.store.outputs.sidecars, source.pairs.drop(kept.index)
    there = (
        kept_answers(files, options.run_date, endpoint.gateway, asked) if files is not None else []
    )
    there = usable(there, accept_unnamed=options.sweep.accept_unnamed)
    resumed = 0 if options.fresh else len(there)
    compared = found.report.run_date if found.report else None
    removed = expired_reports(options, endpoint.gateway, compared, today=_today(options))
    return Plan.of(options, source, found, answered=len(kept) + resumed, removed=tuple(removed))


async def _run(  # noqa: PLR0917 - one of each thing that a run takes
    options: Options,
    source: Input,
    started: datetime,
    console: Console,
    stack: ExitStack,
    outcome: Outcome,
) -> Published:
    async with open_endpoint(options.settings, options.run_date) as endpoint:
        _check_run_date(options, endpoint.gateway)
        with first_line_first():
            options = within_limits(dated(options, source, endpoint))
            outcome.dated(options.run_date, options.store.outputs.sidecars)
            found = _find_baseline(options, endpoint.gateway, source)
            kept = _kept_answers(options, found, source)
            with telling_how_to_go_on(options):
                asked = await ask_all(
                    options, endpoint, source.pairs.drop(kept.index), _rows(found.report), console,
                    has_good_answer=len(kept) > 0,
                    begin=lambda more: log_first_line(options, source, found, len(kept) + more),
                )  # fmt: skip
    asked = _with_answers_before(asked, found, source, options.run_date)
    report = _compose(options, source, found, kept, asked, endpoint.gateway, started)
    piped = options.store.outputs.stdout is not None  # whoever reads it may keep the run waiting

    def before_placing() -> None:
        outcome.placing = True
        if not piped:  # once the report stands, the run ends as the report says
            stack.enter_context(signals_ignored())

    with telling_how_to_go_on(options):
        failed = publish(
            report,
            options.store.outputs,
            baseline=found.report,
            replaced=found.replaced,
            language=options.store.language,
            stdout=sys.stdout.buffer if piped else None,
            before_placing=before_placing,
        )
    outcome.published = published = Published(report, failed)
    counts = options.store.outputs.primary
    if not failed or (counts is not None and str(counts) not in {each.path for each in failed}):
        # Where it is not sure that the report stays, its answers are needed once more.
        tidy_up(options, report, today=_today(options))
    return published


def _compose(  # noqa: PLR0917 - one of each thing that a report is made of
    options: Options,
    source: Input,
    found: Baseline,
    kept: pd.DataFrame,
    asked: Asked,
    gateway: GatewayId,
    started: datetime,
) -> Report:
    baseline_date = found.report.run_date if found.report else None
    if found.replaced is not None:
        asked.stats.without_echo += _unnamed(found.replaced, kept)
    rows = classify(
        source.pairs,
        pd.concat([kept, asked.answers]) if len(kept) else asked.answers,
        _rows(found.report),
        run_date=options.run_date,
        baseline_run_date=baseline_date,
        forget_after_days=options.compare.forget_after_days,
    )
    summary = summarize(rows, baseline_run_date=baseline_date)
    verdict = judge(
        summary,
        source.invalid,
        max_unknown=options.compare.max_unknown,
        fail_on=options.compare.fail_on,
        not_asked=asked.not_asked,
    )
    finished = datetime.now(UTC)
    return compose(
        rows,
        summary,
        run=RunInfo.ended(
            verdict,
            id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            date=options.run_date,
            timezone=options.timezone,
            started=started,
            finished=finished,
            parent=found.replaced.run_id if options.retry_unanswered and found.replaced else None,
        ),
        gateway=gateway,
        source=source,
        baseline=found.report,
        baseline_file=found.path,
        asking=RequestInfo.of(
            asked.stats, asked.pace, refusals(rows, asked.stats), freshness(rows, finished)
        ),
    )


def _find_baseline(options: Options, gateway: GatewayId, source: Input) -> Baseline:
    found = find_baseline(
        options.store.outputs.primary,
        run_date=options.run_date,
        gateway=gateway,
        named=options.store.baseline,
        wanted=options.store.compare,
        folder=options.store.outputs.folder,
    )
    if found.report is not None and found.report.metadata.schema < SCHEMA:
        structlog.get_logger("palm.run").warning(
            f"{found.path} was written by an earlier version and has no checksums: its controls "
            "hold, but other damage to it would not be noticed"
        )
    if not options.store.replace:
        check_replaced(found.replaced, options.run_date, source.pairs)
    if options.store.require_baseline:
        check_required(found, options.store.outputs.folder or options.store.outputs.primary)
    if warning := check_dropped(found.report, source.pairs, options.store.max_dropped):
        structlog.get_logger(ALWAYS).warning(warning)
    return found


def _kept_answers(options: Options, baseline: Baseline, source: Input) -> pd.DataFrame:
    """Return the answers that a correcting run keeps: the good ones of the report it corrects."""
    if not options.retry_unanswered:
        return conform(pd.DataFrame(), ANSWERS)
    replaced = baseline.replaced
    if replaced is None or replaced.run_date != options.run_date:
        raise UsageError(
            f"--retry-unanswered: there is no report of {options.run_date} to correct; "
            "run without it, or set --run-date",
        )
    compared, with_it = replaced.metadata.baseline, baseline.report
    if (compared and compared.run_id) != (with_it and with_it.run_id):
        was = f"the report of {compared.run_date}" if compared else "nothing"
        remedy = "name that one with --baseline" if compared else "say --no-baseline"
        raise UsageError(
            f"--retry-unanswered: the report of {options.run_date} was compared with {was}; "
            f"{remedy}",
        )
    return _good_answers(replaced, source.pairs)


def _good_answers(report: Report, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the good answers of a report about ``pairs``: columns ``ANSWERS``, their index."""
    found = match(pairs, report.rows).found
    good = report.rows["state"].isin([State.ON, State.OFF, State.NONE]).to_numpy()
    places = np.flatnonzero((found >= 0) & good[found])
    kept = report.rows.iloc[found[places]].set_axis(pairs.index[places])
    return conform(kept[list(ANSWERS)], ANSWERS)


def _unnamed(report: Report, kept: pd.DataFrame) -> int:
    """Return how many answers kept from a report may be unnamed; it does not say which ones are."""
    return min(len(kept), report.metadata.asking.answers_without_echo)


def _with_answers_before(asked: Asked, baseline: Baseline, source: Input, day: date) -> Asked:
    """Return what a run that was cut by time found out, with the good answers that it replaces.

    A pair that has no answer now keeps the one in the report of the same date: the new report never
    knows less than the one before it.
    """
    replaced = baseline.replaced
    if not asked.cut or replaced is None or replaced.run_date != day:
        return asked
    unanswered = asked.answers.index[(asked.answers["state"] == State.UNKNOWN).to_numpy()]
    kept = _good_answers(replaced, source.pairs.loc[unanswered])
    if not len(kept):
        return asked
    asked.stats.without_echo += _unnamed(replaced, kept)
    structlog.get_logger("palm.run").info(
        f"{len(kept):,} pairs keep the answer of the report of {day} that is replaced"
    )
    answers = pd.concat([asked.answers.drop(kept.index), kept])
    return replace(asked, answers=answers.loc[asked.answers.index])


def _rows(baseline: Report | None) -> pd.DataFrame:
    return conform(pd.DataFrame(), ROWS) if baseline is None else baseline.rows


def _today(options: Options) -> date:
    return today_in(options.timezone, datetime.now(UTC))


def _check_run_date(options: Options, gateway: GatewayId) -> None:
    if gateway.kind != "sandbox":
        check_run_date(options.run_date, _today(options), options.timezone)
