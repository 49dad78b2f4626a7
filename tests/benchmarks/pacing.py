"""How much of a quota is used, and whether a strict gateway would ever have refused.

Run: ``python -m tests.benchmarks.pacing``. The clock is the real one; each case takes some seconds.
The grants of the pacer are held against the strictest limiter there is, an exact log of the last
second. The last rows do the same over HTTP: the limiter is the gateway's, in a process of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import date
from typing import Any, Final

from palm import AsyncPalm, Attempt, PalmError, Retry, ThrottledError
from palm.resilience.pacer import Pacer
from palm.sandbox import SlidingWindow
from palm.settings import Settings, read_config
from tests.benchmarks.gateway import running_gateway
from tests.benchmarks.result import Spread, finish, markdown, options
from tests.virtual import loop_clock

RATES: Final = (50, 300, 1000, 2000)
OVER_HTTP: Final = (300, 1000)
TARGETS: Final = {"used": 0.97, "refused": 0}
_CALLERS: Final = 64
_IN_FLIGHT: Final = 256
_ARRIVING_S: Final = 0.5
_PAUSE_S: Final = 1.0

Case = Callable[[int, float], Coroutine[Any, Any, dict[str, Any]]]


class Callers:
    """Callers of a pacer who come back at once, and when each was let through."""

    def __init__(self, pacer: Pacer, number: int) -> None:
        self.grants: list[float] = []
        self._pacer = pacer
        self._number = number
        self._tasks: list[asyncio.Task[None]] = []

    def come(self) -> None:
        self._tasks = [asyncio.create_task(self._call()) for _ in range(self._number)]

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _call(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            await self._pacer.acquire()
            self.grants.append(now())


async def steady(rate: int, seconds: float, number: int = _CALLERS) -> dict[str, Any]:
    """Let callers through for a while; it is counted from when all of them wait."""
    callers = Callers(Pacer(rate, clock=loop_clock()), number)
    now = asyncio.get_running_loop().time
    callers.come()
    await asyncio.sleep(_ARRIVING_S)
    cpu, started = time.process_time(), now()
    await asyncio.sleep(seconds)
    ended, cpu = now(), time.process_time() - cpu
    await callers.leave()
    counted = sum(started < at <= ended for at in callers.grants)
    return judged(rate, callers.grants, counted / (ended - started), cpu / (ended - started))


async def crowd(rate: int, seconds: float) -> dict[str, Any]:
    """The same with 10,000 callers at once."""
    return await steady(rate, seconds, 10_000)


async def after_a_pause(rate: int, seconds: float) -> dict[str, Any]:
    """Nobody wants a slot for a second, then all do; then nobody is let through for a second."""
    pacer, part = Pacer(rate, clock=loop_clock()), seconds / 3
    callers = Callers(pacer, _CALLERS)
    cpu = time.process_time()
    callers.come()
    await asyncio.sleep(part)
    await callers.leave()
    await asyncio.sleep(_PAUSE_S)
    callers.come()
    await asyncio.sleep(part)
    pacer.pause(_PAUSE_S)
    await asyncio.sleep(_PAUSE_S + part)
    await callers.leave()
    cpu = time.process_time() - cpu
    return judged(rate, callers.grants, len(callers.grants) / seconds, cpu / seconds)


async def over_http(rate: int, seconds: float) -> dict[str, Any]:
    """Ask a gateway that refuses what is too much, as fast as its quota allows."""
    attempts: list[Attempt] = []
    with running_gateway("--limit", str(rate), day=date(2026, 11, 21)) as folder:
        settings = Settings(**read_config(folder / "palm.toml"))
        async with AsyncPalm(
            merchant=settings.merchant(),
            keys=settings.verifying_keys(),
            base_url=settings.base_url,
            rate=rate,
            retry=Retry(attempts=1, patience_s=0.0),
            on_attempt=attempts.append,
        ) as palm:
            assert palm.pacer is not None

            async def work(first: int) -> None:
                number = first
                while True:
                    with suppress(PalmError):
                        await palm.authorizations.get(f"o{number:027}", "1001")
                    number += _IN_FLIGHT

            tasks = [asyncio.create_task(work(first)) for first in range(_IN_FLIGHT)]
            await asyncio.sleep(_ARRIVING_S)
            cpu, started, before = (
                time.process_time(),
                time.monotonic(),
                palm.pacer.granted,
            )
            await asyncio.sleep(seconds)
            took, cpu = time.monotonic() - started, time.process_time() - cpu
            granted = palm.pacer.granted - before
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    refused = sum(isinstance(attempt.error, ThrottledError) for attempt in attempts)
    return {
        "used": (granted - refused) / rate / took,
        "worst_second": palm.pacer.worst_second,
        "refused": refused,
        "failed": sum(attempt.error is not None for attempt in attempts) - refused,
        "cpu": cpu / took,
        "cpu_us": cpu / granted * 1e6,
    }


def judged(rate: int, grants: Sequence[float], per_second: float, cpu: float) -> dict[str, Any]:
    """Return what a case's grants come to.

    Args:
        rate: The quota.
        grants: When each was let through, all of them.
        per_second: How many, while there was somebody to let through.
        cpu: The part of a core that it took.
    """
    at = iter(grants)
    limiter = SlidingWindow(rate, clock=lambda: next(at))
    return {
        "used": per_second / rate,
        "worst_second": worst_second(grants),
        "refused": sum(not limiter.allow() for _ in grants),
        "cpu": cpu,
        "cpu_us": cpu / per_second * 1e6,
    }


def worst_second(grants: Sequence[float]) -> int:
    """Return the most grants within any one second."""
    within: deque[float] = deque()
    most = 0
    for at in grants:
        within.append(at)
        while at - within[0] >= 1:
            within.popleft()
        most = max(most, len(within))
    return most


def main() -> None:
    parser = options(__doc__, rounds=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each case")
    given = parser.parse_args()
    cases: list[tuple[str, Case, int]] = [
        *((f"{rate:,}/s, {_CALLERS} callers", steady, rate) for rate in RATES),
        ("1,000/s, 10,000 callers", crowd, 1000),
        ("2,000/s, 10,000 callers", crowd, 2000),
        ("300/s, pauses between", after_a_pause, 300),
        ("1,000/s, pauses between", after_a_pause, 1000),
        *((f"{rate:,}/s over HTTP", over_http, rate) for rate in OVER_HTTP),
    ]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name, _, _ in cases}
    for _ in range(given.rounds):
        for name, case, rate in cases:
            found[name].append(asyncio.run(case(rate, given.seconds)))
    rows = []
    for name, _, rate in cases:
        each = found[name]
        rows.append(
            [
                name,
                Spread.of(100 * one["used"] for one in each).text(1),
                f"{max(one['worst_second'] for one in each):,} of {rate:,}",
                f"{sum(one['refused'] for one in each):,}",
                Spread.of(100 * one["cpu"] for one in each).text(1),
                Spread.of(one["cpu_us"] for one in each).text(0),
            ]
        )
    header = ["quota", "% of it used", "worst second", "refused", "% of a core", "us CPU each"]
    text = (
        f"Median of {given.rounds} (least to most) of {given.seconds:g} s each; the worst second, "
        "and the refusals, of all rounds.\nThe pacer aims at 98 % of the quota. Wanted: at least "
        f"{TARGETS['used']:.0%}, and {TARGETS['refused']} refused.\n\n"
    )
    text += markdown(header, rows)
    finish(given, text, {"targets": TARGETS, "seconds": given.seconds, "cases": found})


if __name__ == "__main__":
    main()
