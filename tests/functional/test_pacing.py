"""Under a gateway that holds a quota strictly: the quota is used, and never exceeded."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pytest

from jobs.partitions.partitioned import FrameInMemory, whole
from jobs.schema import PAIRS, conform
from jobs.sweep.engine import sweep
from jobs.sweep.rules import SweepRules
from jobs.sweep.stats import RequestStats
from palm import AsyncPalm
from palm.settings import load_settings, read_config
from tests.benchmarks.gateway import running_gateway

pytestmark = [pytest.mark.slow, pytest.mark.alone]

DAY = date(2025, 3, 3)
SETTLING_S = 0.5
MADE_UP_FOR_S = 0.010
"""So late a slot may be used; what the event loop is later than this is lost, whoever paces."""


@dataclass
class Measured:
    """What came of a while of asking at full speed."""

    used: float
    throttles: int
    failures: int
    worst_second: int
    lost: float
    """The share of the time in which the machine did not run the event loop."""


async def measure(settings, rate, seconds):
    """Ask for ``seconds`` after the start has settled; return what share of the quota was used."""
    pairs = pairs_for(round(rate * (seconds + 2 * SETTLING_S)))
    stats, times, lags = RequestStats(), [], []

    def note(attempt):
        stats.attempted(attempt)
        times.append(time.monotonic() - attempt.elapsed_s)  # when its slot came

    watch = asyncio.create_task(watch_lag(lags))
    async with AsyncPalm(
        merchant=settings.merchant(),
        keys=settings.platform_keys(),
        base_url=settings.base_url,
        rate=rate,
        on_attempt=note,
    ) as palm:
        rules = SweepRules(concurrency=max(64, rate))
        asked = await sweep(palm.authorizations.get, FrameInMemory(pairs), stats=stats, rules=rules)
        answers = whole(asked)
    watch.cancel()
    times.sort()
    start = times[0] + SETTLING_S
    assert times[-1] > start + seconds, "it was faster than the quota"
    sent = bisect_left(times, start + seconds) - bisect_left(times, start)
    return Measured(
        used=sent / seconds / rate,
        throttles=stats.throttles,
        failures=int((answers["state"] == "UNKNOWN").sum()),
        worst_second=palm.pacer.worst_second,
        lost=sum(max(0.0, lag - MADE_UP_FOR_S) for lag in lags) / seconds,
    )


async def watch_lag(lags):
    """Note how late the event loop is, every ten milliseconds."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - before - 0.01)


def pairs_for(count):
    frame = pd.DataFrame(
        {
            "organization_id": [("0042", "1001", "1002")[i % 3] for i in range(count)],
            "openid": [f"o{i:027}" for i in range(count)],
            "input_line": range(2, count + 2),
            "input_duplicates": 0,
        }
    )
    return conform(frame, PAIRS)


@pytest.mark.parametrize(
    ("rate", "seconds"), [(300, 20), pytest.param(50, 10, marks=pytest.mark.manual)]
)
def test_a_strict_quota_is_used_to_97_per_cent_without_one_throttle(rate, seconds):
    # A machine with other work to do only ever makes it worse: the best of three counts. Its
    # gateway counts late, and so too many; what the event loop is late cannot be made up for.
    for _ in range(3):
        measured = measured_once(rate, seconds)
        assert measured.worst_second <= rate, "written, as the client itself counts"
        enough = 0.97 * (1 - measured.lost)
        if not measured.throttles and measured.used >= enough:
            break
    assert enough <= measured.used <= 1, measured
    assert (measured.throttles, measured.failures) == (0, 0), measured


def measured_once(rate, seconds):
    with running_gateway("--limit", str(rate), day=DAY) as keys:
        settings = load_settings(read_config(keys / "palm.toml"))
        return asyncio.run(measure(settings, rate, seconds))
