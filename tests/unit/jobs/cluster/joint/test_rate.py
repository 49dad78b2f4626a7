"""One rate for all members: lowered and raised by what all of them counted, once per pause."""

from __future__ import annotations

from jobs.cluster.joint.rate import JointRate
from jobs.cluster.quota.messages import Counts

NONE = Counts()


def test_throttles_of_different_members_add_up():
    rate = JointRate(100.0)
    for number in range(3):
        assert rate.rate == 100.0
        rate.add(NONE, Counts(answers=20, throttles=1), 10.0 + number / 10)
    assert (rate.rate, rate.pauses) == (70.0, 1)
    assert rate.is_paused(10.2)
    assert rate.is_paused(11.19)
    assert not rate.is_paused(11.21)


def test_only_what_is_new_since_the_last_question_counts():
    rate = JointRate(100.0)
    before = Counts(answers=100, throttles=2)
    rate.add(NONE, before, 10.0)
    rate.add(before, Counts(answers=101, throttles=2), 10.5)
    assert rate.pauses == 0


def test_what_was_written_before_a_pause_lowers_the_rate_no_further():
    rate = JointRate(100.0)
    rate.add(NONE, Counts(answers=10, throttles=10), 10.0)
    rate.add(NONE, Counts(answers=50, throttles=50), 10.1)
    rate.add(NONE, Counts(answers=50, throttles=50), 20.0)
    assert (rate.rate, rate.pauses) == (70.0, 1)
    before = Counts(answers=50, throttles=50)
    rate.add(before, Counts(pauses=1, answers=10, throttles=10), 20.5)
    assert (round(rate.rate), rate.pauses) == (49, 2)


def test_the_pause_is_as_long_as_the_gateway_asks():
    rate = JointRate(100.0)
    rate.add(NONE, Counts(answers=10, throttles=10, retry_after_s=30.0), 10.0)
    assert rate.is_paused(39.9)
    assert not rate.is_paused(40.1)


def test_a_stray_throttle_among_many_answers_changes_nothing():
    rate = JointRate(1000.0)
    rate.add(NONE, Counts(answers=1000, throttles=30), 10.0)
    assert rate.pauses == 0


def test_it_grows_back_while_nobody_is_throttled():
    rate = JointRate(100.0)
    rate.add(NONE, Counts(answers=10, throttles=10), 10.0)
    before = Counts(pauses=1)
    for number in range(1, 60):
        counts = Counts(pauses=1, answers=number * 30)
        rate.add(before, counts, 11.0 + number)
        before = counts
    assert rate.rate == 100.0
