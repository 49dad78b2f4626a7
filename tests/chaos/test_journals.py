"""Which answers of an earlier run are taken over: those of the very same, and of no other."""

from __future__ import annotations

import random
import sqlite3
import stat
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.journal.format.frames import frame_at
from jobs.journal.format.header import header_frame
from jobs.journal.format.record import record_frame
from jobs.journal.format.scan import scan
from jobs.report.parquet import read_parquet
from jobs.store.outputs import Outputs
from jobs.sweep.answers import Row
from tests.night import DAY, NEXT
from tests.unit.jobs.journal.format.test_scan import mutated


@pytest.fixture
def broken_off(gateway, night, folder):
    """Return a function that begins a night and has it broken off after so many answers."""

    def broken_off(pairs, after, **given):
        settings = gateway.settings()
        gateway.tell(plan=[{"queries": after, "do": {"open": False}}])
        stop = night(pairs, settings=settings, rate=500, concurrency=8, patience_s=0.25, **given)
        assert isinstance(stop, RunError)
        assert exit_code_of(stop) == 4
        gateway.tell(open=True)
        return folder / f".report.{given.get('run_date', DAY)}.journal"

    return broken_off


def resumed(report):
    return report.about["asking"]["resumed"]


def test_a_run_that_was_broken_off_is_gone_on_with_and_says_so(broken_off, night, capfd, is_true):
    broken_off(300, 100)
    capfd.readouterr()
    report = night(300)
    assert 90 <= resumed(report) <= 108
    said = "".join(capfd.readouterr())
    assert f"Resuming: {resumed(report)} of 300 answers kept" in said
    assert is_true(report, 300)


def test_a_journal_is_hidden_and_for_its_owner_alone(broken_off):
    journal = broken_off(100, 30)
    assert journal.name.startswith(".")
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


def test_a_journal_holds_no_openid(broken_off):
    journal = broken_off(100, 30)
    content = b"".join(path.read_bytes() for path in journal.parent.glob(f"{journal.name}*"))
    assert b"o000" not in content


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "recovered"),
    [
        (lambda path: path.write_bytes(b"no journal " * 500), False),
        (lambda path: path.write_bytes(path.read_bytes()[500:]), False),
        (lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]), True),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"\xa5\x4a", b"\xa5\x4b", 20)),
            False,
        ),
        (
            lambda path: path.write_bytes(path.read_bytes()[:900] + b"?" + path.read_bytes()[901:]),
            True,
        ),
    ],
    ids=["other bytes", "headers gone", "first header gone", "marks gone", "one byte of a record"],
)
def test_a_damaged_journal_is_renamed_and_what_is_sound_is_kept(
    broken_off, night, capfd, is_true, damage, recovered
):
    journal = broken_off(200, 60)
    damage(journal)
    content = journal.read_bytes()
    capfd.readouterr()
    report = night(200, run_date=DAY)
    said = "".join(capfd.readouterr())
    assert said.count(f"Journal damaged: renamed to {journal.name}.damaged") == 1
    assert (resumed(report) > 40) == recovered
    assert is_true(report, 200)
    assert content
    assert list(journal.parent.glob(".*.journal*")) == []  # its night is published


@pytest.mark.slow
def test_the_command_goes_on_with_damaged_journals_and_says_nothing_false(
    broken_off, start, folder, is_true
):
    """Seeded mutations, of which the unit tests make 2,000; the command ends with 0 each time."""
    journal = broken_off(200, 60)
    content, random_ = journal.read_bytes(), random.Random(3)
    for _ in range(4):
        journal.write_bytes(mutated(content, random_))
        process = start("pairs.csv", "-o", "report.parquet", "--rate", 1000, "--run-date", str(DAY))
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 0, said
        assert said.count("Journal") == 1
        assert is_true(read_parquet(folder / "report.parquet"), 200)
        assert list(folder.glob(".*.journal*")) == []


@pytest.mark.slow
def test_a_name_with_odd_characters_is_resumed_and_leaves_nothing(broken_off, night, folder):
    path = folder / "r[1]*\n?.parquet"
    broken_off(100, 30, outputs=Outputs.to(path))
    assert resumed(night(100, outputs=Outputs.to(path))) > 20
    assert sorted(each.name for each in folder.iterdir() if each.name.startswith(".")) == [
        ".r[1]*\n?.lock"
    ]


def test_a_torn_tail_is_dropped_with_one_line(broken_off, night, capfd, is_true):
    journal = broken_off(200, 60)
    content = journal.read_bytes()
    with journal.open("ab") as file:
        last = max(scan(content).answers.values())  # not the last mark: a hash may hold one, too
        file.write(frame_at(content, last)[:-3])
    capfd.readouterr()
    report = night(200)
    assert "".join(capfd.readouterr()).count("its last record was incomplete") == 1
    assert resumed(report) > 50
    assert is_true(report, 200)


def test_a_journal_of_an_earlier_version_is_renamed_with_a_line(night, folder, capfd, is_true):
    with closing(sqlite3.connect(folder / f".report.{DAY}.journal")) as base:
        base.execute("CREATE TABLE about (json TEXT NOT NULL)")
    report = night(50)
    assert "Journal of an earlier version: renamed to" in "".join(capfd.readouterr())
    assert is_true(report, 50)


