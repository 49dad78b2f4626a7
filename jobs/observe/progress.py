"""Progress of the run: a bar on a terminal, and a line a minute in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import structlog
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from jobs.observe.log.handlers import FILE_ONLY
from jobs.plurals import counted
from jobs.sweep.stats import RequestStats
from palm import Clock

__all__ = ["showing_progress", "status_line"]

_BAR_EVERY_S = 0.2
_LINE_EVERY_S = 60.0


def status_line(stats: RequestStats, elapsed_s: float) -> str:
    """Return the progress of a run in one line."""
    if not stats.pairs:
        return "no pair is asked about yet"
    done = stats.answered + stats.failed
    speed = stats.requests / elapsed_s if elapsed_s > 0 else 0.0
    left = (stats.pairs - done) / speed if speed else 0.0
    return (
        f"{done:,} of {counted(stats.pairs, 'pair')}, {stats.failed:,} unknown, "
        f"{speed:.0f} requests/s, {stats.throttles:,} throttled, "
        f"{int(left) // 60} min {int(left) % 60} s left"
    )


@asynccontextmanager
async def showing_progress(
    stats: RequestStats,
    console: Console,
    *,
    bar: bool | None,
    more: Callable[[], Mapping[str, object]] = dict,
    clock: Clock | None = None,
) -> AsyncIterator[None]:
    """Show progress while the block runs.

    Args:
        stats: The counts of the sweep.
        console: For the bar.
        bar: True: a bar, and lines in the log file only; False: lines in the log; None: nothing.
        more: Returns further values for each line of the log.
        clock: The time.
    """
    if bar is None:
        yield
        return
    clock = clock or Clock()
    lines = _lines(FILE_ONLY if bar else "palm.run", stats, more, clock)
    tasks = [asyncio.create_task(lines)]
    if bar:
        tasks.append(asyncio.create_task(_bar(stats, console, clock)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):  # standard error may be closed
                await task


async def _lines(
    logger: str,
    stats: RequestStats,
    more: Callable[[], Mapping[str, object]],
    clock: Clock,
) -> None:
    log = structlog.get_logger(logger)
    started = clock.monotonic()
    while True:
        await clock.sleep(_LINE_EVERY_S)
        log.info(status_line(stats, clock.monotonic() - started), **more())


async def _bar(stats: RequestStats, console: Console, clock: Clock) -> None:
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[unknown]} unknown"),
    )
    started = clock.monotonic()
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task: TaskID = progress.add_task("asking", total=None, rate=0.0, unknown=0)
        while True:
            progress.update(
                task,
                total=stats.pairs or None,
                completed=stats.answered + stats.failed,
                rate=stats.requests / max(clock.monotonic() - started, 0.001),
                unknown=stats.failed,
            )
            progress.refresh()
            await clock.sleep(_BAR_EVERY_S)
