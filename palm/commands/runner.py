"""What the commands share: one line for an error, an exit code, and never a traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

import click

from palm.commands.streams import failed_at_output, mend_streams
from palm.text.printable import printable, without_keys, without_long_words

__all__ = [
    "DEFECT",
    "Consequence",
    "StandardOutputError",
    "TerminatedError",
    "place_of",
    "printable",
    "run_command",
    "say",
    "termination_signals",
]

DEFECT: Final = 1
"""The exit code of an exception that no command means to end with."""


class Consequence(str):
    """A note on an exception: what is written and what is kept when it ends the command.

    It is a type of its own because libraries add notes, too, whose texts might hold a secret.
    """

    __slots__ = ()


class StandardOutputError(Exception):
    """What a command prints cannot be written."""


class TerminatedError(KeyboardInterrupt):
    """SIGTERM or SIGHUP, which end a command as Ctrl+C does, but for the exit code."""


def run_command(
    command: click.Command,
    name: str,
    exit_code: Callable[[BaseException], int],
    arguments: Sequence[str] | None = None,
    report: Callable[[str, int], None] | None = None,
) -> NoReturn:
    """Run a command line and exit.

    Args:
        command: Returns its exit code (None: 0).
        name: How errors are signed.
        exit_code: What an exception stands for; ``DEFECT``: the command does not mean to end so.
        arguments: Default those of the process.
        report: Says why the command ends, with its exit code; None: :func:`say` does.
    """
    mend_streams()
    tell = report or (lambda line, _: say(name, line))
    try:
        with _terminable():
            code = _invoke(command, name, arguments)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        path = context.command_path if context else name
        said = without_long_words(error.format_message().rstrip("."))
        code = exit_code(error)
        tell(f"{said}; see {path} --help", code)
    except (KeyboardInterrupt, click.Abort) as error:
        cause = error.__cause__  # click's Abort has it so
        code = exit_code(cause if isinstance(cause, TerminatedError) else error)
        tell(_with_consequence("interrupted", error), code)
    except Exception as error:  # noqa: BLE001 - the very top: a traceback is no message
        if isinstance(error, BrokenPipeError) and failed_at_output(error):
            code = 0  # of --help or --version, whose reader has left: those of commands go on
        elif isinstance(error, OSError) and failed_at_output(error):
            unwritten = StandardOutputError(f"standard output cannot be written: {error.strerror}")
            code = exit_code(unwritten)
            tell(str(unwritten), code)
        else:
            code = exit_code(error)
            tell(_defect(error) if code == DEFECT else str(error), code)
    _flush()
    sys.exit(code or 0)


def _invoke(command: click.Command, name: str, arguments: Sequence[str] | None) -> int | None:
    """Return the exit code; click's own ``main`` would end with 1 where a pipe is broken."""
    if f"_{name.replace('-', '_').upper()}_COMPLETE" in os.environ:  # a shell completes a word
        completed: int | None = command.main(arguments, name, standalone_mode=False)
        return completed
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with command.make_context(name, words) as context:
            code: int | None = command.invoke(context)
            return code
    except click.exceptions.Exit as ended:  # --help, --version
        return ended.exit_code


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise TerminatedError, so that what is half done is cleared away.

    SIGHUP is left alone where it is ignored already: that is what ``nohup`` does.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may listen to signals
        return

    def on_signal(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - as the system calls it
        raise TerminatedError

    before = {number: signal.signal(number, on_signal) for number in termination_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def termination_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end a command with 143: SIGTERM, and SIGHUP unless it is ignored."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return (signal.SIGTERM,)
    return (signal.SIGTERM, signal.SIGHUP)


def _flush() -> None:
    """Write what is left; where nobody takes it, the exit code must not become Python's own 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say(name: str, line: str) -> None:
    """Print one line to standard error."""
    with suppress(OSError):  # the exit code speaks for itself where nobody reads this
        click.echo(f"{name}: {printable(without_keys(line))}", err=True)


def place_of(error: BaseException) -> str:
    """Return an exception's type and where it was raised; its text might hold a secret."""
    import traceback  # noqa: PLC0415 - not needed for --help

    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    name = Path(last.filename).name
    return f"{type(error).__name__} in {name}, line {last.lineno} ({last.name})"


def _defect(error: BaseException) -> str:
    """Describe a defect by its place."""
    innermost = error
    while isinstance(innermost, BaseExceptionGroup):
        innermost = innermost.exceptions[0]  # a group says only where tasks were gathered
    line = f"Internal error (please report it): {place_of(innermost)}"
    return _with_consequence(line, error)


def _with_consequence(line: str, error: BaseException) -> str:
    """Return a line with what its command has noted on the error; without a note it claims none."""
    notes = getattr(error, "__notes__", ())
    return "; ".join([line, *(note for note in notes if isinstance(note, Consequence))])
