"""The folder of a day is replaced whole: killed anywhere, the earlier or the new one is there."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from jobs.store.days import is_of_report
from jobs.store.locations import Sidecars
from jobs.store.staging.day_exchange import DayExchange
from jobs.store.work_folder import clean_work, interrupted_days
from tests.file_calls import FileCalls, KilledError

DAY = date(2025, 3, 3)
KINDS = {
    "single": ["report.parquet"],
    "parts": ["part-00000.parquet", "part-00001.parquet"],
    "more parts": [f"part-{number:05}.parquet" for number in range(4)],
}
OTHERS = {"notes.txt": "by hand", "report.html": "a page", "pictures/1.png": "a picture"}
PLACES = ["beside", "inside"]
ROOT = Path(__file__).parents[5]
KILLED = Path(__file__).with_name("killed_day_exchange.py")


class Night:
    """An earlier day with other files, and a new one to take its place."""

    def __init__(self, folder: Path, old: str | None, new: str, place: str, *, others: bool):
        folder.mkdir()
        reports = folder / "reports"
        reports.mkdir()
        self.folder, self.files = folder, Sidecars.of_folder(reports)
        work = self.files.work_places[PLACES.index(place)]
        self.exchange = DayExchange(reports / "run_date=2025-03-03", work / "run_date=2025-03-03")
        self.old = dict.fromkeys(KINDS[old], "old") if old else {}
        self.new = dict.fromkeys(KINDS[new], "new")
        self.others = OTHERS if others else {}
        for name, text in {**self.old, **self.others}.items():
            path = self.exchange.day / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(self):
        """Stage the new files and let them take the place of the day; return what went wrong."""
        staged = self.exchange.begin()
        for name, text in reversed(self.new.items()):
            (staged / name).write_text(text)
        return self.exchange.place(next(iter(self.new)))

    def report(self):
        """Return the files of the report that stands."""
        day = self.exchange.day
        paths = [path for path in day.iterdir() if is_of_report(path)] if day.exists() else []
        return {path.name: path.read_text() for path in paths}

    def check(self):
        """The earlier or the new report is there, nothing of others is lost, nothing is left."""
        clean_work(self.files)
        assert self.report() in (self.old, self.new)
        found = {
            path.relative_to(self.exchange.day).as_posix(): path.read_text()
            for path in self.exchange.day.rglob("*")
            if path.is_file()
        }
        assert found == {**self.report(), **self.others}
        assert [path.name for path in self.folder.iterdir()] == ["reports"]
        days = [self.exchange.day.name] if found else []
        assert [path.name for path in self.files.folder.iterdir()] == days


USUAL = [(None, "parts"), ("single", "parts"), ("parts", "single"), ("more parts", "parts")]
RARE = [(old, new) for old in (None, *KINDS) for new in KINDS if (old, new) not in USUAL]


@pytest.fixture(
    params=[*USUAL, *(pytest.param(each, marks=pytest.mark.slow) for each in RARE)], ids=str
)
def night(request, tmp_path):
    """Return a function that makes a night in a folder of its own."""
    old, new = request.param
    made = []

    def night(*, place="beside", others=True):
        made.append(Night(tmp_path / str(len(made)), old, new, place, others=others))
        return made[-1]

    return night


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("exchanges", [True, False], ids=["one step", "two renames"])
def test_the_new_files_take_the_place_of_the_day_and_others_move_along(night, exchanges, place):
    this = night(place=place)
    with FileCalls(this.folder, 0, errno.EIO).injected(exchanges=exchanges):
        assert this.run() is None
    assert this.report() == this.new
    this.check()
    assert this.report() == this.new


@pytest.mark.parametrize("others", [True, False], ids=["others", "alone"])
@pytest.mark.parametrize("exchanges", [True, False], ids=["one step", "two renames"])
def test_killed_anywhere_the_earlier_or_the_new_report_is_there(night, exchanges, others):
    at, seen = 1, set()
    while True:
        this, calls = night(others=others), FileCalls(Path(), at)
        calls.folder = this.folder
        try:
            with calls.injected(exchanges=exchanges):
                this.run()
        except KilledError:
            told = interrupted_days(this.files)
            assert told == ([] if this.report() or not this.old else [this.exchange.day.name])
            assert this.report() in ({}, this.old, this.new)
            assert this.report() or told or not this.old
            seen.add("interrupted" if told else "whole")
            this.check()
            assert this.report() or not this.old
        if calls.failed is None:
            break
        at += 1
    assert at > 10
    assert ("interrupted" in seen) is (bool(this.old) and not exchanges)


@pytest.mark.parametrize("exchanges", [True, False], ids=["one step", "two renames"])
def test_killed_while_what_was_killed_is_finished_nothing_is_lost_either(night, exchanges):
    first = 1
    while True:
        second = 1
        while True:
            this, calls = night(), FileCalls(Path(), first)
            calls.folder = this.folder
            again = FileCalls(this.folder, second)
            try:
                with calls.injected(exchanges=exchanges):
                    this.run()
            except KilledError:
                try:
                    with again.injected(exchanges=exchanges):
                        clean_work(this.files)
                except KilledError:
                    pass
                this.check()
            if again.failed is None:
                break
            second += 7
        if calls.failed is None:
            break
        first += 7


@pytest.mark.parametrize("how", ["once", "late", "lasting"])
@pytest.mark.parametrize("exchanges", [True, False], ids=["one step", "two renames"])
@pytest.mark.parametrize(
    "number",
    [
        errno.ENOSPC,
        pytest.param(errno.EPERM, marks=pytest.mark.slow),
        pytest.param(errno.EIO, marks=pytest.mark.manual),
        pytest.param(errno.EEXIST, marks=pytest.mark.manual),
    ],
)
def test_wherever_a_call_fails_what_stands_is_told(night, number, exchanges, how):
    at = 1
    while True:
        this = night()
        calls = FileCalls(this.folder, at, number, late=how == "late", lasting=how == "lasting")
        try:
            with calls.injected(exchanges=exchanges):
                misplaced = this.run()
        except OSError:  # before anything was moved
            assert this.report() == this.old
        else:
            stands = misplaced is None or misplaced.stands
            if stands is None:
                assert this.report() == {}
                assert str(this.exchange.work) in misplaced.why
            else:
                assert this.report() == (this.new if stands else this.old)
        this.check()
        if calls.failed is None:
            break
        at += 1


def test_a_file_of_the_same_name_is_kept_beside_the_new_one(tmp_path):
    this = Night(tmp_path / "x", "parts", "parts", "beside", others=True)
    with pytest.raises(KilledError), FileCalls(this.folder, 1000).injected():
        staged = this.exchange.begin()
        (staged / "part-00000.parquet").write_text("new")
        (staged / "notes.txt").write_text("written meanwhile")
        this.exchange.place("part-00000.parquet")
        raise KilledError
    day = this.exchange.day
    assert (day / "notes.txt").read_text() == "written meanwhile"
    assert (day / "notes.2.txt").read_text() == "by hand"


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o2770])
def test_the_new_folder_has_the_mode_of_the_earlier_one(tmp_path, mode):
    this = Night(tmp_path / "x", "single", "parts", "beside", others=False)
    this.exchange.day.chmod(mode)
    staged = this.exchange.begin()
    assert stat.S_IMODE(staged.stat().st_mode) & 0o777 == 0o700
    assert this.run() is None
    assert stat.S_IMODE(this.exchange.day.stat().st_mode) == mode


def test_a_report_is_removed_in_one_step_and_other_files_stay(night):
    at = 1
    while True:
        this = night()
        calls = FileCalls(this.folder, at)
        try:
            with calls.injected():
                this.exchange.remove_report()
        except KilledError:
            pass
        assert this.report() in ({}, this.old)
        clean_work(this.files)
        found = {path.name for path in this.exchange.day.rglob("*") if path.is_file()}
        assert found >= {Path(name).name for name in OTHERS}
        if calls.failed is None:
            assert this.report() == {}
            break
        at += 1


@pytest.mark.slow
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("steps", ["one", "two"])
def test_a_process_that_is_killed_leaves_one_report_or_one_to_put_back(tmp_path, steps, every):
    """As above, with the signal itself."""
    at, codes = 1, []
    while 0 not in codes:
        this = Night(tmp_path / str(at), "single", "parts", "beside", others=True)
        command = [sys.executable, str(KILLED), this.exchange.day, this.exchange.work, at, steps]
        codes.append(
            subprocess.run(
                list(map(str, command)), env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
            ).returncode
        )
        interrupted = interrupted_days(this.files) == [this.exchange.day.name]
        assert this.report() in ([{}] if interrupted else [this.old, this.new])
        this.check()
        at += every
    assert set(codes) == {0, -signal.SIGKILL}
    assert this.report() == this.new
