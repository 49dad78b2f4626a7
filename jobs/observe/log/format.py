"""How what is logged becomes a line: an event as JSON or as text, a plain line with its time."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

from palm.commands.runner import location_of
from palm.text.printable import printable_values

__all__ = ["line_formatter"]


def line_formatter(*, as_json: bool, terminal: bool) -> logging.Formatter:
    """Return what renders records as lines.

    Args:
        as_json: Whether events are JSON.
        terminal: Whether a terminal shows them, where a plain line needs no time.
    """
    renderer: Any = (
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
    """Renders plain lines, with their time or without, and leaves events to structlog.

    Args:
        events: Renders them.
        timed: Whether a plain line begins with the time; a terminal does not need it.
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
    """Return when it was logged as a line of text says it: ``2026-11-26T01:30:00+08:00``."""
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="seconds")


def _with_local_time(
    _: object, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    event["timestamp"] = _local_time(event["_record"])
    return event


def _with_utc(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    moment = datetime.fromtimestamp(event["_record"].created, UTC)
    event["timestamp"] = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return event


def _one_line(_: object, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Return an event whose texts steer nothing, and hold neither a key nor a traceback's values.

    Of an exception its type and place are told: its text might hold what must not be shown.
    """
    told, error = dict(event), None
    for name in ("exception", "stack_info", "stack"):
        told.pop(name, None)
    if found := told.pop("exc_info", None):
        error = found if isinstance(found, BaseException) else sys.exc_info()[1]
        error = found[1] if isinstance(found, tuple) else error
    if error is not None:
        told["raised"] = location_of(error)
    shown: dict[str, Any] = printable_values(told)
    return shown
