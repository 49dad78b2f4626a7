"""What a run would do, in numbers and in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cluster.options import ClusterOptions
from jobs.deadline import TimeLimit
from jobs.input.pairs import parse_pairs
from jobs.run.estimate import Plan
from jobs.store.baseline import Baseline
from palm import Clock
from tests.night import DAY, options

LINES = "".join(f"o{i},A\n" for i in range(980)) + "o1,A\n" * 15 + ",A\n" * 5
SOURCE = parse_pairs(f"openid,organization_id\n{LINES}".encode(), name="pairs.csv")


@pytest.fixture
def plan_of(tmp_path):
    """Return a function that plans a night at 100 requests a second."""

    def plan_of(answered=0, report=None, **given):
        chosen = options(Path("pairs.csv"), tmp_path / "report.parquet", DAY, rate=100.0, **given)
        found = Baseline(report, None, None)
        return Plan.of(
            chosen.run, chosen.sweep, SOURCE, found, answered=answered, cluster=chosen.cluster
        )

    return plan_of


def test_it_counts_lines_pairs_duplicates_and_invalid_ones(plan_of):
    plan = plan_of()
    assert (plan.lines, plan.pairs, plan.duplicates, plan.invalid) == (1000, 980, 15, 5)
    assert "input       1,000 lines: 980 pairs, 15 duplicates, 5 invalid" in plan.lines_of_text()


def test_the_time_is_that_of_all_requests_at_98_percent_of_the_rate(plan_of):
    plan = plan_of()
    assert (plan.rate, plan.requests, plan.seconds) == (98.0, 980, 10.0)
    assert "time        0 h 0 min 10 s at 98 per second" in plan.lines_of_text()


def test_a_share_of_the_quota_takes_as_much_longer(plan_of):
    assert plan_of(quota_share=0.1).seconds == 100.0


def test_without_a_deadline_none_is_told_of(plan_of):
    plan = plan_of()
    assert (plan.available, plan.left) == (None, 0)
    assert not any("deadline" in line for line in plan.lines_of_text())


@pytest.mark.parametrize(
    ("seconds", "left", "said"),
    [(20.0, 0, "in 20 s, is met"), (10.4, 0, "in 10 s, is met"),
     (4.009, 588, "in 4 s, is not met: 588 pairs would be left"),
     (0.0, 980, "in 0 s, is not met: 980 pairs would be left")],
)  # fmt: skip
def test_it_says_whether_the_deadline_is_met_and_what_would_be_left(plan_of, seconds, left, said):
    clock = Clock(elapsed=lambda: 0.0)
    plan = plan_of(time=TimeLimit.of_duration(seconds, clock), clock=clock)
    assert plan.left == left
    assert plan.lines_of_text()[-1] == f"deadline    {said}"


def test_what_is_answered_already_is_not_asked_again(plan_of):
    plan = plan_of(answered=180)
    assert (plan.answered, plan.requests) == (180, 800)


def test_it_names_the_date_of_the_baseline(plan_of, report_of, nights):
    plan = plan_of(report=report_of({"A/a": "ON"}, nights[0]))
    assert plan.baseline == nights[0].isoformat()
    assert replace(plan, baseline=None).lines_of_text()[2] == "baseline    none"


def test_few_in_flight_say_how_fast_answers_must_be(plan_of):
    """The usual number leaves an answer a second; with fewer the rate may not be reached."""
    assert not [line for line in plan_of().lines_of_text() if "in flight" in line]
    assert plan_of(concurrency=98).condition() is None
    lines = plan_of(concurrency=7).lines_of_text()
    assert lines[6].strip() == "if an answer takes at most 71 ms: 7 in flight"


def test_parts_are_told_of_where_there_are_several(plan_of):
    assert not [line for line in plan_of().lines_of_text() if line.startswith("parts")]
    lines = replace(plan_of(), parts=16).lines_of_text()
    assert lines[2] == "parts       16, one after the other"


@pytest.mark.parametrize(
    ("target", "workers"),
    [
        ("local:8", "8, started on this machine"),
        (
            "tls://scheduler.example:8786",
            "those of tls://scheduler.example:8786, as many as have joined when the run begins",
        ),
    ],
)
def test_workers_are_told_of_and_what_they_wait_for_before(plan_of, target, workers):
    alone = plan_of()
    assert not [line for line in alone.lines_of_text() if line.startswith("workers")]
    plan = replace(plan_of(cluster=ClusterOptions.of(target, cores=2)), parts=16)
    lines = plan.lines_of_text()
    assert lines[2:4] == ["parts       16", f"workers     {workers}"]
    assert plan.rate == alone.rate
    assert plan.seconds == pytest.approx(alone.seconds + 4.25, abs=0.051)
    others = set(alone.lines_of_text()) - set(lines)
    assert [line[:5] for line in others] == ["time "]


def test_a_deadline_counts_the_wait_before_workers_ask(plan_of):
    limit = {"time": TimeLimit.of_duration(10)}
    alone = plan_of(**limit)
    by_workers = plan_of(cluster=ClusterOptions.of("local:2", cores=2), **limit)
    assert by_workers.left - alone.left == pytest.approx(4.25 * alone.rate, rel=0.1)
