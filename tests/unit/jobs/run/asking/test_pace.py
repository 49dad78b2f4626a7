"""What a run waited for: each second has one reason."""

from __future__ import annotations

import pytest

from jobs.run.asking.pace import Measured, PaceMeter
from jobs.sweep.options import SweepOptions
from jobs.sweep.stats import RequestStats
from palm import Clock

NOTHING = {"throttled_s": 0.0, "outage_s": 0.0, "pauses": 0, "outages": 0, "host_switches": 0}


@pytest.mark.parametrize(
    ("held", "starved_s"),
    [
        ({}, 6.0),
        ({"throttled_s": 2.5}, 3.5),
        ({"outage_s": 1.0, "throttled_s": 0.5}, 4.5),
        ({"settling_s": 4.25}, 1.75),  # the workers' first shares are no slow network
        ({"settling_s": 7.0}, 0.0),
    ],
)
def test_what_no_other_reason_explains_was_spent_on_waiting_for_answers(held, starved_s):
    """Ten seconds, of which the 392 requests took four at 98 a second."""
    now = [100.0]
    meter = PaceMeter(
        lambda: Measured(**(NOTHING | {"worst_second": 98} | held)),
        RequestStats(requests=392),
        SweepOptions(rate=100.0),
        Clock(monotonic=lambda: now[0]),
    )
    now[0] = 110.0
    pace = meter.pace()
    assert pace.starved_seconds == pytest.approx(starved_s)
    assert pace.seconds == 10.0
    assert pace.achieved_rate == 39.2
    assert pace.throttled_seconds == held.get("throttled_s", 0.0)
    assert pace.outage_seconds == held.get("outage_s", 0.0)
