"""Two nights, a rerun, and a week later: the changes are those of the population's own history."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from jobs.report.parquet import read_parquet
from jobs.store.locations import previous_of
from palm.sandbox import EventKind, Population
from tests.night import options, run_quietly

DAY_1, DAY_2, DAY_9 = date(2025, 3, 3), date(2025, 3, 4), date(2025, 3, 11)
ORGANIZATIONS = ("0042", "1001", "1002", "1003", "1004", "1005")
POPULATION = Population(seed=0)


def pair(number):
    return ORGANIZATIONS[number % len(ORGANIZATIONS)], f"o{number:027}"


def history(number, last, now):
    """Return the class that a pair's own story between two looks has, by the story alone."""
    organization, openid = pair(number)
    was, times = POPULATION.state_on(openid, organization, last)
    events = POPULATION.events(openid, organization, last, now)
    if not events:
        return "UNCHANGED"
    kinds, becomes = [event.kind for event in events], events[-1].state
    if (was, becomes) == ("ON", "ON"):
        return "REAUTHORIZED"
    if becomes == "ON":
        return {"OFF": "REOPENED", "NONE": "OPENED"}[was]
    if (was, becomes) == ("ON", "OFF"):
        return "CLOSED"
    if was != "NONE" and becomes == "NONE":
        return "CLEARED"
    # Opened in between, and shut again: seen by nothing but a later time, or by being known at all.
    assert EventKind.OPEN in kinds
    shown = POPULATION.state_on(openid, organization, now).authorize_time
    seen = becomes == "OFF" if was == "NONE" else True
    return "CYCLED" if seen or (times is not None and shown is not None) else "UNCHANGED"


class Nights:
    """The job on several dates, over one file."""

    def __init__(self, folder):
        self.folder = folder
        self.output = folder / "report.parquet"

    def run(self, day, people):
        source = self.folder / f"{day}.csv"
        lines = (",".join(pair(number)) for number in people)
        source.write_text("organization_id,openid\n" + "\n".join(lines) + "\n")
        report = run_quietly(options(source, self.output, day, rate=100_000))
        assert report.about["run"]["exit_code"] == 0
        assert all(control.holds for control in report.controls)
        return read_parquet(self.output)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(1_200, id="some", marks=pytest.mark.slow),
        pytest.param(2_000, id="all", marks=pytest.mark.manual),
    ],
)
def count(request):
    """Return how many people there are on the first night."""
    return request.param


@pytest.fixture(scope="module")
def reports(tmp_path_factory, count):
    """Return the reports of day 1, day 2, day 2 again and day 9, in that order.

    Twenty people leave on day 2 and twenty come; on day 9 ten of those who left are back.
    """
    nights = Nights(Path(tmp_path_factory.mktemp("nights")))
    first = nights.run(DAY_1, range(count))
    second = nights.run(DAY_2, range(20, count + 20))
    again = nights.run(DAY_2, range(20, count + 20))
    assert read_parquet(previous_of(nights.output)).run_id == first.run_id
    ninth = nights.run(DAY_9, range(10, count + 20))
    return first, second, again, ninth


def changes(report):
    """Return the report's classes by the person's number."""
    numbers = report.rows["openid"].str[1:].astype(int)
    return dict(zip(numbers, report.rows["change"].astype(str), strict=True))


def expected(people, *, asked_before, now, new=(), dropped=(), absent=()):
    told = {number: history(number, asked_before(number), now) for number in people}
    told |= dict.fromkeys(new, "FIRST_SEEN") | dict.fromkeys(dropped, "DROPPED")
    return told | dict.fromkeys(absent, "ABSENT")


def test_the_first_night_sees_everybody_for_the_first_time(reports, count):
    assert changes(reports[0]) == dict.fromkeys(range(count), "FIRST_SEEN")


def test_the_classes_of_the_second_night_are_those_of_the_populations_history(reports, count):
    told = expected(
        range(20, count),
        asked_before=lambda _: DAY_1,
        now=DAY_2,
        new=range(count, count + 20),
        dropped=range(20),
    )
    assert changes(reports[1]) == told
    assert {"OPENED", "REOPENED", "REAUTHORIZED", "CLOSED", "CLEARED"} <= set(told.values())


def test_a_rerun_reports_the_same_changes(reports):
    _, second, again, _ = reports
    assert again.run_id != second.run_id
    assert changes(again) == changes(second)
    assert again.summary == second.summary
    assert again.about["baseline"] == second.about["baseline"]
    same = ["organization_id", "openid", "state", "known_state", "previous_state", "authorize_time"]
    pd.testing.assert_frame_equal(again.rows[same], second.rows[same])


def test_a_rerun_does_not_stand_twice_in_the_history(reports):
    ninth = reports[3]
    assert [run["run_date"] for run in ninth.about["history"]] == [
        "2025-03-03", "2025-03-04", "2025-03-11",
    ]  # fmt: skip


def test_a_week_later_those_who_left_are_compared_with_what_was_last_known(reports, count):
    told = expected(
        range(10, count + 20),
        asked_before=lambda number: DAY_1 if number < 20 else DAY_2,
        now=DAY_9,
        absent=range(10),
    )
    assert changes(reports[3]) == told
    counted = Counter(told.values())
    assert min(counted[kind] for kind in ("CLOSED", "REOPENED", "CLEARED", "CYCLED")) >= 10


def test_gain_and_loss_are_those_of_the_history(reports):
    _, second, _, _ = reports
    told = Counter(changes(second).values())
    before = second.rows.set_index("openid")["previous_state"]
    cleared = second.rows.loc[second.rows["change"] == "CLEARED", "openid"]
    assert second.summary.gain == told["OPENED"] + told["REOPENED"]
    assert second.summary.loss == told["CLOSED"] + (before[cleared] == "ON").sum()
    assert second.summary.hidden == told["REAUTHORIZED"] + told["CYCLED"]


def test_the_times_compared_are_those_of_the_two_looks(reports):
    """Where somebody reauthorized, both times stand in the report, to the second."""
    _, second, _, _ = reports
    moved = second.rows[second.rows["change"] == "REAUTHORIZED"]
    assert len(moved)
    for row in moved.itertuples():
        then = POPULATION.state_on(row.openid, row.organization_id, DAY_1).authorize_time
        now = POPULATION.state_on(row.openid, row.organization_id, DAY_2).authorize_time
        assert (row.previous_authorize_time, row.authorize_time) == (then, now)
