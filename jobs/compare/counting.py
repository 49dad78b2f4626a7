"""How often values occur: the arithmetic that every count of a report is made with. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, TypeAlias

import numpy as np

from jobs.json_dataclass import Defined
from jobs.schema import Array, Change, State

__all__ = ["CHANGES", "STATES", "ByState", "add_counts", "count", "count_table", "present"]

STATES: Final = [state.value for state in State]
CHANGES: Final = [change.value for change in Change]

ByState: TypeAlias = Annotated[dict[str, int], Defined("states")]


def count(values: Array, names: Sequence[str]) -> dict[str, int]:
    """Return how often each of ``names`` occurs in ``values``, which holds their positions."""
    counts = np.bincount(values, minlength=len(names)).tolist()
    return {str(name): count for name, count in zip(names, counts, strict=True)}


def count_table(down: Array, height: int, across: Array, width: int) -> Array:
    """Return how often each combination of codes occurs, shape (height, width)."""
    together = down.astype("int64") * width + across
    return np.bincount(together, minlength=height * width).reshape(height, width)


def add_counts(
    ours: Mapping[str, int], theirs: Mapping[str, int], words: Iterable[str]
) -> dict[str, int]:
    """Return the sums of the counts of ``words``; a word that neither has is left out."""
    return {
        str(word): ours.get(word, 0) + theirs.get(word, 0)
        for word in words
        if word in ours or word in theirs
    }


def present(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts that are not zero."""
    return {name: count for name, count in counts.items() if count}
