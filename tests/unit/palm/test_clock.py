"""One clock for a client and all its parts; functions in its place still work, with a warning."""

from __future__ import annotations

import asyncio
import time

import pytest

from palm import APIv3Key, AsyncPalm, CertificateStore, Clock, Pacer
from palm.clock import Expiry


@pytest.fixture
def options(keys):
    return {
        "merchant": keys.merchant(),
        "keys": keys.platform_keys(),
        "base_url": "http://127.0.0.1:9",
    }


def test_the_elapsed_time_goes_on_while_the_machine_sleeps():
    assert Clock().elapsed() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5)


@pytest.mark.parametrize(
    ("elapsed", "wall", "has_passed"),
    [
        (2.9, 2.9, False),
        (3.0, 2.9, True),
        (2.9, 3.0, True),
        (2.9, -99.0, False),
        (3.0, -99.0, True),
    ],
)
def test_a_moment_on_two_clocks_has_passed_as_soon_as_one_shows_it(elapsed, wall, has_passed):
    before = Clock(elapsed=lambda: 50.0, wall=lambda: 1e9)
    clock = Clock(elapsed=lambda: 50.0 + elapsed, wall=lambda: 1e9 + wall)
    assert Expiry.after(3.0, before).has_passed(clock) is has_passed


async def test_by_default_the_clock_is_the_machines_and_waits():
    clock, before = Clock(), time.monotonic()
    await clock.sleep(0.01)
    assert before + 0.009 <= clock.monotonic() == pytest.approx(time.monotonic(), abs=5)
    assert clock.wall() == pytest.approx(time.time(), abs=5)


def test_two_clocks_that_read_the_same_time_are_equal():
    assert Clock() == Clock()
    assert Clock(wall=lambda: 1.0) != Clock()


async def test_functions_instead_of_a_clock_still_work_with_a_warning(options):
    async def sleep(seconds):
        """Wait for nothing."""

    with pytest.warns(DeprecationWarning, match=r"clock=palm\.Clock\(wall=…, monotonic=…, sleep=…"):
        palm = AsyncPalm(**options, rate=50, clock=lambda: 1.0, steady=lambda: 2.0, sleep=sleep)
    clock = palm.pacer.clock
    assert (clock.wall(), clock.monotonic(), clock.sleep) == (1.0, 2.0, sleep)


def test_a_clock_and_a_function_are_put_together(options):
    with pytest.warns(DeprecationWarning, match="monotonic=…"):
        palm = AsyncPalm(**options, rate=50, clock=Clock(wall=lambda: 1.0), steady=lambda: 2.0)
    assert (palm.pacer.clock.wall(), palm.pacer.clock.monotonic()) == (1.0, 2.0)


def test_the_warning_names_the_line_of_the_caller(options):
    with pytest.warns(DeprecationWarning, match="wall=…") as caught:
        AsyncPalm(**options, clock=lambda: 1.0)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("make", [
    lambda function: Pacer(50, clock=function),
    lambda function: CertificateStore(APIv3Key(b"k" * 32), clock=function),
])  # fmt: skip
def test_parts_take_a_function_with_a_warning(make):
    with pytest.warns(DeprecationWarning, match="monotonic=…"):
        make(lambda: 2.0)


async def test_a_pacer_reads_the_clock_that_it_is_given():
    pacer = Pacer(50, clock=Clock(monotonic=asyncio.get_running_loop().time))
    await pacer.acquire()
    assert pacer.now() == pytest.approx(asyncio.get_running_loop().time(), abs=1)
