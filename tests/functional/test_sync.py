"""The synchronous client: in scripts, in threads, in a running event loop, until it is closed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from palm import (
    AsyncPalm,
    ClosedError,
    EventLoopError,
    Pacer,
    Palm,
    PalmError,
    Retry,
    TimedOutError,
    TransportError,
)
from palm.sandbox import Faults, SandboxGateway

QUERIES = 200
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def gateway(keys):
    async with SandboxGateway(keys) as running:
        yield running


def options(gateway) -> dict:
    return {
        "merchant": gateway.keys.merchant(),
        "keys": gateway.keys.platform_keys(),
        "base_url": gateway.base_url,
    }


def people(count=QUERIES):
    return [(f"o{i:027d}", str(1000 + i % 5)) for i in range(count)]


async def until(true, patience_s=5.0):
    """Wait for something that happens elsewhere."""
    async with asyncio.timeout(patience_s):
        while not true():
            await asyncio.sleep(0.005)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "palm"]


def check_counts(gateway, count=QUERIES):
    stats = gateway.stats
    assert (stats.rejected, stats.repeated_nonces) == (0, 0)
    assert (stats.requests, stats.answered) == (count, count)


# --- many at once


async def test_200_queries_in_16_threads_are_each_signed_rightly_and_once(gateway):
    with Palm(**options(gateway)) as palm:

        def ask():
            with ThreadPoolExecutor(16) as pool:
                return list(pool.map(lambda pair: palm.authorizations.get(*pair), people()))

        answers = await asyncio.to_thread(ask)
    assert [(one.openid, one.organization_id) for one in answers] == people()
    check_counts(gateway)


async def test_200_queries_at_once_of_the_async_client_are_each_signed_rightly_and_once(gateway):
    async with AsyncPalm(**options(gateway)) as palm:
        answers = await asyncio.gather(*(palm.authorizations.get(*pair) for pair in people()))
    assert [(one.openid, one.organization_id) for one in answers] == people()
    check_counts(gateway)


async def test_threads_share_one_pace(gateway):
    with Palm(**options(gateway), rate=100) as palm:

        def ask():
            with ThreadPoolExecutor(16) as pool:
                list(pool.map(lambda pair: palm.authorizations.get(*pair), people(30)))

        started = time.monotonic()
        await asyncio.to_thread(ask)
    assert time.monotonic() - started >= 29 / 100
    check_counts(gateway, 30)


def test_clients_in_several_threads_share_one_pacer(palm_sandbox):
    """Four threads with a client each, and one event loop in a thread: all under one quota."""
    pacer = Pacer(200, share=1.0)

    def ask(number):
        with Palm(**palm_sandbox.options, pacer=pacer) as palm:
            for pair in people(10):
                palm.authorizations.get(*pair)

    async def ask_too():
        async with AsyncPalm(**palm_sandbox.options, pacer=pacer) as palm:
            await asyncio.gather(*(palm.authorizations.get(*pair) for pair in people(10)))

    started = time.monotonic()
    with ThreadPoolExecutor(5) as pool:
        tasks = [*(pool.submit(ask, n) for n in range(4)), pool.submit(asyncio.run, ask_too())]
        for task in tasks:
            task.result()
    assert time.monotonic() - started >= 49 / 200 - 0.02
    assert (pacer.granted, pacer.waiting) == (50, 0)
    assert palm_sandbox.gateway.stats.answered == 50


# --- where it runs


async def test_it_works_inside_a_running_event_loop(palm_sandbox):
    """As in a notebook, whose cells run in one."""
    assert asyncio.get_running_loop().is_running()
    with Palm(**palm_sandbox.options) as palm:
        answer = palm.authorizations.get("o1", "1")
        chained = palm.v3.palmservice.authorization.openid._openid_.get(
            openid="o1", query={"organization_id": "1"}
        )
        outcomes = list(palm.authorizations.get_many(people(5)))
    assert chained.json()["state"] == answer.state
    assert sorted(pair for pair, _ in outcomes) == people(5)
    check_counts(palm_sandbox.gateway, 7)


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a person would, where anything unclean is said on standard error."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


SETUP = """
    import logging, sys, time
    from pathlib import Path
    from palm import Palm, PalmError, Retry
    # asyncio's debug mode also warns of steps that take over 0.1 s, as any does on a busy machine.
    slow_step = "Executing %s took %.3f seconds"
    logging.getLogger("asyncio").addFilter(lambda line: line.msg != slow_step)
    palm = Palm.from_env(Path(sys.argv[1]))
    def ask(): return palm.authorizations.get("o1", "1").openid
    def many(): return palm.authorizations.get_many([("o1", "1")] * 99)
