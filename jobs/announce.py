"""Tells others how a run goes: a dead man's switch, and Prometheus. Neither can fail the job."""

from __future__ import annotations

import time
from pathlib import Path

import structlog

from jobs.exits import Exit, Stop
from jobs.metrics import write_metrics
from jobs.ping import Ping, checked_ping_url
from jobs.report import Report

__all__ = ["Announcer"]


class Announcer:
    """Says when the run begins and how it ends.

    Args:
        metrics: The file for Prometheus, or None.
        ping_url: That of the dead man's switch, or None.

    Raises:
        Stop: The metrics' folder does not exist (73).
        palm.SettingsError: The ping URL is none.
    """

    def __init__(self, metrics: Path | None, ping_url: str | None) -> None:
        if metrics is not None and not metrics.parent.is_dir():
            raise Stop(Exit.OUTPUT, f"the folder {metrics.parent} does not exist; make it first")
        self._metrics = metrics
        self._ping = Ping(checked_ping_url(ping_url)) if ping_url else None
        self._started = time.monotonic()
        self._log = structlog.get_logger("palm.run")

    def start(self) -> None:
        """Say that the run begins."""
        if self._ping is not None:
            self._warn(self._ping.start())

    def end(self, report: Report | None, exit_code: int) -> None:
        """Say how it ended."""
        if self._metrics is not None:
            try:
                write_metrics(
                    self._metrics,
                    report,
                    exit_code=exit_code,
                    finished=time.time(),
                    seconds=time.monotonic() - self._started,
                )
            except Stop as stop:
                self._warn(str(stop))
        if self._ping is not None:
            self._warn(self._ping.end(exit_code))

    def _warn(self, what: str | None) -> None:
        if what is not None:
            self._log.warning(what)
