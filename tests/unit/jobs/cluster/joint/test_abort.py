"""Outcomes of all members are judged as those of one process: same errors, same sentences."""

from __future__ import annotations

import json
import random

import pytest

from jobs.cluster.joint.abort import JointAbort
from jobs.cluster.joint.outcomes import OutcomeCounts, Outcomes
from jobs.errors import AbortedError, CredentialsError, RunError, UnnamedAnswersError
from jobs.sweep.abort.monitor import AbortMonitor
from jobs.sweep.abort.thresholds import AbortThresholds
from palm import (
    Clock,
    ForbiddenError,
    MismatchError,
    NoStateError,
    Pair,
    RefusedError,
    ServerError,
    SignatureError,
    SignatureReason,
    UnauthorizedError,
)

UNKNOWN_SERIAL = SignatureError("an unknown key", SignatureReason.UNKNOWN_SERIAL, serial="A1")


class Members:
    """Members whose outcomes come at the command, as JSON, when they report."""

    def __init__(self, *, now=lambda: 0.0):
        monitor = AbortMonitor(AbortThresholds(), 9, Clock(monotonic=now))
        monitor.judge_canary([])
        self.joint = JointAbort(monitor)
        self.counts = {name: OutcomeCounts() for name in "abc"}

    def report(self, *names, answers=0, unnamed=0):
        for name in names:
            outcomes = self.counts[name].outcomes(answers=answers, unnamed=unnamed)
            self.joint.add(name, Outcomes.from_json(json.loads(json.dumps(outcomes.to_json()))))


def one_process(outcomes):
    """Return what ends a process that has these outcomes: errors, or an organization."""
    monitor = AbortMonitor(AbortThresholds(), 9, Clock(monotonic=lambda: 0.0))
    monitor.judge_canary([])
    try:
        for number, (organization, error) in enumerate(outcomes):
            if error is None:
                monitor.answered(organization)
            else:
                monitor.failed(Pair(f"o{number}", organization), error)
    except RunError as ended:
        return type(ended), str(ended)
    return None


def shared(outcomes, *, every=7):
    """Return what ends the run when three members had them, one after the other."""
    members = Members()
    try:
        for number, (organization, error) in enumerate(outcomes):
            name = "abc"[number % 3]
            if error is None:
                members.counts[name].answered(organization)
            else:
                members.counts[name].failed(organization, error)
            if number % every == 0:
                members.report(*"abc")
        members.report(*"abc")
    except RunError as ended:
        return type(ended), str(ended)
    return None


BAD_NIGHTS = {
    "two 401": [("1", None)] * 5 + [("1", UnauthorizedError(401, "SIGN_ERROR"))] * 2,
    "403 of every organization": [(f"{n}", ForbiddenError(403, "NO_AUTH")) for n in range(3)],
    "50 refusals of one kind": [("1", RefusedError(404, "NOT_FOUND"))] * 50,
    "100 unverified": [("1", None)] + [("1", MismatchError("other"))] * 100,
    "100 of an unknown key": [("1", None)] + [("1", UNKNOWN_SERIAL)] * 100,
}
GOOD_NIGHTS = {
    "one 401": [("1", UnauthorizedError(401, "SIGN_ERROR")), ("1", None)],
    "403 of one organization": [("2", None)] + [("1", ForbiddenError(403, "NO_AUTH"))] * 60,
    "refusals after a good answer": [("1", None)] + [("1", RefusedError(404, "NOT_FOUND"))] * 60,
    "unverified, but not in a row": ([("1", MismatchError("other"))] * 30 + [("1", None)]) * 9,
    "no state": [("1", NoStateError("none"))] * 200,
    "outage": [("1", ServerError(502))] * 200,
}


@pytest.mark.parametrize("night", BAD_NIGHTS)
def test_what_ends_one_process_ends_many_with_the_same_sentence(night):
    ended = one_process(BAD_NIGHTS[night])
    assert ended is not None
    assert shared(BAD_NIGHTS[night]) == ended


@pytest.mark.parametrize("night", GOOD_NIGHTS)
def test_what_does_not_end_one_process_does_not_end_many(night):
    assert one_process(GOOD_NIGHTS[night]) is None
    assert shared(GOOD_NIGHTS[night]) is None


def test_a_report_that_comes_late_loses_nothing_and_counts_nothing_twice():
    members = Members()
    for _ in range(49):
        members.counts["a"].failed("1", RefusedError(404, "NOT_FOUND"))
        members.report("a")
    members.report("a")
    members.counts["b"].failed("1", RefusedError(404, "NOT_FOUND"))
    with pytest.raises(CredentialsError, match="^the first 50 pairs were all refused"):
        members.report("b")


def test_a_good_answer_between_two_reports_ends_the_row_that_was_before_it():
    members = Members()
    for _ in range(90):
        members.counts["a"].failed("1", MismatchError("other"))
    members.report("a")
    members.counts["a"].answered("1")
    for _ in range(99):
        members.counts["a"].failed("1", MismatchError("other"))
    members.report("a")
    members.counts["a"].failed("1", MismatchError("other"))
    with pytest.raises(AbortedError, match="^the answers about the last 100 pairs"):
        members.report("a")


def test_answers_that_name_nobody_are_summed_over_all_members():
    members = Members()
    members.report("a", answers=600, unnamed=1)
    with pytest.raises(UnnamedAnswersError, match="^2 answers do not name"):
        members.report("b", answers=600, unnamed=1)


def test_patience_ends_when_no_member_had_an_accepted_answer():
    now = 0.0
    members = Members(now=lambda: now)
    now = 800.0
    members.counts["b"].answered("1")
    members.report("b")
    now = 1650.0
    members.joint.check_patience()
    members.counts["a"].failed("1", ServerError(502))
    members.report("a")
    now = 1750.0
    with pytest.raises(AbortedError, match=r"^No valid answer for .*: gateway down \(HTTP 502\)$"):
        members.joint.check_patience(ServerError(502))


def test_kinds_of_failures_beyond_a_number_are_counted_with_others_of_their_class():
    counts = OutcomeCounts()
    for number in range(400):
        counts.failed("1", RefusedError(400, f"CODE_{number}"))
    counts.failed("1", NoStateError("none"))
    outcomes = counts.outcomes(answers=0, unnamed=0)
    assert len(outcomes.failures) <= 51
    assert sum(each.pairs for each in outcomes.failures) == 401
    assert outcomes.failures[-1].error["kind"] == "NoStateError"


@pytest.mark.parametrize("seed", range(10))
def test_random_nights_that_end_one_process_end_many(seed):
    """A stop may come some outcomes later, because reports come twice a second, but it comes."""
    chance = random.Random(seed)
    kinds = [UNKNOWN_SERIAL, MismatchError("other"), RefusedError(404, "NOT_FOUND")]
    night = [(str(chance.randrange(3)), chance.choice(kinds)) for _ in range(400)]
    ended = one_process(night)
    assert ended is not None
    found = shared(night)
    assert found is not None
    assert found[0] is ended[0]
