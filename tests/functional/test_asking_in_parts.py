"""Asking in parts: stopped anywhere and resumed in any number of them, nobody is asked twice."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from rich.console import Console
from structlog.testing import capture_logs

from jobs.commands.exit_codes import exit_code_of
from jobs.deadline import TimeLimit
from jobs.errors import RunError
from jobs.person import Person
from jobs.report.model import GatewayId
from jobs.run.asking.ask_all import ask_all
from jobs.run.asking.session import Session
from jobs.run.config import Waits
from jobs.run.endpoint import Endpoint
from jobs.run.options import RunOptions
from jobs.schema import PAIRS, ROWS, conform
from jobs.store.locations import Sidecars
from jobs.store.work_folder import WorkFolder, clean_work
from jobs.sweep.options import SweepOptions
from jobs.sweep.rules import SweepRules
from palm.clock import Clock
from palm.sandbox import Faults
from palm.testing import PalmSandbox
from tests.partitioned import split, together

DAY = date(2025, 3, 3)
NO_BASELINE = conform(pd.DataFrame(), ROWS)
IN_FLIGHT = 8


@pytest.fixture
def sandbox(keys):
    with PalmSandbox(keys) as sandbox:
        sandbox.gateway.latency_s = 0.005
        yield sandbox


@pytest.fixture(scope="module")
def frame():
    count = 400
    pairs = pd.DataFrame(
        {
            "organization_id": [("0042", "1001", "1002")[i % 3] for i in range(count)],
            "openid": [f"o{i:027}" for i in range(count)],
        }
    )
    return conform(pairs.assign(input_line=range(2, count + 2), input_duplicates=0), PAIRS)


class Runs:
    """Runs over the same pairs with the same files, each in any number of parts."""

    def __init__(self, folder, sandbox, frame):
        self.files, self.sandbox, self.frame = Sidecars.of_folder(folder), sandbox, frame
        folder.mkdir()
        self.begun, self.logs = [], []

    def run(self, bits, *, earlier=NO_BASELINE, time=None, clock=None, has_files=True):
        """Ask about all pairs; return their answers in the order of the input, and the counts."""
        keys, work = self.sandbox.options, WorkFolder.open(self.files)
        session = Session(
            endpoint=Endpoint(
                GatewayId("sandbox", keys["merchant"].mchid),
                keys["merchant"],
                keys["keys"],
                [keys["base_url"]],
            ),
            run=RunOptions(run_date=DAY, time=time or TimeLimit(), clock=clock or Clock()),
            sweep=SweepOptions(rate=2_000.0, concurrency=IN_FLIGHT),
            waits=Waits(sweep=SweepRules(block=1, check_every_s=0.05, finish_s=2.0)),
            files=self.files if has_files else None,
            outcomes=work.scratch("outcomes") if bits else None,
            journals=work.journals(DAY) if bits else None,
            person=Person(),
            bar=False,
            remedy=lambda: "to go on: the same command",
        )
        with capture_logs() as logs:
            asked = asyncio.run(
                ask_all(
                    session,
                    split(self.frame, bits),
                    split(earlier, bits),
                    Console(quiet=True),
                    begin=self.begun.append,
                )
            )
        self.logs = [entry["event"] for entry in logs]
        answers = together(asked.answers)
        clean_work(self.files)
        return answers, asked

    @property
    def asked(self):
        """How often the gateway was asked about each openid."""
        counts = self.sandbox.gateway.stats.asked.items()
        return Counter({openid: count for (_, openid), count in list(counts)})


@pytest.fixture
def runs(tmp_path, sandbox, frame):
    return Runs(tmp_path / "reports", sandbox, frame)


@contextmanager
def terminated_after(runs, count):
    """Send SIGTERM to this process as soon as the gateway was asked so often."""

    def watch():
        while runs.asked.total() < count and not over.is_set():
            over.wait(0.002)
        if not over.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    over = threading.Event()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def stopped(runs, bits, count):
    """Stop a run by a signal; return the line that it ends with."""
    before = runs.asked.total()
    with terminated_after(runs, before + count), pytest.raises(RunError) as stop:
        runs.run(bits)
    assert exit_code_of(stop.value) == 143
    return str(stop.value)


COMPARED = ["state", "authorize_time", "unknown_reason", "error_code", "http_status", "attempts"]


_MANUAL = pytest.mark.manual


@pytest.mark.slow
@pytest.mark.parametrize(
    "bits",
    [(0, 3, 1), pytest.param((3, 3, 0), marks=_MANUAL), pytest.param((5, 0, 2), marks=_MANUAL)],
)
def test_a_run_that_is_stopped_twice_asks_nobody_again_but_who_was_in_flight(
    runs, frame, sandbox, tmp_path, bits
):
    for each in bits[:2]:
        line = stopped(runs, each, 120)
        answered = int(
            re.match(r"interrupted; the answers about (\d+) of 400 pairs are kept", line)[1]
        )
        assert line.endswith("are kept in the journal; to go on: the same command")
    answers, asked = runs.run(bits[2])
    assert runs.begun[-1] == asked.stats.resumed == answered
    assert f"Resuming: {answered} of 400 answers kept" in runs.logs
    assert answers["state"].isin(["ON", "OFF", "NONE"]).all()
    assert 400 <= runs.asked.total() <= 400 + 2 * IN_FLIGHT
    assert set(runs.asked.values()) <= {1, 2}
    alone, _ = Runs(tmp_path / "alone", sandbox, frame).run(0)
    assert_frame_equal(answers[COMPARED].astype("str"), alone[COMPARED].astype("str"))


@pytest.mark.slow
@pytest.mark.parametrize("bits", [pytest.param(0, marks=_MANUAL), 4])
def test_pairs_that_fail_once_are_asked_again_and_counted_once(runs, sandbox, bits):
    sandbox.gateway.faults = Faults(system_error=0.05)
    answers, asked = runs.run(bits)
    stats = asked.stats
    assert (stats.pairs, stats.answered, stats.failed) == (400, 400, 0)
    assert answers["attempts"].sum() == stats.requests > 400


def test_without_files_the_answers_are_lost_and_the_line_says_so(runs):
    with (
        terminated_after(runs, 100),
        pytest.raises(RunError, match="are lost, for no file") as stop,
    ):
        runs.run(3, has_files=False)
    assert exit_code_of(stop.value) == 143


def test_a_time_limit_leaves_out_the_least_urgent_pairs_of_all_parts(runs, frame):
    """A quarter was never answered, in all parts; the others were answered on three days."""
    rows = frame[["organization_id", "openid"]].copy()
    days = [datetime(2025, 3, 2, tzinfo=UTC) - timedelta(days=i % 4 - 1) for i in range(len(rows))]
    rows["known_at"] = pd.Series(days).where([i % 4 != 0 for i in range(len(rows))])
    rows["state"] = "ON"
    earlier = conform(rows, ROWS)
    clock = Clock(elapsed=lambda: 0.0 if runs.asked.total() >= 150 else -0.01)
    answers, asked = runs.run(3, earlier=earlier, time=TimeLimit(ends=0.0), clock=clock)
    assert asked.cut
    assert asked.not_asked == (answers["unknown_reason"] == "NOT_ASKED").sum() > 150
    reached = (answers["state"] != "UNKNOWN").to_numpy()
    kinds = [i % 4 for i in range(len(rows))]
    shares = [reached[[kind == each for kind in kinds]].mean() for each in (0, 3, 2, 1)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1.0
    assert sum(0 < share < 1 for share in shares) <= 2
