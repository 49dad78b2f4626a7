"""Workers come and go; only those that are like the command are used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.cluster.dispatch.workers import Workers
from jobs.cluster.tasks.introduction import introduce, unable
from jobs.cluster.tasks.job import WorkerSettings
from jobs.errors import CredentialsError, NotNowError
from palm import Clock
from tests.sandbox_keys import shared_keys

KEYS = shared_keys()
OWN = introduce(KEYS.merchant(), KEYS.platform_keys())


class Engine:
    """Knows which workers there are, and what each says."""

    def __init__(self, **said):
        self.said = said
        self.asked = []

    async def workers(self):
        return set(self.said)

    async def introduce(self, worker, settings):  # noqa: ARG002
        self.asked.append(worker)
        return self.said[worker]


class Time:
    """A clock that goes on when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.clock = Clock(
            wall=lambda: OWN.wall_s, monotonic=lambda: self.now, elapsed=lambda: self.now,
            sleep=self.sleep,
        )  # fmt: skip

    async def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def workers():
    time = Time()

    def workers(**said):
        engine = Engine(**said)
        found = Workers(engine, OWN, WorkerSettings(), time.clock, join_s=10.0)
        return found, engine, time

    return workers


async def test_each_is_asked_once_and_then_used(workers):
    found, engine, time = workers(a=OWN, b=OWN)
    await found.wait_for_first()
    assert found.usable == ["a", "b"]
    engine.said["c"] = OWN
    await found.look()
    assert found.usable == ["a", "b"]  # that was a moment ago
    time.now += 2.0
    await found.look()
    assert (found.usable, found.joined, found.lost) == (["a", "b", "c"], 3, 0)
    assert sorted(engine.asked) == ["a", "b", "c"]


async def test_one_that_goes_away_is_lost_and_said_so(workers, caplog):
    found, engine, time = workers(a=OWN, b=OWN)
    await found.wait_for_first()
    del engine.said["b"]
    time.now += 2.0
    await found.look()
    assert (found.usable, found.joined, found.lost) == (["a"], 2, 1)


async def test_one_that_differs_is_not_used_and_not_asked_again(workers):
    found, engine, time = workers(a=OWN, odd=replace(OWN, mchid="1230000109"))
    await found.wait_for_first()
    time.now += 2.0
    await found.look()
    assert found.usable == ["a"]
    assert sorted(engine.asked) == ["a", "odd"]
    found.check()


async def test_where_all_differ_the_run_is_stopped_and_told_why(workers):
    found, _, _ = workers(a=replace(OWN, version="9"), b=unable("PALM_MCHID is not set"))
    with pytest.raises(CredentialsError, match=r"a: its version is 9.*; b: PALM_MCHID is not set"):
        await found.wait_for_first()


async def test_one_that_does_not_answer_is_asked_again(workers):
    found, engine, _ = workers(a=None)

    async def introduce_later(worker, settings):
        engine.asked.append(worker)
        return OWN if len(engine.asked) > 2 else None

    engine.introduce = introduce_later
    await found.wait_for_first()
    assert (found.usable, len(engine.asked)) == (["a"], 3)


async def test_where_none_joins_for_too_long_the_run_ends(workers):
    found, _, time = workers()
    with pytest.raises(NotNowError, match="no worker has joined the scheduler for 10 s"):
        await found.wait_for_first()
    assert time.now >= 1010.0


async def test_where_the_last_one_is_lost_another_one_is_waited_for(workers):
    found, engine, time = workers(a=OWN)
    await found.wait_for_first()
    engine.said.clear()
    time.now += 5.0
    await found.look()
    found.check()
    time.now += 10.0
    with pytest.raises(NotNowError):
        found.check()


async def test_a_run_that_is_over_waits_for_no_first_worker(workers):
    found, _, time = workers()
    began = time.now
    await found.wait_for_first(lambda: time.now >= began + 1.0)
    assert time.now == began + 1.0
    assert found.usable == []
