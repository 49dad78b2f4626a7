"""What to type where a run stopped, or left pairs without an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from jobs.command_line import TypedOption, shown_command, typed_options
from jobs.exits import Exit, Stop
from jobs.options import Options

__all__ = ["remedy", "telling_how_to_go_on"]

_THIS_RUN_ONLY: Final = {"--run-date", "--fresh", "--plan", "--retry-unanswered"}


def remedy(options: Options, verb: str = "Run", *, retry_unanswered: bool = False) -> str:
    """Return a line's end that tells what to type: ``Run: palm-reconcile … --run-date …``.

    It is what was typed, for the date of this run, without a deadline that has passed, and without
    what could be a secret; the names of what is left out for that are told.

    Args:
        options: Of the run.
        verb: Stands before the command.
        retry_unanswered: Only the pairs without an answer are to be asked.
    """
    typed = list(typed_options(options.typed or _minimal(options)))
    words = [
        word
        for option in typed
        if option.name not in _THIS_RUN_ONLY and not _is_over(option, options)
        for word in option.words
    ]
    if options.deadline and not any(option.name == "--deadline" for option in typed):
        words += ["--deadline", options.deadline.next(options.clock())]  # else palm.toml's holds
    words += ["--run-date", options.run_date.isoformat()]
    if retry_unanswered or options.retry_unanswered:
        words.append("--retry-unanswered")
    return f"{verb}: {shown_command(words)}"


@contextmanager
def telling_how_to_go_on(options: Options) -> Iterator[None]:
    """Let the line of a run that ends before its report say the whole command that goes on.

    Args:
        options: Of the run.
    """
    try:
        yield
    except Stop as stop:
        if not stop.again:
            raise
        verb = "Try again later" if stop.code is Exit.NOT_NOW else "Then run"
        said = f"{stop}. {remedy(options, verb)}"
        raise Stop(stop.code, said, again=False) from None


def _is_over(option: TypedOption, options: Options) -> bool:
    """Return True for a time limit that would let the next run ask nobody."""
    if option.name == "--deadline":
        deadline = options.deadline
        return deadline is not None and deadline.seconds_left(options.clock()) <= 0
    return option.name == "--max-duration" and options.seconds == 0


def _minimal(options: Options) -> tuple[str, ...]:
    """Return the words of a run that nobody typed: one that was started from Python."""
    files = [str(path) for path in options.outputs.files]
    return (options.source, *(word for path in files for word in ("-o", path)))