"""


ENDINGS = [
    "print(ask())",
    "print('o1')  # and nothing is ever asked",
    "it = many(); print(next(it)[0].openid)",
]
MORE_ENDINGS = [
    "import threading; threading.Thread(target=lambda: print(ask())).start()",
    "print(ask()); palm.close(); palm.close()",
    "palm.close(); print('o1')",
    "print(palm.with_options(timeout=5).authorizations.get('o1', '1').openid)",
    "print(next(many())[0].openid)",
    "it = many(); print(next(it)[0].openid); palm.close(); del it",
    "palm.itself = palm; print(ask()); del palm; import gc; gc.collect()",
]


@pytest.mark.parametrize(
    "rest", [*ENDINGS, *(pytest.param(each, marks=pytest.mark.slow) for each in MORE_ENDINGS)]
)
async def test_a_script_ends_cleanly_whether_it_closes_or_not(gateway, tmp_path, rest):
    gateway.keys.write(tmp_path / "keys", gateway.base_url)
    script = textwrap.dedent(SETUP) + rest
    done = await asyncio.to_thread(run, script, str(tmp_path / "keys" / "palm.toml"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "o1\n", "")


async def test_a_script_that_is_left_by_an_error_ends_with_that_error(gateway, tmp_path):
    gateway.keys.write(tmp_path / "keys", gateway.base_url)
    script = textwrap.dedent(SETUP) + "ask(); raise SystemExit('mine')"
    done = await asyncio.to_thread(run, script, str(tmp_path / "keys" / "palm.toml"))
    assert (done.returncode, done.stderr) == (1, "mine\n")


@pytest.mark.slow
async def test_a_script_that_is_interrupted_while_it_waits_ends_at_once(gateway, tmp_path):
    gateway.keys.write(tmp_path / "keys", gateway.base_url)
    gateway.latency_s = 30
    rest = """
        import os, signal, threading
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            for _ in many():
                raise AssertionError
        except KeyboardInterrupt:
            print("interrupted")
    """
    script = textwrap.dedent(SETUP) + textwrap.dedent(rest)
    started = time.monotonic()
    done = await asyncio.to_thread(run, script, str(tmp_path / "keys" / "palm.toml"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")
    assert time.monotonic() - started < 10


# --- until it is closed


async def test_its_thread_starts_with_the_first_request_and_ends_with_close(gateway):
    palm = Palm(**options(gateway))
    assert threads() == []
    await asyncio.to_thread(palm.authorizations.get, "o1", "1")
    await asyncio.to_thread(palm.authorizations.get, "o1", "1")
    assert threads() == ["palm"]
    palm.close()
    assert threads() == []


async def test_its_thread_ends_when_nobody_holds_it_any_more(gateway):
    palm = Palm(**options(gateway))
    await asyncio.to_thread(palm.authorizations.get, "o1", "1")
    node = palm.v3
    del palm
    assert threads() == ["palm"], "a chain keeps its client"
    del node
    for _ in range(1000):  # the worker that asked lets go of its question a little later
        if not threads():
            break
        await asyncio.sleep(0.01)
    assert threads() == []


def test_closing_is_idempotent(keys):
    palm = Palm(merchant=keys.merchant(), keys=keys.platform_keys(), base_url=NOWHERE)
    palm.close()
    with palm:
        palm.close()
    assert threads() == []


@pytest.mark.parametrize("used", [True, False])
def test_use_after_close_is_a_clear_error_and_no_hang(keys, used):
    with Palm(
        merchant=keys.merchant(),
        keys=keys.platform_keys(),
        base_url=NOWHERE,
        retry=Retry(attempts=1),
    ) as palm:
        other, authorizations, node = palm.with_options(timeout=1), palm.authorizations, palm.v3
        if used:
            with pytest.raises(PalmError):
                palm.authorizations.get("o1", "1")
    for ask in (
        lambda: palm.authorizations.get("o1", "1"),
        lambda: other.authorizations.get("o1", "1"),
        lambda: authorizations.get("o1", "1"),
        node.get,
        lambda: list(palm.authorizations.get_many([("o1", "1")])),
        lambda: palm.authorizations.preauthorize("o1", organization_id="1"),
    ):
        with pytest.raises(ClosedError, match="the client is closed"):
            ask()
    assert threads() == []


async def test_use_after_close_of_the_async_client_is_a_clear_error(gateway):
    async with AsyncPalm(**options(gateway)) as palm:
        await palm.authorizations.get("o1", "1")
    await palm.close()
    with pytest.raises(ClosedError, match="the client is closed"):
        await palm.authorizations.get("o1", "1")
    check_counts(gateway, 1)


async def test_closing_ends_what_other_threads_wait_for(gateway):
    gateway.latency_s = 30
    palm = Palm(**options(gateway))
    asking = [
        asyncio.create_task(asyncio.to_thread(palm.authorizations.get, *pair)) for pair in people(4)
    ]
    await until(lambda: gateway.stats.requests == 4)
    await asyncio.to_thread(palm.close)
    ends = await asyncio.gather(*asking, return_exceptions=True)
    assert {(type(end), str(end)) for end in ends} == {(ClosedError, "the client is closed")}


async def test_closing_ends_what_is_about_to_be_asked_again(gateway):
    """A question that waits to be asked again opens no new connection behind its client's back."""
    gateway.faults = Faults(drop=1.0)
    palm = Palm(**options(gateway), retry=Retry(attempts=1000, base_s=0.001))
    asking = asyncio.create_task(asyncio.to_thread(palm.authorizations.get, "o1", "1"))
    await until(lambda: gateway.stats.requests >= 5)
    await asyncio.to_thread(palm.close)
    with pytest.raises(ClosedError, match="the client is closed"):
        await asking
    asked = gateway.stats.requests
    await asyncio.sleep(0.1)
    assert gateway.stats.requests == asked


