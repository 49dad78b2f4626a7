"""What a job is called where others watch several of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.night import DAY


def test_two_jobs_write_numbers_that_are_told_apart(reconcile):
    assert reconcile("-q", "--metrics", "a.prom", output="people.parquet").code == 0
    assert reconcile("-q", "--metrics", "b.prom", "--name", "school 7").code == 0
    assert 'palm_reconcile_exit_code{report="people"} 0.0' in Path("a.prom").read_text()
    assert 'palm_reconcile_exit_code{report="school 7"} 0.0' in Path("b.prom").read_text()


def test_the_json_summary_names_report_and_run_date(reconcile):
    ended = reconcile("--log-format", "json", "--name", "school 7")
    event = json.loads(ended.err.splitlines()[-1])
    assert (event["report"], event["run_date"]) == ("school 7", str(DAY))
    ended = reconcile("--log-format", "json", output="reports/")
    assert json.loads(ended.err.splitlines()[-1])["report"] == "reports"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "empty"),
        ("  ", "empty"),
        (" people", "blank"),
        ("n" * 65, "at most 64 characters, this one has 65"),
        ("one\ntwo", "printable"),
        ("one\u202etwo", "printable"),
    ],
)
def test_a_name_that_is_none_ends_with_2_and_one_line(reconcile, name, said):
    ended = reconcile("--name", name)
    assert ended.code == 2
    assert "--name" in ended.only_line
    assert said in ended.only_line
