"""Counts of the pairs that were refused, by status and code. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import pandas as pd

from jobs.json_dataclass import JsonDataclass, JsonSchema
from jobs.schema import UnknownReason
from jobs.sweep.stats import RequestStats

__all__ = ["RefusedPairs", "count_refused", "refused_kinds"]

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


def refused_kinds(rows: pd.DataFrame) -> Counter[tuple[int | None, str | None]]:
    """Return how many pairs were refused with each status and code.

    Args:
        rows: Columns ``ROWS``; all of a report, or a part of them.
    """
    refused = rows[rows["unknown_reason"] == UnknownReason.REFUSED]
    return Counter(
        (None if pd.isna(status) else int(status), None if pd.isna(code) else str(code))
        for status, code in zip(refused["http_status"], refused["error_code"], strict=True)
    )


def count_refused(
    kinds: Mapping[tuple[int | None, str | None], int], stats: RequestStats
) -> tuple[RefusedPairs, ...]:
    """Return the pairs that were refused, by status and code, the most frequent first, 20 at most.

    Args:
        kinds: How many pairs were refused with each status and code.
        stats: Has one message of each kind that this run received.
    """
    ranked = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0][0] or 0, kind[0][1] or ""))
    return tuple(
        RefusedPairs(
            status, code, None if status is None else stats.refusals.get((status, code)), pairs
        )
        for (status, code), pairs in ranked[:_MOST]
    )
