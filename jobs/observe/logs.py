"""What the job says while it runs: text on a terminal, lines that each carry their time otherwise.

No openid is ever logged. A keyed hash stands for a person, so that one can be followed through a
log; with ``PALM_LOG_KEY`` the hash is the same in every run.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import structlog

from jobs.loggers import ALWAYS
from jobs.observe.log_format import line_formatter
from jobs.observe.log_handlers import (
    START,
    Dispatcher,
    LogFile,
    StandardError,
    plain_record,
)
from jobs.observe.unparsed_options import unparsed_option
from palm.text.printable import printable, without_keys

if TYPE_CHECKING:
    from jobs.compare.verdict import Verdict
    from jobs.report.model import Report

__all__ = [
    "Person",
    "add_log_file",
    "close_logs",
    "first_line_first",
    "log_error",
    "log_line",
    "log_start",
    "log_summary",
    "on_terminal",
    "report_error",
    "set_up_logging",
]

_NAME: Final = "palm-reconcile"
_HELD_BACK: Final = ("throttled_seconds", "outage_seconds", "starved_seconds")
_NOT_BELIEVED: Final = ("replays", "answers_unnamed", "answers_without_echo")


class Person:
    """Turns openids into keyed hashes.

    Args:
        key: Any text; None: one made for this process.
    """

    def __init__(self, key: str | None = None) -> None:
        secret = key.encode() if key else secrets.token_bytes(32)
        self._key = hashlib.blake2b(secret, digest_size=32).digest()

    @classmethod
    def from_env(cls) -> Person:
        """Return the one that ``PALM_LOG_KEY`` keys."""
        return cls(os.environ.get("PALM_LOG_KEY"))

    def of(self, openid: str) -> str:
        """Return 16 hexadecimal digits that stand for a person."""
        return hashlib.blake2b(openid.encode(), key=self._key, digest_size=8).hexdigest()


def log_error(line: str, *, exit_code: int) -> None:
    """Log why the command ends."""
    dispatcher = _dispatcher()
    if dispatcher is not None and dispatcher.all_json:
        structlog.get_logger("palm.run").error(line, exit_code=int(exit_code))
    else:
        log_line(f"{_NAME}: {line}", logging.ERROR)


def log_line(line: str, level: int = logging.INFO, *, file_only: bool = False) -> None:
    """Log a line of text that is to stand there as it is.

    Args:
        line: The text.
        level: Of the ``logging`` module.
        file_only: Whether standard error shows the same in another way.
    """
    text = printable(without_keys(line))
    logging.getLogger().handle(plain_record(text, level, file_only=file_only))


def log_start(sentence: str, **about: object) -> None:
    """Log the first line of a run.

    Args:
        sentence: The line.
        about: What is in it, for JSON.
    """
    dispatcher = _dispatcher()
    if dispatcher is None or dispatcher.events_json:
        structlog.get_logger(START).info(sentence, **about)
    elif logging.getLogger(START).isEnabledFor(logging.INFO):
        line = printable(without_keys(sentence))
        logging.getLogger().handle(plain_record(line, logging.INFO, logger=START))
    if dispatcher is not None:
        dispatcher.say_held_back()


def report_error(line: str, exit_code: int) -> None:
    """Log why the command ends, also where its arguments could not be read."""
    if _dispatcher() is None:
        wanted = unparsed_option(sys.argv[1:], "--log-format")
        set_up_logging("json" if wanted == "json" else "auto", level=logging.INFO)
    log_error(line, exit_code=exit_code)


@contextmanager
def first_line_first() -> Iterator[None]:
    """Let what the block logs wait for :func:`log_start`, or for the end of the block."""
    dispatcher = _dispatcher()
    if dispatcher is not None:
        dispatcher.hold_back()
    try:
        yield
    finally:
        if dispatcher is not None:
            dispatcher.say_held_back()


def on_terminal() -> bool:
    """Return True if standard error was a terminal when logging was set up."""
    dispatcher = _dispatcher()
    return dispatcher is not None and dispatcher.terminal


def log_summary(
    report: Report, name: str, verdict: Verdict | None = None, remedy: str | None = None
) -> None:
    """Log the report's headline and counts, instead of printing them as tables.

    Args:
        report: As published.
        name: Of the report.
        verdict: How the run ends; None: as the report says.
        remedy: What to do about it; None: nothing.
    """
    from jobs.render.text import headline  # noqa: PLC0415 - a report is at hand
    from jobs.render.warnings import warnings  # noqa: PLC0415

    log = structlog.get_logger("palm.run")
    for warning in warnings(report):
        log.warning(warning)
    summary, run, asking = report.summary, report.metadata.run, report.metadata.asking
    # What ends with another code than 0 is an error, so that -q and --log-file show it, too.
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
    )


def set_up_logging(log_format: str, *, level: int, stream: TextIO | None = None) -> bool:
    """Send structlog's and the standard library's events to standard error.

    Args:
        log_format: ``auto`` (text on a terminal, else JSON), ``text`` or ``json``.
        level: Of the ``logging`` module.
        stream: Instead of standard error.

    Returns:
        Whether events are JSON.
    """
    close_logs()
    terminal = (stream or sys.stderr).isatty()
    as_json = log_format == "json" or (log_format == "auto" and not terminal)
    handler = StandardError(stream)
    handler.setLevel(level)
    if terminal and not as_json:
        handler.hidden |= {START}
    handler.setFormatter(line_formatter(as_json=as_json, terminal=terminal))
    root = logging.getLogger()
    root.handlers[:] = [
        Dispatcher(handler, all_json=log_format == "json", events_json=as_json, terminal=terminal)
    ]
    root.setLevel(logging.WARNING)
    _let_through(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return as_json


def add_log_file(path: Path, log_format: str, *, verbose: bool) -> None:
    """Send all that is logged to a file, too; off a terminal standard error keeps errors only.

    Args:
        path: Of the file; it is appended to.
        log_format: As for :func:`set_up_logging`; ``auto`` is that of a standard error that is no
            terminal.
        verbose: Whether pairs without an answer are logged.

    Raises:
        OutputError: It cannot be written.
    """
    file, dispatcher = LogFile(path), _dispatcher()
    if dispatcher is None:
        raise RuntimeError("set_up_logging comes first")
    file.setFormatter(line_formatter(as_json=log_format != "text", terminal=False))
    file.setLevel(logging.DEBUG if verbose else logging.INFO)
    dispatcher.file = file
    dispatcher.events_json = log_format != "text"
    if not dispatcher.terminal:
        dispatcher.error.setLevel(logging.ERROR)
    _let_through(file.level)


def close_logs() -> None:
    """Say what is still held back, and close the file."""
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, Dispatcher):
            handler.close()
            logging.getLogger().removeHandler(handler)


def _dispatcher() -> Dispatcher | None:
    """Return what :func:`set_up_logging` has set up, None where it was not called."""
    found = (each for each in logging.getLogger().handlers if isinstance(each, Dispatcher))
    return next(found, None)


def _let_through(level: int) -> None:
    """Let events of a level and above through to the handlers, which choose among them."""
    logging.getLogger("palm").setLevel(level)
    logging.getLogger(ALWAYS).setLevel(min(level, logging.WARNING))
