"""A run that is killed, again and again, and goes on each time where it stopped."""

from __future__ import annotations

import pandas as pd
import pytest

from jobs.report.parquet import read_parquet
from tests.chaos.killing import PEOPLE_PER_KILL

JUST_NOW_S = 0.1
"""Answers that are so young may not be on disk yet."""
ON_ITS_WAY_S = 0.05
"""From the gateway, which says when it answered, to the run: longer on a slower machine."""
LATE_S = 0.4
"""What a killed run had sent may come in so much later; no new run could begin to ask by then."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("count", "parts"),
    [
        pytest.param(8, 1, id="some"),
        pytest.param(20, 1, id="all", marks=pytest.mark.manual),
        pytest.param(8, 4, id="in parts", marks=pytest.mark.slow),
    ],
)
def test_kills_cost_no_answer_and_no_pair_is_asked_again_that_was_safe(
    kills, machine, night, is_true, count, parts
):
    ended, people = kills[count, parts].result(), PEOPLE_PER_KILL * count
    assert ended.code == 0, ended.said
    assert "Resuming: " in ended.said
    interrupted = read_parquet(ended.folder / "report.parquet")
    assert is_true(interrupted, people)
    assert not list(ended.folder.glob(".*.journal*"))
    assert not (ended.folder / ".report.work").exists()
    again, oldest, last = 0, 0.0, {}
    for openid, organization, came, answered in ended.queries:
        if (before := last.get((openid, organization))) is not None:
            again += 1
            # There was a kill between the two, at which the first was not yet safe.
            ages = [
                0.0 if before[1] is None else kill - before[1]
                for kill in ended.kills
                if before[0] <= kill + LATE_S * machine.slower and kill <= came
            ]
            assert ages, "asked again without a kill"
            oldest = max(oldest, min(ages))
        last[openid, organization] = came, answered
    print(f"{count} kills: {len(ended.queries):,} queries for {people:,} pairs, {again} again; "
          f"the oldest answer lost was {oldest * 1000:.0f} ms old")  # fmt: skip
    assert len(ended.kills) == count
    assert len(last) == people
    assert oldest <= JUST_NOW_S + ON_ITS_WAY_S * machine.slower
    undisturbed = night(people, rate=2000)
    own = ["answered_at", "known_at", "first_seen_at", "last_changed_at", "request_id"]
    pd.testing.assert_frame_equal(
        interrupted.rows.drop(columns=own), undisturbed.rows.drop(columns=own)
    )