# --- with other options


async def test_with_options_shares_connections_and_pace(gateway):
    async with AsyncPalm(**options(gateway), rate=1000) as palm:
        other = palm.with_options(timeout=3.0, retry=Retry(attempts=1))
        for _ in range(3):
            await palm.authorizations.get("o1", "1")
            await other.authorizations.get("o1", "1")
        assert len(gateway._handlers.connections) == 1
        assert other.pacer is palm.pacer
        assert palm.pacer.granted == 6
    check_counts(gateway, 6)


async def test_with_options_of_the_sync_client_shares_its_thread_and_connections(gateway):
    with Palm(**options(gateway), rate=1000) as palm:
        other = palm.with_options(timeout=3.0)
        await asyncio.to_thread(palm.authorizations.get, "o1", "1")
        await asyncio.to_thread(other.authorizations.get, "o1", "1")
        assert threads() == ["palm"]
        assert len(gateway._handlers.connections) == 1
        assert palm._palm.pacer.granted == 2


@pytest.mark.parametrize("sync", [True, False])
async def test_with_options_changes_the_copy_alone(gateway, sync):
    gateway.latency_s = 0.3
    palm = (Palm if sync else AsyncPalm)(**options(gateway), retry=Retry(attempts=1))

    async def ask(client):
        if sync:
            return await asyncio.to_thread(client.authorizations.get, "o1", "1")
        return await client.authorizations.get("o1", "1")

    hasty = palm.with_options(timeout=0.05)
    with pytest.raises(TimedOutError):
        await ask(hasty)
    assert (await ask(palm)).openid == "o1"
    closed = palm.close()
    if not sync:
        await closed


async def test_with_options_persists_as_it_is_told(keys):
    async with AsyncPalm(
        merchant=keys.merchant(), keys=keys.platform_keys(), base_url=NOWHERE
    ) as palm:
        once = palm.with_options(retry=Retry(attempts=1))
        with pytest.raises(TransportError) as caught:
            await once.authorizations.get("o1", "1")
    assert caught.value.attempts == 1


