"""Every exit code, also of a night in parts and of one that workers ask about.

It has the same code, the same sentences, the same rows.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

import jobs.store.staging.row_source
from jobs.commands.exit_codes import exit_code_of
from jobs.compare.fail_on import parse_rule
from jobs.errors import RunError
from jobs.report.model import Report
from tests.chaos.layouts import LAYOUTS
from tests.night import DAY, NEXT

PAIRS = 90


@dataclass(frozen=True)
class Ended:
    """How a night ended: its exit code, its sentences without names and numbers, its report."""

    code: int
    said: str
    report: Report | None


@pytest.fixture
def ends(night, by_workers):
    """Return a function that runs a night of a layout; returns how it ended."""

    def ends(layout, *lines, run_date=DAY, pairs=PAIRS, **given):
        outputs = layout.outputs(run_date)
        Path(layout.output).parent.mkdir(exist_ok=True)
        usual = {"outputs": outputs, "partitions": layout.partitions, "rate": 3_000}
        if layout.by_workers:
            usual |= by_workers(given.get("settings"))
        ended = night(pairs, *lines, run_date=run_date, **(usual | given))
        if isinstance(ended, RunError):
            said = layout.without_names(str(ended), run_date)
            return Ended(exit_code_of(ended), said, None)
        reasons = "; ".join(ended.run.verdict)
        return Ended(ended.run.exit_code, layout.without_names(reasons, run_date), ended)

    return ends


@pytest.fixture(
    params=[
        pytest.param(
            name,
            marks={"a folder": [], "one file": [pytest.mark.manual]}.get(name, [pytest.mark.slow]),
        )
        for name in LAYOUTS
    ]
)
def same(request, gateway, ends):
    """Return a function that plays the same night with and without parts: same code and sentences.

    It returns the sentence.
    """

    def same(code, play=ends):
        found = []
        for layout in LAYOUTS[request.param]:
            gateway.tell(reset=True)
            found.append(play(layout))
        one, parts = found
        assert one.code == code, one.said
        assert (parts.code, parts.said) == (one.code, one.said)
        if one.report is not None:
            assert_same_rows(one.report, parts.report)
        return one.said

    return same


not_by_workers = pytest.mark.parametrize(
    "same",
    [pytest.param("one file", marks=pytest.mark.manual), "a folder"],
    indirect=True,
)
"""What ends these nights happens in the command, before or after anything is asked."""

by_workers_first = pytest.mark.parametrize(
    "same",
    [
        pytest.param(name, marks=[] if name == "workers" else [pytest.mark.manual])
        for name in LAYOUTS
    ],
    indirect=True,
)
"""These nights take long, and by workers they end for the same reason as in parts."""


def assert_same_rows(one, other):
    """Check that two reports have the same rows, but for times and order."""
    own = ["answered_at", "known_at", "first_seen_at", "last_changed_at", "request_id", "attempts"]
    frames = [
        each.rows.drop(columns=own).sort_values("input_line", ignore_index=True)
        for each in (one, other)
    ]
    pd.testing.assert_frame_equal(*frames)
    assert one.summary == other.summary


def test_0_what_is_done(same):
    assert same(0) == ""


@pytest.mark.parametrize("same", ["one file"], indirect=True)  # a folder may have two merchants
@pytest.mark.slow
def test_2_a_report_of_another_merchant(gateway, ends, same):
    other = {"merchant_certificate": None, "mchid": "1230000109"}

    def play(layout):
        assert ends(layout).code == 0
        settings = gateway.settings().model_copy(update=other)
        return ends(layout, run_date=NEXT, settings=settings)

    assert "merchant" in same(2, play)


@not_by_workers
@pytest.mark.slow
def test_2_a_run_date_before_that_of_the_last_report(ends, same):
    def play(layout):
        assert ends(layout, run_date=NEXT).code == 0
        return ends(layout, seconds=0.0)

    assert same(2, play)


@pytest.mark.slow
def test_3_more_unknown_than_allowed(gateway, ends, same):
    def play(layout):
        gateway.tell(denied=["1001"])
        return ends(layout, max_unknown=0.1)

    assert "pairs have no answer" in same(3, play)


@not_by_workers
def test_3_no_time(ends, same):
    assert same(2, lambda layout: ends(layout, seconds=0.0))


@by_workers_first
@pytest.mark.slow
def test_4_no_answer_verified_from_the_middle_on(gateway, ends, same):
    def play(layout):
        gateway.tell(plan=[{"queries": 40, "do": {"faults": "altered=1"}}])
        return ends(layout, concurrency=8, pairs=200)

    assert "could not be verified" in same(4, play)


@pytest.mark.slow
def test_4_patience(gateway, ends, same):
    def play(layout):
        gateway.tell(plan=[{"queries": 40, "do": {"faults": "429=1"}}])
        return ends(layout, concurrency=8, patience_s=0.5)

    assert "No valid answer" in same(4, play)


@not_by_workers
def test_5_a_row_is_lost(ends, same, monkeypatch):
    classify = jobs.store.staging.row_source.classify

    def lossy(*given, **more):
        rows = classify(*given, **more)
        return rows[rows["input_line"] != 7].reset_index(drop=True)

    monkeypatch.setattr(jobs.store.staging.row_source, "classify", lossy)
    assert "controls do not balance" in same(5)


@not_by_workers
@pytest.mark.slow
def test_10_a_rule_holds(ends, same):
    rule = parse_rule("on<1000")

    assert same(10, lambda layout: ends(layout, fail_on=(rule,)))


@not_by_workers
def test_65_no_valid_pair(ends, same):
    same(65, lambda layout: ends(layout, ",0042,x", "o1,,y", pairs=0))


@not_by_workers
def test_65_a_quote_that_is_left_open(ends, same):
    assert "quote" in same(65, lambda layout: ends(layout, '"o1,0042,x', "o2,0042,x"))


@not_by_workers
@pytest.mark.slow
def test_65_too_few_of_the_last_reports_pairs(ends, same):
    def play(layout):
        assert ends(layout).code == 0
        return ends(layout, pairs=20, run_date=NEXT, max_dropped=0.1)

    assert same(65, play)


@not_by_workers
def test_65_no_baseline(ends, same):
    assert same(65, lambda layout: ends(layout, require_baseline=True))


@pytest.mark.parametrize("same", ["a folder"], indirect=True)
@pytest.mark.usefixtures("bound_by_permissions")
def test_73_a_folder_that_cannot_be_written(ends, same, gateway):
    def play(layout):
        place = layout.outputs().sidecars.folder
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o500)
        try:
            return ends(layout)
        finally:
            place.chmod(0o700)

    assert "Permission denied" in same(73, play)
    assert gateway.tell()["asked"] == 0


@not_by_workers
def test_75_another_run(ends, same, folder):
    def play(layout):
        outputs = layout.outputs()
        outputs.sidecars.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(outputs.sidecars.lock):
            return ends(layout)

    assert same(75, play)


@by_workers_first
@pytest.mark.slow
def test_75_nobody_is_there(gateway, ends, same):
    def play(layout):
        settings = gateway.settings()
        gateway.tell(open=False)
        return ends(layout, settings=settings)

    assert "could not be reached" in same(75, play)


@pytest.mark.parametrize(
    "trouble",
    [{"denied": ["*"]}, {"offset_s": 3600}, {"faults": "altered=1"}, {"faults": "serial=1"}],
    ids=str,
)
def test_77_credentials_and_signatures(gateway, ends, same, trouble):
    def play(layout):
        settings = gateway.settings()
        gateway.tell(**trouble)
        return ends(layout, settings=settings)

    assert same(77, play)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.manual),
    ],
)
def test_130_and_143_a_signal_while_asking(gateway, ends, same, number, code):
    """The rest is asked by the next run."""

    def play(layout):
        gateway.tell(latency_s=0.05)

        def watch():
            while gateway.tell()["asked"] < 60:
                time.sleep(0.01)
            os.kill(os.getpid(), number)

        thread = threading.Thread(target=watch)
        thread.start()
        stopped = ends(layout, pairs=300, concurrency=16)
        thread.join()
        asked = gateway.tell(latency_s=0.0)["asked"]
        assert not layout.report().exists()
        done = ends(layout, pairs=300)
        assert done.code == 0
        assert done.report.asking.resumed == asked
        assert gateway.tell()["asked"] == 300
        return stopped

    assert "interrupted" in same(code, play)
