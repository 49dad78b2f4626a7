"""What a run that stops says about the answers that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jobs.errors import (
    AbortedError,
    CredentialsError,
    NotNowError,
    RunError,
    RunInterruptedError,
    UnnamedAnswersError,
)
from jobs.journal.journal import Journal
from jobs.plurals import counted
from jobs.sweep.stats import RequestStats

__all__ = ["adding_what_is_kept", "interrupted"]


@contextmanager
def adding_what_is_kept(
    stats: RequestStats, journal: Journal | None, remedy: Callable[[], str]
) -> Iterator[None]:
    """Add to the message of an error which answers are kept, and how to resume the run.

    Args:
        stats: The counts of the sweep.
        journal: Is closed then; None: no file is written.
        remedy: Returns the command that resumes the run, as the end of a message.
    """
    try:
        yield
    except UnnamedAnswersError as error:
        kept = f"; {_kept(stats, journal)}" if stats.answered else ""
        raise error.saying(f"{error}{kept}") from None
    except (AbortedError, NotNowError, CredentialsError) as error:
        if not isinstance(error, AbortedError) and not stats.answered:
            raise
        line = f"{error}; {_kept(stats, journal)}; {remedy()}"
        raise error.saying(line) from None


def interrupted(
    kind: type[RunInterruptedError],
    remedy: Callable[[], str],
    stats: RequestStats,
    journal: Journal | None,
) -> RunInterruptedError:
    """Return the error of a run that a signal ended.

    Args:
        kind: The error's class.
        remedy: Returns the command that resumes the run, as the end of a message.
        stats: The counts of the sweep.
        journal: Is closed; None: no file is written.
    """
    return kind(f"interrupted; {_kept(stats, journal)}; {remedy()}")


def _kept(stats: RequestStats, journal: Journal | None) -> str:
    """Close the journal; return which answers of the run are kept."""
    answers = f"the answers about {stats.answered:,} of {counted(stats.pairs, 'pair')}"
    if journal is None:
        return f"{answers} are lost, for no file is written"
    journal.close()
    try:
        journal.check()
    except RunError as error:  # the last answers could not be written
        return str(error)
    return f"{answers} are kept in the journal"
