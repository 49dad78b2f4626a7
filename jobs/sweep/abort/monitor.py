"""Whether the outcomes of single queries show that the whole sweep must be stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from jobs.errors import CredentialsError, RunError
from jobs.plurals import counted
from jobs.schema import UnknownReason
from jobs.sweep.abort.errors import (
    credentials_error,
    patience_error,
    unnamed_error,
    unverified_error,
)
from jobs.sweep.abort.thresholds import AbortThresholds
from jobs.sweep.answers import reason_of
from palm import (
    Clock,
    ForbiddenError,
    Pair,
    PalmError,
    RefusedError,
    SignatureError,
    SignatureReason,
    StateError,
    TransientError,
    UnauthorizedError,
    UnnamedError,
    VerificationError,
)
from palm.errors.remedies import diagnose

__all__ = ["UNVERIFIED", "AbortMonitor"]

UNVERIFIED: Final = (
    UnknownReason.SIGNATURE,
    UnknownReason.REPLAYED,
    UnknownReason.MISMATCH,
    UnknownReason.BAD_BODY,
)
"""Reasons of answers that could not be verified. UNNAMED has its own threshold."""


class AbortMonitor:
    """Is notified of every pair's outcome, and raises RunError when a threshold is exceeded.

    Args:
        thresholds: When to stop.
        organizations: How many different organizations will be asked about.
        clock: The time.

    Attributes:
        has_good_answer: True if there is a good answer, of this run or of an unfinished earlier
            one. Before the first one, a refusal may concern all pairs and not only its own.
    """

    def __init__(self, thresholds: AbortThresholds, organizations: int, clock: Clock) -> None:
        self._thresholds = thresholds
        self._forbidden_needed = min(2, organizations)  # the pairs may be of only one organization
        self._clock = clock
        self._accepted_at = clock.monotonic()
        self._is_canary = True
        self._unauthorized: set[Pair] = set()
        self._forbidden: set[str] = set()
        self._permitted: set[str] = set()
        self._signatures: Counter[SignatureReason] = Counter()
        self._unknown_serial: str | None = None
        self._unverified_in_a_row: Counter[UnknownReason] = Counter()
        self._refusals: Counter[tuple[int, str | None]] = Counter()
        self.has_good_answer = False

    @property
    def silent_s(self) -> float:
        """Seconds since an answer was last accepted."""
        return self._clock.monotonic() - self._accepted_at

    def accepted(self) -> None:
        """Note that an answer was accepted, with or without a state."""
        self._accepted_at = self._clock.monotonic()

    def restored(self, organization: str, *, is_good: bool) -> None:
        """Note that an unfinished earlier run had an answer about an organization."""
        self._permitted.add(organization)
        self.has_good_answer |= is_good

    def answered(self, organization: str) -> None:
        """Note that a pair of an organization has a good answer."""
        self.accepted()
        self.has_good_answer = True
        self._permitted.add(organization)
        self._unverified_in_a_row.clear()

    def begin_last_round(self) -> None:
        """Note that all pairs whose answers could not be verified are asked again."""
        self._signatures.clear()

    def failed(self, pair: Pair, error: PalmError) -> None:
        """Note that a pair has no good answer.

        Raises:
            CredentialsError: The merchant is refused, or the answers are signed by unknown keys.
            AbortedError: Too many answers in a row could not be verified.
        """
        if not isinstance(error, TransientError):
            self.accepted()
        if isinstance(error, VerificationError):
            self._count_unverified(error)
            return
        self._unverified_in_a_row.clear()
        if isinstance(error, RefusedError):
            self._count_refusal(error)
        if isinstance(error, UnauthorizedError):
            self._unauthorized.add(pair)
            if not self._is_canary and len(self._unauthorized) > 1:
                raise credentials_error(error)
        elif isinstance(error, ForbiddenError):
            self._forbidden.add(pair.organization_id)
            if not self._is_canary and self._is_forbidden_everywhere():
                raise credentials_error(error)
        elif isinstance(error, RefusedError | StateError):
            self._permitted.add(pair.organization_id)

    def judge_canary(self, errors: Sequence[PalmError | None]) -> None:
        """Judge the outcomes of the canary together; each later outcome is judged by itself.

        Args:
            errors: One per pair of the canary; None where the pair has a good answer.

        Raises:
            CredentialsError: The merchant is refused, or no answer is signed by a known key.
            AbortedError: No answer names its pair, or all are copies of earlier ones.
        """
        failed = [error for error in errors if error is not None]
        for error in failed:
            if isinstance(error, UnauthorizedError):
                raise credentials_error(error)
        if not self.has_good_answer:
            _check_named(errors)
        if failed and all(isinstance(error, SignatureError) for error in errors):
            reasons = {error.reason for error in failed if isinstance(error, SignatureError)}
            if reasons == {SignatureReason.REPLAYED}:
                raise self._unverified(
                    f"the answers about the first {counted(len(failed), 'pair')}"
                )
            raise credentials_error(next(error for error in failed if not _is_replayed(error)))
        is_forbidden = failed and all(isinstance(error, ForbiddenError) for error in errors)
        if is_forbidden and self._is_forbidden_everywhere():
            raise credentials_error(failed[0])
        self._is_canary = False

    def check_patience(
        self, latest: PalmError | None = None, refused_certificate: PalmError | None = None
    ) -> None:
        """Stop where no answer was accepted for too long.

        Args:
            latest: The error of the request that failed last.
            refused_certificate: The error of a refused TLS certificate, if no host has answered in
                this run.

        Raises:
            CredentialsError: No answer was accepted, and a certificate is refused.
            ShortageError: No answer was accepted, and this machine lacks what a connection needs.
            AbortedError: No answer was accepted, for any other reason.
        """
        if self.silent_s > self._thresholds.patience_s:
            if refused_certificate is not None:
                raise credentials_error(refused_certificate)
            raise patience_error(self.silent_s, latest)

    def check_verified(self, unverified: int, asked: int) -> None:
        """Stop where too many answers could not be verified: somebody else may be answering.

        Args:
            unverified: Pairs whose answers could not be verified.
            asked: All pairs that were asked about, including those.

        Raises:
            CredentialsError: Most of them are signed with a key that is missing here.
            AbortedError: There are too many, for any other reason.
        """
        limits = self._thresholds
        if unverified >= limits.unverified_minimum and unverified > limits.unverified_share * asked:
            raise self._unverified(f"the answers about {unverified:,} of {counted(asked, 'pair')}")

    def check_named(self, unnamed: int, answers: int) -> None:
        """Stop where too many answers name no pair.

        Args:
            unnamed: Answers that were refused because they name no pair.
            answers: All verified answers, including those.

        Raises:
            UnnamedAnswersError: There are too many.
        """
        limits = self._thresholds
        enough = answers >= limits.unnamed_minimum_answers
        if enough and unnamed > limits.unnamed_share * answers:
            raise unnamed_error(unnamed)

    def _is_forbidden_everywhere(self) -> bool:
        return not self._permitted and len(self._forbidden) >= self._forbidden_needed

    def _count_refusal(self, error: RefusedError) -> None:
        """Stop where, before the first good answer, too many refusals have the same code."""
        if self.has_good_answer or error.status is None:
            return
        kind = error.status, error.code
        self._refusals[kind] += 1
        if self._refusals[kind] >= self._thresholds.identical_refusals:
            raise CredentialsError(
                f"the first {counted(self._refusals[kind], 'pair')} were all refused for the same "
                f"reason: {diagnose(error)}",
            )

    def _count_unverified(self, error: VerificationError) -> None:
        if isinstance(error, SignatureError):
            self._signatures[error.reason] += 1
            if error.reason is SignatureReason.UNKNOWN_SERIAL:
                self._unknown_serial = diagnose(error)
        row = self._unverified_in_a_row
        row[reason_of(error)] += 1
        if (pairs := row.total()) < self._thresholds.unverified_in_a_row:
            return
        if row.keys() == {UnknownReason.UNNAMED}:
            raise unnamed_error(pairs)
        raise self._unverified(f"the answers about the last {counted(pairs, 'pair')}")

    def _unverified(self, which: str) -> RunError:
        unknown = self._signatures[SignatureReason.UNKNOWN_SERIAL]
        if self._unknown_serial and 2 * unknown > self._signatures.total():
            return CredentialsError(self._unknown_serial)
        return unverified_error(which)


def _check_named(errors: Sequence[PalmError | None]) -> None:
    """Stop where some of the canary's pairs were answered, and no answer names its pair."""
    answers = [
        error for error in errors if error is None or isinstance(error, UnnamedError | StateError)
    ]
    if answers and all(isinstance(error, UnnamedError) for error in answers):
        raise unnamed_error(len(answers))


def _is_replayed(error: PalmError) -> bool:
    return isinstance(error, SignatureError) and error.reason is SignatureReason.REPLAYED
