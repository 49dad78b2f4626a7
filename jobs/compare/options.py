"""What is compared with the last report, and which outcome is a success."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.compare.fail_on import Rule

__all__ = ["CompareOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """How the answers are compared and judged.

    Attributes:
        forget_after_days: Pairs that left the input are remembered for so long.
        max_unknown: The share without an answer that is a success.
        fail_on: What ends the run with 10 where it holds.
    """

    forget_after_days: int = 90
    max_unknown: float = 0.01
    fail_on: tuple[Rule, ...] = ()
