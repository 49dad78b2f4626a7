"""The numbers above which a sweep is stopped."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.sweep.options import PATIENCE_S

__all__ = ["AbortThresholds"]


@dataclass(frozen=True, slots=True)
class AbortThresholds:
    """When a sweep is stopped.

    Attributes:
        patience_s: Stop when no answer was accepted for this many seconds.
        unverified_share: Stop at the end when more than this share of the pairs asked has an answer
            that could not be verified, and at least ``unverified_minimum`` pairs have.
        unverified_minimum: Fewer pairs than this with unverified answers never stop the sweep at
            its end.
        unverified_in_a_row: Stop at any time when this many pairs in a row have unverified answers.
        unnamed_share: Stop when more than this share of the answers names no pair.
        unnamed_minimum_answers: ``unnamed_share`` is applied from this number of answers on.
        identical_refusals: Stop when, before the first good answer, this many pairs were refused
            with the same status and code.
    """

    patience_s: float = PATIENCE_S
    unverified_share: float = 0.001
    unverified_minimum: int = 5
    unverified_in_a_row: int = 100
    unnamed_share: float = 0.001
    unnamed_minimum_answers: int = 1_000
    identical_refusals: int = 50