@pytest.mark.slow
def test_an_input_that_changed_keeps_the_answers_of_those_still_in_it(
    broken_off, gateway, night, is_true
):
    broken_off(200, 60)
    gateway.tell(reset=True)
    report = night(150)
    assert 50 < resumed(report) <= 68
    assert gateway.tell()["asked"] == 150 - resumed(report)
    assert is_true(report, 150)


def test_a_journal_of_other_pairs_is_renamed_and_nothing_of_it_is_taken(
    broken_off, night, folder, capfd
):
    journal = broken_off(200, 60)
    capfd.readouterr()
    report = night(0, *[f"oOther{i:022},0042,x" for i in range(100)])
    assert "are about pairs of this input; starting over" in "".join(capfd.readouterr())
    assert resumed(report) == 0
    assert len(report.rows) == 100
    assert not journal.exists()


@pytest.mark.slow
def test_the_same_pairs_in_another_order_are_the_same_input(broken_off, night, folder):
    broken_off(200, 60)
    lines = (folder / "pairs.csv").read_text().splitlines()[1:]
    assert resumed(night(0, *reversed(lines))) > 50


@pytest.mark.slow
def test_a_trial_on_the_sandbox_leaves_the_journal_of_the_real_gateway_alone(
    broken_off, night, folder
):
    journal = broken_off(200, 60)
    before = journal.read_bytes()
    moved = header_frame(replace(scan(before).run, gateway="wechatpay"))
    journal.write_bytes(moved * 2)
    stop = night(200)
    assert isinstance(stop, RunError)
    assert exit_code_of(stop) == 2
    assert "is of an unfinished run of merchant" in str(stop)
    assert journal.read_bytes() == moved * 2


@pytest.mark.slow
def test_a_journal_of_another_date_is_not_mixed_in(broken_off, night, is_true):
    broken_off(200, 60)
    report = night(200, run_date=NEXT)
    assert resumed(report) == 0
    assert report.run_date == NEXT


@pytest.mark.slow
def test_a_later_report_leaves_a_young_journal_and_removes_an_old_one_with_a_line(
    broken_off, night, folder, capfd
):
    journal = broken_off(200, 60)
    assert night(200, run_date=NEXT).run_date == NEXT
    assert journal.exists()
    run = scan(journal.read_bytes()).run
    week_ago = time.time_ns() // 1_000_000 - 8 * 86_400_000
    row = Row(0, 0, -1, 0, 0, 200, 1, None, None)
    journal.write_bytes(header_frame(run) * 2 + record_frame(run.seed, bytes(16), row, week_ago))
    capfd.readouterr()
    assert night(200, run_date=NEXT + timedelta(days=1)).run_id
    assert "removed a journal" in "".join(capfd.readouterr())
    assert not journal.exists()


@pytest.mark.slow
def test_a_report_leaves_the_journal_of_another_report_in_its_folder(broken_off, night, folder):
    other = folder / f".report.eu.{DAY}.journal"
    broken_off(100, 30).replace(other)
    assert night(100).run_date == DAY
    assert other.exists()


@pytest.mark.slow
def test_a_run_broken_off_hours_ago_is_not_gone_on_with_under_its_date(broken_off, night):
    journal = broken_off(200, 60)
    run = scan(journal.read_bytes()).run
    row = Row(0, 0, -1, 0, 0, 200, 1, None, None)
    old = time.time_ns() // 1_000_000 - 4 * 3_600_000
    journal.write_bytes(header_frame(run) * 2 + record_frame(run.seed, bytes(16), row, old))
    assert night(200, run_date=NEXT, date_given=False).run_date == NEXT


@pytest.mark.slow
def test_fresh_starts_over(broken_off, gateway, night, is_true):
    broken_off(200, 60)
    gateway.tell(reset=True)
    report = night(200, fresh=True)
    assert resumed(report) == 0
    assert gateway.tell()["asked"] == 200
    assert is_true(report, 200)


@pytest.mark.slow
def test_a_run_broken_off_before_midnight_keeps_its_date_after_it(
    broken_off, night, capfd, is_true
):
    broken_off(200, 60)
    capfd.readouterr()
    report = night(200, run_date=NEXT, date_given=False)
    said = "".join(capfd.readouterr())
    assert f"Resuming the unfinished run of {DAY}. Today's report ({NEXT}) is NOT made" in said
    assert report.run_date == DAY
    assert resumed(report) > 50
    assert is_true(report, 200)


@pytest.mark.slow
def test_with_a_run_date_given_the_date_is_that_one(broken_off, night):
    broken_off(200, 60)
    assert night(200, run_date=NEXT, date_given=True).run_date == NEXT


@pytest.mark.slow
def test_in_a_folder_that_keeps_a_report_a_day_the_date_is_kept_too(broken_off, night, folder):
    def of(day):
        path = folder / "all" / f"run_date={day}" / "report.parquet"
        return Outputs((path,), path, folder / "all")

    broken_off(200, 60, outputs=of(DAY))
    report = night(200, run_date=NEXT, date_given=False, outputs=of(NEXT))
    assert report.run_date == DAY
    assert resumed(report) > 50
    assert [path.name for path in (folder / "all").glob("run*")] == [f"run_date={DAY}"]
