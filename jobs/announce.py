"""Tells others how a run goes: a dead man's switch, and Prometheus. Neither can fail the job."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import structlog

from jobs.exits import Exit, Stop
from jobs.metrics import write_metrics
from jobs.ping import Ping, checked_ping_url
from jobs.report import Report
from palm.printable import printable

__all__ = ["Announcer"]


class Announcer:
    """Says when the run begins and how it ends.

    Args:
        metrics: The file for Prometheus, or None.
        ping_url: That of the dead man's switch, or None.

    Raises:
        palm.SettingsError: The ping URL is none.
    """

    def __init__(self, metrics: Path | None, ping_url: str | None) -> None:
        self._ping = Ping(checked_ping_url(ping_url)) if ping_url else None
        self._metrics: Path | None = None
        self._wanted = metrics
        self._started = time.monotonic()
        self._log = structlog.get_logger("palm.run")

    def start(self) -> None:
        """Say that the run begins.

        Raises:
            Stop: The metrics' folder does not exist (73).
        """
        if self._ping is not None:
            self._ping.start()
        if self._wanted is not None:
            try:
                there = self._wanted.parent.is_dir()
            except OSError as error:  # too long, or in a folder that cannot be searched
                said = f"--metrics: the path cannot be used: {error.strerror}"
                raise Stop(Exit.OUTPUT, said) from None
            if not there:
                raise Stop(
                    Exit.OUTPUT, f"the folder {self._wanted.parent} does not exist; make it first"
                )
        self._metrics = self._wanted

    def end(self, report: Report | None, exit_code: int, about: Mapping[str, str]) -> None:
        """Say how it ended.

        Args:
            report: What was published, None where nothing was.
            exit_code: Of the run.
            about: What the ping's body says besides the exit code.
        """
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
                self._log.warning(str(stop))
        if self._ping is not None:
            lines = {**about, "exit code": str(exit_code)}
            body = "".join(f"{name}: {printable(value)}\n" for name, value in lines.items())
            for fault in self._ping.end(exit_code, body):
                self._log.warning(fault)
