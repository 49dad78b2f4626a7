"""The command to type after a run that stopped, or that left pairs without an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from jobs.errors import NotNowError, RunError
from jobs.run.options import RunOptions
from jobs.run.resumption.typed_command import TypedOption, shown_command, typed_option

__all__ = ["adding_remedy", "remedy"]

_THIS_RUN_ONLY: Final = {"--run-date", "--fresh", "--plan", "--retry-unanswered"}


def remedy(
    command: Sequence[TypedOption],
    run: RunOptions,
    verb: str = "Run",
    *,
    retry_unanswered: bool = False,
) -> str:
    """Return the end of a line that says what to type: ``Run: palm-reconcile ... --run-date ...``.

    It is the command that was typed, for the date of this run, without a deadline that has passed
    and without what could be a secret. The names of options left out for that are listed.

    Args:
        command: The options that were typed.
        run: What holds for the whole run.
        verb: The text before the command.
        retry_unanswered: Whether only the pairs without an answer are to be asked.
    """
    deadline, now = run.time.deadline, run.clock.wall()
    again = [
        option
        for option in command
        if option.name not in _THIS_RUN_ONLY and not _is_over(option, run)
    ]
    if deadline and not any(option.name == "--deadline" for option in command):
        # It is in palm.toml and has passed; an option overrides it.
        again.append(typed_option("--deadline", deadline.next(now)))
    again.append(typed_option("--run-date", run.run_date.isoformat()))
    if retry_unanswered or run.retry_unanswered:
        again.append(typed_option("--retry-unanswered"))
    return f"{verb}: {shown_command(again)}"


@contextmanager
def adding_remedy(command: Sequence[TypedOption], run: RunOptions) -> Iterator[None]:
    """Add the command to type to the line of an error after which the same run can go on.

    Args:
        command: The options that were typed.
        run: What holds for the whole run.
    """
    try:
        yield
    except RunError as error:
        if not error.again:
            raise
        verb = "Try again later" if isinstance(error, NotNowError) else "Then run"
        raise error.saying(f"{error}. {remedy(command, run, verb)}") from None


def _is_over(option: TypedOption, run: RunOptions) -> bool:
    """Return True if an option is a time limit with which the next run would ask nothing."""
    if option.name == "--deadline":
        deadline = run.time.deadline
        return deadline is not None and deadline.seconds_left(run.clock.wall()) <= 0
    return option.name == "--max-duration" and run.time.is_zero
