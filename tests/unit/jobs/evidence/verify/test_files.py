"""Report and evidence are those that the manifest names, from night to night."""

from __future__ import annotations

import shutil

import pytest

from jobs.evidence.folder import EvidenceDay
from jobs.evidence.verify.files import Chain, Fault, check_files, follow_chain, report_files
from tests.evidence import SignedNight


@pytest.fixture
def day(night, written, tmp_path):
    return EvidenceDay.of(tmp_path / "evidence", night.report.run_date)


def faults(day, report, *, is_whole=True) -> dict[Fault, str]:
    return check_files(day, day.read_manifest(), report_files(report), is_whole=is_whole)


def test_the_published_files_are_those_of_the_manifest(day, written):
    assert faults(day, written) == {}
    assert faults(day, written, is_whole=False) == {}


def test_another_report_is_a_fault_unless_it_says_that_it_was_filtered(day, written):
    written.write_bytes(written.read_bytes() + b"x")
    assert faults(day, written) == {Fault.OTHER_REPORT: "report.parquet"}
    assert faults(day, written, is_whole=False) == {Fault.NOT_PUBLISHED: "report.parquet"}


@pytest.mark.parametrize("change", ["altered", "missing", "more"])
def test_other_evidence_is_a_fault(day, written, change):
    part = day.part(0)
    if change == "altered":
        part.write_bytes(part.read_bytes() + b"x")
    elif change == "missing":
        part.unlink()
    else:
        shutil.copy(part, day.part(1))
    name = "part-00001.parquet" if change == "more" else "part-00000.parquet"
    assert faults(day, written) == {Fault.OTHER_EVIDENCE: name}


def test_a_report_in_parts_is_all_its_files(tmp_path):
    for name in ("part-00001.parquet", "part-00000.parquet", "other.txt"):
        (tmp_path / name).write_bytes(b"")
    found = [path.name for path in report_files(tmp_path)]
    assert found == ["part-00000.parquet", "part-00001.parquet"]


# --- the chain


@pytest.fixture
def chain(two_nights, tmp_path):
    """Return the chain back from the second night, as the files now stand."""
    _, _, second, _ = two_nights()
    folder = tmp_path / "evidence"
    manifest = EvidenceDay.of(folder, second.report.run_date).read_manifest()
    return lambda: follow_chain(folder, manifest)


@pytest.fixture
def first_day(nights, tmp_path):
    return EvidenceDay.of(tmp_path / "evidence", nights[0])


def test_it_leads_back_to_the_first_night(chain):
    assert chain() == Chain(2)


def test_a_night_that_was_removed_ends_it(chain, first_day):
    shutil.rmtree(first_day.path)
    assert chain() == Chain(1)


def test_a_manifest_that_was_replaced_later_holds_it_together(
    chain, first_day, report_of, heard, nights, keys, tmp_path
):
    corrected = report_of(heard, nights[0], run_id="20250305T090000Z-0000000f")
    SignedNight(corrected, keys).write(tmp_path)
    assert chain() == Chain(2)
    for path in first_day.path.glob("manifest.2*.json"):
        path.unlink()
    assert chain() == Chain(1, first_day.path)


@pytest.mark.parametrize("content", [b"{}", b""])
def test_an_altered_manifest_breaks_it(chain, first_day, content):
    first_day.manifest.write_bytes(content)
    assert chain() == Chain(1, first_day.path)
