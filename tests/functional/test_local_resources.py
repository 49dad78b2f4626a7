"""A machine that lacks descriptors for connections: no host, and no gateway, is blamed for it."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import threading
import time
from contextlib import contextmanager

import pandas as pd
import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.partitions.partitioned import FrameInMemory, whole
from jobs.run.config import Waits
from jobs.schema import PAIRS, conform
from jobs.sweep.abort.thresholds import AbortThresholds
from jobs.sweep.engine import sweep
from jobs.sweep.rules import SweepRules
from jobs.sweep.stats import RequestStats
from palm import AsyncPalm, BreakerRules, HostRules, LocalResourceError, Retry
from palm.commands import exit_codes
from palm.sandbox import Faults, SandboxGateway
from palm.settings import load_settings, read_config
from palm.testing import serving
from tests.benchmarks.gateway import running_gateway
from tests.forkserver import COMMANDS
from tests.limits import no_free_descriptors
from tests.night import DAY, options, run_quietly, write_pairs

LINE = (
    "no connection: this process has no free file descriptors: raise the limit (ulimit -n, "
    "LimitNOFILE=) or lower --concurrency"
)
HASTY = BreakerRules(failures=1, silence_s=0.0, probe_every_s=0.01)
PERSISTENT = Retry(base_s=0.01, cap_s=0.05, patience_s=float("inf"))


@pytest.fixture
async def hosts(keys):
    async with SandboxGateway(keys) as main, SandboxGateway(keys) as backup:
        yield main, backup


def client(keys, *urls, **options):
    return AsyncPalm(
        merchant=keys.merchant(), keys=keys.platform_keys(), base_url=urls,
        **{"rate": 2000, "breaker": HASTY, "retry": PERSISTENT} | options,
    )  # fmt: skip


def pairs(count):
    rows = {"organization_id": ["1004"] * count, "openid": [f"o{i:027}" for i in range(count)]}
    return conform(pd.DataFrame(rows | {"input_line": range(count), "input_duplicates": 0}), PAIRS)


def said_about_it(caplog):
    return [each.message for each in caplog.records if "descriptors" in each.message]


async def test_neither_host_nor_breaker_is_touched_and_it_is_said_once(keys, hosts, caplog):
    main, backup = hosts
    urls = main.base_url, backup.base_url
    rules = HostRules(failures=1)
    once = Retry(attempts=3, base_s=0.001)
    async with client(keys, *urls, hosts=rules, breaker=None, retry=once) as asking:
        for _ in range(2):
            with no_free_descriptors(), pytest.raises(LocalResourceError) as caught:
                await asking.authorizations.get("o1", "1004")
            assert str(caught.value) == LINE
            assert caught.value.attempts == 3
            assert caught.value.__cause__ is caught.value.__context__ is None
        assert (asking.hosts.current, asking.hosts.switches) == (main.base_url, 0)
        assert (await asking.authorizations.get("o1", "1004")).attempts == 1
    assert backup.stats.requests == 0
    assert said_about_it(caplog) == [LINE]


async def test_a_question_goes_on_until_there_are_descriptors_again(keys, hosts, caplog):
    urls, attempts = [host.base_url for host in hosts], []
    rules = HostRules(failures=1)
    async with client(keys, *urls, hosts=rules, on_attempt=attempts.append) as asking:
        with no_free_descriptors():
            question = asyncio.create_task(asking.authorizations.get("o1", "1004"))
            async with asyncio.timeout(20):
                while len(attempts) < 2 * PERSISTENT.attempts:
                    await asyncio.sleep(0.01)
        assert (await question).attempts > PERSISTENT.attempts
        assert (asking.hosts.switches, asking.breaker.openings) == (0, 0)
    assert said_about_it(caplog) == [LINE]


@contextmanager
def descriptors(count):
    """Leave so many for this process to open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
async def test_too_few_for_all_that_are_in_flight_cost_no_pair_its_answer():
    stats = RequestStats()
    with running_gateway(day=DAY, palm=COMMANDS / "palm") as folder:
        settings = load_settings(read_config(folder / "palm.toml"))
        async with AsyncPalm.from_settings(
            settings, rate=2000, breaker=HASTY, retry=PERSISTENT, on_attempt=stats.attempted
        ) as asking:
            with descriptors(4):
                asked = await sweep(
                    asking.authorizations.get, FrameInMemory(pairs(200)), stats=stats,
                    rules=SweepRules(concurrency=32),
                )  # fmt: skip
            assert (asking.hosts.switches, asking.breaker.openings) == (0, 0)
    assert set(whole(asked)["state"]) <= {"ON", "OFF", "NONE"}
    assert stats.outcomes["LocalResourceError"] > 0
    assert stats.outcomes.keys() == {"ok", "LocalResourceError"}


@pytest.mark.parametrize(
    ("rules", "begins"),
    [
        (SweepRules(reach_s=0.2, check_every_s=0.05), re.escape(LINE)),
        (
            SweepRules(
                reach_s=float("inf"), check_every_s=0.05, abort=AbortThresholds(patience_s=0.2)
            ),
            rf"No valid answer for \d s: {re.escape(LINE.removeprefix('no connection: '))}",
        ),
    ],
    ids=["at the start", "for all the patience"],
)
async def test_where_it_lasts_the_run_ends_with_75_and_the_line(keys, hosts, rules, begins):
    stats, (main, _) = RequestStats(), hosts
    async with client(keys, main.base_url, on_attempt=stats.attempted) as asking:
        with no_free_descriptors(), pytest.raises(RunError) as stop:
            await sweep(
                asking.authorizations.get, FrameInMemory(pairs(20)), stats=stats, rules=rules
            )
    assert exit_code_of(stop.value) == 75
    assert re.fullmatch(begins, str(stop.value))  # how long it took is the machine's


def test_palm_get_ends_with_75_as_with_all_that_passes():
    assert exit_codes.exit_code_of(LocalResourceError(LINE)) == 75


@pytest.mark.slow
def test_a_night_that_had_answers_keeps_them_and_says_the_command_once(folder, keys):
    source = write_pairs(folder / "pairs.csv", 3000)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    waits = Waits(sweep=SweepRules(abort=AbortThresholds(patience_s=1.0)))
    with serving(SandboxGateway(keys, date=DAY)) as gateway:
        keys.write(folder / "keys", gateway.base_url)
        chosen = options(
            source, folder / "r.parquet", DAY, waits=waits, rate=500.0,
            settings=load_settings(read_config(folder / "keys" / "palm.toml")),
        )  # fmt: skip

        def exhaust():
            while gateway.stats.requests < 100:
                time.sleep(0.01)
            resource.setrlimit(resource.RLIMIT_NOFILE, (1, limit[1]))
            gateway.faults = Faults(drop=1.0)  # each connection ends, and no new one can be made

        thread = threading.Thread(target=exhaust)
        thread.start()
        try:
            with pytest.raises(RunError) as stop:
                run_quietly(chosen)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
            thread.join()
    assert (exit_code_of(stop.value), stop.value.again) == (75, False)
    assert "this process has no free file descriptors" in str(stop.value)
    assert "are kept in the journal; to go on: palm-reconcile " in str(stop.value)
