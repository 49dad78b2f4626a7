"""Runs a command: an error ends it with one line and an exit code, never with a traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

import click

from palm.commands.streams import failed_at_output, mend_streams
from palm.text.printable import printable, without_keys, without_long_words

__all__ = [
    "DEFECT",
    "Consequence",
    "StandardOutputError",
    "TerminatedError",
    "location_of",
    "print_error",
    "printable",
    "run_command",
    "termination_signals",
    "usage_line",
]

DEFECT: Final = 1
"""The exit code of an exception that is not expected."""


class Consequence(str):
    """A note on an exception: what is written and what is kept when it ends the command.

    It is a type of its own because libraries add notes, too, whose texts might hold a secret.
    """

    __slots__ = ()


class StandardOutputError(Exception):
    """The standard output of a command cannot be written."""


class TerminatedError(KeyboardInterrupt):
    """SIGTERM or SIGHUP, which end a command as Ctrl+C does, but with another exit code."""


def run_command(
    command: click.Command,
    name: str,
    exit_code: Callable[[BaseException], int],
    arguments: Sequence[str] | None = None,
    report: Callable[[str, int], None] | None = None,
) -> NoReturn:
    """Run a command line and exit.

    Args:
        command: The command; it returns its exit code, or None for 0.
        name: The name of the command, which begins every error line.
        exit_code: Returns the exit code of an exception; ``DEFECT`` if it is not expected.
        arguments: The arguments; None: those of the process.
        report: Reports the line with which the command ends, and its exit code; None: the line is
            printed to standard error.
    """
    mend_streams()
    report = report or (lambda line, _: print_error(name, line))
    try:
        with _terminable():
            code = _invoke(command, name, arguments)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        path = context.command_path if context else name
        code = exit_code(error)
        report(f"{usage_line(error)}; see {path} --help", code)
    except (KeyboardInterrupt, click.Abort) as error:
        cause = error.__cause__  # click's Abort keeps the original there
        code = exit_code(cause if isinstance(cause, TerminatedError) else error)
        report(_with_consequence("interrupted", error), code)
    except Exception as error:  # noqa: BLE001 - the top of the program: a traceback is not a message
        if isinstance(error, BrokenPipeError) and failed_at_output(error):
            code = 0  # the reader of --help or --version has closed the pipe
        elif isinstance(error, OSError) and failed_at_output(error):
            unwritten = StandardOutputError(f"standard output cannot be written: {error.strerror}")
            code = exit_code(unwritten)
            report(str(unwritten), code)
        else:
            code = exit_code(error)
            report(_defect(error) if code == DEFECT else str(error), code)
    _flush()
    sys.exit(code or 0)


def _invoke(command: click.Command, name: str, arguments: Sequence[str] | None) -> int | None:
    """Return the exit code; click's own ``main`` would end with 1 if a pipe is broken."""
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


def usage_line(error: click.ClickException) -> str:
    """Return the message of an error, and what set a wrong value that was not typed."""
    message = without_long_words(error.format_message().rstrip("."))
    if not (isinstance(error, click.BadParameter) and error.ctx and error.param):
        return message
    name = error.param.name or ""
    match error.ctx.get_parameter_source(name):
        case click.core.ParameterSource.ENVIRONMENT:
            return f"{message}; {error.ctx.auto_envvar_prefix}_{name.upper()} sets it"
        case click.core.ParameterSource.DEFAULT_MAP:
            return f"{message}; the settings file sets it"
    return message


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise TerminatedError, so that temporary files are removed.

    SIGHUP stays ignored if it is ignored already, as ``nohup`` does.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
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
    """Flush the streams; if that fails, the exit code must not become Python's own 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_error(name: str, line: str) -> None:
    """Print one line to standard error."""
    with suppress(OSError):  # the exit code is enough if standard error cannot be written
        click.echo(f"{name}: {printable(without_keys(line))}", err=True)


def location_of(error: BaseException) -> str:
    """Return an exception's type and where it was raised; its text might contain a secret."""
    import traceback  # noqa: PLC0415 - not needed for --help

    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    name = os.path.basename(last.filename)  # noqa: PTH119 - pathlib is slow, and not needed for --help
    return f"{type(error).__name__} in {name}, line {last.lineno} ({last.name})"


def _defect(error: BaseException) -> str:
    """Return the line of a defect, which says where it was raised."""
    innermost = error
    while isinstance(innermost, BaseExceptionGroup):
        innermost = innermost.exceptions[0]  # a group says only where tasks were gathered
    line = f"Internal error (please report it): {location_of(innermost)}"
    return _with_consequence(line, error)


def _with_consequence(line: str, error: BaseException) -> str:
    """Return a line with the consequences that were noted on the error."""
    notes = getattr(error, "__notes__", ())
    return "; ".join([line, *(note for note in notes if isinstance(note, Consequence))])
