"""An input that lacks many of the last report's pairs, or a report that is not where it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.report.parquet import read_parquet
from tests.night import NEXT, write_pairs


@pytest.fixture
def fewer(folder):
    """Return an input that has only so many of the 30 pairs."""
    return lambda count: write_pairs(folder / f"{count}.csv", count)


@pytest.mark.parametrize("output", ["report.parquet", "reports/"])
def test_an_input_that_lacks_more_than_half_is_refused_before_the_first_request(
    reconcile, gateway, fewer, output
):
    assert reconcile("-q", output=output).code == 0
    before, asked = sorted(Path().rglob("*.parquet")), gateway.stats.requests
    for extra in ([], ["--plan"], ["--replace"]):
        ended = reconcile(*extra, source=fewer(14), run_date=NEXT, output=output)
        assert (ended.code, ended.out) == (65, "")
        assert (
            "16 of 30 pairs of the last report are missing from today's input (53.3%, limit 50.0%)"
            in ended.only_line
        )
        assert "--max-dropped 1" in ended.only_line
    assert sorted(Path().rglob("*.parquet")) == before
    assert gateway.stats.requests == asked


@pytest.mark.slow
def test_half_is_allowed_and_so_is_what_max_dropped_allows(reconcile, fewer):
    assert reconcile("-q").code == 0
    assert reconcile("-q", source=fewer(14), run_date=NEXT, output="a.parquet").code == 0
    given = ["-q", "--baseline", "report.parquet"]
    assert reconcile(*given, source=fewer(15), run_date=NEXT, output="b.parquet").code == 0
    ended = reconcile(*given, "--max-dropped", "0.4", source=fewer(15), run_date=NEXT)
    assert ended.code == 65
    assert "15 of 30" in ended.only_line
    assert reconcile(*given, "--max-dropped", "1", source=fewer(1), run_date=NEXT).code == 0
    assert read_parquet(Path("report.parquet")).summary.changes["DROPPED"] == 29


def test_pairs_that_had_left_the_input_before_are_not_missing(reconcile, fewer):
    """ABSENT and DROPPED pairs were in the baseline, but not in its input."""
    assert reconcile("-q").code == 0
    assert reconcile("-q", "--max-dropped", "1", source=fewer(10), run_date=NEXT).code == 0
    assert len(read_parquet(Path("report.parquet")).rows) == 30
    assert reconcile("-q", source=fewer(9), run_date="2025-03-05").code == 0


def test_more_than_a_tenth_is_warned_of_also_with_q(reconcile, fewer):
    assert reconcile("-q").code == 0
    given = ["-q", "--log-format", "json", "--baseline", "report.parquet"]
    for count, said in ((27, []), (26, ["4 of 30"]), (15, ["15 of 30"])):
        ended = reconcile(*given, source=fewer(count), run_date=NEXT, output=f"{count}.parquet")
        assert ended.code == 0
        lines = [json.loads(line) for line in ended.err.splitlines()]
        warned = [line["event"] for line in lines if line["level"] == "warning"]
        assert warned == [
            f"{each} pairs of the last report are missing from today's input" for each in said
        ]


def test_the_refusal_to_replace_a_report_of_the_same_date_comes_first(reconcile, fewer):
    assert reconcile("-q").code == reconcile("-q", run_date=NEXT).code == 0
    ended = reconcile(source=fewer(3), run_date=NEXT)
    assert ended.code == 2
    assert "--replace replaces it" in ended.only_line
    ended = reconcile("--replace", source=fewer(3), run_date=NEXT)
    assert ended.code == 65
    assert "27 of 30" in ended.only_line


@pytest.mark.parametrize("output", ["report.parquet", "reports/", "report.csv"])
def test_a_baseline_that_is_required_and_not_there_is_65(reconcile, gateway, output):
    asked = gateway.stats.requests
    ended = reconcile("--require-baseline", output=output)
    assert (ended.code, ended.out) == (65, "")
    assert "--require-baseline: there is no earlier report" in ended.only_line
    assert "mounted" in ended.only_line
    assert gateway.stats.requests == asked


def test_a_baseline_that_is_required_and_there_is_compared_with(reconcile):
    assert reconcile("-q", output="reports/").code == 0
    assert reconcile("-q", "--require-baseline", run_date=NEXT, output="reports/").code == 0
    ended = reconcile("--require-baseline", "--no-baseline", run_date=NEXT, output="reports/")
    assert ended.code == 2
    assert "contradict" in ended.only_line
