"""Too late, cut short, or waiting until the deadline: what is known is published, and not less."""

from __future__ import annotations

import re
import shlex
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.commands.options.typed_options import typed_options
from jobs.deadline import Deadline, TimeLimit
from jobs.errors import RunError
from jobs.input.lookup import PairLookup
from jobs.input.options import InputOptions
from jobs.input.pairs import read_pairs
from jobs.journal.journal import Journal
from jobs.partitions.partitioned import FrameInMemory
from jobs.report.model import GatewayId
from jobs.report.parquet import read_parquet
from jobs.run.config import Waits
from jobs.schema import State
from jobs.store.outputs import parse_outputs
from jobs.sweep.abort.thresholds import AbortThresholds
from jobs.sweep.answers import Row
from jobs.sweep.blocks.outcomes import OutcomesInMemory
from jobs.sweep.blocks.restored import Restored
from jobs.sweep.rules import SweepRules
from palm import Clock, Retry
from palm.sandbox import SANDBOX_MCHID, Faults
from palm.settings import load_settings, read_config
from tests.night import DAY, options, run_quietly

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = datetime.now(SHANGHAI).date()
YESTERDAY = TODAY - timedelta(days=1)
PAST = f"{datetime.now(SHANGHAI) - timedelta(hours=1):%Y-%m-%dT%H:%M}"


@pytest.fixture
def unfinished(source, folder):
    """Leave the journal of a run that was killed after so many answers, all of them ON."""

    def unfinished(run_date, answers, output="report.parquet", at_ms=1_741_000_000_000):
        pairs = read_pairs(InputOptions(source=str(source))).pairs
        files = parse_outputs((output,), None, run_date).sidecars
        if output.endswith("/"):
            Path(output).mkdir(exist_ok=True)
        frame, gateway = FrameInMemory(pairs), GatewayId("sandbox", SANDBOX_MCHID)
        restored, lookup = Restored(OutcomesInMemory(frame)), PairLookup(pairs)
        with Journal.open(files, run_date, gateway, frame, restored) as journal:
            for place in range(answers):
                row = Row(place, 0, -1, -(2**63), at_ms, 200, 1, None, "r")
                journal.put(0, lookup[place], row)
        return pairs

    return unfinished


@pytest.fixture
def late(call, source, config):
    """Run the command an hour after its deadline."""
    usual = ["--config", config, "--deadline", PAST]
    return lambda *given, output="report.parquet": call(source, "-o", output, *usual, *given)


def states(path="report.parquet"):
    return read_parquet(Path(path)).summary.states


def test_too_late_with_nothing_to_publish_is_one_line_that_says_what_time_it_is_where(
    late, gateway, folder
):
    ended = late()
    assert ended.code == 2
    assert re.fullmatch(
        r"palm-reconcile: Deadline [-0-9 ]*\d\d:\d\d Asia/Shanghai has passed "
        r"\(it is [-0-9 ]*\d\d:\d\d\): "
        "nothing was asked. Start earlier, or leave --deadline out",
        ended.only_line,
    )
    assert not gateway.stats.asked
    assert not (folder / "report.parquet").exists()


@pytest.mark.parametrize("limit", [("--deadline", PAST), ("--max-duration", "0s")])
def test_without_time_the_unfinished_run_of_this_date_is_published(
    reconcile, unfinished, gateway, folder, limit
):
    unfinished(DAY, 20)
    ended = reconcile("--ping-url", "http://127.0.0.9:1/0c1a8e5b-secret", *limit)
    assert ended.code == 3
    assert states() == {"ON": 20, "OFF": 0, "NONE": 0, "UNKNOWN": 10}
    assert not gateway.stats.asked
    assert not list(folder.glob(".*.journal"))
    lines = ended.err.splitlines()
    assert "palm-reconcile: Time limit reached: 10 of 30 pairs not asked (exit 3)" in lines
    ours = [line for line in lines if line.startswith("palm-reconcile: ")]
    (line,) = [line for line in ours if "have no answer" in line]
    said, _, command = line.removesuffix(" (and --ping-url, not shown here)").partition(" Run: ")
    assert said == "palm-reconcile: 10 of 30 pairs have no answer (33.3 %, limit 1 %) (exit 3)."
    assert "secret" not in ended.err
    words = shlex.split(command)
    assert not {"--deadline", "--max-duration", "0s", PAST} & set(words)
    assert words[-3:] == ["--run-date", str(DAY), "--retry-unanswered"]


