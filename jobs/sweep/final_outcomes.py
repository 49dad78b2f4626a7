"""Which outcomes are final, so that a run that resumes this one need not ask again."""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

from jobs.sweep.answers import Row
from jobs.sweep.blocks.block import Block
from palm import (
    ForbiddenError,
    Pair,
    PalmError,
    RefusedError,
    SignedMessage,
    TransientError,
    UnauthorizedError,
)

__all__ = ["FinalOutcomes", "OnFinal"]

_MAY_CHANGE: Final = (TransientError, UnauthorizedError, ForbiddenError)
"""Errors after which asking again, perhaps with other credentials, may bring an answer."""
_MOST_HELD_BACK: Final = 10_000
"""Outcomes that are held back at most; of more, the earliest are asked again by a resumed run."""


class OnFinal(Protocol):
    """Takes final outcomes."""

    def __call__(self, number: int, pair: Pair, row: Row, signed: SignedMessage | None, /) -> None:
        """Take the outcome of a pair.

        Args:
            number: The number of the pair's partition.
            pair: The pair.
            row: The outcome.
            signed: What was signed of a good answer; None: it is not kept.
        """


class KnowsGoodAnswers(Protocol):
    """Knows whether there is a good answer, about whatever pair."""

    @property
    def has_good_answer(self) -> bool:
        """Whether there is one."""


class FinalOutcomes:
    """Passes on each outcome that asking again would not change.

    Before the first good answer a refusal may be due to a setting; once that is corrected, the same
    pair may be answered. So refusals are held back until there is a good answer.

    Args:
        write: Called with each final outcome.
        abort: Knows whether there is a good answer.
    """

    def __init__(self, write: OnFinal, abort: KnowsGoodAnswers) -> None:
        self._write = write
        self._abort = abort
        self._held_back: deque[tuple[int, Pair, Row]] = deque(maxlen=_MOST_HELD_BACK)

    def add(
        self,
        block: Block,
        index: int,
        pair: Pair,
        error: PalmError | None,
        signed: SignedMessage | None,
    ) -> None:
        """Take the outcome of a block's pair: an error, or None for a good answer.

        Args:
            block: The block.
            index: Of the pair in it.
            pair: The pair.
            error: Why there is no good answer.
            signed: What was signed of a good one; None: it is not kept.
        """
        if error is not None and isinstance(error, _MAY_CHANGE):
            return
        outcome = block.partition_of(index), pair, block.answers.row(index)
        if isinstance(error, RefusedError) and not self._abort.has_good_answer:
            self._held_back.append(outcome)
            return
        if self._held_back and self._abort.has_good_answer:
            held_back = list(self._held_back)
            self._held_back.clear()
            for each in held_back:
                self._write(*each, None)
        self._write(*outcome, signed)
