"""Options of the comparison with the last report and of the verdict."""

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
        forget_after_days: For how many days a pair that left the input stays in the report.
        max_unknown: The share of pairs without an answer that still is a success.
        fail_on: Rules that end the run with exit code 10 if one holds.
    """

    forget_after_days: int = 90
    max_unknown: float = 0.01
    fail_on: tuple[Rule, ...] = ()
