"""What became of one request, as a client tells those who count."""

from __future__ import annotations

from dataclasses import dataclass

from palm.errors import PalmError

__all__ = ["Attempt"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request's fate, for those who count.

    Attributes:
        elapsed_s: From its slot, the second one where it had to wait again, to its verdict.
        error: None where it was answered and believed.
        number: Which of its question's attempts it was, from 1.
    """

    elapsed_s: float
    error: PalmError | None
    number: int = 1
