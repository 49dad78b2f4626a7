"""What a request costs on this machine, here and now, and the waits and rates that follow from it.

A night's waits are a tenth of the real ones, so that the tests take seconds. How much can be asked
within them depends on the machine: it is measured before the first test, and what a test expects
to happen within a second is scaled by it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from jobs.cluster.quota.rules import LeaseRules
from jobs.run.config import Waits
from jobs.sweep.abort.thresholds import AbortThresholds
from jobs.sweep.rules import SweepRules
from palm import AdaptationRules, AsyncPalm, BreakerRules, Retry, Timeouts
from palm.settings import Settings

IN_FLIGHT: Final = 64
"""Requests in flight at most, where a test does not say: an eighth of what is answered in time."""
_REFERENCE_PER_S: Final = 700.0
_SAMPLE: Final = 150
_IN_FLIGHT: Final = 16


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine's speed, client and gateway together.

    Attributes:
        per_second: Queries that were asked, signed, answered and verified in a second.
    """

    per_second: float

    @classmethod
    def measure(cls, settings: Settings) -> Machine:
        """Return this machine's speed: the lower one of two samples of 150 queries."""
        return cls(min(asyncio.run(_sample(settings)) for _ in range(2)))

    @property
    def slower(self) -> float:
        """How many times slower than the machine that the waits were chosen on; at least 1."""
        return max(1.0, _REFERENCE_PER_S / self.per_second)

    def rate(self, wanted: float) -> float:
        """Return a rate that the pacer, not the machine, holds a run to: ``wanted`` at most."""
        return min(wanted, self.per_second / 2)

    def waits(self, patience_s: float = 90.0) -> Waits:
        """Return a tenth of every real wait, a twentieth of an attempt's; more if it is slower."""
        slower = self.slower
        return Waits(
            retry=Retry(base_s=0.02, cap_s=2.0, throttle_s=0.1, patience_s=float("inf")),
            timeouts=Timeouts(connect_s=0.5 * slower, total_s=0.75 * slower),
            adaptation=AdaptationRules(pause_s=0.1, every_s=1.0),
            leases=LeaseRules(every_s=0.1, lease_s=1.5, hold_s=1.1, lost_s=1.5),
            breaker=BreakerRules(silence_s=0.3 * slower, probe_every_s=0.1),
            sweep=SweepRules(
                reach_s=3.0 * slower,
                reach_every_s=0.1,
                finish_s=1.0 * slower,
                check_every_s=0.1,
                abort=AbortThresholds(patience_s=patience_s * slower),
            ),
        )


async def _sample(settings: Settings) -> float:
    pairs = [(f"o{number:027}", "0042") for number in range(_SAMPLE)]
    async with AsyncPalm.from_settings(settings) as palm:
        started = time.perf_counter()
        async for _, answer in palm.authorizations.get_many(pairs, concurrency=_IN_FLIGHT):
            assert not isinstance(answer, Exception), answer
        return _SAMPLE / (time.perf_counter() - started)
