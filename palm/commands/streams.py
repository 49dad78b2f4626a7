"""Makes the standard streams usable, however the command was started.

A service manager, a cron job or a shell (``>&-``) may start a process without standard output or
error. The next file that is opened would then get their descriptors, and printed text would be
written into it.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Final

import click

__all__ = ["closed_at_start", "failed_at_output", "mend_streams", "show"]

_NAMES: Final = ("stdin", "stdout", "stderr")
_closed: set[str] = set()


def mend_streams() -> None:
    """Open the null device instead of standard streams that are closed.

    From then on, characters that standard output or error cannot encode are replaced.
    """
    for descriptor, name in enumerate(_NAMES):
        try:
            os.fstat(descriptor)
        except OSError:
            _closed.add(name)
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
        if getattr(sys, name) is None:
            _closed.add(name)
            mode = "r" if name == "stdin" else "w"
            stream = os.fdopen(os.dup(descriptor), mode, encoding="utf-8", errors="replace")
            setattr(sys, name, stream)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError, ValueError):  # a stream that a caller has replaced
                stream.reconfigure(errors="replace")


def show(line: str) -> None:
    """Print one line to standard output; ignore that its reader has closed the pipe."""
    try:
        click.echo(line)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def failed_at_output(error: BaseException | None) -> bool:
    """Return True if an error is that of writing standard output with click or :func:`show`."""
    if not isinstance(error, OSError):
        return False
    import traceback  # noqa: PLC0415 - not needed for --help
    from pathlib import Path  # noqa: PLC0415 - not needed for --help

    frames = traceback.extract_tb(error.__traceback__)
    locations = ((Path(each.filename).parts[-2:], each.name) for each in frames)
    return (("click", "utils.py"), "echo") in locations


def closed_at_start(name: str) -> bool:
    """Return True if ``stdin``, ``stdout`` or ``stderr`` was closed when the command started."""
    return name in _closed
