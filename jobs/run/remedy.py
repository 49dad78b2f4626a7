"""What to type where a run stopped, or left pairs without an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from jobs.errors import NotNowError, RunError
from jobs.run.config import Options
from jobs.run.typed_command import TypedOption, shown_command

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
    typed = options.typed or _minimal(options)
    again = [
        option
        for option in typed
        if option.name not in _THIS_RUN_ONLY and not _is_over(option, options)
    ]
    if options.time.deadline and not any(option.name == "--deadline" for option in typed):
        again.append(
            _option("--deadline", options.time.deadline.next(options.clock.wall()))
        )  # not palm.toml's
    again.append(_option("--run-date", options.run_date.isoformat()))
    if retry_unanswered or options.retry_unanswered:
        again.append(_option("--retry-unanswered"))
    return f"{verb}: {shown_command(again)}"


@contextmanager
def telling_how_to_go_on(options: Options) -> Iterator[None]:
    """Let the line of a run that ends before its report say the whole command that goes on.

    Args:
        options: Of the run.
    """
    try:
        yield
    except RunError as error:
        if not error.again:
            raise
        verb = "Try again later" if isinstance(error, NotNowError) else "Then run"
        raise error.saying(f"{error}. {remedy(options, verb)}") from None


def _is_over(option: TypedOption, options: Options) -> bool:
    """Return True for a time limit that would let the next run ask nobody."""
    if option.name == "--deadline":
        deadline = options.time.deadline
        return deadline is not None and deadline.seconds_left(options.clock.wall()) <= 0
    return option.name == "--max-duration" and options.time.is_zero


def _minimal(options: Options) -> tuple[TypedOption, ...]:
    """Return the words of a run that nobody typed: one that was started from Python."""
    source = TypedOption(None, options.input.source, (options.input.source,))
    return (source, *(_option("-o", str(path)) for path in options.store.outputs.files))


def _option(name: str, value: str | None = None) -> TypedOption:
    return TypedOption(name, value, (name,) if value is None else (name, value))
