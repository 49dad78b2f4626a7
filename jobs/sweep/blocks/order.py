"""The order of the pairs if there is not time to ask about all.

Pure. First the pairs that were never answered, then those that were unknown last time for another
reason than NOT_ASKED, then those that changed in the last days, then all others. Within each class
the pairs with the oldest answers come first, so that every pair is asked about after some nights.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from jobs.compare.match import match
from jobs.schema import Array, State, UnknownReason, codes

__all__ = ["order", "turns"]

_RECENT_DAYS = 7


def order(pairs: pd.DataFrame, baseline_rows: pd.DataFrame, *, run_date: date) -> Array:
    """Return the positions of ``pairs`` in the order in which to ask.

    Args:
        pairs: Columns ``PAIRS``.
        baseline_rows: Columns ``ROWS``; if empty, nothing is known and the order is the input's.
        run_date: The run date of this run.
    """
    if not len(baseline_rows):
        return np.arange(len(pairs))
    turn, age = turns(pairs, baseline_rows, run_date=run_date)
    return np.lexsort((np.arange(len(pairs)), age, turn))


def turns(
    pairs: pd.DataFrame, baseline_rows: pd.DataFrame, *, run_date: date
) -> tuple[Array, Array]:
    """Return the class of each pair, from 0 to 3 in their order, and when it was answered last.

    Args:
        pairs: Columns ``PAIRS``.
        baseline_rows: Columns ``ROWS``, at least one row.
        run_date: The run date of this run.

    Returns:
        The class, and Unix milliseconds: int64, its lowest value where that is not known.
    """
    at = match(pairs, baseline_rows).found
    known = baseline_rows["known_at"].to_numpy("datetime64[ms]")[at]
    changed = baseline_rows["last_changed_at"].to_numpy("datetime64[ms]")[at]
    state, reason = codes(baseline_rows, "state")[at], codes(baseline_rows, "unknown_reason")[at]
    there = at >= 0
    never = ~there | np.isnat(known)
    unknown = (state == list(State).index(State.UNKNOWN)) & (
        reason != list(UnknownReason).index(UnknownReason.NOT_ASKED)
    )
    recently = changed >= np.datetime64(run_date, "ms") - np.timedelta64(_RECENT_DAYS, "D")
    turn = np.select([never, there & unknown, there & recently], [0, 1, 2], default=3)
    return turn, np.where(there, known.astype("int64"), np.iinfo("int64").min)
