"""palm.resilience.pacer: whatever arrives and whenever timers fire, the quota holds and is used."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from palm import Clock
from palm.resilience.pacer import Pacer
from palm.resilience.permit import Permit
from palm.resilience.spacing import Spacing
from tests.examples import examples_of
from tests.virtual import run

CATCH_UP_S = 0.010
EPSILON = 1e-9


@dataclass
class Grant:
    at: float
    cap: int
    interval: float


@dataclass
class Simulation:
    """A queue before a Spacing, on a clock of its own, woken late as the timers have it."""

    quota: float
    late: list[float]
    now: float = 1000.0
    queue: int = 0
    grants: list[Grant] = field(default_factory=list)
    pauses: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spacing = Spacing(self.quota)
        self.wakes = 0

    def grant(self, *, waited: bool) -> None:
        self.spacing.grant(self.now, waited=waited)
        share = self.spacing.share
        self.grants.append(
            Grant(self.now, max(1, math.floor(self.quota)), 1 / (self.quota * share))
        )

    def ask(self, callers: int) -> None:
        for _ in range(callers):
            if not self.queue and self.spacing.earliest(self.now) <= self.now:
                self.grant(waited=False)
            else:
                self.queue += 1

    def leave(self) -> None:
        """The one who was let through last is gone before it could use its slot."""
        if self.grants and self.grants[-1].at == self.now:
            self.spacing.refund(self.now)
            self.grants.pop()

    def set_quota(self, quota: float) -> None:
        self.quota = quota
        self.spacing.set_quota(quota)

    def pause(self, seconds: float) -> None:
        self.spacing.pause_until(self.now + seconds)
        self.pauses.append((self.now, self.now + seconds))

    def run(self, seconds: float) -> None:
        """Let time pass; whoever waits goes when the timer fires."""
        end = self.now + seconds
        while self.queue:
            fires = self.spacing.earliest(self.now) + self.late[self.wakes % len(self.late)]
            if fires > end:
                break
            self.wakes += 1
            self.now = max(self.now, fires)
            while self.queue and self.spacing.earliest(self.now) <= self.now:
                self.grant(waited=True)
                self.queue -= 1
        self.now = end


QUOTA = st.floats(0.3, 400) | st.integers(1, 400)
LATE = st.lists(st.floats(0, 0.05), min_size=1, max_size=5)
STEP = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 300)),
    st.tuples(st.just("run"), st.floats(0, 3)),
    st.tuples(st.just("run"), st.floats(0, 0.02)),
    st.tuples(st.just("pause"), st.floats(0, 2)),
    st.tuples(st.just("set_quota"), QUOTA),
    st.tuples(st.just("leave")),
)


def simulate(quota, late, steps) -> Simulation:
    simulation = Simulation(quota, late)
    for name, *arguments in steps:
        getattr(simulation, name)(*arguments)
    simulation.run(2)
    return simulation


@given(quota=QUOTA, late=LATE, steps=st.lists(STEP, max_size=25))
def test_no_second_holds_more_than_the_quota_that_then_holds(quota, late, steps):
    simulation = simulate(quota, late, steps)
    times = [grant.at for grant in simulation.grants]
    first = 0
    for index, grant in enumerate(simulation.grants):
        while times[first] <= grant.at - 1 + EPSILON:
            first += 1
        assert index - first + 1 <= grant.cap


@given(quota=QUOTA, late=LATE, steps=st.lists(STEP, max_size=25))
def test_slots_lie_apart_and_only_ten_milliseconds_are_ever_made_up_for(quota, late, steps):
    """At the start, after idle time and after a pause there is no burst beyond that, either."""
    grants = simulate(quota, late, steps).grants
    ahead = 0.0  # how far the even schedule of all slots so far leads the last one
    for before, grant in pairwise(grants):
        ahead = max(0.0, ahead + grant.interval - (grant.at - before.at))
        assert ahead <= CATCH_UP_S + EPSILON


@given(quota=QUOTA, late=LATE, steps=st.lists(STEP, max_size=25))
def test_nobody_goes_during_a_pause(quota, late, steps):
    simulation = simulate(quota, late, steps)
    for start, end in simulation.pauses:
        assert not any(start < grant.at < end - EPSILON for grant in simulation.grants)


@given(quota=QUOTA, steps=st.lists(STEP, max_size=25))
def test_whoever_waits_goes_in_the_end(quota, steps):
    simulation = simulate(quota, [0.0], steps)
    waiting, gone = simulation.queue, len(simulation.grants)
    simulation.set_quota(1000)
    simulation.run(10 + 50 * 300 / 900)
    assert (simulation.queue, len(simulation.grants)) == (0, gone + waiting)


@settings(max_examples=examples_of(40))
@given(quota=st.integers(1, 1500), late=st.lists(st.floats(0, 0.009), min_size=1, max_size=5))
def test_a_saturated_quota_is_used(quota, late):
    seconds = 5 if quota > 40 else 200 / quota
    simulation = Simulation(quota, late)
    simulation.ask(int(quota * seconds * 2) + 2)
    simulation.run(seconds)
    assert len(simulation.grants) >= 0.975 * quota * seconds
    assert simulation.spacing.worst_second <= quota


@given(quota=QUOTA, idle=st.floats(0, 5000), callers=st.integers(2, 100))
def test_a_crowd_after_idle_time_is_let_through_one_by_one(quota, idle, callers):
    simulation = Simulation(quota, [0.0])
    simulation.ask(1)
    simulation.run(1 + 2 / quota + idle)
    before = len(simulation.grants)
    simulation.ask(callers)
    assert len(simulation.grants) == before + 1


# --- requests that are let through, need a connection and are then written


@dataclass
class Question:
    """How long one request needs for its connection and, after a second wait, its signature."""

    comes: float
    connecting: float
    signing: float
    leaves: float | None


QUESTION = st.builds(
    Question,
    comes=st.floats(0, 5),
    connecting=st.sampled_from([0.0, 0.001, 0.06]) | st.floats(0, 5),
    signing=st.sampled_from([0.0, 0.001]) | st.floats(0, 2),
    leaves=st.none() | st.floats(0, 5),
)
EVENT = st.tuples(st.floats(0, 8), st.sampled_from(["stop", "pause", "slower"]), st.floats(0, 3))


async def written(rate, questions, events) -> tuple[list[float], Pacer]:
    """Return when each request was written, on a clock that only timers and stops move."""
    loop = asyncio.get_running_loop()
    clock = Clock(monotonic=loop.time)
    pacer, times = Pacer(rate, clock=clock), []

    async def ask(question: Question) -> None:
        await asyncio.sleep(question.comes)
        await pacer.acquire()
        permit = Permit(pacer, clock=clock)
        try:
            await asyncio.sleep(question.connecting)
            while not permit.use():
                await permit.renew()
                await asyncio.sleep(question.signing)
            assert permit.written_at == loop.time()
            times.append(loop.time())
        finally:
            permit.return_slot()

    def happen(what: str, seconds: float) -> None:
        if what == "stop":
            loop._now += seconds  # as by SIGSTOP: nobody ran, and the clock did
        elif what == "pause":
            pacer.pause(seconds)
        else:
            pacer.rate = max(rate / 10, 1)

    tasks = [asyncio.create_task(ask(question)) for question in questions]
    for task, question in zip(tasks, questions, strict=True):
        if question.leaves is not None:
            loop.call_later(question.comes + question.leaves, task.cancel)
    for at, what, seconds in events:
        loop.call_later(at, happen, what, seconds)
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(10)  # who left is forgotten when the next one would have gone
    return times, pacer


@settings(max_examples=examples_of(60))
@given(
    rate=st.integers(1, 150),
    questions=st.lists(QUESTION, max_size=60),
    copies=st.integers(1, 4),
    events=st.lists(EVENT, max_size=3),
)
def test_no_second_holds_more_writes_than_the_quota(rate, questions, copies, events):
    """Whatever connections, signatures, stops, pauses and cancellations do to what was let through.

    Whoever stays is written, nobody waits in the end, and what is reported is what was written.
    """
    (times, pacer), _ = run(written(rate, questions * copies, events))
    worst = 0
    for index, at in enumerate(times):
        worst = max(worst, index + 1 - bisect_right(times, at - 1))
    assert times == sorted(times)
    assert pacer.worst_second == worst <= rate
    assert pacer.waiting == 0
    assert len(times) >= copies * sum(question.leaves is None for question in questions)


@settings(max_examples=examples_of(30))
@given(rate=st.integers(20, 150), until=st.floats(0.5, 5))
def test_what_was_held_up_is_written_evenly_and_the_quota_is_used(rate, until):
    count = int(rate * until)
    questions = [Question(0, until, 0.001, None)] * count
    (times, _), _ = run(written(rate, questions, []))
    interval = 1 / (0.98 * rate)
    for first in range(len(times)):
        later = bisect_right(times, times[first] + 0.5)
        assert (later - first - 1) * interval <= 0.5 + 2 * CATCH_UP_S + interval + 1e-6
    assert times[-1] - times[0] <= (count + 1) * interval + 0.1
