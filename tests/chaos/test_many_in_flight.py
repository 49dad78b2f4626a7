"""Thousands of pairs with 1,024 requests in flight and a gateway that misbehaves in every way."""

from __future__ import annotations

import pytest

from jobs.run.config import Waits
from palm import Retry, Timeouts


@pytest.mark.parametrize(
    "pairs",
    [pytest.param(1_300, marks=pytest.mark.slow), pytest.param(10_000, marks=pytest.mark.manual)],
)
def test_no_state_is_false(gateway, night, machine, is_true, pairs):
    """Even where answers that name nobody are accepted, and answers come twice."""
    gateway.tell(faults="all=0.015")
    report = night(
        pairs, rate=100_000, concurrency=1_024, accept_unnamed=True, max_unknown=1.0,
        waits=Waits(
            retry=Retry(base_s=0.005, cap_s=0.05, throttle_s=0.02, patience_s=float("inf")),
            timeouts=Timeouts(connect_s=10 * machine.slower, total_s=10 * machine.slower),
        ),
    )  # fmt: skip
    assert is_true(report, pairs)
    asking = report.about["asking"]
    assert asking["answers_without_echo"] > pairs / 200
    assert asking["outcomes"].keys() >= {
        "BodyError", "DisconnectedError", "MismatchError", "UnrecognizedStateError", "NoStateError",
        "ServerError", "SignatureError", "ThrottledError", "ok",
    }  # fmt: skip
    assert report.summary.states["UNKNOWN"] < pairs / 10