@pytest.mark.parametrize("quiet", [["-q"], ["--log-file", "palm.log"]], ids=["-q", "log file"])
def test_a_run_that_makes_another_dates_report_says_so_also_when_quiet(
    call, source, config, unfinished, quiet
):
    unfinished(YESTERDAY, 20, at_ms=round(time.time() * 1000))
    ended = call(source, "-o", "report.parquet", "--rate", "1000", "--config", config, *quiet)
    assert ended.code == 0, ended.err
    said = f"Resuming the unfinished run of {YESTERDAY}. Today's report ({TODAY}) is NOT made"
    assert said in ended.err
    assert read_parquet(Path("report.parquet")).run_date == YESTERDAY


def test_a_run_of_another_date_that_fails_is_told_of_under_that_date(
    call, source, config, unfinished, monkeypatch
):
    told = []
    monkeypatch.setattr("jobs.observe.ping.Ping.start", lambda _: None)
    monkeypatch.setattr("jobs.observe.ping.Ping.end", lambda _, *given: told.append(given) or [])
    monkeypatch.setattr("jobs.run.pipeline.publish", lambda *_, **__: 1 / 0)
    unfinished(YESTERDAY, 20, at_ms=round(time.time() * 1000))
    given = ["--rate", "1000", "--config", config, "--ping-url", "http://127.0.0.1:9/x", "-q"]
    ended = call(source, "-o", "report.parquet", *given)
    assert ended.code == 1
    assert f"run date: {YESTERDAY}" in str(told[0])


def test_the_command_that_is_shown_asks_the_others(reconcile, call, unfinished, gateway):
    unfinished(DAY, 20)
    ended = reconcile("-q", "--max-duration", "0s")
    words = shlex.split(ended.err.splitlines()[0].partition(" Run: ")[2])
    assert call(*words[1:]).code == 0
    assert sum(gateway.stats.asked.values()) == 10
    assert states()["UNKNOWN"] == 0


@pytest.mark.parametrize("output", ["report.parquet", "reports/"])
def test_too_late_the_unfinished_run_of_the_day_before_is_published_under_its_date(
    late, unfinished, output
):
    unfinished(YESTERDAY, 20, output)
    ended = late(output=output)
    assert ended.code == 3
    assert f"publishing the unfinished run of {YESTERDAY}, 20 of 30 answers" in ended.err
    path = f"reports/run_date={YESTERDAY}/report.parquet" if output == "reports/" else output
    report = read_parquet(Path(path))
    assert (report.run_date, report.summary.states["ON"]) == (YESTERDAY, 20)
    assert f"--run-date {YESTERDAY} --retry-unanswered" in ended.err


def test_todays_journal_comes_before_that_of_the_day_before(late, unfinished):
    unfinished(YESTERDAY, 25)
    unfinished(TODAY, 20)
    assert late().code == 3
    assert read_parquet(Path("report.parquet")).run_date == TODAY


def test_where_a_date_is_given_no_other_dates_journal_is_published(late, unfinished, folder):
    unfinished(YESTERDAY, 20)
    assert late("--run-date", TODAY).code == 2
    assert list(folder.glob(".*.journal"))


def test_too_late_a_fresh_start_removes_nothing(late, unfinished, folder):
    unfinished(TODAY, 20)
    assert late("--fresh").code == 2
    assert list(folder.glob(".*.journal"))


@pytest.mark.slow
@pytest.mark.parametrize("output", ["report.parquet", "reports/"])
def test_a_run_that_is_cut_keeps_the_good_answers_of_the_report_that_it_replaces(
    reconcile, unfinished, output
):
    path = f"reports/run_date={DAY}/report.parquet" if output == "reports/" else output
    assert reconcile("-q", output=output).code == 0
    before = read_parquet(Path(path))
    unfinished(DAY, 20, output)
    ended = reconcile("--deadline", PAST, output=output)
    assert ended.code == 3
    assert ended.err.splitlines()[-1] == (
        "palm-reconcile: Time limit reached: 10 of 30 pairs not asked (exit 3)"
    )
    after = read_parquet(Path(path))
    assert after.run_id != before.run_id
    assert after.summary.states[State.UNKNOWN] == 0
    kept = ["openid", "organization_id", "state", "answered_at", "authorize_time"]
    pd.testing.assert_frame_equal(after.rows[kept].iloc[20:], before.rows[kept].iloc[20:])
    assert set(after.rows["state"].iloc[:20]) == {"ON"}


