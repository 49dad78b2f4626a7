"""What a worker's pairs came to, counted by kind of failure, as it is sent to the command. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from jobs.cluster.joint.error_json import error_to_json
from jobs.json_dataclass import JsonDataclass, Readers
from palm.errors import APIError, ForbiddenError, PalmError, SignatureError, VerificationError

__all__ = ["Failure", "OutcomeCounts", "Outcomes"]

_MOST_KINDS: Final = 50
"""More kinds of failures are counted with an earlier one of the same class."""


@dataclass(frozen=True, slots=True)
class Failure(JsonDataclass):
    """Failures of one kind.

    Attributes:
        error: The first of these errors, as :func:`jobs.cluster.joint.error_json.error_to_json`.
        organization_id: The organization of its pair.
        pairs: How many pairs failed so.
    """

    error: dict[str, object]
    organization_id: str
    pairs: int


def _failures(values: list[dict[str, object]]) -> list[Failure]:
    return [Failure.from_json(each) for each in values]


@dataclass(frozen=True, slots=True)
class Outcomes(JsonDataclass):
    """What the pairs of one member came to since it began; the counts only grow.

    Attributes:
        good: Pairs with a good answer.
        organization_id: The organization of the last of them; None if there is none.
        failures: Pairs without one, by kind.
        unverified_in_a_row: The last so many outcomes were answers that could not be verified.
        answers: Verified answers that could be parsed.
        unnamed: Answers that were refused because they name no pair.
    """

    good: int = 0
    organization_id: str | None = None
    failures: list[Failure] = field(default_factory=list)
    unverified_in_a_row: int = 0
    answers: int = 0
    unnamed: int = 0

    _READ: ClassVar[Readers] = {"failures": _failures}


class OutcomeCounts:
    """Counts the outcomes of one member's pairs."""

    def __init__(self) -> None:
        self._good = self._row = 0
        self._organization: str | None = None
        self._failures: dict[tuple[object, ...], Failure] = {}

    def answered(self, organization_id: str) -> None:
        """Count a pair with a good answer."""
        self._good += 1
        self._row = 0
        self._organization = organization_id

    def failed(self, organization_id: str, error: PalmError) -> None:
        """Count a pair without one."""
        self._row = self._row + 1 if isinstance(error, VerificationError) else 0
        key = self._key(organization_id, error)
        known = self._failures.get(key)
        if known is None:
            known = Failure(error_to_json(error), organization_id, 0)
        self._failures[key] = Failure(known.error, known.organization_id, known.pairs + 1)

    def outcomes(self, *, answers: int, unnamed: int) -> Outcomes:
        """Return the counts so far.

        Args:
            answers: Verified answers that could be parsed.
            unnamed: Answers that were refused because they name no pair.
        """
        failures = list(self._failures.values())
        return Outcomes(self._good, self._organization, failures, self._row, answers, unnamed)

    def _key(self, organization_id: str, error: PalmError) -> tuple[object, ...]:
        """Return what distinguishes kinds of failures that are judged in different ways."""
        code = error.code if isinstance(error, APIError) else None
        reason = error.reason if isinstance(error, SignatureError) else None
        # A refused organization is the merchant's fault only if all of them are refused.
        organization = organization_id if isinstance(error, ForbiddenError) else None
        key = type(error), error.status, code, reason, organization
        if key in self._failures or len(self._failures) < _MOST_KINDS:
            return key
        alike = (each for each in self._failures if each[0] is type(error))
        return next(alike, (type(error),))
