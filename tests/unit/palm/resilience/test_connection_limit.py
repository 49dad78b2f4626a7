"""No more requests are in flight than the limit; the default follows the limit of open files."""

from __future__ import annotations

import asyncio
import resource

import pytest

from palm.resilience.connection_limit import ConnectionLimit, default_connections


@pytest.fixture
def open_files():
    """Return what lowers the limit of open files until the test ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda files: resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_default_is_half_of_the_files_that_may_be_open(open_files):
    open_files(500)
    assert default_connections() == ConnectionLimit().most == 250
    open_files(301)
    assert default_connections() == 150


async def test_no_more_than_the_limit_are_inside_and_the_others_come_in_order():
    limit, inside, entered, leave = ConnectionLimit(2), set(), [], asyncio.Event()

    async def request(number):
        async with limit:
            inside.add(number)
            entered.append((number, len(inside)))
            await leave.wait()
            inside.remove(number)

    requests = [asyncio.create_task(request(number)) for number in range(5)]
    while len(entered) < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert inside == {0, 1}
    leave.set()
    await asyncio.gather(*requests)
    assert [number for number, _ in entered] == [0, 1, 2, 3, 4]
    assert max(many for _, many in entered) == 2


async def test_a_cancelled_wait_takes_no_place():
    limit = ConnectionLimit(1)
    async with limit:
        waiting = asyncio.create_task(limit.__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with limit:
        assert limit.most == 1


async def test_a_forked_process_begins_with_all_places():
    limit = ConnectionLimit(1)
    await limit.__aenter__()
    limit.after_fork()
    async with asyncio.timeout(1), limit:
        assert limit.most == 1
