"""Reports a run to a dead man's switch, Prometheus and people; an error there never fails it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import structlog

from jobs.compare.verdict import Verdict
from jobs.errors import RunError
from jobs.journal.paths import JournalPath, existing_journals
from jobs.observe.metrics import check_metrics, write_metrics
from jobs.observe.notify.message import Ending, first_line
from jobs.observe.notify.messenger import Messenger
from jobs.observe.notify.options import NotifyOptions
from jobs.observe.ping import Ping, checked_ping_url, ping_body
from jobs.report.model import Report
from jobs.store.files.same_file import check_metrics_apart
from jobs.store.locations import Sidecars
from jobs.store.published import Published
from palm.commands.runner import DEFECT, Consequence, location_of

__all__ = ["Outcome", "RunNotifier", "announced", "heedless", "noting_consequence"]


class RunNotifier:
    """Reports the start and the end of a run.

    Args:
        metrics: The file for Prometheus, or None.
        ping_url: The URL of the dead man's switch, or None.
        name: The name of the report.
        outputs: The values of ``-o``; none may be the metrics file.
        others: The files that the run reads, with settings and keys; none may be the metrics file.
        notify: The options of messages; None if none are sent.

    Raises:
        palm.SettingsError: The ping URL is not valid.
    """

    def __init__(
        self,
        metrics: Path | None,
        ping_url: str | None,
        name: str,
        outputs: Sequence[str] = (),
        others: Sequence[str | Path | None] = (),
        *,
        notify: NotifyOptions | None = None,
    ) -> None:
        self._ping = Ping(checked_ping_url(ping_url)) if ping_url else None
        self._metrics: Path | None = None
        self._wanted = metrics
        self._name = name
        self._outputs, self._others = outputs, others
        self._notify = notify or NotifyOptions()
        self._messenger = Messenger(self._notify)
        self._started = time.monotonic()
        self._log = structlog.get_logger("palm.run")

    def start(self) -> None:
        """Report that the run begins.

        Raises:
            OutputError: The metrics cannot be written there.
            UsageError: They would replace another file.
        """
        if self._ping is not None:
            self._ping.start()
        self._messenger.check()
        if self._wanted is not None:
            check_metrics_apart(self._wanted, self._outputs, self._others)
            self._metrics = check_metrics(self._wanted)
            if self._wanted.suffix != ".prom":
                self._log.warning(
                    f"--metrics {self._wanted}: Prometheus' node_exporter reads only files whose "
                    "name ends in .prom"
                )

    def end(
        self,
        report: Report | None,
        exit_code: int,
        run_date: str,
        *,
        verdict: Verdict | None = None,
        error: str | None = None,
        command: str | None = None,
    ) -> None:
        """Report how the run ended.

        Args:
            report: The published report, or None.
            exit_code: The exit code of the run.
            run_date: The run date of the report or, if there is none, of the run.
            verdict: The verdict of the run; None without a report.
            error: The last line of a run without a report, or None.
            command: The command that asks again about pairs without an answer; None if there is
                none.
        """
        if self._metrics is not None:
            try:
                write_metrics(
                    self._metrics,
                    report,
                    name=self._name,
                    exit_code=exit_code,
                    finished=time.time(),
                    seconds=time.monotonic() - self._started,
                )
            except RunError as fault:
                # Also with -q: an alert cannot notice metrics that were never written.
                self._log.error(str(fault))
        ending = Ending(
            name=self._name,
            run_date=run_date,
            exit_code=exit_code,
            report=report,
            verdict=verdict,
            error=error,
            command=command,
            place=self._place() if report is not None else None,
        )
        delivery = self._messenger.send(ending)  # sent at the same time as the ping
        if self._ping is not None:
            headline = first_line(ending, self._notify.language)
            body = ping_body(self._name, run_date, exit_code, headline)
            for each in self._ping.end(exit_code, body):
                self._log.warning(each)
        self._messenger.report_faults(delivery)

    def _place(self) -> str | None:
        """Return where the report is, or None if it only went to standard output."""
        files = [text for text in self._outputs if text != "-"]
        return os.path.abspath(files[0]) if files else None  # noqa: PTH100 - resolve() follows links


@dataclass(slots=True)
class Outcome:
    """What is known of a run while it goes on.

    Attributes:
        run_date: The run date, as far as it is known; an unfinished run that is resumed may have
            another than today.
        journals: Returns the files in which this run keeps its answers; none before the run date is
            certain.
        placing: Whether outputs are being put in their places.
        published: The published report; None until it is published.
        command: The command that asks again about pairs without an answer; None if there is none.
        remedy: Returns the command that goes on with the answers that are kept, as the end of a
            message; None before the run date is certain.
    """

    run_date: str
    journals: Callable[[], Sequence[JournalPath]] = tuple
    placing: bool = False
    published: Published | None = None
    command: str | None = None
    remedy: Callable[[], str] | None = None

    def dated(
        self, run_date: date, files: Sidecars | None, remedy: Callable[[], str] | None = None
    ) -> None:
        """Note the final run date, and with it the journals; None: no file is written."""
        self.run_date, self.remedy = str(run_date), remedy
        if files is not None:
            self.journals = partial(existing_journals, files, run_date)

    def consequence_of(self, error: BaseException) -> str:
        """Return what is written and what is kept if an error ends the run now.

        After a signal that is followed by what to type: nothing is wrong with the run.
        """
        line = self.consequence()
        if isinstance(error, KeyboardInterrupt) and self.published is None and self.journals():
            return f"{line}; {self.remedy()}" if self.remedy else line
        return line

    def consequence(self) -> str:
        """Return what is written and what is kept if the run ends now."""
        if self.published is not None:
            return "the report is written"
        kept = "; the answers so far are kept in the journal" if self.journals() else ""
        if self.placing:
            return f"some outputs may be written{kept}"
        return f"no report is written{kept}" if kept else "nothing is written"


@contextmanager
def noting_consequence(outcome: Outcome) -> Iterator[None]:
    """Note on an exception that leaves the block what is written and what is kept."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        error.add_note(Consequence(outcome.consequence_of(error)))
        raise


@contextmanager
def announced(
    announcer: RunNotifier, outcome: Outcome, exit_code: Callable[[BaseException], int]
) -> Iterator[None]:
    """Report the start and the end of the block.

    Args:
        announcer: Reports them.
        outcome: What is known of the run; the block updates it.
        exit_code: Returns the exit code for an exception that leaves the block.
    """
    code, line = DEFECT, ""
    try:
        announcer.start()
        yield
        if outcome.published is not None:
            code = outcome.published.exit_code
    except (Exception, KeyboardInterrupt) as error:  # the sweep itself handles signals
        code = exit_code(error)
        line = _line_of(error, code, outcome.consequence_of(error))
        raise
    finally:
        with heedless(outcome):
            published = outcome.published
            announcer.end(
                published.report if published else None,
                code,
                str(published.report.run_date) if published else outcome.run_date,
                verdict=published.verdict if published else None,
                error=line,
                command=outcome.command,
            )


def _line_of(error: BaseException, code: int, consequence: str) -> str:
    """Return the last line of a run that an error ends; of a defect only the place is named."""
    if isinstance(error, KeyboardInterrupt):
        return f"interrupted; {consequence}"
    if code != DEFECT:
        return str(error)
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{location_of(error)}; {consequence}"


@contextmanager
def heedless(outcome: Outcome) -> Iterator[None]:
    """Run the block; ignore a KeyboardInterrupt in it if the report is already published."""
    try:
        yield
    except KeyboardInterrupt:
        if outcome.published is None:
            raise
