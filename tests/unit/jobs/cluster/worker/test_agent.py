"""Several clients with one quota, in virtual time: only the network and the gateway are made up."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass, field

import pytest

from jobs.cluster.joint.authority import Authority
from jobs.cluster.joint.breaker import JointBreaker
from jobs.cluster.joint.rate import JointRate
from jobs.cluster.quota.ledger import Ledger
from jobs.cluster.quota.member import LeaseLostError, Member
from jobs.cluster.quota.messages import Question, Reply
from jobs.cluster.worker.agent import LeaseAgent
from palm import Clock, ConnectError, PalmError, Retry, ServerError, ThrottledError
from tests.virtual import VirtualGateway, run

MESSAGE_S = 0.02


@dataclass
class Worker:
    name: str
    agent: LeaseAgent
    gateway: VirtualGateway
    sent: list[float] = field(default_factory=list)
    failed: list[PalmError] = field(default_factory=list)
    answered: int = 0
    is_reachable: bool = True
    is_done: bool = False


class Cluster:
    """Workers that ask as much as they may, and the command.

    Args:
        rate: Requests per second of all together.
        trouble: Returns the error of a worker's request at a time, or None.
    """

    def __init__(self, rate=60.0, trouble=lambda *_: None):
        now = asyncio.get_running_loop().time
        self.now = now
        self.clock = Clock(
            monotonic=now, elapsed=now, wall=lambda: 1e9 + now(), sleep=asyncio.sleep
        )
        self.authority = Authority(
            Ledger(rate, started_at=now() - 4.25), JointRate(rate), JointBreaker(now=now())
        )
        self.workers = []
        self.tasks = []
        self._trouble = trouble

    def join(self, *, callers=64):
        name = f"w{len(self.workers)}"
        member = Member(name, clock=self.clock)
        agent = LeaseAgent(
            member,
            lambda question: self._carry(worker, question),
            lambda: not worker.is_done,
            clock=self.clock,
        )
        worker = Worker(name, agent, VirtualGateway(lambda *_: self._sent(worker)))
        self.workers.append(worker)
        palm = worker.gateway.client(
            pacer=agent.pacer,
            adaptation=agent.throttles,
            breaker=agent.breaker,
            connections=callers,
            retry=Retry(attempts=3),
        )
        self.tasks += [asyncio.create_task(self._ask(worker, palm, n)) for n in range(callers)]
        self.tasks.append(asyncio.create_task(agent.run()))
        return worker

    def _sent(self, worker):
        worker.sent.append(self.now())
        return self._trouble(worker.name, self.now(), self.times())

    def times(self):
        return sorted(at for worker in self.workers for at in worker.sent)

    async def _ask(self, worker, palm, number):
        while not worker.is_done:
            try:
                await palm.authorizations.get(f"o{number}", "1")
            except PalmError as error:
                worker.failed.append(error)
            else:
                worker.answered += 1

    def _carry(self, worker, question):
        loop = asyncio.get_running_loop()
        if worker.is_reachable:
            text = question.to_json()
            loop.call_later(MESSAGE_S, lambda: self._answer(worker, Question.from_json(text)))

    def _answer(self, worker, question):
        reply = self.authority.receive(question, self.now())
        if reply is not None and worker.is_reachable:
            text, loop = reply.to_json(), asyncio.get_running_loop()
            loop.call_later(MESSAGE_S, lambda: worker.agent.receive(Reply.from_json(text)))

    async def end(self):
        for task in self.tasks:
            task.cancel()
        return await asyncio.gather(*self.tasks, return_exceptions=True)


def worst_second(times):
    return max(index + 1 - bisect_right(times, at - 1) for index, at in enumerate(times))


def within(times, since, until):
    return sum(since < at <= until for at in times)


def in_virtual_time(test):
    """Run a test in a loop in which waiting takes no time."""

    def wrapped():
        run(test())

    wrapped.__name__, wrapped.__doc__ = test.__name__, test.__doc__
    return wrapped


@in_virtual_time
async def test_three_clients_use_one_quota_and_no_more():
    cluster = Cluster()
    workers = [cluster.join() for _ in range(3)]
    await asyncio.sleep(20)
    times = cluster.times()
    assert worst_second(times) <= 60
    assert within(times, 10, 20) >= 0.95 * 600
    assert all(worker.answered > 100 for worker in workers)
    await cluster.end()


@in_virtual_time
async def test_what_one_does_not_need_is_used_by_the_others_within_three_seconds():
    cluster = Cluster()
    first, *_ = [cluster.join(callers=callers) for callers in (6, 64, 64)]
    await asyncio.sleep(15)
    first.is_done = True
    await asyncio.sleep(10)
    times = cluster.times()
    assert within(times, 18, 25) >= 0.95 * 60 * 7
    assert worst_second(times) <= 60
    await cluster.end()


@in_virtual_time
async def test_one_that_waits_for_slow_answers_leaves_its_share_to_the_others():
    cluster = Cluster()
    slow = cluster.join(callers=1)
    cluster.join()
    await asyncio.sleep(20)
    assert 5 < within(slow.sent, 10, 20) / 10 < 11
    assert within(cluster.times(), 10, 20) >= 0.9 * 600
    await cluster.end()


@in_virtual_time
async def test_one_that_is_cut_off_sends_nothing_after_three_seconds_and_stops_after_six():
    cluster = Cluster()
    cut, *_ = [cluster.join() for _ in range(2)]
    lost = cluster.tasks[64]
    await asyncio.sleep(10)
    cut.is_reachable = False
    await asyncio.sleep(10)
    assert cut.sent[-1] <= 13.1
    assert isinstance(lost.exception(), LeaseLostError)
    times = cluster.times()
    assert worst_second(times) <= 60
    assert within(times, 15.1, 20) >= 0.95 * 60 * 4.9
    await cluster.end()


@in_virtual_time
async def test_the_share_of_one_that_ends_is_used_two_seconds_later():
    cluster = Cluster()
    first, _ = [cluster.join() for _ in range(2)]
    await asyncio.sleep(10)
    cluster.tasks[64].cancel()
    await asyncio.sleep(10)
    times = cluster.times()
    assert first.sent[-1] <= 10
    assert within(times, 12, 20) >= 0.95 * 60 * 8
    assert worst_second(times) <= 60
    await cluster.end()


@in_virtual_time
async def test_throttles_of_one_slow_all_down_once():
    def trouble(name, now, _):
        return ThrottledError(429) if name == "w0" and 10 < now < 10.4 else None

    cluster = Cluster(trouble=trouble)
    [cluster.join() for _ in range(3)]
    while not cluster.authority.rate.pauses:
        await asyncio.sleep(0.01)
    noticed_at = cluster.now()
    await asyncio.sleep(10)
    times = cluster.times()
    assert cluster.authority.rate.pauses == 1
    assert within(times, noticed_at + 0.5 + 2 * MESSAGE_S, noticed_at + 1.0) == 0
    assert noticed_at < 11
    assert within(times, 15, 20) == pytest.approx(0.98 * 42 * 5, rel=0.05)
    await cluster.end()


@in_virtual_time
async def test_while_the_gateway_is_down_one_probes_and_no_pair_loses_an_attempt():
    def trouble(_, now, __):
        return ServerError(502) if 10 < now < 60 else None

    cluster = Cluster(trouble=trouble)
    workers = [cluster.join() for _ in range(3)]
    await asyncio.sleep(70)
    times = cluster.times()
    assert cluster.authority.breaker.openings == 1
    assert within(times, 20, 58) <= 40
    assert within(times, 66, 70) >= 0.9 * 60 * 4
    failed = sum(len(worker.failed) for worker in workers)
    assert failed <= 60, "only those of the first seconds, before it was clear"
    assert worst_second(times) <= 60
    await cluster.end()


@pytest.mark.slow
@in_virtual_time
async def test_the_gateway_is_found_again_though_one_worker_never_reaches_it():
    def trouble(name, now, _):
        return ConnectError("none") if now > 10 and (name == "w0" or now < 60) else None

    cluster = Cluster(trouble=trouble)
    [cluster.join() for _ in range(2)]
    await asyncio.sleep(90)
    assert within(cluster.times(), 80, 90) >= 0.9 * 600
    assert cluster.authority.failing == {"w0"}
    await cluster.end()


@in_virtual_time
async def test_one_that_alone_does_not_reach_the_gateway_is_told_to_stop():
    def trouble(name, now, _):
        return ConnectError("none") if name == "w0" and now > 10 else None

    cluster = Cluster(trouble=trouble)
    alone, other = [cluster.join() for _ in range(2)]
    await asyncio.sleep(25)
    assert alone.agent.cancel == "unreachable"
    assert (other.agent.cancel, cluster.authority.breaker.openings) == (None, 0)
    assert within(cluster.times(), 20, 25) >= 0.95 * 60 * 5
    await cluster.end()


@in_virtual_time
async def test_what_ends_the_run_reaches_all_with_their_next_reply():
    cluster = Cluster()
    workers = [cluster.join() for _ in range(3)]
    await asyncio.sleep(10)
    cluster.authority.cancel = "deadline"
    await asyncio.sleep(10)
    assert {worker.agent.cancel for worker in workers} == {"deadline"}
    assert cluster.times()[-1] <= 10.6
    await cluster.end()
