"""Workers come and go; only those that are like the command are used."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from jobs.cluster.dispatch import workers as workers_module
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
        await asyncio.sleep(0)


@pytest.fixture
def workers():
    time = Time()

    def workers(address=None, **said):
        engine = Engine(**said)
        found = Workers(engine, OWN, WorkerSettings(), time.clock, address=address, join_s=10.0)
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


async def test_of_the_last_one_that_is_lost_it_is_said_what_is_waited_for(workers):
    found, engine, time = workers(a=OWN, b=OWN, address="tls://scheduler:8786")
    await found.wait_for_first()
    with capture_logs() as said:
        for name in ("a", "b"):
            del engine.said[name]
            time.now += 2.0
            await found.look()
    first, last = (each["event"] for each in said)
    assert first == "Worker a is lost: what it had to do is done by others; 1 worker left"
    assert last.startswith("Worker b is lost, the last one: waiting up to 10 s for another one; ")
    assert last.endswith("--dashboard-address 127.0.0.1:0")


async def test_once_all_is_asked_the_command_does_without_workers(workers):
    found, engine, time = workers(a=OWN)
    await found.wait_for_first()
    found.end_of_asking()
    engine.said.clear()
    time.now += 2.0
    with capture_logs() as said:
        await found.look()
    assert said[0]["event"] == ("Worker a is lost, the last one: the command writes what is left")


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


async def test_one_that_is_silent_keeps_nobody_waiting_and_joins_once_it_answers(
    workers, monkeypatch
):
    monkeypatch.setattr(workers_module, "_MEET_FIRST_S", 0.05)
    found, engine, time = workers(a=OWN, slow=OWN)
    answers = asyncio.Event()

    async def introduce(worker, settings):
        engine.asked.append(worker)
        if worker == "slow":
            await answers.wait()
        return OWN

    engine.introduce = introduce
    async with asyncio.timeout(10):
        await found.wait_for_first()
        for _ in range(20):
            time.now += 2.0
            await found.look()
        assert found.usable == ["a"]
        assert engine.asked.count("slow") == 1
        answers.set()
        await asyncio.sleep(0.01)
        time.now += 2.0
        await found.look()
    assert (found.usable, found.joined) == (["a", "slow"], 2)


@pytest.mark.parametrize("silent", [False, True])
async def test_beside_one_that_differs_another_one_is_waited_for(workers, monkeypatch, silent):
    """It is slow, or was silent once: it may be like the command."""
    monkeypatch.setattr(workers_module, "_MEET_FIRST_S", 0.0)
    found, engine, time = workers(odd=replace(OWN, mchid="1230000109"), slow=OWN)
    began, asked = time.now, []

    async def introduce(worker, settings):
        if worker == "slow":
            asked.append(worker)
            if silent:
                return OWN if len(asked) > 1 else None
            while time.now < began + 3.0:
                await asyncio.sleep(0)
        return engine.said[worker]

    engine.introduce = introduce
    await found.wait_for_first()
    assert found.usable == ["slow"]


async def test_one_that_was_silent_and_then_differs_ends_the_wait(workers):
    found, engine, time = workers(odd=None)
    began = time.now

    async def introduce(worker, settings):
        return None if time.now < began + 2.0 else replace(OWN, mchid="1230000109")

    engine.introduce = introduce
    with pytest.raises(CredentialsError, match="odd: its merchant is 1230000109"):
        await found.wait_for_first()
    assert time.now < began + 9.0


async def test_one_that_does_not_answer_is_asked_less_and_less_often(workers):
    found, engine, time = workers(a=OWN, mute=None)
    await found.wait_for_first()
    for _ in range(300):
        time.now += 1.0
        await found.look()
    assert 5 <= engine.asked.count("mute") <= 12


async def test_when_the_run_ends_nobody_is_waited_for(workers, monkeypatch):
    monkeypatch.setattr(workers_module, "_MEET_FIRST_S", 0.01)
    found, engine, _ = workers(a=OWN, slow=OWN)
    ended = []

    async def introduce(worker, settings):
        try:
            await asyncio.sleep(60 if worker == "slow" else 0)
        except asyncio.CancelledError:
            ended.append(worker)
            raise
        return OWN

    engine.introduce = introduce
    await found.wait_for_first()
    await found.close()
    assert ended == ["slow"]


async def test_one_that_turns_out_to_differ_is_used_no_more(workers):
    found, engine, time = workers(a=OWN, b=OWN)
    await found.wait_for_first()
    found.refuse("b", "its merchant's certificate or key is another one")
    time.now += 2.0
    await found.look()
    assert (found.usable, found.joined, found.lost) == (["a"], 2, 1)
    assert found.is_refused("b")
    assert sorted(engine.asked) == ["a", "b"]


async def test_who_joins_once_all_is_asked_counts_for_nothing(workers):
    found, engine, time = workers(a=OWN, b=OWN)
    await found.wait_for_first()
    found.end_of_asking()
    engine.said["late"] = OWN
    time.now += 2.0
    await found.look()
    assert (found.usable, found.asking) == (["a", "b", "late"], ["a", "b"])
    engine.said = {"a": OWN}
    time.now += 2.0
    await found.look()
    assert (found.asking, found.joined, found.lost) == (["a"], 2, 1)


async def test_while_none_has_joined_it_is_said_once_what_is_waited_for(workers):
    found, _, time = workers(address="tls://scheduler:8786")
    began = time.now
    with capture_logs() as said:
        await found.wait_for_first(lambda: time.now >= began + 5.0)
    (line,) = said
    assert line["event"] == (
        "No worker has joined the scheduler yet: waiting up to 10 s for one; start one: dask "
        "worker tls://scheduler:8786 --nthreads 2 --no-nanny --dashboard-address 127.0.0.1:0"
    )


async def test_who_joins_later_is_told(workers):
    found, engine, time = workers(a=OWN)
    with capture_logs() as said:
        await found.wait_for_first()
        engine.said["b"] = OWN
        time.now += 2.0
        await found.look()
    assert [each["event"] for each in said] == ["Worker b has joined; 2 workers"]


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


async def test_where_the_last_one_is_lost_beside_others_that_differ_it_may_come_back(workers):
    found, engine, time = workers(a=OWN, odd=replace(OWN, mchid="1230000109"))
    await found.wait_for_first()
    del engine.said["a"]
    time.now += 5.0
    await found.look()
    found.check()
    time.now += 10.0
    with pytest.raises(NotNowError, match=r"for 10 s, but for others .* \(odd: its merchant is"):
        found.check()


async def test_a_run_that_is_over_waits_for_no_first_worker(workers):
    found, _, time = workers()
    began = time.now
    await found.wait_for_first(lambda: time.now >= began + 1.0)
    assert time.now == began + 1.0
    assert found.usable == []
