"""How many pairs have an answer, and how old the known states are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import numpy as np
import pandas as pd

from jobs.compare.counting import add_counts
from jobs.json_dataclass import Defined, JsonDataclass, JsonSchema
from jobs.schema import State

__all__ = ["NO_ANSWER_AGES", "AnswerAges", "Freshness", "answer_ages", "freshness"]

_MS_PER_DAY: Final = 86_400_000
_DAYS: Final = {"under_1_day": 1, "under_2_days": 2, "under_4_days": 4, "under_8_days": 8}
_GROUPS: Final = (*_DAYS, "older", "never")


@dataclass(frozen=True, slots=True)
class Freshness(JsonDataclass):
    """How many pairs have an answer, and how old the known states are."""

    coverage: Annotated[float, JsonSchema(minimum=0, maximum=1)]
    """Share of the input's pairs that have a valid answer in this run."""
    age: Annotated[dict[str, int], Defined("age")]
    """Pairs of the input by the age of known_state at the end of the run."""


@dataclass(frozen=True, slots=True)
class AnswerAges:
    """Counts of which a report's freshness consists; those of two parts can be added.

    Attributes:
        pairs: Pairs of the input.
        answered: Those with a valid answer in this run.
        age: ``pairs`` by the age of their known state.
    """

    pairs: int
    answered: int
    age: Mapping[str, int]

    def __add__(self, other: AnswerAges) -> AnswerAges:
        return AnswerAges(
            self.pairs + other.pairs,
            self.answered + other.answered,
            add_counts(self.age, other.age, _GROUPS),
        )

    def freshness(self) -> Freshness:
        """Return the coverage and the counts by age."""
        return Freshness(round(self.answered / max(self.pairs, 1), 6), dict(self.age))


NO_ANSWER_AGES: Final = AnswerAges(0, 0, dict.fromkeys(_GROUPS, 0))


def answer_ages(rows: pd.DataFrame, now: datetime) -> AnswerAges:
    """Return the pairs of the input by the age of their known state.

    Args:
        rows: Columns ``ROWS``; all of a report, or a part of them.
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
    age |= {"older": len(days) - counted - never, "never": never}
    return AnswerAges(len(days), int(np.count_nonzero(answered)), age)


def freshness(rows: pd.DataFrame, now: datetime) -> Freshness:
    """Return the coverage, and the pairs of the input by the age of their known state.

    Args:
        rows: Columns ``ROWS`` of all rows of a report.
        now: The end of the run, with a time zone.
    """
    return answer_ages(rows, now).freshness()