def test_a_run_that_is_cut_keeps_no_answer_of_another_date(reconcile, unfinished):
    assert reconcile("-q").code == 0
    unfinished(DAY + timedelta(days=1), 20)
    ended = reconcile("-q", "--max-duration", "0s", run_date=DAY + timedelta(days=1))
    assert ended.code == 3
    assert states()["UNKNOWN"] == 10


def chosen(folder, source, *, reach_s=0.1, patience_s=60.0, **given):
    """Return the options of a night with short waits."""
    waits = Waits(
        retry=Retry(attempts=1, throttle_s=0.01, cap_s=0.1, patience_s=float("inf")),
        sweep=SweepRules(
            reach_s=reach_s, reach_every_s=0.02, finish_s=0.2, check_every_s=0.02, replace_s=0.05,
            abort=AbortThresholds(patience_s=patience_s),
        ),
    )  # fmt: skip
    settings = load_settings(read_config(folder / "keys" / "palm.toml"))
    return options(source, folder / "report.parquet", DAY, settings=settings,
                   waits=waits, **{"rate": 500.0, **given})  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["deadline", "seconds"])
def test_with_a_deadline_the_first_connection_is_waited_for_until_then(folder, source, keys, limit):
    keys.write(folder / "keys", "http://127.0.0.1:9")
    time = TimeLimit.of_duration(1)
    if limit == "deadline":
        time = TimeLimit(Deadline(datetime.now(UTC) + timedelta(seconds=1), SHANGHAI))
    report = run_quietly(chosen(folder, source, time=time))
    assert report.about["run"]["exit_code"] == 3
    assert report.summary.unknown_reasons.keys() <= {"NOT_ASKED", "NETWORK"}
    assert report.summary.states["UNKNOWN"] == 30
    assert (folder / "report.parquet").exists()


def test_without_a_deadline_the_first_connection_is_not_waited_for(folder, source, keys):
    keys.write(folder / "keys", "http://127.0.0.1:9")
    with pytest.raises(RunError) as stop:
        run_quietly(chosen(folder, source))
    assert exit_code_of(stop.value) == 75


def test_who_is_out_of_patience_is_told_what_to_type(folder, source, config, gateway):
    gateway.faults = Faults.parse("429=1")
    asked = replace(
        chosen(folder, source, patience_s=0.5),
        typed=tuple(typed_options(["pairs.csv", "-o", "report.parquet"])),
    )
    with pytest.raises(RunError) as stop:
        run_quietly(asked)
    assert exit_code_of(stop.value) == 4
    assert re.fullmatch(
        r"No valid answer for 0 s: every request is throttled \(HTTP 429.*\); the answers about 0 "
        r"of 30 pairs are kept in the journal; to go on: palm-reconcile pairs.csv -o "
        rf"report.parquet --run-date {DAY}",
        str(stop.value),
    )


@pytest.mark.parametrize(
    ("seconds", "is_timed", "patience_s"),
    [(None, True, float("inf")), (None, False, 900.0), (60.0, True, 60.0), (60.0, False, 60.0)],
)
def test_patience_lasts_until_the_deadline_unless_it_is_given(seconds, is_timed, patience_s):
    assert Waits.patient(seconds, is_timed=is_timed).sweep.abort.patience_s == patience_s


@pytest.mark.slow
def test_a_clock_that_passes_over_the_deadline_ends_the_run(folder, source, config, gateway):
    """As a machine that slept: two minutes are to go, and then the wall clock is past it.

    The client signs by the same clock, and the gateway takes what is less than five minutes off.
    """
    deadline = Deadline(datetime.now(SHANGHAI) + timedelta(minutes=2), SHANGHAI)

    def clock():
        if sum(gateway.stats.asked.values()) >= 10:
            return deadline.at.timestamp() + 1
        return time.time()

    given = {"time": TimeLimit(deadline), "clock": Clock(wall=clock)}
    report = run_quietly(chosen(folder, source, rate=10.0, concurrency=4, **given))
    assert report.about["run"]["exit_code"] == 3
    assert 10 <= sum(gateway.stats.asked.values()) < 30
    assert report.summary.unknown_reasons.keys() == {"NOT_ASKED"}
