"""A name that no file system takes is no folder, and no defect."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.errors import OutputError
from jobs.store.locations import Sidecars
from jobs.store.outputs import parse_outputs
from jobs.store.preflight import check_outputs
from jobs.store.work_folder import interrupted_days

LONG = "a" * 300


def test_a_work_folder_of_such_a_name_is_one_clear_line(tmp_path):
    outputs = parse_outputs(
        (f"{tmp_path}/r.parquet",), None, date(2026, 11, 21), work=tmp_path / LONG
    )
    with pytest.raises(OutputError, match="--work: the folder .* does not exist"):
        check_outputs(outputs)


def test_a_folder_of_reports_of_such_a_name_has_no_interrupted_day(tmp_path):
    assert interrupted_days(Sidecars.of_folder(tmp_path / LONG)) == []
