"""Counts of the pairs that were refused, by status and code. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Final

import pandas as pd

from jobs.json_dataclass import JsonDataclass, JsonSchema
from jobs.schema import UnknownReason
from jobs.sweep.stats import RequestStats

__all__ = ["RefusedPairs", "count_refused"]

_MOST: Final = 20
"""Limits the report's size if a gateway invents codes."""


@dataclass(frozen=True, slots=True)
class RefusedPairs(JsonDataclass):
    """Pairs that were refused with the same status and code."""

    status: int | None
    """HTTP status; null if nothing was sent."""
    code: str | None
    """Error code of the gateway; null if there is none."""
    message: str | None
    """One message of the gateway with this code; null if only an earlier run received it."""
    pairs: Annotated[int, JsonSchema(minimum=1)]
    """Number of pairs."""


def count_refused(rows: pd.DataFrame, stats: RequestStats) -> tuple[RefusedPairs, ...]:
    """Return the pairs that were refused, by status and code, the most frequent first, 20 at most.

    Args:
        rows: Columns ``ROWS``.
        stats: Has one message of each kind that this run received.
    """
    refused = rows[rows["unknown_reason"] == UnknownReason.REFUSED]
    kinds = Counter(zip(refused["http_status"], refused["error_code"], strict=True))
    found: list[RefusedPairs] = []
    for kind, pairs in kinds.most_common(_MOST):
        status, code = (None if pd.isna(part) else part for part in kind)
        number = None if status is None else int(status)
        message = None if number is None else stats.refusals.get((number, code))
        found.append(RefusedPairs(number, code, message, pairs))
    return tuple(found)
