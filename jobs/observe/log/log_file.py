"""``--log-file``: a file that the run neither reads nor writes for another purpose."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jobs.errors import UsageError
from jobs.observe.log.setup import add_log_file
from jobs.store.days import is_dated_report
from jobs.store.files.same_file import is_same
from palm.text.printable import printable

__all__ = ["open_log_file"]


def open_log_file(
    path: Path, log_format: str, *, verbose: bool, others: Iterable[tuple[str, str | Path | None]]
) -> None:
    """Also write the log to the file of ``--log-file``.

    Args:
        path: The log file.
        log_format: The value of ``--log-format``.
        verbose: Whether pairs without an answer are logged.
        others: The files that the run reads or writes, each with what to call it in a message;
            None stands for an option that was not given.

    Raises:
        UsageError: The log file is one of the others.
        OutputError: The log file cannot be written.
    """
    for name, other in others:
        if other is not None and _is_one(path, other):
            line = f"--log-file: {printable(str(path))} is {name}; name another file"
            raise UsageError(line)
    add_log_file(path, log_format, verbose=verbose)


def _is_one(path: Path, other: str | Path) -> bool:
    if other == "-":
        return False
    return is_same(path, other) or (is_dated_report(path) and is_same(path.parent.parent, other))
