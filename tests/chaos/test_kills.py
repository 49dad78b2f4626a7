"""A run that is killed, again and again, and goes on each time where it stopped."""

from __future__ import annotations

import random
import time

import pandas as pd
import pytest

from jobs.render.parquet import read_parquet
from tests.night import DAY

PEOPLE = 5_000
KILLS = 20
RATE = 600
JUST_NOW_S = 0.1
"""Answers that are so young may not be on disk yet."""


@pytest.fixture
def killed(gateway, start, source, report_path):
    """Return the moments of the kills of a run that was then let go to its end."""
    drawn = random.Random(5)
    gateway.tell(latency_s=0.02)  # so that there is always something in flight
    config = gateway.config()
    path = source(PEOPLE)
    command = [path, "-o", report_path, "--run-date", DAY, "--rate", RATE, "--progress", "off"]
    moments = []
    while len(moments) < KILLS:
        asked = gateway.tell()["asked"]
        process = start(*command, config=config)
        if len(moments) % 4:  # while it asks; every fourth anywhere, also while it starts
            while gateway.tell()["asked"] == asked:
                time.sleep(0.005)
            time.sleep(drawn.uniform(0.0, 0.6))
        else:
            time.sleep(drawn.uniform(0.0, 1.5))
        before = time.monotonic()
        process.kill()
        assert process.wait(10) == -9, process.stderr.read()
        moments.append((before, time.monotonic()))
        time.sleep(0.02)
    last = start(*command, config=config)
    _, said = last.communicate(timeout=60)
    assert last.returncode == 0
    assert "going on with an unfinished run" in said
    return moments


def test_twenty_kills_cost_no_answer_and_no_pair_is_asked_again_that_was_safe(
    killed, gateway, night, folder, report_path, is_true
):
    queries = gateway.tell(tell=True)["queries"]
    interrupted = read_parquet(report_path)
    assert is_true(interrupted, PEOPLE)
    assert not list(folder.glob(".*.journal*"))
    again, oldest, last = 0, 0.0, {}
    for openid, organization, came, answered in queries:
        if (before := last.get((openid, organization))) is not None:
            again += 1
            # There was a kill between the two, at which the first was not yet safe.
            ages = [
                0.0 if before[1] is None else kill - before[1]
                for kill, dead in killed
                if before[0] <= dead and kill <= came
            ]
            assert ages, "asked again without a kill"
            oldest = max(oldest, min(ages))
        last[openid, organization] = came, answered
    assert len(last) == PEOPLE
    print(f"{KILLS} kills: {len(queries):,} queries, {again} again, {oldest * 1000:.0f} ms old")
    assert oldest <= JUST_NOW_S
    report_path.unlink()
    undisturbed = night(PEOPLE, rate=2000)
    own = ["answered_at", "known_at", "first_seen_at", "last_changed_at", "request_id"]
    pd.testing.assert_frame_equal(
        interrupted.rows.drop(columns=own), undisturbed.rows.drop(columns=own)
    )
