"""One run of the job, in the order in which things happen."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache, partial

from rich.console import Console

from jobs.extract.shown_report import shown_report
from jobs.input.pairs import Input
from jobs.journal.unfinished import count_kept_answers
from jobs.observe.log.messages import first_line_first
from jobs.observe.notifier import Outcome
from jobs.report.model import Report
from jobs.run.asking.ask_all import ask_all
from jobs.run.asking.crew import Crew
from jobs.run.asking.session import Asked, Session
from jobs.run.asking.signals import signals_ignored
from jobs.run.asking.worker_places import WorkerPlaces
from jobs.run.cleanup import expired_reports, tidy_up
from jobs.run.config import Options
from jobs.run.endpoint import Endpoint
from jobs.run.estimate import Plan, log_first_line
from jobs.run.preparation import Prepared, check_shown_columns, prepare, settled
from jobs.run.resumption.remedy import adding_remedy, remedy
from jobs.run.rows.composition import make_report
from jobs.run.rows.evidence import (
    RunEvidence,
    WrittenEvidence,
    check_evidence_folder,
    check_evidence_place,
    old_evidence,
    remove_old_evidence,
)
from jobs.run.rows.reading import read_input
from jobs.run.rows.workspace import Workspace
from jobs.store.files.lock import one_at_a_time
from jobs.store.preflight import check_outputs
from jobs.store.publish import publish
from jobs.store.published import Published
from jobs.store.staging.ordered_rows import OrderedRows, in_input_order

__all__ = ["plan", "run"]


def run(options: Options, console: Console, outcome: Outcome | None = None) -> Published:
    """Ask about every pair of the input, compare, and publish the report.

    Args:
        options: The options of the run.
        console: For the progress bar.
        outcome: Is updated during the run with its date, its journal and its report.

    Raises:
        RunError: The run ended before it had a verdict; nothing was published.
        palm.SettingsError: A setting is wrong; nothing was sent.
    """
    started = datetime.now(UTC)
    outcome = outcome or Outcome(str(options.run.run_date))
    outputs = options.store.outputs
    check_outputs(outputs)
    check_evidence_folder(options.evidence, outputs, options.run.run_date)
    with ExitStack() as stack:
        files = outputs.sidecars
        if files is not None:
            with adding_remedy(options.command, options.run):
                stack.enter_context(one_at_a_time(files.lock, started=started))
        workspace = stack.enter_context(Workspace(files))
        with adding_remedy(options.command, options.run):
            source = read_input(options, workspace)
        check_shown_columns(options.render, source)
        return asyncio.run(_run(options, source, workspace, started, console, stack, outcome))


def plan(options: Options) -> Plan:
    """Return what a run would do, and how long it would take; nothing is sent or written.

    Args:
        options: The options of the run.

    Raises:
        RunError: The run could not begin.
        palm.SettingsError: A setting is wrong.
    """
    check_evidence_place(options.evidence, options.store.outputs)
    with Workspace(None) as workspace:
        source = read_input(options, workspace)
        check_shown_columns(options.render, source)
        return asyncio.run(_plan(options, source, workspace))


async def _plan(options: Options, source: Input, workspace: Workspace) -> Plan:
    async with options.endpoint.open(options.run.run_date) as endpoint:
        options = settled(options, endpoint.gateway, source)
        prepared = prepare(options, endpoint.gateway, source, workspace)
    run, files, resumed = options.run, options.store.outputs.sidecars, 0
    if files is not None:
        answers = count_kept_answers(
            files,
            run.run_date,
            endpoint.gateway,
            prepared.unanswered,
            accept_unnamed=options.sweep.accept_unnamed,
            only_signed=options.evidence.folder is not None and not run.is_out_of_time,
        )
        resumed = 0 if run.fresh else answers
    compared = prepared.earlier_run_date
    today = run.today()
    removed = expired_reports(options.store, run.run_date, endpoint.gateway, compared, today=today)
    evidence = old_evidence(options.evidence, run.run_date, today=today)
    return Plan.of(
        run,
        options.sweep,
        source,
        prepared.baseline,
        answered=len(prepared.kept) + resumed,
        cluster=options.cluster,
        removed=(*removed, *(day.path for day in evidence)),
    )


async def _run(  # noqa: PLR0917 - one of each thing that a run takes
    options: Options,
    source: Input,
    workspace: Workspace,
    started: datetime,
    console: Console,
    stack: ExitStack,
    outcome: Outcome,
) -> Published:
    async with Crew() as crew:
        async with options.endpoint.open(options.run.run_date) as endpoint:
            with first_line_first():
                options = settled(options, endpoint.gateway, source)
                outcome.dated(
                    options.run.run_date,
                    options.store.outputs.sidecars,
                    partial(remedy, options.command, options.run, "to go on"),
                )
                with adding_remedy(options.command, options.run):
                    prepared = prepare(options, endpoint.gateway, source, workspace)
                    with workspace.reporting_errors():
                        evidence = RunEvidence.begin(options, endpoint.keys, prepared, workspace)
                        workers = _workers(options, endpoint, workspace, crew)
                        asked = await _ask(
                            options, endpoint, prepared, workspace, console, evidence, workers
                        )
        with adding_remedy(options.command, options.run), workspace.reporting_errors():
            report, found = await make_report(
                options, prepared, asked, endpoint.gateway, workspace, started, evidence, workers
            )
    with adding_remedy(options.command, options.run), workspace.reporting_errors():
        written = stack.enter_context(WrittenEvidence.of(report, evidence, found, asked))
    return _publish(options, prepared, written, workspace, stack, outcome)


def _publish(  # noqa: PLR0917 - one of each thing that a run takes
    options: Options,
    prepared: Prepared,
    written: WrittenEvidence,
    workspace: Workspace,
    stack: ExitStack,
    outcome: Outcome,
) -> Published:
    """Publish the report and its evidence, and remove what is then of no use."""
    report = written.report
    in_order = in_input_order(
        report, lambda parts: OrderedRows(parts, lambda: workspace.folder("ordered"))
    )
    shown = _shown(in_order, options)
    outputs = options.store.outputs
    piped = outputs.stdout is not None  # the reader of the pipe may keep the run waiting

    def before_placing() -> None:
        outcome.placing = True
        if not piped:  # after the report is published, its verdict is the exit code
            stack.enter_context(signals_ignored())

    with adding_remedy(options.command, options.run):
        failed = publish(
            report,
            outputs,
            baseline=prepared.baseline.report,
            replaced=prepared.baseline.replaced,
            render=options.render,
            in_order=in_order,
            shown=shown,
            stdout=sys.stdout.buffer if piped else None,
            before_placing=before_placing,
        )
    outcome.published = published = Published(report, failed, shown)
    if not failed or (
        outputs.primary is not None and str(outputs.primary) not in {each.path for each in failed}
    ):
        # If it is not certain that the report is kept, the answers may be needed again.
        with adding_remedy(options.command, options.run):
            written.publish(outputs.primary)
        today = options.run.today()
        tidy_up(options.store, report, today=today)
        remove_old_evidence(options.evidence, report.run_date, today=today)
    return published


def _shown(report: Report, options: Options) -> Callable[[], Report]:
    """Return a function that makes the report for the formats that people read."""
    render = options.render

    @cache
    def shown() -> Report:
        person = options.person if render.redact else None
        return shown_report(report, by=render.by, show=render.show, person=person)

    return shown


async def _ask(  # noqa: PLR0917 - one of each thing that a run takes
    options: Options,
    endpoint: Endpoint,
    prepared: Prepared,
    workspace: Workspace,
    console: Console,
    evidence: RunEvidence | None,
    workers: WorkerPlaces | None,
) -> Asked:
    """Ask about the pairs that have no answer yet."""
    kept, outputs = len(prepared.kept), options.store.outputs
    in_partitions = prepared.source.partitions.bits > 0

    def begin(resumed: int) -> None:
        answered = kept + resumed
        planned = Plan.of(
            options.run,
            options.sweep,
            prepared.source,
            prepared.baseline,
            answered=answered,
            cluster=options.cluster,
        )
        log_first_line(planned, prepared.source, outputs, options.sweep.quota)

    terminal = console.is_terminal and not console.is_dumb_terminal
    session = Session(
        endpoint=endpoint,
        run=options.run,
        sweep=options.sweep,
        waits=options.waits,
        files=outputs.sidecars,
        outcomes=workspace.folder("outcomes") if in_partitions else None,
        journals=workspace.journals(options.run.run_date) if in_partitions else None,
        workers=workers,
        evidence=evidence.collector if evidence else None,
        person=options.person,
        bar=options.observe.shows_bar(terminal=terminal),
        remedy=partial(remedy, options.command, options.run, "to go on"),
    )
    return await ask_all(
        session,
        prepared.unanswered,
        prepared.earlier_rows,
        console,
        has_good_answer=kept > 0,
        begin=begin,
    )


def _workers(
    options: Options, endpoint: Endpoint, workspace: Workspace, crew: Crew
) -> WorkerPlaces | None:
    """Return what asking by workers needs; None: the command itself asks."""
    journals = workspace.journals(options.run.run_date) if options.cluster.target else None
    if journals is None:
        return None
    return WorkerPlaces(
        cluster=options.cluster,
        settings=endpoint.worker_settings(workspace.folder("settings")),
        tasks=workspace.folder("tasks"),
        journals=journals.resolve(),
        crew=crew,
        began_s=workspace.began_s,
    )
