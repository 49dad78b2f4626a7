"""The folder of a day is published whole: a report of many files, or one that replaces such."""

from __future__ import annotations

import stat

import duckdb
import pandas as pd
import pytest

import jobs.store.staging.primary
from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.report.parquet import read_parquet, read_report
from jobs.store.days import report_in
from jobs.store.outputs import parse_outputs
from jobs.store.publish import publish
from tests.parted import parted


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "reports"
    made.mkdir()
    return made


@pytest.fixture
def put(folder):
    """Publish a report to the folder, in so many parts or, without a number, as one file."""

    def put(report, count=None, *others, **named):
        outputs = parse_outputs(
            (f"{folder}/", *map(str, others)), None, report.run_date, in_parts=count is not None
        )
        divided = report if count is None else parted(report, count)
        failed = publish(divided, outputs, baseline=None, replaced=None, **named)
        assert not failed
        assert [path.name for path in folder.parent.iterdir()] == ["reports"]
        return outputs.day

    return put


@pytest.fixture
def report(report_of, nights):
    return report_of({f"A/{number}": "ON" for number in range(40)}, nights[0])


@pytest.fixture
def again(report_of, nights):
    return report_of({f"A/{number}": "OFF" for number in range(41)}, nights[0], run_id="again")


def names(day):
    return sorted(path.name for path in day.iterdir())


def parts(count):
    return [f"part-{number:05}.parquet" for number in range(count)]


def test_each_part_is_a_file_of_the_day(put, report, folder):
    day = put(report, 4)
    assert names(day) == parts(4)
    assert names(folder) == [day.name]
    assert read_report(day).summary == report.summary
    rows = duckdb.read_parquet(f"{folder}/**/*.parquet").fetchall()
    assert len(rows) == 40
    assert len(pd.read_parquet(day)) == 40


@pytest.mark.slow
@pytest.mark.parametrize("old", [None, 1, 2, 8])
@pytest.mark.parametrize("new", [None, 1, 2, 8])
def test_a_day_has_the_files_of_the_last_run_alone_and_other_files_stay(
    put, report, again, old, new
):
    day = put(report, old)
    (day / "notes.txt").write_text("by hand")
    assert put(again, new) == day
    expected = ["report.parquet"] if new is None else parts(new)
    assert names(day) == ["notes.txt", *expected]
    assert read_parquet(report_in(day)).run_id == "again"
    assert (day / "notes.txt").read_text() == "by hand"


@pytest.mark.parametrize("mode", [0o600, 0o644])
@pytest.mark.parametrize(("old", "new"), [(2, 4), (None, 4), (4, None)])
def test_files_keep_the_mode_of_those_that_they_replace(put, report, again, mode, old, new):
    day = put(report, old)
    for path in day.iterdir():
        path.chmod(mode)
    put(again, new)
    assert {stat.S_IMODE(path.stat().st_mode) for path in day.iterdir()} == {mode}


def test_a_new_day_is_for_owner_and_group(put, report):
    day = put(report, 2)
    assert stat.S_IMODE(day.stat().st_mode) == 0o750
    assert {stat.S_IMODE(path.stat().st_mode) for path in day.iterdir()} == {0o640}


def test_while_it_is_made_nobody_sees_it_and_the_earlier_report_is_read(put, report, again, folder):
    day = put(report, 2)
    seen = []

    def look():
        seen.append(read_parquet(day).run_id)
        seen.append({str(path) for path in folder.rglob("*.parquet")})

    put(again, 4, before_placing=look)
    assert seen == [report.run_id, {str(day / name) for name in parts(2)}]


def test_inside_the_folder_names_end_in_tmp_until_all_are_complete(put, report, again, folder):
    beside = folder.with_name("reports.work")
    beside.write_text("not ours")
    seen = []

    def look():
        seen.extend(path.name for path in folder.rglob(".work/**/*") if path.is_file())

    outputs = parse_outputs((f"{folder}/",), None, report.run_date, in_parts=True)
    for each in (report, again):
        publish(parted(each, 4), outputs, baseline=None, replaced=None, before_placing=look)
    assert sorted(seen) == sorted(f"{name}.tmp" for name in 2 * parts(4))
    assert names(outputs.day) == parts(4)
    assert names(folder) == [outputs.day.name]
    assert read_report(outputs.day).run_id == "again"


def test_part_0_is_written_last(put, report, monkeypatch):
    written = []
    write = jobs.store.staging.primary.write_part

    def write_part(report, number, file):
        written.append(number)
        write(report, number, file)

    monkeypatch.setattr(jobs.store.staging.primary, "write_part", write_part)
    put(report, 4)
    assert written == [1, 2, 3, 0]


@pytest.mark.parametrize("old", [None, 2])
def test_a_part_that_cannot_be_written_changes_nothing_and_says_why(
    put, report, again, folder, monkeypatch, old
):
    day = put(report, old)
    before = {path.name: path.read_bytes() for path in day.iterdir()}

    def write_part(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(jobs.store.staging.primary, "write_part", write_part)
    with pytest.raises(RunError, match="cannot be written: No space left on device") as stop:
        put(again, 4)
    assert exit_code_of(stop.value) == 73
    assert "answers so far are kept. Free space" in str(stop.value)
    assert "; the earlier report" in str(stop.value)
    assert {path.name: path.read_bytes() for path in day.iterdir()} == before
    assert names(folder.parent) == ["reports"]


def test_the_first_report_of_a_day_that_fails_leaves_no_folder(put, report, folder, monkeypatch):
    def write_part(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(jobs.store.staging.primary, "write_part", write_part)
    with pytest.raises(RunError, match="cannot be written") as stop:
        put(report, 4)
    assert "earlier" not in str(stop.value)
    assert names(folder) == []
    assert names(folder.parent) == ["reports"]


def test_parts_that_do_not_read_back_are_not_published(put, report, again, monkeypatch):
    day = put(report, 2)
    write = jobs.store.staging.primary.write_part

    def twice_the_same(report, number, file):
        write(report, number or 1, file)

    monkeypatch.setattr(jobs.store.staging.primary, "write_part", twice_the_same)
    with pytest.raises(RunError, match="could not be read back") as stop:
        put(again, 4)
    assert exit_code_of(stop.value) == 5
    assert read_report(day).run_id == report.run_id


def test_another_format_in_the_folder_of_the_day_moves_along(put, report, again, folder):
    page = folder / f"run_date={report.run_date}" / "report.html"
    put(report, 2, page)
    first = page.read_text()
    put(again, None, page)
    assert names(page.parent) == ["report.html", "report.parquet"]
    assert page.read_text() != first


def test_a_single_file_that_another_program_put_beside_parts_goes_with_them(put, report, again):
    single = put(again, None) / "report.parquet"
    copied = single.read_bytes()
    day = put(report, 2)
    single.write_bytes(copied)
    put(again, 4)
    assert names(day) == parts(4)
