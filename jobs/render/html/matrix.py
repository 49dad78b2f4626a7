"""The table of transitions: its cells, each with a class for its colour. Pure."""

from __future__ import annotations

import math
from typing import Final

from jobs.compare.summary import Summary

__all__ = ["transition_cells"]

_HEATS: Final = 5


def transition_cells(summary: Summary) -> dict[str, dict[str, tuple[int, str]]]:
    """Return the transitions by state before and state now, without empty rows and columns.

    Each has its count and the class of its colour; unchanged states have no colour.
    """
    rows = {before: row for before, row in summary.transitions.items() if any(row.values())}
    columns = [now for now in next(iter(rows.values()), {}) if any(r[now] for r in rows.values())]
    moved = [row[now] for before, row in rows.items() for now in columns if before != now]
    most = max(moved, default=0)
    return {
        before: {
            now: (row[now], "stayed" if before == now else f"heat{_heat(row[now], most)}")
            for now in columns
        }
        for before, row in rows.items()
    }


def _heat(count: int, most: int) -> int:
    """Return 0 for none to 5 for the most, on a logarithmic scale: 3 of 1,000 are visible."""
    return math.ceil(_HEATS * math.log1p(count) / math.log1p(most)) if count else 0
