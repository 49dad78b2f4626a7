"""The first line of a run: what is about to be done, and how long it takes."""

from __future__ import annotations

import structlog

from jobs.deadline import duration_text
from jobs.input.pairs import Input
from jobs.observe.logs import log_start
from jobs.run.config import Options
from jobs.run.estimate import Plan
from jobs.store.baseline import Baseline
from palm import __version__

__all__ = ["log_first_line"]


def log_first_line(options: Options, source: Input, found: Baseline, answered: int) -> None:
    """Log version, run date, input, pairs, outputs, rate, and how long the run takes.

    Args:
        options: Of the run.
        source: The input.
        found: What was found before the run.
        answered: Pairs that have an answer already.
    """
    plan = Plan.of(options, source, found, answered=answered)
    outputs = [str(path) for path in options.store.outputs.files]
    if options.store.outputs.stdout is not None:
        outputs.append("standard output")
    done = f" ({answered:,} answered already)" if answered else ""
    condition = plan.condition()
    limit = "" if not plan.left else f", time for {plan.requests - plan.left:,} of them"
    log_start(
        f"palm-reconcile {__version__}: run date {plan.run_date}, input {source.name}, "
        f"{plan.pairs:,} pairs{done}, output {', '.join(outputs)}, {options.quota:g} requests/s, "
        f"takes about {duration_text(max(1.0, plan.seconds))}"
        f"{f' {condition}' if condition else ''}{limit}",
        version=__version__,
        run_date=plan.run_date,
        input=source.name,
        pairs=plan.pairs,
        answered=answered,
        outputs=outputs,
        rate=options.quota,
        seconds=plan.seconds,
    )
    if options.store.outputs.primary is None and options.store.outputs.stdout != "parquet":
        structlog.get_logger("palm.run").warning(
            "No Parquet file is among the outputs: the next run will have nothing to compare with; "
            "add -o report.parquet"
        )
