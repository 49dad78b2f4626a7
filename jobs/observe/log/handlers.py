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
from jobs.store.locations import LOG_MODE
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
"""Logger of lines for the log file only: a terminal shows a progress bar instead."""
START: Final = "palm.start"
"""Logger of the first line; what is logged before it is held back."""
_TRIES: Final = 3


def plain_record(
    line: str, level: int, *, logger: str = "palm.text", file_only: bool = False
) -> logging.LogRecord:
    """Return the record of a plain line, which is not rendered as an event.

    Args:
        line: The text, without control characters.
        level: A level of the ``logging`` module.
        logger: The name of the logger.
        file_only: Whether the line goes only to the log file.
    """
    record = logging.LogRecord(logger, level, "", 0, line, None, None)
    record.__dict__.update(plain=True, file_only=file_only)
    return record


class StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to the current standard error, which a progress bar replaces for a while.

    Args:
        stream: Where to write instead of standard error.

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
        """Return True if a record is shown."""
        if record.name in self.hidden or getattr(record, "file_only", False):
            return False
        least = min(self.level, logging.WARNING) if record.name == ALWAYS else self.level
        return record.levelno >= least

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Ignore that standard error cannot be written: the exit code is enough."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class LogFile(logging.handlers.WatchedFileHandler):
    """Appends to a file, and opens it again if it was renamed or removed.

    Args:
        path: A regular file, or one that does not exist yet.

    Raises:
        OutputError: The file cannot be written, or is not a regular file.
    """

    def __init__(self, path: Path) -> None:
        self._failed = False
        try:
            super().__init__(path, encoding="utf-8", errors="replace")
        except (OSError, ValueError) as error:
            line = f"--log-file: {printable(str(path))} cannot be written: {_why(error, path)}"
            raise OutputError(line) from None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line into the file that now has this name.

        If the file is renamed while the line is written, log rotation may have read it already. The
        line is then written again into the new file: twice is better than not at all.
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
            status = os.stat(self.baseFilename)  # noqa: PTH116 - as the class above does
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == (self.dev, self.ino)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Report once on standard error that the file cannot be written, and go on with the run."""
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
            LOG_MODE,
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
    """Passes each record to standard error and to the log file, in order.

    Attributes:
        all_json: Whether there are no plain lines: ``--log-format json``.
        events_json: Whether events are rendered as JSON.
        terminal: Whether standard error is a terminal.
        error: The handler of standard error.
        file: The handler of ``--log-file``; None if there is no log file.
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
        """Pass a record on, or hold it back until the first line is logged."""
        if self._held is not None and record.name != START:
            self._held.append(record)
            return
        self.error.handle(record)
        if self.file is not None and record.levelno >= self.file.level:
            self.file.handle(record)

    def hold_back(self) -> None:
        """Hold back records until the first line, or until :meth:`release_held_back`."""
        self._held = []

    def release_held_back(self) -> None:
        """Pass on the records that were held back."""
        held, self._held = self._held or [], None
        for record in held:
            self.emit(record)

    def close(self) -> None:
        """Pass on what is held back, and close the log file."""
        self.release_held_back()
        if self.file is not None:
            with suppress(OSError):  # for example a full disk
                self.file.close()
            self.file = None
        super().close()


def _why(error: OSError | ValueError, path: Path) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        return "it is a FIFO that nobody reads, or a socket, not a file"
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        return f"the folder {printable(str(path.parent))} does not exist; make it first"
    return path_fault(error)
