"""Two hosts: while the first cannot be reached the second answers, and no pair loses its answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager

import pytest

from palm import AsyncPalm, HostRules, Palm, PalmError, RefusedError, Retry, ServerError, Timeouts
from palm.sandbox import Faults, SandboxGateway

SCALED = Timeouts(connect_s=0.3, total_s=0.5)
RETRY = Retry(attempts=5, base_s=0.001, cap_s=0.01)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@asynccontextmanager
async def hanging(port: int = 0):
    """Accept connections and never say a word."""
    writers = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError):
            await reader.read(-1)

    server = await asyncio.start_server(hold, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", writers
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def failing(kind: str):
    """Be a host that cannot be reached, one way or the other."""
    if kind == "refuses":
        yield f"http://127.0.0.1:{free_port()}"
    else:
        async with hanging() as (url, _):
            yield url


@pytest.fixture
async def backup(keys):
    async with SandboxGateway(keys) as running:
        yield running


def client(keys, *urls, **options):
    return AsyncPalm(
        merchant=keys.merchant(),
        keys=keys.platform_keys(),
        base_url=urls,
        **{"timeouts": SCALED, "retry": RETRY, "rate": 2000} | options,
    )


def people(count):
    return [(f"o{i:027d}", str(1000 + i % 5)) for i in range(count)]


async def check_all_answered(palm, count=60, concurrency=8):
    """Ask about so many pairs and find an answer for each."""
    ask = palm.authorizations.get_many
    outcomes = [outcome async for outcome in ask(people(count), concurrency=concurrency)]
    assert sorted(pair for pair, _ in outcomes) == people(count)
    assert [answer for _, answer in outcomes if isinstance(answer, PalmError)] == []
    return outcomes


@pytest.mark.parametrize("kind", ["refuses", "hangs"])
async def test_where_the_first_host_fails_the_second_answers_every_pair(keys, backup, kind):
    async with failing(kind) as first, client(keys, first, backup.base_url) as palm:
        await check_all_answered(palm)
        assert (palm.hosts.current, palm.hosts.switches) == (
            backup.base_url,
            1,
        )
    assert backup.stats.rejected == 0
    assert backup.stats.answered == 60


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["refuses", "hangs"])
async def test_a_single_question_gets_its_answer_from_the_second_host(keys, backup, kind):
    async with failing(kind) as first, client(keys, first, backup.base_url) as palm:
        answer = await palm.authorizations.get("o1", "1")
    assert answer.attempts == HostRules().failures + 1


async def test_the_sync_client_switches_too(keys, backup):
    with Palm(
        merchant=keys.merchant(),
        keys=keys.platform_keys(),
        base_url=[f"http://127.0.0.1:{free_port()}", backup.base_url],
        retry=RETRY,
    ) as palm:
        answer = await asyncio.to_thread(palm.authorizations.get, "o1", "1")
    assert answer.attempts == HostRules().failures + 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["refuses", "hangs"])
async def test_a_first_host_that_comes_back_is_asked_again(keys, backup, kind):
    rules = HostRules(try_main_s=2 * SCALED.total_s)  # as by default
    port = free_port()
    first = f"http://127.0.0.1:{port}"
    async with client(keys, first, backup.base_url, hosts=rules) as palm:
        async with hanging(port) if kind == "hangs" else contextlib.AsyncExitStack():
            await check_all_answered(palm)
        assert palm.hosts.current == backup.base_url
        async with SandboxGateway(keys, port=port) as back:
            async with asyncio.timeout(20):
                while palm.hosts.current != first:
                    await check_all_answered(palm, 5)
            asked = backup.stats.requests
            await check_all_answered(palm)
            assert backup.stats.requests == asked
            assert palm.hosts.switches == 2
            assert back.stats.rejected == 0


async def test_a_first_host_that_goes_in_the_middle_costs_no_answer(keys, backup):
    """It comes back, too, while pairs are being asked."""
    port, rules = free_port(), HostRules(try_main_s=0.05)
    first = f"http://127.0.0.1:{port}"
    async with client(keys, first, backup.base_url, hosts=rules, rate=400) as palm:
        async with SandboxGateway(keys, port=port) as before:
            asking = asyncio.create_task(check_all_answered(palm, 300, concurrency=4))
            async with asyncio.timeout(20):
                while before.stats.requests < 60:
                    await asyncio.sleep(0.002)
        async with asyncio.timeout(20):
            while backup.stats.requests < 60:
                await asyncio.sleep(0.002)
        async with SandboxGateway(keys, port=port) as after:
            await asking
            assert palm.hosts.current == first
            assert min(g.stats.answered for g in (before, backup, after)) > 0


@pytest.mark.parametrize("fault", ["system_error", "bad_gateway", "throttle"])
async def test_a_status_never_switches(keys, backup, fault):
    once = Retry(attempts=1, patience_s=0)
    async with (
        SandboxGateway(keys, faults=Faults(**{fault: 1.0})) as first,
        client(keys, first.base_url, backup.base_url, retry=once, rate=None) as palm,
    ):
        for _ in range(10):
            with pytest.raises(PalmError) as caught:
                await palm.authorizations.get("o1", "1")
            assert caught.value.status in {429, 500, 502}
        assert (palm.hosts.current, palm.hosts.switches) == (
            first.base_url,
            0,
        )
    assert (first.stats.requests, backup.stats.requests) == (10, 0)


async def test_a_refusal_never_switches(keys, backup):
    async with (
        SandboxGateway(keys) as first,
        client(keys, first.base_url, backup.base_url) as palm,
    ):
        for _ in range(10):
            with pytest.raises(RefusedError, match="404"):
                await palm.v3.nowhere.get()
    assert backup.stats.requests == 0


async def test_an_answer_that_is_not_believed_never_switches(keys, backup):
    async with (
        SandboxGateway(keys, faults=Faults(altered=1.0)) as first,
        client(keys, first.base_url, backup.base_url) as palm,
    ):
        with pytest.raises(PalmError):
            await palm.authorizations.get("o1", "1")
        assert first.stats.requests == RETRY.attempts
    assert backup.stats.requests == 0


async def test_where_no_host_can_be_reached_the_question_ends_with_an_error(keys):
    urls = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    async with client(keys, *urls) as palm:
        with pytest.raises(PalmError, match="no connection"):
            await palm.authorizations.get("o1", "1")


async def test_a_server_error_of_the_second_host_is_its_own(keys):
    """The second host is asked for good reason: its errors do not send anybody back."""
    first = f"http://127.0.0.1:{free_port()}"
    async with (
        SandboxGateway(keys, faults=Faults(system_error=1.0)) as second,
        client(keys, first, second.base_url) as palm,
    ):
        with pytest.raises(ServerError):
            await palm.authorizations.get("o1", "1")
        assert palm.hosts.current == second.base_url
