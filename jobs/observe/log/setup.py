"""Sets up where log lines go: standard error, and the file of ``--log-file``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TextIO

import structlog

from jobs.loggers import ALWAYS
from jobs.observe.log.format import line_formatter
from jobs.observe.log.handlers import START, Dispatcher, LogFile, StandardError

__all__ = ["add_log_file", "close_logs", "current_dispatcher", "set_up_logging"]


def set_up_logging(log_format: str, *, level: int, stream: TextIO | None = None) -> bool:
    """Send structlog's and the standard library's events to standard error.

    Args:
        log_format: ``auto`` (text on a terminal, else JSON), ``text`` or ``json``.
        level: A level of the ``logging`` module.
        stream: Where to write instead of standard error.

    Returns:
        Whether events are rendered as JSON.
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
    """Also write the log to a file; unless it is a terminal, standard error then shows errors only.

    Args:
        path: The file, to which lines are appended.
        log_format: As for :func:`set_up_logging`; ``auto`` is JSON.
        verbose: Whether pairs without an answer are logged.

    Raises:
        OutputError: The file cannot be written.
    """
    file, dispatcher = LogFile(path), current_dispatcher()
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
    """Write what is still held back, and close the log file."""
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, Dispatcher):
            handler.close()
            logging.getLogger().removeHandler(handler)


def current_dispatcher() -> Dispatcher | None:
    """Return the dispatcher that :func:`set_up_logging` made, or None if it was not called."""
    dispatchers = (each for each in logging.getLogger().handlers if isinstance(each, Dispatcher))
    return next(dispatchers, None)


def _let_through(level: int) -> None:
    """Pass events of a level and above to the handlers, which have levels of their own."""
    logging.getLogger("palm").setLevel(level)
    logging.getLogger(ALWAYS).setLevel(min(level, logging.WARNING))
