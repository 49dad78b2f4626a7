"""10,000 pairs with 1,024 requests in flight and a gateway that misbehaves in every way."""

from __future__ import annotations

import pytest

from jobs.run.config import Waits
from palm import Retry, Timeouts


@pytest.mark.slow
def test_no_state_is_false(gateway, night, machine, is_true):
    """Even where answers that name nobody are accepted, and answers come twice."""
    gateway.tell(faults="all=0.015")
    report = night(
        10_000, rate=100_000, concurrency=1_024, accept_unnamed=True, max_unknown=1.0,
        waits=Waits(
            retry=Retry(base_s=0.005, cap_s=0.05, throttle_s=0.02, patience_s=float("inf")),
            timeouts=Timeouts(connect_s=10 * machine.slower, total_s=10 * machine.slower),
        ),
    )  # fmt: skip
    assert is_true(report, 10_000)
    asking = report.about["asking"]
    assert asking["answers_without_echo"] > 50
    assert asking["outcomes"].keys() >= {
        "BodyError", "DisconnectedError", "MismatchError", "UnrecognizedStateError", "NoStateError",
        "ServerError", "SignatureError", "ThrottledError", "ok",
    }  # fmt: skip
    assert report.summary.states["UNKNOWN"] < 1_000
