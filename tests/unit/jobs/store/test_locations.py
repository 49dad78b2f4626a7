"""Names beside a report: exactly ours, whatever characters the report's own name has."""

from __future__ import annotations

import pytest

from jobs.store.locations import temporary, temporary_link, temporary_pattern

RUN_ID = "20250303T180000Z-0123abcd"
STEMS = ["report", "r[1]*?", "a\nb", "报告", ".x", "report.eu"]


@pytest.mark.parametrize("stem", STEMS)
def test_a_report_knows_its_own_temporary_files_and_no_others(tmp_path, stem):
    own = temporary_pattern(tmp_path / f"{stem}.parquet")
    for other in STEMS:
        path = tmp_path / f"{other}.parquet"
        for name in (temporary(path, RUN_ID).name, temporary_link(path, RUN_ID).name):
            assert bool(own.fullmatch(name)) == (other == stem)
    assert not own.fullmatch(temporary(tmp_path / f"{stem}.csv", RUN_ID).name)
