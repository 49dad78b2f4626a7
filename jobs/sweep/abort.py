"""What single answers say about the whole run, and when going on would be wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.deadline import duration_text
from jobs.errors import (
    AbortedError,
    CredentialsError,
    RunError,
    ShortageError,
    UnnamedAnswersError,
)
from jobs.schema import UnknownReason
from jobs.sweep.answers import AnswerTable, reason_of
from jobs.sweep.options import PATIENCE_S
from palm import (
    ForbiddenError,
    LocalResourceError,
    PalmError,
    RefusedError,
    SignatureError,
    SignatureReason,
    StateError,
    ThrottledError,
    TransientError,
    UnauthorizedError,
    UnnamedError,
    VerificationError,
)
from palm.doctor.remedies import diagnose

__all__ = ["UNVERIFIED", "AbortMonitor", "AbortThresholds"]

UNVERIFIED: Final = (
    UnknownReason.SIGNATURE,
    UnknownReason.REPLAYED,
    UnknownReason.MISMATCH,
    UnknownReason.BAD_BODY,
)


@dataclass(frozen=True, slots=True)
class AbortThresholds:
    """When a sweep stops.

    Attributes:
        patience_s: No accepted answer for so long.
        unbelieved_share: More than this part of the pairs,
        unbelieved_least: and at least so many, have answers that are not believed at the end;
        unbelieved_row: or so many pairs in a row, at any time.
        unnamed_share: More than this part of the answers name nobody,
        unnamed_from: from this number of answers on.
        refused_alike: So many refusals of one kind (status and code) before any good answer.
    """

    patience_s: float = PATIENCE_S
    unbelieved_share: float = 0.001
    unbelieved_least: int = 5
    unbelieved_row: int = 100
    unnamed_share: float = 0.001
    unnamed_from: int = 1_000
    refused_alike: int = 50


class AbortMonitor:
    """Listens to every pair's outcome, and raises RunError where one says enough.

    Args:
        rules: When to stop.
        organizations: How many different ones will be asked about.
        clock: Seconds on a clock that never goes back.

    Attributes:
        has_good_answer: Whether there is any good answer yet, of this run or kept from another.
            Until then a refusal may be about all pairs, and is no fact about its own.
    """

    def __init__(
        self, rules: AbortThresholds, organizations: int, clock: Callable[[], float]
    ) -> None:
        self._rules = rules
        self._enough = min(2, organizations)  # a slice may hold but one
        self._clock = clock
        self._accepted_at = clock()
        self._canary = True
        self._unauthorized: set[int] = set()
        self._forbidden: set[str] = set()
        self._permitted: set[str] = set()
        self._signatures: dict[int, SignatureReason] = {}
        self._unknown_serial: str | None = None
        self._unbelieved_row: Counter[UnknownReason] = Counter()
        self._refusals: Counter[tuple[int, str | None]] = Counter()
        self.has_good_answer = False

    @property
    def silent_s(self) -> float:
        """For how many seconds no answer has been accepted."""
        return self._clock() - self._accepted_at

    def accepted(self) -> None:
        """Note that an answer was accepted, whatever it said."""
        self._accepted_at = self._clock()

    def permit(self, organization: str, *, good: bool) -> None:
        """Note that an earlier, unfinished run had an answer about an organization."""
        self._permitted.add(organization)
        self.has_good_answer |= good

    def answered(self, place: int, organization: str) -> None:
        """Note a good answer."""
        self.accepted()
        self.has_good_answer = True
        self._permitted.add(organization)
        self._signatures.pop(place, None)
        self._unbelieved_row.clear()

    def failed(self, place: int, organization: str, error: PalmError) -> None:
        """Note that a pair has no good answer.

        Raises:
            CredentialsError: The merchant is refused, or the answers are signed by unknown keys.
            AbortedError: Nothing is believed any more.
        """
        if not isinstance(error, TransientError):
            self.accepted()
        if isinstance(error, VerificationError):
            self._not_believed(place, error)
            return
        self._unbelieved_row.clear()
        if isinstance(error, RefusedError):
            self._refused_alike(error)
        if isinstance(error, UnauthorizedError):
            self._unauthorized.add(place)
            if not self._canary and len(self._unauthorized) > 1:
                raise _refused(error)
        elif isinstance(error, ForbiddenError):
            self._forbidden.add(organization)
            if not self._canary and self._forbidden_everywhere():
                raise _refused(error)
        elif isinstance(error, RefusedError | StateError):
            self._permitted.add(organization)

    def judge_canary(self, errors: Sequence[PalmError | None]) -> None:
        """Judge the first few pairs together; from here on each is judged by itself.

        Raises:
            CredentialsError: The merchant is refused, or no answer is signed by a known key.
            AbortedError: No answer names anybody, or all are copies of earlier ones.
        """
        failed = [error for error in errors if error is not None]
        for error in failed:
            if isinstance(error, UnauthorizedError):
                raise _refused(error)
        if not self.has_good_answer:
            _check_names(errors)
        if failed and all(isinstance(error, SignatureError) for error in errors):
            reasons = {error.reason for error in failed if isinstance(error, SignatureError)}
            if reasons == {SignatureReason.REPLAYED}:
                raise self._unbelievable(f"the answers about the first {len(failed)} pairs")
            raise _refused(next(error for error in failed if not _is_replayed(error)))
        forbidden = failed and all(isinstance(error, ForbiddenError) for error in errors)
        if forbidden and self._forbidden_everywhere():
            raise _refused(failed[0])
        self._canary = False

    def check_patience(
        self, latest: PalmError | None = None, refused: PalmError | None = None
    ) -> None:
        """Stop where no answer was accepted for too long.

        Args:
            latest: The error of the request that failed last.
            refused: That of a refused TLS certificate, where no host has answered in this run.

        Raises:
            CredentialsError: None was, and a certificate is refused.
            ShortageError: None was, and this machine lacks what a connection takes.
            AbortedError: None was, for any other reason.
        """
        silent = self.silent_s
        if silent > self._rules.patience_s:
            if refused is not None:
                raise _refused(refused)
            kind = ShortageError if isinstance(latest, LocalResourceError) else AbortedError
            said = f"No valid answer for {duration_text(silent)}: {_trouble(latest)}"
            raise kind(said)

    def check_belief(self, answers: AnswerTable) -> None:
        """Stop where too many answers are not believed: somebody else may be answering.

        Raises:
            CredentialsError: They are, and a key is missing.
            AbortedError: They are.
        """
        asked = len(answers) - answers.count(UnknownReason.NOT_ASKED)
        unbelieved, rules = answers.count(*UNVERIFIED), self._rules
        if unbelieved >= rules.unbelieved_least and unbelieved > rules.unbelieved_share * asked:
            raise self._unbelievable(f"the answers about {unbelieved:,} of {asked:,} pairs")

    def check_named(self, unnamed: int, answers: int) -> None:
        """Stop where too many answers name nobody.

        Args:
            unnamed: Answers refused because they name nobody.
            answers: All verified answers, those among them.

        Raises:
            AbortedError: They do.
        """
        rules = self._rules
        if answers >= rules.unnamed_from and unnamed > rules.unnamed_share * answers:
            raise _nobody_named(unnamed)

    def _forbidden_everywhere(self) -> bool:
        return not self._permitted and len(self._forbidden) >= self._enough

    def _refused_alike(self, error: RefusedError) -> None:
        """Stop where one refusal after the other is of the same kind, and nothing else came."""
        if self.has_good_answer or error.status is None:
            return
        kind = error.status, error.code
        self._refusals[kind] += 1
        if self._refusals[kind] >= self._rules.refused_alike:
            raise CredentialsError(
                f"the first {self._refusals[kind]} pairs were all refused alike: {diagnose(error)}",
            )

    def _not_believed(self, place: int, error: VerificationError) -> None:
        if isinstance(error, SignatureError):
            self._signatures[place] = error.reason
            if error.reason is SignatureReason.UNKNOWN_SERIAL:
                self._unknown_serial = diagnose(error)
        row = self._unbelieved_row
        row[reason_of(error)] += 1
        if (pairs := row.total()) < self._rules.unbelieved_row:
            return
        if row.keys() == {UnknownReason.UNNAMED}:
            raise _nobody_named(pairs)
        raise self._unbelievable(f"the answers about the last {pairs:,} pairs")

    def _unbelievable(self, which: str) -> RunError:
        reasons = list(self._signatures.values())
        unknown = reasons.count(SignatureReason.UNKNOWN_SERIAL)
        if self._unknown_serial and 2 * unknown > len(reasons):
            return CredentialsError(self._unknown_serial)
        return AbortedError(
            f"{which} are not believed, which is more than chance explains: check base_url, "
            "proxies and keys, then run again",
        )


def _check_names(errors: Sequence[PalmError | None]) -> None:
    """Stop where some of the first pairs were answered, and no answer names its pair."""
    answers = [
        error for error in errors if error is None or isinstance(error, UnnamedError | StateError)
    ]
    if answers and all(isinstance(error, UnnamedError) for error in answers):
        raise _nobody_named(len(answers))


def _nobody_named(unnamed: int) -> RunError:
    return UnnamedAnswersError(
        f"{unnamed:,} answers do not name the person or the organization and are not accepted: "
        "nothing ties such an answer to the question. --accept-unnamed accepts them, and an answer "
        "that reaches the wrong question is then not noticed",
    )


def _is_replayed(error: PalmError) -> bool:
    return isinstance(error, SignatureError) and error.reason is SignatureReason.REPLAYED


def _trouble(error: PalmError | None) -> str:
    """Return what kept all answers away, judged by the request that failed last."""
    if isinstance(error, ThrottledError):
        return f"every request is throttled ({error})"
    if isinstance(error, VerificationError):
        return f"no answer is believed ({error})"
    if error is None:
        return "gateway down (no answer at all)"
    said = str(error).removeprefix("no connection: ")
    if isinstance(error, LocalResourceError):
        return said
    return f"gateway down ({said if said.startswith('HTTP') else said[:1].lower() + said[1:]})"


def _refused(error: PalmError) -> RunError:
    return CredentialsError(diagnose(error))
