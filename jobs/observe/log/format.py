"""Renders log records as lines: an event as JSON or as text, a plain line with its time."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime

import structlog
from structlog.typing import EventDict, Processor

from palm.commands.runner import location_of
from palm.text.printable import printable_values

__all__ = ["line_formatter"]


def line_formatter(*, as_json: bool, terminal: bool) -> logging.Formatter:
    """Return the formatter of log records.

    Args:
        as_json: Whether events are rendered as JSON.
        terminal: Whether the lines go to a terminal, where a plain line needs no time.
    """
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=terminal and "NO_COLOR" not in os.environ, sort_keys=False
        )
    )
    events = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level],
        processors=[
            _with_utc if as_json else _with_local_time,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _one_line,
            renderer,
        ],
    )
    return _LineFormatter(events, timed=not terminal)


class _LineFormatter(logging.Formatter):
    """Renders plain lines, and leaves events to structlog.

    Args:
        events: The formatter of events.
        timed: Whether a plain line begins with its time.
    """

    def __init__(self, events: logging.Formatter, *, timed: bool) -> None:
        super().__init__()
        self._events = events
        self._timed = timed

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if not getattr(record, "plain", False):
            return self._events.format(record)
        return f"{_local_time(record)} {record.msg}" if self._timed else str(record.msg)


def _local_time(record: logging.LogRecord) -> str:
    """Return the time of a record for a line of text: ``2026-11-26T01:30:00+08:00``."""
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="seconds")


def _with_local_time(_: object, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = _local_time(event["_record"])
    return event


def _with_utc(_: object, __: str, event: EventDict) -> EventDict:
    moment = datetime.fromtimestamp(event["_record"].created, UTC)
    event["timestamp"] = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return event


def _one_line(_: object, __: str, event: EventDict) -> EventDict:
    """Return an event without control characters, keys and tracebacks.

    An exception is described by its type and where it was raised: its text might contain a secret.
    """
    shown, error = dict(event), None
    for name in ("exception", "stack_info", "stack"):
        shown.pop(name, None)
    if exc_info := shown.pop("exc_info", None):
        error = exc_info if isinstance(exc_info, BaseException) else sys.exc_info()[1]
        error = exc_info[1] if isinstance(exc_info, tuple) else error
    if error is not None:
        shown["raised"] = location_of(error)
    printed: EventDict = printable_values(shown)
    return printed
