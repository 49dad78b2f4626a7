"""Each call to the file system that replacing a day makes fails once, or the process dies there.

The earlier report of the day stands, or the new one: whole, with the files of others, and never
files of both. Where the process died between two renames, the next run puts it in place.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

import pytest

import jobs.render
import jobs.store.publish
import jobs.store.staging.primary
from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.report.model import Report
from jobs.store.days import is_of_report
from jobs.store.locations import Sidecars
from jobs.store.outputs import Outputs, parse_outputs
from jobs.store.publish import publish
from jobs.store.work_folder import clean_work, interrupted_days
from tests.file_calls import FileCalls, KilledError
from tests.night import DAY
from tests.parted import parted
from tests.unit.jobs.conftest import _report_of

USUAL = ["ENOSPC", pytest.param("EINVAL", marks=pytest.mark.slow)]
RARE = ["EIO", "EACCES", "EPERM", "EXDEV", "EEXIST", "EROFS", "EMFILE", "ESTALE"]
KINDS = [(2, 4), (None, 2), (2, None), (0, 2)]
"""Files of the earlier and of the new report; None: one that is no part; 0: there is no report."""
NOTES = {"notes.txt": b"by hand"}


@dataclass
class Day:
    """What a day had, and what publishing makes of it."""

    new_report: Report
    new_count: int | None
    earlier: dict[str, bytes]
    new: dict[str, bytes]

    def outputs(self, top: Path) -> Outputs:
        """Make the folder of reports, and the earlier report in it."""
        folder = top / "reports"
        folder.mkdir(parents=True)
        in_parts = self.new_count is not None
        made = parse_outputs((f"{folder}/",), None, self.new_report.run_date, in_parts=in_parts)
        for name, content in {**self.earlier, **(NOTES if self.earlier else {})}.items():
            made.day.mkdir(exist_ok=True)
            (made.day / name).write_bytes(content)
        return made

    def check(self, outputs: Outputs, said: str | None, *, killed: bool) -> None:
        """Look at what stands, as it is and after the next run has begun."""
        files, now = Sidecars.of_folder(outputs.folder), report_in(outputs.day)
        if said is None and not killed:
            assert now == self.new
        elif said is not None and "both folders of the day are in" not in said:
            assert now == self.earlier
            assert "is unchanged" in said or not self.earlier
        elif not now and self.earlier:
            assert interrupted_days(files) == [outputs.day.name]
        assert now in ({}, self.earlier, self.new)
        clean_work(files)
        after = report_in(outputs.day)
        assert after == now or not now
        assert after in (self.earlier, self.new)
        if self.earlier:
            assert (outputs.day / "notes.txt").read_bytes() == b"by hand"
        assert [path.name for path in outputs.folder.parent.iterdir()] == ["reports"]
        names = {path.name for path in outputs.folder.rglob("*") if path.is_file()}
        assert names == {*after, *(NOTES if self.earlier else {})}


def report_in(day: Path) -> dict[str, bytes]:
    """Return the files of the report that a day has."""
    paths = [path for path in day.iterdir() if is_of_report(path)] if day.exists() else []
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture(params=KINDS, ids=str)
def day(request, monkeypatch):
    """Return an earlier report of a day and the one that replaces it, whose writers are quick."""
    old, new = request.param
    report = _report_of({"A/a": "ON"}, DAY)
    report = report if new is None else parted(report, new)

    def contents(count: int | None, text: bytes) -> dict[str, bytes]:
        if count is None:
            return {"report.parquet": text}
        return {f"part-{number:05}.parquet": text + b"%d" % number for number in range(count)}

    made = Day(report, new, contents(old, b"earlier"), contents(new, b"new"))
    by_number = list(made.new.values())
    primary = jobs.store.staging.primary
    monkeypatch.setattr(primary, "write_part", lambda _, at, file: file.write(by_number[at]))
    monkeypatch.setattr(primary, "read_counted", lambda *_, **__: (report, None))
    monkeypatch.setattr(jobs.render, "writer_of", lambda _: lambda _, file, __: file.write(b"new"))
    monkeypatch.setattr(jobs.store.publish, "recheck", lambda *_: report.controls)
    return made


@pytest.fixture
def publish_with(day, tmp_path):
    """Return a function that publishes the new report with faults, and looks at what stands."""
    made: list[Path] = []

    def publish_with(calls: FileCalls, *, exchanges: bool) -> FileCalls:
        calls.folder = tmp_path / str(len(made))
        made.append(calls.folder)
        outputs, said, killed = day.outputs(calls.folder), None, False
        try:
            with calls.injected(exchanges=exchanges):
                failed = publish(day.new_report, outputs, baseline=None, replaced=None)
        except RunError as stop:
            said = str(stop)
            code = exit_code_of(stop)
        except KilledError:
            killed = True
        else:
            assert all(each.stands for each in failed)
        assert said is None or code == 73
        day.check(outputs, said, killed=killed)
        return calls

    return publish_with


STEPS = pytest.mark.parametrize("exchanges", [True, False], ids=["one step", "two renames"])


@pytest.mark.slow
@STEPS
@pytest.mark.parametrize("late", [False, True], ids=["not done", "done"])
@pytest.mark.parametrize(
    "name", [*USUAL, *(pytest.param(name, marks=pytest.mark.manual) for name in RARE)]
)
def test_wherever_one_call_fails_what_stands_is_said(publish_with, name, late, exchanges):
    at, number = 1, getattr(errno, name)
    while publish_with(FileCalls(Path(), at, number, late=late), exchanges=exchanges).failed:
        at += 1
    assert at > 40


@pytest.mark.slow
@STEPS
def test_wherever_all_calls_begin_to_fail_what_stands_is_said(publish_with, exchanges):
    at = 1
    while publish_with(
        FileCalls(Path(), at, errno.ENOSPC, lasting=True), exchanges=exchanges
    ).failed:
        at += 1


@pytest.mark.slow
@STEPS
def test_wherever_the_process_dies_a_whole_report_is_there(publish_with, exchanges):
    at = 1
    while publish_with(FileCalls(Path(), at), exchanges=exchanges).failed:
        at += 1
    assert at > 40
