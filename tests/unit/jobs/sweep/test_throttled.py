"""Pairs that are always throttled, and a gateway that throttles everybody; in virtual time."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.partitions.partitioned import FrameInMemory, whole
from jobs.run.config import Waits
from jobs.schema import PAIRS, conform
from jobs.sweep.answers import Row
from jobs.sweep.blocks.outcomes import OutcomesInMemory
from jobs.sweep.blocks.restored import Restored
from jobs.sweep.engine import sweep
from jobs.sweep.rules import SweepRules
from jobs.sweep.stats import RequestStats
from palm import ThrottledError
from palm.http.answer import error_of
from tests import virtual

RATE = 50.0


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


def night(trouble, count, *, rules=None, resumed=()):
    """Sweep so many pairs in virtual time; return answers, stats, gateway and seconds."""
    gateway, stats, waits = virtual.VirtualGateway(trouble), RequestStats(), Waits()
    pairs = FrameInMemory(pairs_for(count))
    restored = Restored(OutcomesInMemory(pairs))
    restored.add(0, pairs.frame(0), resumed)

    async def work():
        palm = gateway.client(rate=RATE, retry=waits.retry, on_attempt=stats.attempted)
        return await sweep(
            palm.authorizations.get,
            pairs,
            query_throttled=palm.with_options(retry=waits.throttled_again).authorizations.get,
            stats=stats,
            rules=rules or SweepRules(),
            restored=restored,
            clock=virtual.loop_clock(),
        )

    answers, seconds = virtual.run(work())
    return whole(answers), stats, gateway, seconds


def throttled(every):
    """Throttle each ``every``-th person, always."""
    return lambda openid, _: ThrottledError(429) if int(openid[1:]) % every == 0 else None


def frequent(openid, _):
    """Refuse each twentieth person with a message that speaks of frequency."""
    if int(openid[1:]) % 20:
        return None
    body = '{"code": "PARAM_ERROR", "message": "操作频繁"}'.encode()
    return error_of(400, {}, body, verified=True)


@pytest.mark.slow
def test_one_pair_in_a_hundred_that_is_always_throttled_costs_little_time():
    """20,000 pairs at 50/s are 400 s; where each throttle slowed down all, it took 7,238 s."""
    answers, stats, gateway, seconds = night(throttled(100), 20_000)
    assert Counter(answers["unknown_reason"].dropna()) == {"THROTTLED": 200}
    assert Counter(answers["state"]) == {"ON": 19_800, "UNKNOWN": 200}
    assert 400 < seconds < 1.6 * 20_000 / RATE
    assert stats.throttles == sum(gateway.asked[f"o{i:027}"] for i in range(0, 20_000, 100))


@pytest.mark.parametrize("trouble", [throttled(20), frequent], ids=["429", "frequent"])
@pytest.mark.parametrize("count", [2, 19, 21, 400])
def test_who_is_always_throttled_is_asked_a_dozen_times_and_the_others_are_answered(trouble, count):
    """Also where it is among the first, or the only one that is left."""
    answers, _, gateway, seconds = night(trouble, count)
    always = [i for i in range(count) if i % 20 == 0]
    assert list(answers.index[answers["unknown_reason"] == "THROTTLED"]) == always
    assert (answers["state"] == "ON").sum() == count - len(always)
    assert {gateway.asked[f"o{i:027}"] for i in always} <= {8 + 3, 8 + 4}
    assert seconds < 400


@pytest.mark.slow
def test_where_everybody_is_throttled_for_ten_minutes_no_pair_is_given_up():
    answers, stats, _, seconds = night(
        lambda _, now: ThrottledError(429) if 20 < now < 620 else None, 5_000
    )
    assert set(answers["state"]) == {"ON"}
    assert 700 < seconds < 900
    assert stats.throttles < 64 * 40  # each of those under way asks ever more seldom


def test_a_quota_that_is_cut_to_a_tenth_costs_no_pair_its_answer():
    granted = Counter()

    def trouble(_, now):
        granted[int(now)] += 1
        return ThrottledError(429) if now > 10 and granted[int(now)] > RATE / 10 else None

    answers, _, _, seconds = night(trouble, 1_500)
    assert set(answers["state"]) == {"ON"}
    assert seconds < 1.5 * (10 + (1_500 - 490) / 5)


@pytest.mark.slow
def test_a_gateway_that_throttles_everybody_from_some_time_on_ends_the_run_with_4_in_the_end():
    ended = []

    def trouble(_, now):
        ended.append(now)
        return ThrottledError(429) if now > 20 else None

    with pytest.raises(RunError) as stop:
        night(trouble, 5_000)
    assert exit_code_of(stop.value) == 4
    assert 900 < ended[-1] < 921


def test_the_only_pair_that_an_earlier_run_left_is_given_up_though_nobody_else_is_asked():
    answers, _, gateway, seconds = night(
        throttled(20), 20, resumed=[Row(i, 0, -1, 0, 0, 200, 1, None, None) for i in range(1, 20)]
    )
    assert list(answers["unknown_reason"].dropna()) == ["THROTTLED"]
    assert gateway.asked["o" + 27 * "0"] in {8 + 3, 8 + 4}
    assert seconds < 400


def test_a_canary_that_does_not_settle_is_replaced():
    """Though the first six are always throttled the others are answered at full speed."""
    times = {}

    def trouble(openid, now):
        times.setdefault(int(openid[1:]), now)
        return ThrottledError(429) if int(openid[1:]) < 6 else None

    answers, *_ = night(trouble, 100)
    assert Counter(answers["state"]) == {"ON": 94, "UNKNOWN": 6}
    assert max(times[i] for i in range(6, 100)) < 15


def test_pairs_that_settle_slowly_are_not_asked_twice():
    """Those that replaced them go on beside them."""
    gateway, stats = virtual.VirtualGateway(lambda *_: None, latency_s=8.0), RequestStats()

    async def work():
        palm = gateway.client(rate=RATE)
        return await sweep(
            palm.authorizations.get,
            FrameInMemory(pairs_for(40)),
            stats=stats,
            rules=SweepRules(concurrency=8),
        )

    answers, _ = virtual.run(work())
    assert set(whole(answers)["state"]) == {"ON"}
    assert set(gateway.asked.values()) == {1}
    assert stats.queries == stats.answered == 40
