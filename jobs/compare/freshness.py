"""How many pairs have an answer, and how old the known states are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import numpy as np
import pandas as pd

from jobs.json_dataclass import Defined, JsonDataclass, JsonSchema
from jobs.schema import State

__all__ = ["Freshness", "freshness"]

_MS_PER_DAY: Final = 86_400_000
_DAYS: Final = {"under_1_day": 1, "under_2_days": 2, "under_4_days": 4, "under_8_days": 8}


@dataclass(frozen=True, slots=True)
class Freshness(JsonDataclass):
    """How many pairs have an answer, and how old the known states are."""

    coverage: Annotated[float, JsonSchema(minimum=0, maximum=1)]
    """Share of the input's pairs that have a valid answer in this run."""
    age: Annotated[dict[str, int], Defined("age")]
    """Pairs of the input by the age of known_state at the end of the run."""


def freshness(rows: pd.DataFrame, now: datetime) -> Freshness:
    """Return the coverage, and the pairs of the input by the age of their known state.

    Args:
        rows: Columns ``ROWS``.
        now: The end of the run, with a time zone.
    """
    here = rows["state"].notna().to_numpy(bool)
    answered = here & (rows["state"] != State.UNKNOWN).to_numpy(bool)
    known_at = rows["known_at"].to_numpy("datetime64[ms]")[here]
    moment = np.datetime64(int(now.timestamp() * 1000), "ms")
    days = (moment - known_at).astype("int64") / _MS_PER_DAY
    days[np.isnat(known_at)] = np.inf
    age, counted = {}, 0
    for name, limit in _DAYS.items():
        younger = int(np.count_nonzero(days < limit))
        age[name], counted = younger - counted, younger
    never = int(np.count_nonzero(np.isnat(known_at)))
    return Freshness(
        coverage=round(float(answered.sum() / max(here.sum(), 1)), 6),
        age={**age, "older": int(len(days) - counted - never), "never": never},
    )
