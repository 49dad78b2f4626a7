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
    """Say what is still held back, and close the file."""
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, Dispatcher):
            handler.close()
            logging.getLogger().removeHandler(handler)


def current_dispatcher() -> Dispatcher | None:
    """Return what :func:`set_up_logging` has set up, None where it was not called."""
    found = (each for each in logging.getLogger().handlers if isinstance(each, Dispatcher))
    return next(found, None)


def _let_through(level: int) -> None:
    """Let events of a level and above through to the handlers, which choose among them."""
    logging.getLogger("palm").setLevel(level)
    logging.getLogger(ALWAYS).setLevel(min(level, logging.WARNING))
