"""What many nights show, night by night, on cases small enough to be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from jobs.errors import InputError, UsageError
from jobs.history.read import read_history
from jobs.report.model import GatewayId
from jobs.report.parquet import read_parquet, write_parquet
from jobs.store.days import dated_report, dated_reports
from tests.many_nights import People, write_nights

FIRST = date(2025, 3, 3)
"""A Monday."""


@pytest.fixture
def told(tmp_path, report_of):
    """Return the history of nights, each given as what was heard about each pair; None: no run."""

    def read(*nights):
        before, path = None, None
        for number, heard in enumerate(nights):
            if heard is None:
                continue
            day = FIRST + timedelta(days=number)
            before = report_of(heard, day, baseline=before, baseline_file=path)
            path = dated_report(tmp_path, day)
            path.parent.mkdir()
            write_parquet(before, path)
        return read_history(dated_reports(tmp_path))

    return read


def one(*states):
    """Return nights about one pair, beside another so that no input is empty."""
    return [{"1/x": "OFF", **({"1/a": state} if state else {})} for state in states]


def test_an_authorization_lasts_from_the_night_of_its_opening_to_that_of_its_end(told):
    found = told(*one("NONE", "ON", "ON", "ON", "OFF")).durations
    assert (found.ended, found.censored, found.median_days) == (1, 0, 3)


def test_one_that_goes_on_is_censored_at_the_last_good_answer(told):
    found = told(*one("NONE", "ON", "ON", "UNKNOWN", None, "UNKNOWN")).durations
    assert (found.ended, found.censored, found.longest_days, found.median_days) == (0, 1, 1, None)


@pytest.mark.parametrize("states", [("ON", "ON", "OFF"), ("ON", "OFF"), (None, "ON", "OFF")])
def test_one_that_nobody_saw_begin_is_left_out(told, states):
    found = told(*one(*states)).durations
    assert (found.ended, found.censored) == (0, 0)


def test_an_end_on_a_night_whose_report_is_lost_is_censored(tmp_path, told):
    told(*one("NONE", "ON", "ON", "OFF", "OFF"))
    lost = dated_report(tmp_path, FIRST + timedelta(days=3))
    lost.unlink()
    history = read_history(dated_reports(tmp_path))
    assert (history.durations.ended, history.durations.censored) == (0, 1)
    assert history.durations.longest_days == 1
    assert [night.follows for night in history.nights] == [True, True, True, False]
    assert history.turns.never_back == 0


def test_turns_are_counted_and_who_comes_back_is_back(told):
    history = told(*one("OFF", "ON", "OFF", "ON", "OFF", "ON"))
    (pair,) = history.turns.often_pairs
    assert (pair.openid, pair.turns, pair.last) == ("a", 5, FIRST + timedelta(days=5))
    assert (history.turns.lost, history.turns.never_back) == (1, 0)


def test_who_is_lost_and_then_leaves_never_came_back(told):
    history = told(*one("ON", "OFF", None))
    (pair,) = history.turns.never_back_pairs
    assert (pair.openid, pair.lost) == ("a", FIRST + timedelta(days=1))
    assert history.turns.never_back_gone == 1
    assert [(o.lost, o.never_back) for o in history.organizations] == [(1, 1)]


def test_one_that_is_on_28_days_after_its_arrival_has_converted(told):
    nights = [{"1/x": "OFF"}, *one("NONE"), *[None] * 27, *one("ON")]
    found = told(*nights).arrivals
    assert (found.arrived, found.converted) == (1, 1)


def test_one_that_is_on_29_days_after_its_arrival_has_not_converted(told):
    nights = [{"1/x": "OFF"}, *one("NONE"), *[None] * 28, *one("ON")]
    found = told(*nights).arrivals
    assert (found.arrived, found.converted) == (1, 0)
    assert [(week.monday, week.so_far) for week in found.weeks] == [(FIRST, True)]


def test_a_week_is_complete_once_everybody_was_observed_for_28_days(told):
    days = 6 + 28
    nights = [{"1/x": "OFF"}, *one("NONE"), *[None] * (days - 2), *one("ON")]
    assert [week.so_far for week in told(*nights).arrivals.weeks] == [False]


def test_nights_between_that_have_no_report_are_gaps(told):
    history = told(*one("ON"), None, None, *one("ON"), None, *one("ON"))
    assert [(gap.first.day, gap.last.day, gap.days) for gap in history.missing] == [
        (4, 5, 2), (7, 7, 1),
    ]  # fmt: skip
    assert [type(line).__name__ for line in history.lines()] == [
        "Night", "Gap", "Night", "Gap", "Night",
    ]  # fmt: skip


def test_a_night_that_ran_again_counts_as_it_was_corrected(tmp_path, told, report_of):
    told(*one("NONE", "UNKNOWN"))
    path = dated_report(tmp_path, FIRST)
    again = report_of(
        {"1/x": "OFF", "1/a": "ON"}, FIRST + timedelta(days=1), baseline=read_parquet(path),
        baseline_file=path, run_id="20250304T090000Z-0000000f",
    )  # fmt: skip
    write_parquet(again, dated_report(tmp_path, again.run_date))
    history = read_history(dated_reports(tmp_path))
    assert (history.last.gained, history.last.unknown, history.last.follows) == (1, 0, True)


def test_reports_of_two_gateways_are_refused(tmp_path):
    people = People.of(9, 1)
    write_nights(tmp_path, people, 1)
    other = GatewayId("wechatpay", "1900000001")
    write_nights(tmp_path, people, 1, first=date(2026, 9, 1), gateway=other)
    with pytest.raises(
        UsageError, match="merchant 1900000001 at wechatpay, and that of 2026-08-03"
    ):
        read_history(dated_reports(tmp_path))


def test_where_no_report_can_be_used_the_reason_is_said(tmp_path):
    (path,) = write_nights(tmp_path, People.of(9, 1), 1)
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="no report can be used: .* is not a Parquet file"):
        read_history(dated_reports(tmp_path))


def test_a_part_of_a_report_is_not_a_night(tmp_path):
    first, second = write_nights(tmp_path, People.of(9, 1), 2)
    part = read_parquet(second)
    part = replace(part, metadata=replace(part.metadata, only="changes"))
    write_parquet(part, second)
    (unreadable,) = read_history(dated_reports(tmp_path)).unreadable
    assert unreadable.reason == f"{second} holds only the changes of a report"
    assert first.exists()


def test_rows_that_are_not_those_that_were_counted_are_damage(tmp_path):
    """Also where a report of an earlier version has no checksums."""
    first, second = write_nights(tmp_path, People.of(40, 1), 2)
    table = pd.read_parquet(second)
    report = read_parquet(second)
    rows = report.rows.assign(state=report.rows["state"].where(table.index != 0, "UNKNOWN"))
    write_parquet(replace(report, content=rows), second)
    (unreadable,) = read_history(dated_reports(tmp_path)).unreadable
    assert "its rows by state are not those it has counted" in unreadable.reason
    assert first.exists()
