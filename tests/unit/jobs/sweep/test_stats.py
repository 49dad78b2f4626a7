"""Counts of what was sent: small, however much was sent."""

from __future__ import annotations

import pytest

from jobs.sweep.stats import Latency, RequestStats
from palm import (
    Attempt,
    NoStateError,
    RefusedError,
    ServerError,
    SignatureError,
    SignatureReason,
    ThrottledError,
    UnnamedError,
)


def test_nothing_counted_has_no_percentiles():
    assert Latency().percentiles_ms() == {}


def test_percentiles_are_right_within_five_per_cent_and_the_longest_is_exact():
    latency = Latency()
    for milliseconds in range(1, 10_001):
        latency.add(milliseconds / 1000)
    found = latency.percentiles_ms()
    assert found["p50"] == pytest.approx(5_000, rel=0.05)
    assert found["p90"] == pytest.approx(9_000, rel=0.05)
    assert found["p99"] == pytest.approx(9_900, rel=0.05)
    assert found["max"] == 10_000


def test_no_percentile_exceeds_the_longest():
    latency = Latency()
    latency.add(0.1)
    assert set(latency.percentiles_ms().values()) == {100}


def test_a_time_of_nought_is_counted():
    latency = Latency()
    latency.add(0.0)
    assert latency.percentiles_ms()["p50"] == 0


def test_its_size_does_not_grow_with_its_count():
    latency = Latency()
    for number in range(20_000):
        latency.add(0.05 + number % 100 / 1000)
    assert len(latency._buckets) < 40


def test_good_answers_alone_make_latency():
    stats = RequestStats()
    stats.attempted(Attempt(0.2, None))
    stats.attempted(Attempt(9.0, ServerError(500)))
    assert stats.latency.percentiles_ms()["max"] == 200
    assert stats.outcomes == {"ok": 1, "ServerError": 1}
    assert stats.requests == 2


def test_throttles_and_probes_are_counted_apart():
    stats = RequestStats()
    stats.attempted(Attempt(0.1, ThrottledError(429)))
    stats.attempted(Attempt(0.1, SignatureError("x", SignatureReason.MALFORMED, probe=True)))
    stats.attempted(Attempt(0.1, SignatureError("x", SignatureReason.WRONG)))
    assert (stats.throttles, stats.probes) == (1, 1)
    assert stats.outcomes["SignatureError"] == 2


def test_an_attempt_after_the_first_is_a_retry_whatever_becomes_of_its_question():
    """A deadline breaks questions off that were begun, and whose requests are not told of."""
    stats = RequestStats(queries=9)
    stats.attempted(Attempt(0.1, ServerError(500)))
    stats.attempted(Attempt(0.1, ServerError(500), 2))
    stats.attempted(Attempt(0.1, None, 3))
    assert (stats.requests, stats.retries) == (3, 2)


def test_copies_and_answers_that_name_nobody_are_counted_apart():
    stats = RequestStats()
    replayed = SignatureError("x", SignatureReason.REPLAYED)
    for error in (None, replayed, UnnamedError("x"), NoStateError("x"), ServerError(500)):
        stats.attempted(Attempt(0.1, error))
    assert (stats.replays, stats.unnamed, stats.probes) == (1, 1, 0)
    assert stats.answers == 3  # the good one, the one without names, the one without a state


def test_a_gateway_that_invents_codes_does_not_make_the_memory_grow():
    stats = RequestStats()
    for number in range(5_000):
        stats.attempted(Attempt(0.1, RefusedError(400, f"CODE_{number}", "x")))
    assert len(stats.refusals) == 1_000
