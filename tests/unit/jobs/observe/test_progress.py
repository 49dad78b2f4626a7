"""How far the run is: a bar, a line a minute, or nothing; never a reason to end the run."""

from __future__ import annotations

import asyncio
import errno
import io

import pytest
import structlog
from rich.console import Console
from structlog.testing import capture_logs

from jobs.observe.progress import showing_progress, status_line
from jobs.render.terminal import SummaryConsole
from jobs.sweep.stats import RequestStats
from palm import Clock


class Minutes:
    """A clock that a sleeper moves; each sleep lets the others run once."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def stats():
    return RequestStats(pairs=1000, answered=240, failed=10, requests=300, throttles=7)


@pytest.fixture
def plain_log():
    """Send the log to a file, as it would go to standard error; it is set back."""
    before = structlog.get_config()
    yield lambda file: structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        logger_factory=structlog.WriteLoggerFactory(file),
    )
    structlog.configure(**before)


async def shown(stats, *, bar, turns=6, console=None):
    clock = Minutes()
    virtual = Clock(monotonic=clock, sleep=clock.sleep)
    console = console or Console(file=io.StringIO(), width=200, force_terminal=bar)
    async with showing_progress(stats, console, bar=bar, clock=virtual):
        for _ in range(turns):
            await asyncio.sleep(0)
    return console.file.getvalue(), clock


def test_a_line_tells_how_far_how_fast_and_how_long(stats):
    assert status_line(stats, 60.0) == (
        "250 of 1,000 pairs, 10 unknown, 5 requests/s, 7 throttled, 2 min 30 s left"
    )


def test_a_line_before_anything_was_sent_is_no_division_by_nought():
    assert "0 of 9 pairs, 0 unknown, 0 requests/s" in status_line(RequestStats(pairs=9), 0.0)


async def test_a_line_comes_once_a_minute(stats):
    with capture_logs() as logged:
        text, clock = await shown(stats, bar=False)
    assert set(clock.slept) == {60.0}
    assert len(logged) == len(clock.slept) - 1 > 1
    assert logged[0]["event"].startswith("250 of 1,000 pairs, 10 unknown, 5 requests/s")
    assert logged[0]["log_level"] == "info"
    assert text == "", "lines are the log's"


async def test_a_line_says_what_held_the_run_back(stats):
    clock = Minutes()
    with capture_logs() as logged:
        async with showing_progress(
            stats, Console(quiet=True), bar=False, more=lambda: {"pauses": 2},
            clock=Clock(monotonic=clock, sleep=clock.sleep),
        ):  # fmt: skip
            for _ in range(3):
                await asyncio.sleep(0)
    assert {line["pauses"] for line in logged} == {2}


async def test_a_run_of_less_than_a_minute_prints_no_line(stats):
    with capture_logs() as logged:
        async with showing_progress(stats, Console(quiet=True), bar=False):
            await asyncio.sleep(0.01)
    assert logged == []


async def test_a_bar_shows_count_rate_and_unknowns_and_goes_away(stats):
    text, _ = await shown(stats, bar=True)
    assert "250/1000" in text
    assert "10 unknown" in text
    assert "/s" in text
    assert text.rstrip().endswith("\x1b[?25h") or "\x1b[2K" in text


async def test_nothing_is_shown_where_nothing_is_wanted(stats):
    file = io.StringIO()
    async with showing_progress(stats, Console(file=file, force_terminal=True), bar=None):
        await asyncio.sleep(0)
    assert file.getvalue() == ""


async def test_it_ends_with_the_block_even_if_that_fails(stats):
    async def fail():
        async with showing_progress(stats, Console(file=io.StringIO()), bar=False):
            await asyncio.sleep(0)
            raise ZeroDivisionError

    before = asyncio.all_tasks()
    with pytest.raises(ZeroDivisionError):
        await fail()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("bar", [True, False])
@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "Broken pipe"), OSError(errno.ENOSPC, "No space")]
)
async def test_a_reader_who_leaves_does_not_end_the_run(stats, plain_log, bar, error):
    class Closed(io.StringIO):
        def write(self, text):  # noqa: ARG002 - it comes to nothing
            raise error

    plain_log(Closed())
    console = SummaryConsole(file=Closed(), force_terminal=bar, width=80)
    text, _ = await shown(stats, bar=bar, console=console)
    assert text == ""


def test_before_anybody_is_asked_there_is_nothing_to_count():
    """E.g. while no worker has joined."""
    assert status_line(RequestStats(), 60.0) == "no pair is asked about yet"
