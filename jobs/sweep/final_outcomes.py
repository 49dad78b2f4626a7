"""Which outcomes are final, so that a run that resumes this one need not ask again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from jobs.sweep.abort.monitor import AbortMonitor
from jobs.sweep.answers import AnswerTable, Row
from palm import ForbiddenError, PalmError, RefusedError, TransientError, UnauthorizedError

__all__ = ["FinalOutcomes"]

_MAY_CHANGE: Final = (TransientError, UnauthorizedError, ForbiddenError)
"""Errors after which asking again, perhaps with other credentials, may bring an answer."""


class FinalOutcomes:
    """Passes on each outcome that asking again would not change.

    Before the first good answer a refusal may be due to a setting; once that is corrected, the same
    pair may be answered. So refusals are held back until there is a good answer.

    Args:
        write: Called with each final outcome.
        answers: Holds the outcomes.
        abort: Knows whether there is a good answer.
    """

    def __init__(
        self, write: Callable[[Row], None], answers: AnswerTable, abort: AbortMonitor
    ) -> None:
        self._write = write
        self._answers = answers
        self._abort = abort
        self._held_back: list[int] = []

    def add(self, index: int, error: PalmError | None) -> None:
        """Take the outcome of the pair at ``index``: an error, or None for a good answer."""
        if error is not None and isinstance(error, _MAY_CHANGE):
            return
        if isinstance(error, RefusedError) and not self._abort.has_good_answer:
            self._held_back.append(index)
            return
        if self._held_back and self._abort.has_good_answer:
            held_back, self._held_back = self._held_back, []
            for each in held_back:
                self._write(self._answers.row(each))
        self._write(self._answers.row(index))
