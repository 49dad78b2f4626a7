"""How far the run is: a bar on a terminal, and a line a minute in the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
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
from jobs.sweep.stats import RequestStats

__all__ = ["showing_progress", "status_line"]

_BAR_EVERY_S = 0.2
_LINE_EVERY_S = 60.0


def status_line(stats: RequestStats, elapsed_s: float) -> str:
    """Return the state of a run in one line."""
    done = stats.answered + stats.failed
    speed = stats.requests / elapsed_s if elapsed_s > 0 else 0.0
    left = (stats.pairs - done) / speed if speed else 0.0
    return (
        f"{done:,} of {stats.pairs:,} pairs, {stats.failed:,} unknown, {speed:.0f} requests/s, "
        f"{stats.throttles:,} throttled, {int(left) // 60} min {int(left) % 60} s left"
    )


@asynccontextmanager
async def showing_progress(
    stats: RequestStats,
    console: Console,
    *,
    bar: bool | None,
    more: Callable[[], Mapping[str, object]] = dict,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[None]:
    """Show progress while the block runs: as a bar, as lines in the log, or (None) not at all.

    Where there is a bar, the lines are for the log file only.

    ``more``: What else each line is to say.
    """
    if bar is None:
        yield
        return
    lines = _lines(FILE_ONLY if bar else "palm.run", stats, more, clock, sleep)
    tasks = [asyncio.create_task(lines)]
    if bar:
        tasks.append(asyncio.create_task(_bar(stats, console, sleep)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(
                asyncio.CancelledError, OSError
            ):  # a run does not end for want of a reader
                await task


async def _lines(
    logger: str,
    stats: RequestStats,
    more: Callable[[], Mapping[str, object]],
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    log = structlog.get_logger(logger)
    started = clock()
    while True:
        await sleep(_LINE_EVERY_S)
        log.info(status_line(stats, clock() - started), **more())


async def _bar(
    stats: RequestStats, console: Console, sleep: Callable[[float], Awaitable[None]]
) -> None:
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[unknown]} unknown"),
    )
    started = time.monotonic()
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task: TaskID = progress.add_task("asking", total=None, rate=0.0, unknown=0)
        while True:
            progress.update(
                task,
                total=stats.pairs or None,
                completed=stats.answered + stats.failed,
                rate=stats.requests / max(time.monotonic() - started, 0.001),
                unknown=stats.failed,
            )
            progress.refresh()
            await sleep(_BAR_EVERY_S)
