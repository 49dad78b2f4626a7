"""Which refusals there were, by status and code. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pandas as pd

from jobs.schema import UnknownReason
from jobs.sweep.stats import RequestStats

__all__ = ["refusals"]

_MOST: Final = 20
"""A gateway that invents codes must not make the report grow."""


def refusals(rows: pd.DataFrame, stats: RequestStats) -> list[dict[str, Any]]:
    """Return the pairs that were refused, by status and code, the most frequent first, 20 at most.

    Args:
        rows: Columns ``ROWS``.
        stats: Knows one message of each kind; None stands where it came with an earlier run.
    """
    refused = rows[rows["unknown_reason"] == UnknownReason.REFUSED]
    kinds = Counter(zip(refused["http_status"], refused["error_code"], strict=True))
    found: list[dict[str, Any]] = []
    for kind, pairs in kinds.most_common(_MOST):
        status, code = (None if pd.isna(part) else part for part in kind)
        number = None if status is None else int(status)
        message = None if number is None else stats.refusals.get((number, code))
        found.append({"status": number, "code": code, "message": message, "pairs": pairs})
    return found
