"""Many pairs at once: as they come, bounded, errors as values, and nothing left behind."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import threading

import pytest

from palm import (
    ArgumentError,
    AsyncPalm,
    Pair,
    Palm,
    PalmAuthorization,
    PalmError,
    Retry,
    ServerError,
)
from palm.sandbox import Faults, SandboxGateway


@pytest.fixture
async def gateway(keys):
    async with SandboxGateway(keys) as running:
        yield running


def options(gateway) -> dict:
    return {
        "merchant": gateway.keys.merchant(),
        "keys": gateway.keys.platform_keys(),
        "base_url": gateway.base_url,
        "retry": Retry(attempts=1),
    }


def people(count):
    return [Pair(f"o{i:027d}", str(1000 + i % 5)) for i in range(count)]


class Taken:
    """Pairs without end that count how many were taken, and in which thread."""

    def __init__(self) -> None:
        self.count = 0
        self.threads = set()

    def __iter__(self):
        for i in itertools.count():
            self.count += 1
            self.threads.add(threading.get_ident())
            yield Pair(f"o{i:027d}", "1000")


async def collect(gateway, sync, pairs, **named):
    """Return all outcomes, by either client."""
    if not sync:
        async with AsyncPalm(**options(gateway)) as palm:
            return [outcome async for outcome in palm.authorizations.get_many(pairs, **named)]

    def work():
        with Palm(**options(gateway)) as palm:
            return list(palm.authorizations.get_many(pairs, **named))

    return await asyncio.to_thread(work)


both = pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])


@both
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 60])
async def test_every_pair_gets_its_own_answer_once(gateway, sync, count):
    outcomes = await collect(gateway, sync, people(count), concurrency=4)
    assert sorted(pair for pair, _ in outcomes) == people(count)
    for pair, answer in outcomes:
        assert isinstance(pair, Pair)
        assert isinstance(answer, PalmAuthorization)
        assert (answer.openid, answer.organization_id) == pair
    assert gateway.stats.requests == count


@both
async def test_plain_tuples_are_pairs_too(gateway, sync):
    [(pair, answer)] = await collect(gateway, sync, iter([("o1", "1004")]))
    assert pair.organization_id == answer.organization_id == "1004"


@both
async def test_the_same_pair_twice_is_asked_twice(gateway, sync):
    outcomes = await collect(gateway, sync, [("o1", "1")] * 2)
    assert [pair for pair, _ in outcomes] == [("o1", "1")] * 2


@both
async def test_errors_are_values(gateway, sync):
    gateway.faults = Faults(system_error=0.5)
    outcomes = await collect(gateway, sync, people(40), concurrency=4)
    assert sorted(pair for pair, _ in outcomes) == people(40)
    errors = [answer for _, answer in outcomes if isinstance(answer, PalmError)]
    assert {type(error) for error in errors} == {ServerError}
    assert len(errors) == gateway.stats.faults.total() > 0


@both
async def test_a_pair_that_cannot_be_asked_is_an_error_among_the_others(gateway, sync):
    outcomes = dict(await collect(gateway, sync, [("o1", "1"), ("..", "1"), ("", ""), ("o2", "1")]))
    assert isinstance(outcomes["..", "1"], ArgumentError)
    assert isinstance(outcomes["", ""], ArgumentError)
    assert outcomes["o1", "1"].openid == "o1"
    assert outcomes["o2", "1"].openid == "o2"


@both
@pytest.mark.parametrize("concurrency", [0, -1, -100])
async def test_a_concurrency_below_one_is_refused(gateway, sync, concurrency):
    with pytest.raises(ArgumentError, match="concurrency must be at least 1"):
        await collect(gateway, sync, people(3), concurrency=concurrency)
    assert gateway.stats.requests == 0


async def test_answers_come_as_they_come(gateway):
    """A slow first one holds nobody up."""
    decide, asked = gateway._decide, []

    def slow_first(received, now):
        gateway.latency_s = 0.0 if asked else 0.5
        asked.append(received.target)
        return decide(received, now)

    gateway._decide = slow_first
    async with AsyncPalm(**options(gateway)) as palm:
        order = [pair async for pair, _ in palm.authorizations.get_many(people(9), concurrency=3)]
    assert sorted(order) == people(9)
    assert order[-1].openid in asked[0]


@pytest.mark.parametrize("concurrency", [1, 4, 32])
async def test_an_endless_source_is_read_no_further_than_needed(gateway, concurrency):
    taken = Taken()
    async with AsyncPalm(**options(gateway)) as palm:
        outcomes = palm.authorizations.get_many(taken, concurrency=concurrency)
        assert taken.count == 0
        for had in range(1, 41):
            await anext(outcomes)
            assert taken.count <= had + concurrency
        await outcomes.aclose()
    assert taken.count <= 40 + concurrency
    assert gateway.stats.requests <= 40 + concurrency


@pytest.mark.parametrize("concurrency", [1, 4, 32])
async def test_an_endless_source_is_read_no_further_than_needed_by_the_sync_client(
    gateway, concurrency
):
    """And by the caller's own thread alone: cursors of databases want it so."""
    taken = Taken()

    def work():
        with Palm(**options(gateway)) as palm:
            for had, _ in enumerate(palm.authorizations.get_many(taken, concurrency=concurrency)):
                assert taken.count <= had + 1 + concurrency
                if had == 40:
                    break
        return threading.get_ident()

    assert taken.threads == {await asyncio.to_thread(work)}
    assert gateway.stats.requests <= 41 + concurrency


