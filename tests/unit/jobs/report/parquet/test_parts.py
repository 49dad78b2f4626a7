"""A report in parts: it comes back as it was, and a folder that is not one report is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from jobs.partitions.file_names import part_file
from jobs.partitions.hashing import partition_numbers
from jobs.report.metadata import PART
from jobs.report.model import KEY, ReportError, recheck, recheck_alone
from jobs.report.parquet import (
    read_counted,
    read_parquet,
    read_report,
    with_unknown,
    write_parquet,
    write_part,
)
from tests.damage import damage
from tests.parted import PartsInMemory, parted, write_parts

PAIRS = {f"{i % 7:04}/o{i:027}": ("ON", "OFF", "NONE", "UNKNOWN")[i % 4] for i in range(200)}
KEYS = ["organization_id", "openid"]


@pytest.fixture(scope="module")
def report(report_of, nights):
    return report_of(PAIRS, nights[0])


@pytest.fixture(scope="module")
def sound(report, tmp_path_factory):
    return write_parts(report, tmp_path_factory.mktemp("sound") / "run_date=2025-03-03", 8)


@pytest.fixture
def folder(sound, tmp_path):
    return Path(shutil.copytree(sound, tmp_path / sound.name))


def same(found, expected):
    """Compare rows; a column of categories without any has no type of its own."""
    pd.testing.assert_frame_equal(
        found.astype({"error_code": object}), expected.astype({"error_code": object})
    )


def refusal(folder):
    with pytest.raises(ReportError) as refused:
        read_report(folder)
    assert str(refused.value).isprintable()
    return str(refused.value).replace(str(folder), "DAY")


def test_the_report_comes_back_part_after_part(report, folder):
    found = read_report(folder)
    expected = parted(report, 8)
    same(found.rows, expected.rows)
    assert found.about == expected.about
    assert found.row_count == 200
    assert found.metadata.parts.count == 8
    assert found.columns == report.columns
    assert not found.is_in_memory


def test_its_controls_are_those_of_one_file_and_that_of_the_parts(report, folder):
    found = read_report(folder)
    one = {control.name: control for control in report.controls}
    several = {control.name: control for control in recheck(found, None)}
    assert {name: each for name, each in several.items() if name != "parts"} == one
    assert several["parts"].holds
    assert several["parts"].detail == "0 of 200 rows lie in another part than its hash says"


def test_each_row_lies_where_the_standard_hash_of_its_pair_says(folder):
    """DuckDB has no crc32 of texts; Python's own says where a pair has to be."""
    for number in range(8):
        path = str(folder / part_file(number))
        pairs = duckdb.read_parquet(path).select("organization_id", "openid").fetchall()
        assert pairs
        for organization, openid in pairs:
            assert crc32(f"{organization}\0{openid}".encode()) >> 29 == number


def test_only_part_0_has_the_metadata_and_each_says_what_it_is(report, folder):
    for number in range(8):
        texts = pq.read_metadata(folder / part_file(number)).metadata
        assert (KEY.encode() in texts) == (number == 0)
        assert f'"number": {number}, "count": 8'.encode() in texts[PART.encode()]
        assert report.run_id.encode() in texts[PART.encode()]


def test_pandas_finds_the_whole_summary_in_attrs_of_the_folder(report, folder):
    found = pd.read_parquet(folder)
    assert found.attrs[KEY]["summary"]["states"] == report.summary.states
    pd.testing.assert_frame_equal(
        found[KEYS].astype(str).sort_values(KEYS, ignore_index=True),
        report.rows[KEYS].astype(str).sort_values(KEYS, ignore_index=True),
    )


def test_one_part_is_a_report_in_parts_as_well(report, tmp_path):
    found = read_report(write_parts(report, tmp_path / "day", 1))
    same(found.rows, report.rows)
    assert found.metadata.parts.count == 1


def test_parts_without_rows_are_files_too(report_of, nights, tmp_path):
    few = report_of({"A/a": "ON", "A/b": "OFF"}, nights[0])
    folder = write_parts(few, tmp_path / "day", 8)
    assert len(list(folder.iterdir())) == 8
    assert read_report(folder).row_count == 2
    assert len(pd.read_parquet(folder)) == 2


def test_some_columns_and_the_metadata_alone_can_be_read(report, folder):
    found = read_parquet(folder, ["openid", "change"])
    assert sorted(found.rows["openid"]) == sorted(report.rows["openid"])
    assert found.rows["state"].isna().all()
    assert read_parquet(folder, ()).summary == report.summary


def test_a_folder_without_a_report_is_refused(tmp_path):
    assert refusal(tmp_path) == (
        "DAY cannot be read: it is a folder, with neither report.parquet nor part-00000.parquet in "
        "it"
    )


def test_a_part_that_is_missing_is_named(folder):
    (folder / part_file(5)).unlink()
    assert refusal(folder) == "DAY is incomplete: of 8 parts part-00005.parquet is missing"
    (folder / part_file(2)).unlink()
    assert refusal(folder) == (
        "DAY is incomplete: of 8 parts part-00002.parquet and 1 more are missing"
    )
    (folder / part_file(0)).unlink()
    assert refusal(folder) == "DAY is incomplete: part-00000.parquet is missing"


