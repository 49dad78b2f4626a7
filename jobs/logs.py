"""What the job says while it runs: text on a terminal, one JSON object a line otherwise.

No openid is ever logged. A keyed hash stands for a person, so that one can be followed through a
log; with ``PALM_LOG_KEY`` the hash is the same in every run.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from palm.printable import printable_values
from palm.shell import place_of

if TYPE_CHECKING:
    from jobs.report import Report

__all__ = ["ALWAYS", "Person", "log_error", "log_summary", "set_up_logging"]

ALWAYS: Final = "palm.always"
"""Logger of warnings that ``-q`` does not silence."""
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
    structlog.get_logger("palm.run").error(line, exit_code=int(exit_code))


def log_summary(report: Report, name: str, remedy: str | None = None) -> None:
    """Log the report's headline and counts, instead of printing them as tables.

    Args:
        report: As published.
        name: Of the report.
        remedy: What to do about it; None: nothing.
    """
    from jobs.render.wording import headline, warnings  # noqa: PLC0415 - a report is at hand

    log = structlog.get_logger("palm.run")
    for warning in warnings(report):
        log.warning(warning)
    summary, run = report.summary, report.about["run"]
    log.info(
        headline(report),
        report=name,
        run_date=run["date"],
        exit_code=run["exit_code"],
        verdict=run["verdict"],
        **({"remedy": remedy} if remedy else {}),
        run_id=run["id"],
        states=summary.states,
        changes={name: count for name, count in summary.changes.items() if count},
        unknown_reasons=summary.unknown_reasons,
        refusals=report.about["asking"].get("refusals", []),
        controls_hold=all(control.holds for control in report.controls),
        **{name: report.about["asking"][name] for name in (*_HELD_BACK, *_NOT_BELIEVED)},
    )


class _StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what standard error is at the time: a progress bar takes its place for a while."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)  # there is no stream to keep

    @property
    def stream(self) -> TextIO:
        """Return standard error."""
        return sys.stderr


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
        told["raised"] = place_of(error)
    shown: dict[str, Any] = printable_values(told)
    return shown


def set_up_logging(log_format: str, *, level: int, stream: TextIO | None = None) -> bool:
    """Send structlog's and the standard library's events to standard error.

    Args:
        log_format: ``auto`` (text on a terminal, else JSON), ``text`` or ``json``.
        level: Of the ``logging`` module.
        stream: Instead of standard error.

    Returns:
        Whether events are JSON.
    """
    terminal = (stream or sys.stderr).isatty()
    as_json = log_format == "json" or (log_format == "auto" and not terminal)
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=terminal and "NO_COLOR" not in os.environ, sort_keys=False
        )
    )
    handler = logging.StreamHandler(stream) if stream else _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _one_line,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("palm").setLevel(level)
    logging.getLogger(ALWAYS).setLevel(min(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return as_json
