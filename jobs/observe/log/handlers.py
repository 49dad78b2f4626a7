"""Where the log goes: standard error and, with ``--log-file``, a file that may be rotated.

Two kinds of records: events (structlog's and the standard library's), rendered as JSON or as text,
and plain lines (:func:`plain_record`), which are text but with ``--log-format json``.
"""

from __future__ import annotations

import errno
import io
import logging
import logging.handlers
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from jobs.errors import OutputError
from jobs.loggers import ALWAYS
from palm.files.regular import check_regular, path_fault
from palm.text.printable import printable

__all__ = [
    "FILE_ONLY",
    "START",
    "Dispatcher",
    "LogFile",
    "StandardError",
    "plain_record",
]

FILE_ONLY: Final = "palm.file"
"""Logger of what a terminal shows in another way, as the bar does the line a minute."""
START: Final = "palm.start"
"""Logger of the first line: what is said before it waits for it."""
_FILE_MODE: Final = 0o640
_TRIES: Final = 3


def plain_record(
    line: str, level: int, *, logger: str = "palm.text", file_only: bool = False
) -> logging.LogRecord:
    """Return the record of a line that is to stand there as it is.

    Args:
        line: Without control characters.
        level: Of the ``logging`` module.
        logger: Its name.
        file_only: Whether standard error shows the same in another way.
    """
    record = logging.LogRecord(logger, level, "", 0, line, None, None)
    record.__dict__.update(plain=True, file_only=file_only)
    return record


class StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what standard error is at the time: a progress bar takes its place for a while.

    Args:
        stream: Instead of standard error.

    Attributes:
        hidden: Names of loggers whose records are not shown.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        logging.Handler.__init__(self)  # there is no stream to keep
        self._given = stream
        self.hidden: frozenset[str] = frozenset({FILE_ONLY})

    @property
    def stream(self) -> TextIO:
        """Return standard error."""
        return self._given or sys.stderr

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if a record is to be shown."""
        if record.name in self.hidden or getattr(record, "file_only", False):
            return False
        least = min(self.level, logging.WARNING) if record.name == ALWAYS else self.level
        return record.levelno >= least

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Go on where nobody reads this: the exit code speaks for itself."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class LogFile(logging.handlers.WatchedFileHandler):
    """Appends to a file, which is opened again when it was renamed or removed meanwhile.

    Args:
        path: A regular file, or where there is none yet.

    Raises:
        OutputError: It cannot be written, or is something else.
    """

    def __init__(self, path: Path) -> None:
        self._failed = False
        try:
            super().__init__(path, encoding="utf-8", errors="replace")
        except (OSError, ValueError) as error:
            said = f"--log-file: {printable(str(path))} cannot be written: {_why(error, path)}"
            raise OutputError(said) from None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, into the file that has this name by now.

        Where the file was renamed while the line was written, whoever compresses it may have read
        it before. Then the line is written again: better twice than not at all.
        """
        try:
            line = self.format(record) + self.terminator
            for _ in range(_TRIES):
                self.reopenIfNeeded()
                stream = self.stream or self._open()
                if self.stream is None:
                    self.stream = stream
                    self._statstream()
                stream.write(line)
                stream.flush()
                if self._has_its_name():
                    break
        except Exception:  # noqa: BLE001 - as every handler of logging does
            self.handleError(record)

    def _has_its_name(self) -> bool:
        try:
            found = os.stat(self.baseFilename)  # noqa: PTH116 - as the class above does
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (self.dev, self.ino)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say once on standard error that the file is not written, and go on: the report counts."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._failed:
            self._failed = True
            why = _why(error, Path(self.baseFilename))
            line = f"palm-reconcile: the log file cannot be written: {why}; the run goes on"
            logging.getLogger().handle(plain_record(line, logging.ERROR))

    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(
            self.baseFilename,
            os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY,
            _FILE_MODE,
        )
        try:
            check_regular(os.fstat(descriptor).st_mode)
        except OSError:
            os.close(descriptor)
            raise
        opened = io.FileIO(descriptor, "a")
        return io.TextIOWrapper(
            io.BufferedWriter(opened), encoding=self.encoding, errors=self.errors
        )


class Dispatcher(logging.Handler):
    """Hands each record to standard error and to the file, in order.

    Attributes:
        all_json: Whether plain lines are not wanted: ``--log-format json``.
        events_json: Whether events on standard error are JSON.
        terminal: Whether standard error is a terminal.
        error: The handler of standard error.
        file: The handler of ``--log-file``; None: there is none.
    """

    def __init__(
        self, error: StandardError, *, all_json: bool, events_json: bool, terminal: bool
    ) -> None:
        super().__init__()
        self.error = error
        self.all_json = all_json
        self.events_json = events_json
        self.terminal = terminal
        self.file: LogFile | None = None
        self._held: list[logging.LogRecord] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it on, or keep it until the first line was said."""
        if self._held is not None and record.name != START:
            self._held.append(record)
            return
        self.error.handle(record)
        if self.file is not None and record.levelno >= self.file.level:
            self.file.handle(record)

    def hold_back(self) -> None:
        """Keep what is said until the first line, or until :meth:`say_held_back`."""
        self._held = []

    def say_held_back(self) -> None:
        """Say what was kept."""
        held, self._held = self._held or [], None
        for record in held:
            self.emit(record)

    def close(self) -> None:
        """Close the file."""
        self.say_held_back()
        if self.file is not None:
            with suppress(OSError):  # the disk is full
                self.file.close()
            self.file = None
        super().close()


def _why(error: OSError | ValueError, path: Path) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        return "it is a FIFO that nobody reads, or a socket, not a file"
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        return f"the folder {printable(str(path.parent))} does not exist; make it first"
    return path_fault(error)
