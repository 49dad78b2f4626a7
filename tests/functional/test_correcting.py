"""``--retry-unanswered``: the night again, but only for those who had no answer."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from jobs.report.parquet import read_parquet
from palm.sandbox import Faults
from tests.night import DAY, NEXT

OUTPUTS = ("report.parquet", "reports/")
AS_ANSWERED = [
    "organization_id", "openid", "state", "known_state", "previous_state", "change",
    "authorize_time", "previous_authorize_time",
]  # fmt: skip


def read(output, day):
    name = f"run_date={day}/report.parquet" if output.endswith("/") else ""
    return read_parquet(Path(output, name))


@pytest.fixture(params=OUTPUTS)
def output(request):
    return request.param


@pytest.fixture
def bad_night(reconcile, gateway, output, made_once):
    """Run a good night and one with a third of the answers missing; return that one's report."""

    def two_nights():
        assert reconcile("-q", output=output).code == 0
        gateway.date, gateway.faults = NEXT, Faults.parse("nostate=0.35")
        assert reconcile("-q", run_date=NEXT, output=output).code == 3

    made_once(output, two_nights)
    gateway.date, gateway.faults = NEXT, Faults()
    gateway.stats.asked.clear()
    report = read(output, NEXT)
    assert 1 <= report.summary.states["UNKNOWN"] <= 29
    return report


def unanswered(report):
    rows = report.rows[report.rows["state"] == "UNKNOWN"]
    return set(zip(rows["organization_id"], rows["openid"], strict=True))


@pytest.mark.slow
def test_only_the_unanswered_are_asked_and_the_report_is_what_a_good_night_gives(
    reconcile, gateway, bad_night, output
):
    ended = reconcile("-q", "--retry-unanswered", run_date=NEXT, output=output)
    assert (ended.code, ended.err) == (0, "")
    assert set(gateway.stats.asked) == unanswered(bad_night)
    assert set(gateway.stats.asked.values()) == {1}
    corrected = read(output, NEXT)
    assert corrected.about["asking"]["requests"] == len(unanswered(bad_night))
    assert reconcile("-q", run_date=NEXT, output=output).code == 0
    good = read(output, NEXT)
    assert corrected.summary == good.summary
    pd.testing.assert_frame_equal(corrected.rows[AS_ANSWERED], good.rows[AS_ANSWERED])


@pytest.mark.slow
def test_it_has_the_same_baseline_and_names_the_run_that_it_corrects(reconcile, bad_night, output):
    more = ("-o", "r.html", "-o", "r.xlsx")
    ended = reconcile("--retry-unanswered", *more, run_date=NEXT, output=output)
    corrected = read(output, NEXT)
    assert corrected.about["baseline"] == bad_night.about["baseline"]
    assert corrected.about["run"]["parent"] == bad_night.run_id
    assert bad_night.about["run"]["parent"] is None
    dates = [run["run_date"] for run in corrected.about["history"]]
    assert dates == [str(DAY), str(NEXT)]
    named = f"run {bad_night.run_id}"
    assert named in " ".join(ended.err.split())
    assert named in Path("r.html").read_text(encoding="utf-8")
    sheet = openpyxl.load_workbook("r.xlsx")["Summary"]
    assert any(named in str(cell.value) for cell in sheet["A"])


def test_the_answers_kept_are_as_they_were(reconcile, bad_night, output):
    assert reconcile("-q", "--retry-unanswered", run_date=NEXT, output=output).code == 0
    corrected = read(output, NEXT)
    kept = (bad_night.rows["state"] != "UNKNOWN").to_numpy()
    columns = [*AS_ANSWERED, "answered_at", "attempts", "request_id", "input_line"]
    pd.testing.assert_frame_equal(
        corrected.rows.loc[kept, columns], bad_night.rows.loc[kept, columns]
    )


def test_who_still_has_no_answer_stays_unknown_once(reconcile, gateway, bad_night, output):
    gateway.faults = Faults.parse("nostate=1")
    ended = reconcile("-q", "--retry-unanswered", run_date=NEXT, output=output)
    assert ended.code == 3
    corrected = read(output, NEXT)
    assert unanswered(corrected) == unanswered(bad_night)
    assert set(corrected.rows.loc[corrected.rows["state"] == "UNKNOWN", "unknown_runs"]) == {1}


def test_where_all_have_one_nobody_is_asked(reconcile, gateway, bad_night, output):
    assert reconcile("-q", "--retry-unanswered", run_date=NEXT, output=output).code == 0
    gateway.stats.asked.clear()
    assert reconcile("-q", "--retry-unanswered", run_date=NEXT, output=output).code == 0
    assert not gateway.stats.asked


def test_plan_says_how_many_that_are(reconcile, gateway, bad_night, output):
    ended = reconcile("--plan", "--retry-unanswered", run_date=NEXT, output=output)
    assert f"requests    {len(unanswered(bad_night))}, retries apart" in ended.out
    assert f"answered    {30 - len(unanswered(bad_night))} already" in ended.out
    assert not gateway.stats.asked


def test_another_baseline_than_the_nights_own_is_refused(reconcile, gateway, bad_night, output):
    """A correction alone must not change what the night is compared with."""
    ended = reconcile("--retry-unanswered", "--no-baseline", run_date=NEXT, output=output)
    assert (ended.code, ended.out) == (2, "")
    assert "was compared with the report of 2025-03-03; name that one" in ended.only_line
    assert not gateway.stats.asked


def test_a_night_compared_with_nothing_is_corrected_against_nothing(reconcile, gateway):
    """The folder may have got an earlier report meanwhile."""
    gateway.faults = Faults.parse("nostate=0.35")
    assert reconcile("-q", run_date=NEXT, output="reports/").code == 3
    gateway.faults = Faults()
    assert reconcile("-q", run_date=DAY, output="reports/").code == 0
    given = ["-q", "--retry-unanswered"]
    refused = reconcile(*given, run_date=NEXT, output="reports/")
    assert refused.code == 2
    assert "was compared with nothing; say --no-baseline" in refused.only_line
    assert reconcile(*given, "--no-baseline", run_date=NEXT, output="reports/").code == 0
    assert read("reports/", NEXT).about["baseline"] is None


def test_without_a_report_of_that_date_it_ends_with_2(reconcile, gateway, output):
    for _ in range(2):  # none at all, then one of the day before
        asked = gateway.stats.requests
        ended = reconcile("--retry-unanswered", run_date=NEXT, output=output)
        assert (ended.code, ended.out) == (2, "")
        assert "there is no report of 2025-03-04 to correct" in ended.only_line
        assert gateway.stats.requests == asked
        assert reconcile("-q", output=output).code == 0