def test_parts_of_two_runs_are_refused(report, report_of, nights, folder, tmp_path):
    other = report_of(PAIRS, nights[1])
    write_part(parted(other, 8), 3, folder / part_file(3))
    assert refusal(folder) == (
        f"DAY holds parts of two runs: part-00000.parquet of {report.run_id} and "
        f"part-00003.parquet of {other.run_id}"
    )


def test_parts_of_two_divisions_are_refused(report, folder):
    write_part(parted(report, 16), 3, folder / part_file(3))
    assert refusal(folder) == (
        "DAY holds parts of two reports: part-00000.parquet is one of 8 and part-00003.parquet one "
        "of 16"
    )


def test_a_part_too_many_is_refused(report, folder):
    write_part(parted(report, 16), 9, folder / part_file(9))
    assert "part-00009.parquet one of 16" in refusal(folder)


def test_a_part_under_another_name_is_refused(folder):
    shutil.copy(folder / part_file(3), folder / part_file(4))
    assert refusal(folder) == ("DAY/part-00004.parquet has another name than its own: it is part 3")


def test_a_single_file_beside_parts_is_refused(report, folder):
    write_parquet(report, folder / "report.parquet")
    assert refusal(folder) == (
        "DAY holds report.parquet and 8 parts of a report, so that each pair may be counted twice; "
        "remove what is not of the last run"
    )


def test_another_file_named_like_a_part_is_refused(report, folder):
    write_parquet(report, folder / part_file(3))
    assert refusal(folder) == (
        "DAY/part-00003.parquet is not a part of a report, but named like one"
    )


def test_other_files_in_the_folder_do_not_matter(report, folder):
    (folder / "notes.txt").write_text("x")
    (folder / "part-1.parquet").write_text("x")
    assert read_report(folder).row_count == 200


def test_a_part_alone_is_refused_and_its_folder_named(folder):
    with pytest.raises(ReportError) as refused:
        read_report(folder / part_file(3))
    assert str(refused.value) == (
        f"{folder / part_file(3)} is part 3 of 8 of a report, which is read whole: name its "
        f"folder, {folder}"
    )
    with pytest.raises(ReportError, match="is part 0 of 8"):
        read_report(folder / part_file(0))


def test_one_file_that_claims_to_be_in_parts_is_refused(report, tmp_path, monkeypatch):
    divided = parted(report, 8)
    with pytest.raises(ValueError, match="is not one file"):
        write_parquet(divided, tmp_path / "one.parquet")
    about = json.dumps(divided.about)
    monkeypatch.setattr("jobs.report.parquet.write._about", lambda _: about)
    write_parquet(report, tmp_path / "one.parquet")
    with pytest.raises(ReportError, match="it claims to be in parts, and is one file"):
        read_report(tmp_path / "one.parquet")


def test_a_row_in_another_part_than_its_hash_says_fails_the_control(report, tmp_path):
    """Its checksums are right: it was written so."""

    class Moved(PartsInMemory):
        def part(self, number):
            return super().part((number + 1) % self.count)

    divided = parted(report, 2)
    moved = replace(divided, content=Moved(report.rows, 2))
    for number in range(2):
        write_part(moved, number, tmp_path / part_file(number))
    assert refusal(tmp_path) == (
        "DAY is damaged: the control parts does not hold: 200 of 200 rows lie in another part than "
        "its hash says"
    )
    assert not {each.name: each.holds for each in recheck_alone(moved)}["parts"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 3])
def test_damage_of_any_part_is_refused_or_changes_nothing(report, folder, number):
    expected, refused = parted(report, 8).rows, 0
    path = folder / part_file(number)
    content = path.read_bytes()
    for seed in range(60):
        path.write_bytes(damage(content, seed))
        try:
            found = read_report(folder)
        except ReportError:
            refused += 1
        else:
            same(found.rows, expected)
    assert refused > 40


def test_members_of_a_later_version_are_found_in_part_0(report, folder, tmp_path):
    later = replace(parted(report, 8), unknown={"later": {"x": 1}})
    write_part(later, 0, folder / part_file(0))
    assert with_unknown(read_report(folder), folder).unknown == {"later": {"x": 1}}


def test_a_file_that_changes_after_it_was_verified_is_refused(report, folder):
    found = read_report(folder)
    path = folder / part_file(3)
    shutil.copy(path, folder / "copy")
    (folder / "copy").replace(path)
    with pytest.raises(ReportError, match="has changed while it was read"):
        list(found.chunks())


def test_all_rows_are_in_the_part_of_their_number(report):
    divided = parted(report, 4)
    for number, rows in divided.numbered_chunks():
        numbers = partition_numbers(rows["organization_id"], rows["openid"], 2)
        assert (numbers == number).all()


def test_its_rows_are_counted_while_they_are_read(report, folder):
    found, recounted = read_counted(folder)
    assert recheck(found, None, recounted) == recheck(found, None)
    assert recheck_alone(found, recounted) == found.controls


def test_parts_that_are_not_in_place_yet_are_read_by_the_ending_of_their_names(sound, folder):
    expected = read_report(sound)
    for path in folder.iterdir():
        path.rename(f"{path}.tmp")
    found, _ = read_counted(folder, ending=".tmp")
    assert found.about == expected.about
    same(found.rows, expected.rows)
    with pytest.raises(ReportError, match="with neither"):
        read_report(folder)
