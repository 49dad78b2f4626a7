"""What the job logs: its first line, its summary, and why the command ends.

No openid is ever logged: :mod:`jobs.person` replaces each by a keyed hash.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from jobs.observe.log.handlers import START, plain_record
from jobs.observe.log.setup import current_dispatcher, set_up_logging
from jobs.observe.usage_errors import unparsed_option
from palm.text.printable import printable, without_keys

if TYPE_CHECKING:
    from jobs.compare.verdict import Verdict
    from jobs.report.model import Report

__all__ = [
    "first_line_first",
    "log_error",
    "log_line",
    "log_start",
    "log_summary",
    "on_terminal",
    "report_error",
]

_NAME: Final = "palm-reconcile"
_HELD_BACK: Final = ("throttled_seconds", "outage_seconds", "starved_seconds")
_NOT_BELIEVED: Final = ("replays", "answers_unnamed", "answers_without_echo")


def log_error(line: str, *, exit_code: int) -> None:
    """Log why the command ends."""
    dispatcher = current_dispatcher()
    if dispatcher is not None and dispatcher.all_json:
        structlog.get_logger("palm.run").error(line, exit_code=int(exit_code))
    else:
        log_line(f"{_NAME}: {line}", logging.ERROR)


def log_line(line: str, level: int = logging.INFO, *, file_only: bool = False) -> None:
    """Log a line of text, which is not rendered as an event.

    Args:
        line: The text.
        level: A level of the ``logging`` module.
        file_only: Whether the line goes only to the log file, for standard error shows the same in
            another form.
    """
    text = printable(without_keys(line))
    logging.getLogger().handle(plain_record(text, level, file_only=file_only))


def log_start(sentence: str, **about: object) -> None:
    """Log the first line of a run.

    Args:
        sentence: The line as text.
        about: The values in it, for JSON.
    """
    dispatcher = current_dispatcher()
    if dispatcher is None or dispatcher.events_json:
        structlog.get_logger(START).info(sentence, **about)
    elif logging.getLogger(START).isEnabledFor(logging.INFO):
        line = printable(without_keys(sentence))
        logging.getLogger().handle(plain_record(line, logging.INFO, logger=START))
    if dispatcher is not None:
        dispatcher.release_held_back()


def report_error(line: str, exit_code: int) -> None:
    """Log why the command ends, also if its arguments could not be read."""
    if current_dispatcher() is None:
        wanted = unparsed_option(sys.argv[1:], "--log-format")
        set_up_logging("json" if wanted == "json" else "auto", level=logging.INFO)
    log_error(line, exit_code=exit_code)


@contextmanager
def first_line_first() -> Iterator[None]:
    """Hold back what the block logs until :func:`log_start`, or until the end of the block."""
    dispatcher = current_dispatcher()
    if dispatcher is not None:
        dispatcher.hold_back()
    try:
        yield
    finally:
        if dispatcher is not None:
            dispatcher.release_held_back()


def on_terminal() -> bool:
    """Return True if standard error was a terminal when logging was set up."""
    dispatcher = current_dispatcher()
    return dispatcher is not None and dispatcher.terminal


def log_summary(
    report: Report, name: str, verdict: Verdict | None = None, remedy: str | None = None
) -> None:
    """Log the report's headline and counts, instead of printing them as tables.

    Args:
        report: The published report.
        name: The name of the report.
        verdict: How the run ends; None: as the report says.
        remedy: What to do about it; None: nothing.
    """
    from jobs.render.text import headline  # noqa: PLC0415 - a report is at hand
    from jobs.render.warnings import warnings  # noqa: PLC0415

    log = structlog.get_logger("palm.run")
    for warning in warnings(report):
        log.warning(warning)
    summary, run, asking = report.summary, report.run, report.asking
    # An exit code other than 0 is an error, so that it is also shown with -q and --log-file.
    exit_code = verdict.exit_code if verdict else run.exit_code
    log.log(
        logging.ERROR if exit_code else logging.INFO,
        headline(report),
        report=name,
        run_date=run.date.isoformat(),
        exit_code=exit_code,
        verdict=list(verdict.sentences) if verdict else list(run.verdict),
        **({"remedy": remedy} if remedy else {}),
        run_id=run.id,
        states=summary.states,
        changes={name: count for name, count in summary.changes.items() if count},
        unknown_reasons=summary.unknown_reasons,
        refusals=[each.to_json() for each in asking.refusals or ()],
        controls_hold=all(control.holds for control in report.controls),
        **{name: getattr(asking, name) for name in (*_HELD_BACK, *_NOT_BELIEVED)},
        **({"cluster": cluster.to_json()} if (cluster := report.metadata.cluster) else {}),
    )
