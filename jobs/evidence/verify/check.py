"""Checks every state of a report against its evidence."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.evidence.columns import PAIR
from jobs.evidence.options import EvidenceScope
from jobs.evidence.outcomes import EXIT_CODES, Outcome
from jobs.evidence.read import EvidenceFiles
from jobs.evidence.verify.matching import Matched, Matcher
from jobs.evidence.verify.rows import ORDER, Claims, Period
from jobs.evidence.verify.trust import Trust
from jobs.evidence.verify.worker import Unit, check_units
from palm import Pair

__all__ = ["Checked", "Finding", "check_report"]

_ROWS_PER_UNIT: Final = 16 * 1024
_MOST_LISTED: Final = 10_000
"""Rows of each outcome that are listed; all are counted."""
_LISTED: Final = tuple(each for each in Outcome if each not in {Outcome.BACKED, Outcome.NOT_KEPT})


@dataclass(frozen=True, slots=True)
class Finding:
    """A state that is not backed.

    Attributes:
        pair: Whose.
        outcome: What holds of it.
    """

    pair: Pair
    outcome: Outcome


@dataclass(slots=True)
class Checked:
    """What a check found.

    Attributes:
        counts: How many states have each outcome.
        findings: Those that are not BACKED or NOT_KEPT, in the report's order within each outcome;
            at most 10,000 of each.
        unused: How many rows of evidence belong to no state of the report.
    """

    counts: Counter[Outcome] = field(default_factory=Counter)
    findings: dict[Outcome, list[Pair]] = field(default_factory=dict)
    unused: int = 0

    @property
    def states(self) -> int:
        """How many states the report has."""
        return self.counts.total()

    @property
    def exit_codes(self) -> set[int]:
        """The exit code of each outcome that was found."""
        return {EXIT_CODES[outcome] for outcome, count in self.counts.items() if count}

    def listed(self) -> Iterator[Finding]:
        """Yield the findings, by outcome."""
        for outcome in _LISTED:
            for pair in self.findings.get(outcome, ()):
                yield Finding(pair, outcome)

    def add(self, outcome: Outcome, count: int, pairs: Iterable[Pair] = ()) -> None:
        """Count an outcome, and list the pairs of it that still find room."""
        if not count:
            return
        self.counts[outcome] += count
        listed = self.findings.setdefault(outcome, [])
        for pair in pairs:
            if len(listed) == _MOST_LISTED:
                return
            listed.append(pair)


def check_report(
    chunks: Iterable[pd.DataFrame],
    files: EvidenceFiles,
    scope: EvidenceScope,
    *,
    trust: Trust,
    period: Period,
    processes: int,
) -> Checked:
    """Return the outcome of every state.

    Args:
        chunks: The report's rows, columns ``ROWS``, in its order.
        files: The evidence.
        scope: Whose evidence was kept.
        trust: The keys that are trusted.
        period: When the answers can have been signed.
        processes: How many processes verify.

    Raises:
        InputError: The evidence cannot be read.
    """
    checked, matcher = Checked(), Matcher(files, scope)
    unnamed: dict[bytes, list[Pair]] = {}
    waiting: deque[Matched] = deque()

    def units() -> Iterator[Unit]:
        for matched in matcher.match(_small(chunks)):
            waiting.append(matched)
            has_evidence = matched.positions >= 0
            yield Unit(_claims(matched.rows.loc[has_evidence]), matched.positions[has_evidence])

    results = check_units(units(), files, trust, period, processes=processes)
    for result in results:
        matched = waiting.popleft()
        has_evidence = matched.positions >= 0
        _add_without(checked, matched, ~has_evidence)
        rows = matched.rows.loc[has_evidence]
        for number, count in enumerate(np.bincount(result.outcomes, minlength=len(ORDER)).tolist()):
            outcome = ORDER[number]
            if count and outcome is not Outcome.UNNAMED:
                here = rows.loc[result.outcomes == number] if outcome in _LISTED else rows[:0]
                checked.add(outcome, count, _pairs(here))
        for at, signature in result.unnamed.items():
            unnamed.setdefault(signature, []).extend(_pairs(rows.iloc[at : at + 1]))
    for pairs in unnamed.values():
        checked.add(Outcome.UNNAMED if len(pairs) == 1 else Outcome.REPEATED, len(pairs), pairs)
    checked.unused = matcher.unused
    return checked


def _small(chunks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for chunk in chunks:
        for start in range(0, len(chunk), _ROWS_PER_UNIT):
            yield chunk.iloc[start : start + _ROWS_PER_UNIT]


def _claims(rows: pd.DataFrame) -> Claims:
    return Claims(
        rows["openid"].tolist(),
        rows["organization_id"].tolist(),
        rows["state"].tolist(),
        *(rows[name].to_numpy("datetime64[ms]").view(np.int64) for name in _TIMES),
    )


_TIMES: Final = ("authorize_time", "answered_at")


def _add_without(checked: Checked, matched: Matched, missing: npt.NDArray[np.bool_]) -> None:
    """Add the states without evidence."""
    not_kept = missing & ~matched.is_kept
    checked.add(Outcome.NOT_KEPT, int(np.count_nonzero(not_kept)))
    lost = missing & matched.is_kept
    checked.add(Outcome.MISSING, int(np.count_nonzero(lost)), _pairs(matched.rows.loc[lost]))


def _pairs(rows: pd.DataFrame) -> list[Pair]:
    organization_ids, openids = (rows[name].tolist() for name in PAIR)
    return [Pair(*each) for each in zip(openids, organization_ids, strict=True)]
