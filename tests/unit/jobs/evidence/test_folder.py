"""The folders of evidence that are older than is wanted are chosen and removed."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.evidence.folder import EvidenceDay, expired

LAST = date(2025, 3, 9)


@pytest.fixture
def folder(tmp_path):
    """Nine nights, and a folder of another program."""
    for day in range(1, 10):
        made = EvidenceDay.of(tmp_path, date(2025, 3, day))
        made.path.mkdir()
        for path in (made.part(0), made.manifest, made.replaced_manifest("20250301T020000Z-0")):
            path.write_bytes(b"")
    (tmp_path / "other").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("keep_days", "run_date", "today", "nights"),
    [
        (3, LAST, LAST, [1, 2, 3, 4, 5]),
        (3, LAST, date(2025, 3, 8), [1, 2, 3, 4]),
        (3, date(2025, 3, 5), LAST, [1]),
        (30, LAST, LAST, []),
        (10**9, LAST, LAST, []),
    ],
)
def test_the_nights_that_are_too_old_are_named_oldest_first(
    folder, keep_days, run_date, today, nights
):
    found = expired(folder, keep_days=keep_days, run_date=run_date, today=today)
    assert found == [EvidenceDay.of(folder, date(2025, 3, day)) for day in nights]


def test_a_night_is_removed_with_its_folder_unless_there_is_a_file_of_somebody_else(folder):
    first, second = (EvidenceDay.of(folder, date(2025, 3, day)) for day in (1, 2))
    (second.path / "notes.txt").write_text("")
    for day in (first, second, EvidenceDay.of(folder, date(2024, 1, 1))):
        day.remove()
    assert not first.path.exists()
    assert [path.name for path in second.path.iterdir()] == ["notes.txt"]
