"""A folder that keeps one report a day: what a night is compared with, and what is removed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from jobs.report.parquet import read_parquet
from tests.night import DAY, NEXT, with_about

EVE = DAY - timedelta(days=1)


@pytest.fixture
def night(reconcile, gateway):
    """Run a night into ``reports/``."""

    def night(day, *arguments):
        gateway.date = day
        return reconcile("-q", *arguments, run_date=day, output="reports/")

    return night


def kept():
    return sorted(str(path) for path in Path("reports").rglob("*.parquet"))


def dated(day):
    return Path(f"reports/run_date={day}/report.parquet")


def baseline_of(day):
    found = read_parquet(dated(day)).about["baseline"]
    return found and found["run_date"]


def test_each_date_has_its_report_and_is_compared_with_the_one_before(night):
    for day in (EVE, DAY, NEXT):
        assert night(day).code == 0
    assert kept() == [str(dated(day)) for day in (EVE, DAY, NEXT)]
    assert [baseline_of(day) for day in (EVE, DAY, NEXT)] == [None, str(EVE), str(DAY)]
    assert len(read_parquet(dated(NEXT)).about["history"]) == 3


def test_those_who_read_the_whole_folder_see_nothing_but_reports(night):
    """Lock and journal are hidden, so that pandas takes the folder as it is."""
    assert night(DAY).code == night(NEXT).code == 0
    rows = pd.read_parquet("reports")
    assert rows["run_date"].value_counts().to_dict() == {str(DAY): 30, str(NEXT): 30}


def test_a_rerun_replaces_its_date_and_is_compared_with_the_same(night):
    assert night(DAY).code == night(NEXT).code == 0
    first = read_parquet(dated(NEXT))
    assert night(NEXT).code == 0
    again = read_parquet(dated(NEXT))
    assert again.run_id != first.run_id
    assert again.about["baseline"] == first.about["baseline"]
    assert again.summary == first.summary
    assert kept() == [str(dated(DAY)), str(dated(NEXT))]


def test_an_earlier_date_may_be_filled_in_and_is_compared_with_what_was_before_it(night):
    assert night(EVE).code == night(NEXT).code == night(DAY).code == 0
    assert baseline_of(DAY) == str(EVE)
    assert baseline_of(NEXT) == str(EVE), "it was made before"


@pytest.mark.slow
def test_another_merchants_report_is_passed_over(night):
    assert night(EVE).code == night(DAY).code == 0
    with_about(dated(DAY), dated(DAY), gateway={"kind": "other", "mchid": "1900000001"})
    assert night(NEXT).code == 0
    assert baseline_of(NEXT) == str(EVE)


def test_another_merchants_report_of_the_same_date_is_not_replaced(night):
    assert night(DAY).code == 0
    with_about(dated(DAY), dated(DAY), gateway={"kind": "other", "mchid": "1900000001"})
    before = dated(DAY).read_bytes()
    ended = night(DAY)
    assert ended.code == 2
    assert "merchant 1900000001 at other" in ended.only_line
    assert dated(DAY).read_bytes() == before


def test_a_report_in_it_that_cannot_be_read_ends_with_65(night):
    assert night(EVE).code == night(DAY).code == 0
    dated(DAY).write_bytes(b"PAR1 and then nothing")
    ended = night(NEXT)
    assert ended.code == 65
    assert str(dated(DAY)) in ended.only_line
    assert not dated(NEXT).exists()


def test_what_is_no_report_of_a_date_is_not_looked_at(night):
    for name in ("run_date=tomorrow", "run_date=2025-03-03x", "other"):
        Path("reports", name).mkdir(parents=True)
        Path("reports", name, "report.parquet").write_bytes(b"?")
    assert night(DAY).code == 0
    assert baseline_of(DAY) is None


def test_keep_removes_reports_from_before_so_many_days_and_nothing_else(night):
    assert night(EVE).code == night(DAY).code == 0
    foreign = dated(date(2020, 1, 1))
    foreign.parent.mkdir()
    foreign.write_bytes(b"no report of ours")
    mine = dated(EVE).with_name("notes.txt")
    mine.write_text("mine")
    assert night(NEXT, "--keep", "1").code == 0
    assert kept() == [str(foreign), str(dated(DAY)), str(dated(NEXT))]
    assert mine.exists()


@pytest.mark.slow
def test_keep_spares_what_the_report_was_compared_with_until_the_next_one(night):
    """Else a rerun of the same date would have nothing to compare with."""
    long_ago = date(2024, 3, 3)
    assert night(long_ago).code == 0
    for _ in range(2):
        assert night(DAY, "--keep", "1").code == 0
        assert baseline_of(DAY) == str(long_ago)
    assert night(NEXT, "--keep", "1").code == 0
    assert kept() == [str(dated(DAY)), str(dated(NEXT))]


@pytest.mark.slow
def test_a_run_under_a_date_to_come_removes_nothing_that_today_would_keep(night):
    """Only a sandbox can be asked then. Counted from its date, the whole history would be gone."""
    today = datetime.now(UTC).date()
    recent, older = today - timedelta(days=5), today - timedelta(days=12)
    assert night(older).code == night(recent).code == 0
    assert night(date(2062, 11, 23), "--keep", "7").code == 0
    assert kept() == [str(dated(day)) for day in (recent, date(2062, 11, 23))]


def test_a_date_to_come_is_refused_where_the_gateway_is_real(reconcile, config, gateway):
    config.write_text(config.read_text().replace("0000000000", "1900000001"))
    asked = gateway.stats.requests
    ended = reconcile("--keep", "400", run_date="2062-11-23", output="reports/")
    assert (ended.code, ended.out) == (2, "")
    assert "--run-date 2062-11-23 is after today (20" in ended.only_line
    assert " in Asia/Shanghai)" in ended.only_line
    assert reconcile("--plan", run_date="2062-11-23", output="reports/").code == 2
    assert gateway.stats.requests == asked
    assert kept() == []


@pytest.mark.slow
def test_keep_removes_no_report_of_another_merchant(night):
    """A trial in the sandbox must not empty the folder of the real reports."""
    days = [date(2024, 3, day) for day in (1, 2, 3)]
    for day in days:
        assert night(day).code == 0
        with_about(dated(day), dated(day), gateway={"kind": "wechatpay", "mchid": "1900000001"})
    assert night(DAY, "--keep", "1").code == night(NEXT, "--keep", "1").code == 0
    assert kept() == [str(dated(day)) for day in (*days, DAY, NEXT)]


@pytest.mark.slow
def test_what_will_be_removed_is_listed_by_plan_and_before_the_first_removal(night, reconcile):
    days = [date(2024, 3, day) for day in (1, 2, 3)]
    for day in days:
        assert night(day).code == 0
    given = ("--keep", "1", "--log-format", "json")
    planned = reconcile("--plan", *given, run_date=DAY, output="reports/")
    assert planned.out.splitlines()[-2:] == [f"removes     {dated(day)}" for day in days[:2]]
    assert len(kept()) == 3
    ended = reconcile(*given, run_date=DAY, output="reports/")
    said = [json.loads(line) for line in ended.err.splitlines()]
    names = [str(dated(day)) for day in days[:2]]
    events = [
        (each["event"], each.get("paths", each.get("path")))
        for each in said
        if "remove" in each["event"]
    ]
    assert events == [
        ("--keep removes these old reports", names),
        *(("removed an old report", name) for name in names),
    ]
    assert kept() == [str(dated(days[2])), str(dated(DAY))]


@pytest.mark.parametrize("days", ["4000000", "999999999999999999999999"])
def test_keep_of_more_days_than_there_are_keeps_all(night, days):
    assert night(date(2024, 3, 3)).code == 0
    assert night(DAY, "--keep", days, "--forget-after", days).code == 0
    assert len(kept()) == 2


def test_without_keep_all_stay(night):
    for day in (date(2024, 3, 3), DAY):
        assert night(day).code == 0
    assert len(kept()) == 2


@pytest.mark.slow
def test_a_run_that_fails_removes_nothing(night, gateway):
    assert night(EVE).code == 0
    gateway.mode = "certificate"
    assert night(NEXT, "--keep", "1").code == 77
    assert kept() == [str(dated(EVE))]


def test_other_formats_may_be_written_beside_it(night):
    assert night(DAY, "-o", "today.html", "-o", "reports/today.json").code == 0
    assert Path("today.html").exists()
    assert kept() == [str(dated(DAY))]


def test_a_folder_whose_own_folder_is_missing_ends_with_73(reconcile, gateway):
    asked = gateway.stats.requests
    ended = reconcile("-q", output="none/reports/")
    assert ended.code == 73
    assert "none/reports" in ended.only_line
    assert gateway.stats.requests == asked


def test_the_first_days_of_the_calendar_are_run_dates_too(reconcile):
    """Nothing is counted back to before them."""
    for day in ("0001-01-01", "0001-01-02"):
        run = ["-q", "--keep", "36500", "--max-duration", "1h", "--no-baseline"]
        assert reconcile(*run, run_date=day, output="reports/").code == 0
    assert (
        reconcile("-q", "--max-duration", "1h", run_date="0001-01-03", output="reports/").code == 0
    )