# --- one event loop for each asynchronous client


async def test_an_async_client_in_another_event_loop_is_a_clear_error_and_no_hang(gateway):
    async with AsyncPalm(**options(gateway)) as palm:
        await palm.authorizations.get("o1", "1")

        async def elsewhere():
            with pytest.raises(EventLoopError, match="belongs to another event loop: make one"):
                await palm.authorizations.get("o1", "1")
            with pytest.raises(EventLoopError):
                await palm.v3.certificates.get()
            with pytest.raises(EventLoopError):
                _ = [outcome async for outcome in palm.authorizations.get_many(people(2))]

        await asyncio.to_thread(asyncio.run, elsewhere())
        assert (await palm.authorizations.get("o1", "1")).openid == "o1"


async def test_an_async_client_closed_in_another_event_loop_closes_its_connections(gateway):
    palm = AsyncPalm(**options(gateway))
    await palm.authorizations.get("o1", "1")
    await asyncio.to_thread(asyncio.run, palm.close())
    await until(lambda: not gateway._handlers.connections)
    with pytest.raises(ClosedError):
        await palm.authorizations.get("o1", "1")


def test_a_second_asyncio_run_with_one_client_is_a_clear_error(palm_sandbox):
    palm = AsyncPalm(**palm_sandbox.options)

    async def ask_and_close():
        async with palm:
            await palm.authorizations.get("o1", "1")

    with asyncio.Runner() as runner:
        runner.run(palm.authorizations.get("o1", "1"))
        with pytest.raises(EventLoopError):
            asyncio.run(ask_and_close())
        with pytest.raises(ClosedError):
            runner.run(palm.authorizations.get("o1", "1"))


async def test_leaving_a_copy_does_not_close_the_client_it_was_made_from(gateway):
    async with AsyncPalm(**options(gateway)) as palm:
        async with palm.with_options(timeout=5) as other:
            await other.authorizations.get("o1", "1")
        assert (await palm.authorizations.get("o1", "1")).openid == "o1"
        await other.close()
        assert (await palm.authorizations.get("o1", "1")).openid == "o1"


async def test_leaving_a_copy_of_the_sync_client_does_not_close_it(gateway):
    def ask():
        with Palm(**options(gateway)) as palm:
            with palm.with_options(timeout=5) as other:
                other.authorizations.get("o1", "1")
            return palm.authorizations.get("o1", "1").openid

    assert await asyncio.to_thread(ask) == "o1"
    assert threads() == []


async def test_a_copy_whose_original_is_gone_closes_the_connections(gateway):
    async with AsyncPalm(**options(gateway)).with_options(timeout=5) as palm:
        await palm.authorizations.get("o1", "1")
    with pytest.raises(ClosedError):
        await palm.authorizations.get("o1", "1")


async def test_get_many_takes_an_async_iterable(gateway):
    async def pairs():
        for pair in people(20):
            await asyncio.sleep(0)
            yield pair

    async with AsyncPalm(**options(gateway)) as palm:
        many = palm.authorizations.get_many(pairs(), concurrency=4)
        outcomes = [pair async for pair, answer in many]
    assert sorted(outcomes) == people(20)


async def test_get_many_yields_what_has_come_while_an_async_iterable_waits(gateway):
    more = asyncio.Event()

    async def pairs():
        yield ("o1", "1")
        await more.wait()
        yield ("o2", "1")

    async with AsyncPalm(**options(gateway)) as palm:
        many = palm.authorizations.get_many(pairs())
        async with asyncio.timeout(5):
            assert (await anext(many))[0].openid == "o1"
            more.set()
            assert [pair.openid async for pair, _ in many] == ["o2"]


async def test_an_error_of_an_async_iterable_ends_get_many_with_it(gateway):
    async def pairs():
        yield ("o1", "1")
        raise LookupError("the source broke")

    async with AsyncPalm(**options(gateway)) as palm:
        with pytest.raises(LookupError, match="the source broke"):
            async for _ in palm.authorizations.get_many(pairs()):
                pass