async def test_the_cursor_of_a_database_is_a_source(gateway):
    def work():
        with Palm(**options(gateway)) as palm, sqlite3.connect(":memory:") as base:
            base.execute("create table people (openid, organization_id)")
            base.executemany("insert into people values (?, ?)", people(50))
            found = list(palm.authorizations.get_many(base.execute("select * from people")))
        base.close()
        return found

    outcomes = await asyncio.to_thread(work)
    assert sorted(pair for pair, _ in outcomes) == people(50)


@pytest.mark.parametrize("concurrency", [1, 4, 7])
async def test_never_more_than_so_many_are_under_way(gateway, concurrency):
    gateway.latency_s = 0.02
    under_way, most = 0, 0
    handle = gateway._handle

    async def watched(request):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await handle(request)
        finally:
            under_way -= 1

    gateway._handlers.request_handler = watched
    await collect(gateway, False, people(5 * concurrency), concurrency=concurrency)  # noqa: FBT003
    assert most == concurrency


async def test_leaving_early_cancels_what_is_under_way(gateway):
    async with AsyncPalm(**options(gateway)) as palm:
        before = asyncio.all_tasks()
        async for _ in palm.authorizations.get_many(Taken(), concurrency=8):
            gateway.latency_s = 30
            break
        async with asyncio.timeout(2):
            while asyncio.all_tasks() - before - set(_of_the_gateway()):
                await asyncio.sleep(0.005)
        asked = gateway.stats.requests
        gateway.latency_s = 0
        assert (await palm.authorizations.get("o1", "1")).openid == "o1"
    assert gateway.stats.requests == asked + 1


def _of_the_gateway():
    return [task for task in asyncio.all_tasks() if "RequestHandler" in repr(task)]


@both
async def test_leaving_early_and_closing_takes_no_time(gateway, sync):
    async def leave():
        async with AsyncPalm(**options(gateway)) as palm:
            async for _ in palm.authorizations.get_many(Taken(), concurrency=8):
                gateway.latency_s = 30
                return

    def leave_sync():
        with Palm(**options(gateway)) as palm:
            for _ in palm.authorizations.get_many(Taken(), concurrency=8):
                gateway.latency_s = 30
                return

    async with asyncio.timeout(5):
        await (asyncio.to_thread(leave_sync) if sync else leave())
    assert gateway.stats.requests <= 9


@both
@pytest.mark.parametrize("after", [0, 1, 5, 20])
async def test_an_error_of_the_source_is_the_callers(gateway, sync, after):
    def source():
        yield from people(after)
        raise LookupError("mine")

    with pytest.raises(LookupError, match=r"^mine$"):
        await collect(gateway, sync, source(), concurrency=4)
    assert gateway.stats.requests <= after


@both
@pytest.mark.parametrize("pair", ["o", ("o",), ("o", "1", "x"), 1, None])
async def test_what_is_no_pair_is_a_type_error(gateway, sync, pair):
    with pytest.raises(TypeError):
        await collect(gateway, sync, [pair])
    assert gateway.stats.requests == 0
