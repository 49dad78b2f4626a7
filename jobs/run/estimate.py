"""What a run would do and how long it would take: for ``--plan``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jobs.input.pairs import Input
from jobs.run.config import Options
from jobs.store.baseline import Baseline
from palm.resilience.pacer import SAFETY_MARGIN

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run before it begins.

    Attributes:
        run_date: ISO date.
        lines: Of the input, with ``pairs``, ``duplicates`` and ``invalid`` as in the report.
        baseline: Run date of the report to compare with; None: there is none.
        answered: Pairs already answered: in an unfinished run's journal, or in the report that is
            corrected.
        requests: To be sent, retries apart.
        rate: Per second.
        seconds: For all requests at that rate.
        available: Seconds there are; None: as many as it takes.
        left: Pairs that would not be reached.
        in_flight: Requests at most.
        answer_ms: The time holds while an answer takes no longer; None: enough are in flight.
        removed: Old reports that are removed once the new one is there.
    """

    run_date: str
    lines: int
    pairs: int
    duplicates: int
    invalid: int
    baseline: str | None
    answered: int
    requests: int
    rate: float
    seconds: float
    available: float | None
    left: int
    in_flight: int
    answer_ms: int | None = None
    removed: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls,
        options: Options,
        source: Input,
        found: Baseline,
        *,
        answered: int,
        removed: tuple[Path, ...] = (),
    ) -> Self:
        """Return the plan of a run."""
        requests = len(source.pairs) - answered
        rate = options.quota * SAFETY_MARGIN
        available = options.seconds_left
        reached = requests if available is None else int(available * rate)
        return cls(
            run_date=options.run_date.isoformat(),
            lines=source.lines,
            pairs=len(source.pairs),
            duplicates=source.duplicates,
            invalid=source.invalid,
            baseline=found.report.run_date.isoformat() if found.report else None,
            answered=answered,
            requests=requests,
            rate=round(rate, 3),
            seconds=round(requests / rate, 1),
            available=available,
            left=max(0, requests - reached),
            in_flight=options.in_flight,
            # The usual number allows an answer a second.
            answer_ms=int(1000 * options.in_flight / rate) if options.in_flight < rate else None,
            removed=removed,
        )

    def condition(self) -> str | None:
        """Return what the time depends on where few requests are in flight."""
        if self.answer_ms is None:
            return None
        return f"if an answer takes at most {self.answer_ms:,} ms: {self.in_flight:,} in flight"

    def lines_of_text(self) -> list[str]:
        """Return the plan for a person."""
        hours, rest = divmod(round(self.seconds), 3600)
        counted = f"{self.duplicates:,} duplicates, {self.invalid:,} invalid"
        said = [
            f"run date    {self.run_date}",
            f"input       {self.lines:,} lines: {self.pairs:,} pairs, {counted}",
            f"baseline    {self.baseline or 'none'}",
            f"answered    {self.answered:,} already",
            f"requests    {self.requests:,}, retries apart",
            f"time        {hours} h {rest // 60} min {rest % 60} s at {self.rate:g} per second",
        ]
        if condition := self.condition():
            said.append(f"            {condition}")
        if self.available is not None:
            met = "is met" if not self.left else f"is not met: {self.left:,} pairs would be left"
            said.append(f"deadline    in {self.available:.0f} s, {met}")
        return said + [f"removes     {path}" for path in self.removed]
