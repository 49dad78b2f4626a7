"""Which answers of an earlier run are taken over: those of the very same, and of no other."""

from __future__ import annotations

import sqlite3
import stat

import pytest

from jobs.exits import Stop
from jobs.outputs import Outputs
from tests.night import DAY, NEXT


@pytest.fixture
def broken_off(gateway, night, folder):
    """Return a function that begins a night and has it broken off after so many answers."""

    def broken_off(pairs, after, **given):
        settings = gateway.settings()
        gateway.tell(plan=[{"queries": after, "do": {"open": False}}])
        stop = night(pairs, settings=settings, rate=500, concurrency=8, patience_s=0.25, **given)
        assert isinstance(stop, Stop)
        assert stop.code == 4
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
    assert "going on with an unfinished run" in "".join(capfd.readouterr())
    assert is_true(report, 300)


def test_a_journal_is_hidden_and_for_its_owner_alone(broken_off):
    journal = broken_off(100, 30)
    assert journal.name.startswith(".")
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


def test_a_journal_holds_no_openid(broken_off):
    journal = broken_off(100, 30)
    content = b"".join(path.read_bytes() for path in journal.parent.glob(f"{journal.name}*"))
    assert b"o000" not in content


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database " * 500),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: sqlite3.connect(path).executescript("DROP TABLE answers"),
        lambda path: sqlite3.connect(path).executescript("UPDATE about SET json = '[1]'"),
    ],
    ids=["other bytes", "empty", "cut short", "a folder", "a table gone", "a wrong description"],
)
def test_a_damaged_journal_is_set_aside_with_one_line(broken_off, night, capfd, is_true, damage):
    journal = broken_off(200, 60)
    for beside in (f"{journal.name}-wal", f"{journal.name}-shm"):
        journal.with_name(beside).unlink(missing_ok=True)
    damage(journal)
    capfd.readouterr()
    report = night(200)
    said = "".join(capfd.readouterr())
    assert said.count("is damaged; it is set aside as") == 1
    assert resumed(report) == 0
    assert is_true(report, 200)
    assert journal.with_name(f"{journal.name}.aside").exists()


def test_a_journal_of_another_input_is_not_mixed_in(broken_off, night, capfd, is_true):
    journal = broken_off(200, 60)
    capfd.readouterr()
    report = night(201)
    assert "is of another input, merchant or gateway" in "".join(capfd.readouterr())
    assert resumed(report) == 0
    assert is_true(report, 201)
    assert journal.with_name(f"{journal.name}.aside").exists()


def test_the_same_pairs_in_another_order_are_another_input(broken_off, night, folder):
    broken_off(200, 60)
    lines = (folder / "pairs.csv").read_text().splitlines()[1:]
    assert resumed(night(0, *reversed(lines))) == 0


def test_a_journal_of_another_date_is_not_mixed_in(broken_off, night, is_true):
    broken_off(200, 60)
    report = night(200, run_date=NEXT)
    assert resumed(report) == 0
    assert report.run_date == NEXT


def test_a_later_report_removes_the_journals_of_the_dates_before(broken_off, night, folder):
    assert broken_off(200, 60).exists()
    assert night(200, run_date=NEXT).run_date == NEXT
    assert list(folder.glob(".*.journal*")) == []


def test_fresh_starts_over(broken_off, gateway, night, is_true):
    broken_off(200, 60)
    gateway.tell(reset=True)
    report = night(200, fresh=True)
    assert resumed(report) == 0
    assert gateway.tell()["asked"] == 200
    assert is_true(report, 200)


def test_a_run_broken_off_before_midnight_keeps_its_date_after_it(broken_off, night, is_true):
    broken_off(200, 60)
    report = night(200, run_date=NEXT, date_given=False)
    assert report.run_date == DAY
    assert resumed(report) > 50
    assert is_true(report, 200)


def test_with_a_run_date_given_the_date_is_that_one(broken_off, night):
    broken_off(200, 60)
    assert night(200, run_date=NEXT, date_given=True).run_date == NEXT


def test_in_a_folder_that_keeps_a_report_a_day_the_date_is_kept_too(broken_off, night, folder):
    def of(day):
        path = folder / "all" / f"run_date={day}" / "report.parquet"
        return Outputs((path,), path, folder / "all")

    broken_off(200, 60, outputs=of(DAY))
    report = night(200, run_date=NEXT, date_given=False, outputs=of(NEXT))
    assert report.run_date == DAY
    assert resumed(report) > 50
    assert [path.name for path in (folder / "all").glob("run*")] == [f"run_date={DAY}"]
