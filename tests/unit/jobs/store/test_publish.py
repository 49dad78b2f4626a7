"""Publishing: everything or nothing, and never over what cannot be had again."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import jobs.render
from jobs.commands.exit_codes import exit_code_of
from jobs.errors import RunError
from jobs.report.info import Metadata
from jobs.report.parquet import read_parquet, write_parquet
from jobs.store.locations import previous_of
from jobs.store.outputs import Outputs, parse_outputs
from jobs.store.publish import publish
from tests.night import with_members


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "reports"


@pytest.fixture
def output(folder):
    folder.mkdir()
    return folder / "report.parquet"


@pytest.fixture
def put(output):
    """Publish a report over the one that stands there."""

    def put(report, baseline=None):
        replaced = read_parquet(output) if output.exists() else None
        publish(report, Outputs.to(output), baseline=baseline, replaced=replaced)
        return output

    return put


@pytest.fixture
def writer(monkeypatch):
    """Let another function write Parquet."""

    def writer(write):
        def by_path(report, file, language):
            write(report, Path(file.name))

        monkeypatch.setattr(jobs.render, "writer_of", lambda _: by_path)

    return writer


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def first(report_of, nights):
    return report_of({"A/a": "ON", "A/b": "ON"}, nights[0], run_id="first")


@pytest.fixture
def second(report_of, nights, first, put):
    path = put(first)
    return report_of(
        {"A/a": "OFF", "A/b": "ON"}, nights[1], baseline=first, baseline_file=path, run_id="second"
    )


def test_a_report_is_published_alone(put, first, folder):
    assert read_parquet(put(first)).about == first.about
    assert names(folder) == ["report.parquet"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_report_is_for_owner_and_group_less_the_umask(put, first, umask):
    before = os.umask(umask)
    try:
        assert mode(put(first)) == 0o640 & ~umask
    finally:
        os.umask(before)


@pytest.mark.parametrize("kept", [0o600, 0o644, 0o664])
def test_a_report_keeps_the_mode_of_the_one_it_replaces(put, second, output, first, kept):
    output.chmod(kept)
    assert mode(put(second, first)) == kept
    assert mode(previous_of(output)) == kept


def test_the_report_is_never_open_to_others_while_it_is_written(put, first, writer):
    seen = []

    def write(report, path):
        seen.append(mode(path))
        write_parquet(report, path)

    writer(write)
    put(first)
    assert seen == [0o600]


def test_the_report_that_is_replaced_stays_beside_it(put, second, first, folder, output):
    put(second, first)
    assert names(folder) == ["report.parquet", "report.previous.parquet"]
    assert read_parquet(previous_of(output)).run_id == "first"
    assert read_parquet(output).run_id == "second"


def test_a_report_of_the_same_date_does_not_become_the_previous_one(put, second, first, output):
    put(second, first)
    again = replace(
        second,
        metadata=Metadata.from_json(second.about | {"run": second.about["run"] | {"id": "again"}}),
    )
    put(again, first)
    assert read_parquet(previous_of(output)).run_id == "first"
    assert read_parquet(output).run_id == "again"


def test_the_third_night_moves_the_second_aside(put, second, first, report_of, nights):
    path = put(second, first)
    third = report_of(
        {"A/a": "ON", "A/b": "ON"}, nights[2], baseline=second, baseline_file=path, run_id="third"
    )
    put(third, second)
    assert read_parquet(previous_of(path)).run_id == "second"


def test_the_target_is_whole_at_every_moment(put, second, first, output, writer):
    """While the new one is written and checked, the old one stands there untouched."""
    seen = []

    def write(report, path):
        write_parquet(report, path)
        seen.append((path != output, read_parquet(output).run_id))

    writer(write)
    put(second, first)
    assert seen == [(True, "first")]


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError("IOError: no room"),
        PermissionError(13, "Permission denied"),
    ],
)
def test_what_cannot_be_written_changes_nothing_and_says_why(put, second, output, writer, error):
    before = output.read_bytes()

    def write(_, path):
        path.write_bytes(b"half a rep")
        raise error

    writer(write)
    with pytest.raises(RunError, match="cannot be written") as stop:
        put(second)
    assert exit_code_of(stop.value) == 73
    assert (error.strerror or str(error)) in str(stop.value)
    assert output.read_bytes() == before
    assert names(output.parent) == ["report.parquet"]


def test_a_defect_while_writing_leaves_nothing_behind(put, first, folder, writer):
    def write(_, path):
        path.write_bytes(b"half a rep")
        raise ZeroDivisionError

    writer(write)
    with pytest.raises(ZeroDivisionError):
        put(first)
    assert names(folder) == []


def test_what_does_not_read_back_is_not_published(put, second, first, output, writer):
    before = output.read_bytes()
    writer(lambda _, path: path.write_bytes(b"PAR1 nothing PAR1"))
    with pytest.raises(RunError, match="could not be read back") as stop:
        put(second, first)
    assert exit_code_of(stop.value) == 5
    assert output.read_bytes() == before
    assert names(output.parent) == ["report.parquet"]


def test_a_report_whose_counts_are_wrong_is_not_published(put, second, first, output, folder):
    summary = second.about["summary"]
    states = summary["states"] | {"ON": summary["states"]["ON"] + 1}
    wrong = replace(
        second,
        metadata=Metadata.from_json(second.about | {"summary": summary | {"states": states}}),
    )
    before = output.read_bytes()
    with pytest.raises(RunError, match=r"controls do not balance.*claimed_states") as stop:
        put(wrong, first)
    assert exit_code_of(stop.value) == 5
    assert output.read_bytes() == before
    assert names(folder) == ["report.parquet"]


def test_rows_that_change_on_their_way_to_the_disk_are_found(put, second, first, folder, writer):
    def write(report, path):
        rows = report.rows.copy()
        rows.loc[0, "state"] = "ON"
        write_parquet(replace(report, content=rows), path)

    writer(write)
    with pytest.raises(RunError) as stop:
        put(second, first)
    assert exit_code_of(stop.value) == 5
    assert names(folder) == ["report.parquet"]


def test_a_row_that_is_lost_on_its_way_to_the_disk_is_found(put, second, first, writer):
    writer(lambda report, path: write_parquet(replace(report, content=report.rows.iloc[1:]), path))
    with pytest.raises(RunError, match="not be read back: .* it has 1 row and claims 2") as stop:
        put(second, first)
    assert exit_code_of(stop.value) == 5


def test_an_opening_that_is_not_the_baselines_closing_is_not_published(
    put, second, report_of, nights
):
    other = report_of({"A/a": "ON"}, nights[0])
    with pytest.raises(RunError, match="opening") as stop:
        put(second, other)
    assert exit_code_of(stop.value) == 5


def test_a_report_that_reads_back_otherwise_than_it_was_made_is_not_published(put, second, first):
    """Every control holds, but not with the numbers that the report shows."""
    shown, *others = second.about["controls"]
    controls = [shown | {"detail": "6 lines = 6 pairs"}, *others]
    with pytest.raises(RunError, match="other counts than the run's") as stop:
        put(
            with_members(second, {"controls": controls}),
            first,
        )
    assert exit_code_of(stop.value) == 5


def test_what_a_killed_run_left_on_the_way_is_removed_and_nothing_else(put, first, folder, output):
    left = [
        ".report.20250302T010203Z-0badcafe.parquet.tmp",
        f".report.{'2' * 8}T{'2' * 6}Z-{'f' * 8}-previous.parquet.tmp",
    ]
    kept = [
        ".report.mine.parquet",
        ".report.20250302T010203Z-0badcafe.parquet",
        ".other.20250302T010203Z-0badcafe.parquet.tmp",
        ".report.2025-03-02.journal",
    ]
    for name in [*left, *kept]:
        (folder / name).touch()
    put(first)
    assert names(folder) == sorted([*kept, "report.parquet"])


def test_a_day_whose_report_cannot_be_written_leaves_no_empty_folder(folder, first, writer):
    folder.mkdir()

    def write(report, path):
        raise OSError(28, "No space left on device")

    writer(write)
    outputs = parse_outputs((f"{folder}/",), None, first.run_date)
    with pytest.raises(RunError):
        publish(first, outputs, baseline=None, replaced=None)
    assert names(folder) == []


def test_what_is_written_on_the_way_is_not_read_with_the_folder(put, first, second, folder, writer):
    put(first)
    counts = []

    def write(report, path):
        write_parquet(report, path)
        by_duckdb = len(duckdb.read_parquet(f"{folder}/**/*.parquet"))
        counts.append((by_duckdb, len(pd.read_parquet(folder))))

    writer(write)
    put(second, first)
    assert counts == [(len(first.rows), len(first.rows))]
