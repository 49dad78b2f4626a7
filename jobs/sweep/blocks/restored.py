"""What a sweep takes over from an earlier, unfinished one."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from jobs.input.lookup import PairLookup
from jobs.sweep.answers import Row, is_good, is_unnamed, usable
from jobs.sweep.blocks.outcomes import Outcomes
from palm import Pair

__all__ = ["Restored"]


class Restored:
    """Outcomes of an earlier, unfinished sweep over the same pairs, which are not asked again.

    Args:
        outcomes: Takes them.
        accept_unnamed: Whether answers that do not name their pair are accepted.

    Attributes:
        outcomes: Holds them.
        good: How many of them are good answers.
        unnamed: How many of those do not name their pair.
        failed: How many are no good answers.
        organizations: Of whose pairs there is an outcome.
        pair: One with a good answer, or None if there is none.
    """

    def __init__(self, outcomes: Outcomes, *, accept_unnamed: bool = True) -> None:
        self.outcomes = outcomes
        self._accept_unnamed = accept_unnamed
        self.good = self.unnamed = self.failed = 0
        self.organizations: set[str] = set()
        self.pair: Pair | None = None

    def __len__(self) -> int:
        return self.good + self.failed

    def add(self, number: int, pairs: pd.DataFrame, rows: Iterable[Row]) -> None:
        """Take over outcomes by their positions in a partition, those that can be used.

        Args:
            number: The number of the partition.
            pairs: Its pairs; columns ``PAIRS``.
            rows: The outcomes.

        Raises:
            OSError: They cannot be kept on disk.
        """
        used, lookup = usable(rows, accept_unnamed=self._accept_unnamed), PairLookup(pairs)
        for row in used:
            self.organizations.add(lookup.organization(row.pair_index))
            if is_good(row):
                self.good += 1
                self.unnamed += is_unnamed(row)
                self.pair = lookup[row.pair_index]
            else:
                self.failed += 1
        self.outcomes.restore(number, used)

    def clear(self) -> None:
        """Forget all of them.

        Raises:
            OSError: They cannot be removed from the disk.
        """
        self.good = self.unnamed = self.failed = 0
        self.organizations.clear()
        self.pair = None
        self.outcomes.clear()
