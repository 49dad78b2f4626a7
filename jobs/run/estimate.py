"""The plan of a run and its duration, for ``--plan`` and for the first log line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from jobs.cluster.options import ClusterOptions
from jobs.cluster.quota.rules import LeaseRules
from jobs.deadline import duration_text
from jobs.input.pairs import Input
from jobs.observe.log.messages import log_start
from jobs.plurals import counted
from jobs.run.options import RunOptions
from jobs.store.baseline import Baseline
from jobs.store.outputs import Outputs
from jobs.sweep.options import SweepOptions
from palm import __version__
from palm.resilience.pacer import SAFETY_MARGIN

__all__ = ["Plan", "log_first_line"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do.

    Attributes:
        run_date: The run date as an ISO date.
        lines: Lines of the input.
        pairs: Different pairs of the input.
        duplicates: Lines whose pair has been listed before.
        invalid: Lines that hold no pair.
        baseline: Run date of the report to compare with; None: there is none.
        answered: Pairs already answered, in an unfinished run's journal or in the report that is
            corrected.
        requests: Requests to be sent, without retries.
        rate: Requests per second.
        seconds: How long all requests take at that rate; by workers, with the wait before.
        available: Seconds until the time limit; None: there is no limit.
        left: Pairs that would not be asked before the time limit.
        in_flight: Requests in flight at most.
        answer_ms: The longest time an answer may take for ``seconds`` to hold, in milliseconds;
            None: any usual time.
        removed: Old reports that are removed once the new one is published.
        parts: Into how many parts the pairs are divided.
        workers: What asks in place of the command; None: nothing.
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
    parts: int = 1
    workers: str | None = None

    @classmethod
    def of(
        cls,
        run: RunOptions,
        sweep: SweepOptions,
        source: Input,
        baseline: Baseline,
        *,
        answered: int,
        cluster: ClusterOptions,
        removed: tuple[Path, ...] = (),
    ) -> Self:
        """Return the plan of a run.

        Args:
            run: The date and the time limit.
            sweep: How fast the gateway is asked.
            source: The input.
            baseline: The earlier reports.
            answered: Pairs already answered.
            cluster: Which workers ask.
            removed: Old reports that are removed.
        """
        requests = source.pair_count - answered
        rate = sweep.quota * SAFETY_MARGIN
        available = run.seconds_left
        # Before workers ask, what a killed command may have lent them is over.
        waits_s = LeaseRules().settled_s if cluster.target and requests else 0.0
        left_s = None if available is None else max(0.0, available - waits_s)
        reached = requests if left_s is None else int(left_s * rate)
        return cls(
            run_date=run.run_date.isoformat(),
            lines=source.lines,
            pairs=source.pair_count,
            duplicates=source.duplicates,
            invalid=source.invalid,
            baseline=baseline.report.run_date.isoformat() if baseline.report else None,
            answered=answered,
            requests=requests,
            rate=round(rate, 3),
            seconds=round(requests / rate + waits_s, 1),
            available=available,
            left=max(0, requests - reached),
            in_flight=sweep.in_flight,
            # With the default number an answer may take a second.
            answer_ms=int(1000 * sweep.in_flight / rate) if sweep.in_flight < rate else None,
            removed=removed,
            parts=1 << source.partitions.bits,
            workers=_workers(cluster),
        )

    def condition(self) -> str | None:
        """Return the condition under which ``seconds`` holds, or None if it always does."""
        if self.answer_ms is None:
            return None
        return f"if an answer takes at most {self.answer_ms:,} ms: {self.in_flight:,} in flight"

    def lines_of_text(self) -> list[str]:
        """Return the plan as lines of text."""
        hours, rest = divmod(round(self.seconds), 3600)
        others = f"{counted(self.duplicates, 'duplicate')}, {self.invalid:,} invalid"
        lines = [
            f"run date    {self.run_date}",
            f"input       {counted(self.lines, 'line')}: {counted(self.pairs, 'pair')}, {others}",
            f"baseline    {self.baseline or 'none'}",
            f"answered    {self.answered:,} already",
            f"requests    {self.requests:,}, retries apart",
            f"time        {hours} h {rest // 60} min {rest % 60} s at {self.rate:g} per second",
        ]
        if self.parts > 1:
            side = "" if self.workers else ", one after the other"
            lines.insert(2, f"parts       {self.parts:,}{side}")
        if self.workers:
            lines.insert(3, f"workers     {self.workers}")
        if condition := self.condition():
            lines.append(f"            {condition}")
        if self.available is not None:
            late = f"is not met: {counted(self.left, 'pair')} would be left"
            met = late if self.left else "is met"
            lines.append(f"deadline    in {self.available:.0f} s, {met}")
        return lines + [f"removes     {path}" for path in self.removed]


def _workers(cluster: ClusterOptions) -> str | None:
    """Return what asks in place of the command, in words."""
    if cluster.target is None:
        return None
    if cluster.address is None:
        return f"{cluster.workers:,}, started on this machine"
    return f"those of {cluster.address}, as many as have joined when the run begins"


def log_first_line(plan: Plan, source: Input, outputs: Outputs, quota: float) -> None:
    """Log version, run date, input, pairs, outputs, rate, and how long the run takes.

    Args:
        plan: What the run will do.
        source: The input.
        outputs: Where the report goes.
        quota: Requests per second that the run may send.
    """
    names = [str(path) for path in outputs.files]
    if outputs.stdout is not None:
        names.append("standard output")
    done = f" ({plan.answered:,} answered already)" if plan.answered else ""
    in_parts = f" in {plan.parts:,} parts" if plan.parts > 1 else ""
    condition = plan.condition()
    limit = "" if not plan.left else f", time for {plan.requests - plan.left:,} of them"
    log_start(
        f"palm-reconcile {__version__}: run date {plan.run_date}, input {source.name}, "
        f"{counted(plan.pairs, 'pair')}{in_parts}{done}, output {', '.join(names)}, "
        f"{quota:g} requests/s, takes about {duration_text(max(1.0, plan.seconds))}"
        f"{f' {condition}' if condition else ''}{limit}",
        version=__version__,
        run_date=plan.run_date,
        input=source.name,
        pairs=plan.pairs,
        answered=plan.answered,
        outputs=names,
        rate=quota,
        seconds=plan.seconds,
    )
    if outputs.primary is None and outputs.stdout != "parquet":
        structlog.get_logger("palm.run").warning(
            "No Parquet file is among the outputs: the next run will have nothing to compare with; "
            "add -o report.parquet"
        )
