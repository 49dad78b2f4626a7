"""Every control holds on a true report, and each fails alone when its own thing is wrong."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from jobs.compare.changes import classify
from jobs.compare.controls.check import check
from jobs.compare.controls.recount import recount
from jobs.compare.summary import summarize
from jobs.schema import ANSWERS, PAIRS, ROWS, conform

FIRST, SECOND, THIRD = (dt.date(2026, 11, day) for day in (1, 2, 3))

NIGHTS = {
    FIRST: {"a": "ON", "b": "ON", "c": "OFF", "d": "NONE", "e": "ON", "f": "NONE"},
    SECOND: {"a": "ON", "b": "ON", "c": "OFF", "e": "ON"},
    THIRD: {"a": "UNKNOWN", "b": "OFF", "c": "ON", "d": "ON", "new": "NONE", "never": "UNKNOWN"},
}
INPUT = {"lines": 9, "pairs": 6, "duplicates": 2, "invalid": 1}


class Report:
    """What the controls are given: the third night's report, which a test then spoils."""

    def __init__(self):
        rows, last = conform(pd.DataFrame(), ROWS), None
        for run_date, heard in NIGHTS.items():
            closing = summarize(rows, baseline_run_date=None).roll_forward
            rows = classify(
                *_frames(heard, run_date), rows, run_date=run_date, baseline_run_date=last
            )
            last = run_date
        self.rows, self.input_counts, self.baseline_run_date = rows, dict(INPUT), SECOND
        self.baseline_closing = {state: flow.closing for state, flow in closing.items()}
        self.summary = summarize(rows, baseline_run_date=SECOND)

    def claim(self, **fields):
        self.summary = replace(self.summary, **fields)

    def spoil(self, openid, /, **values):
        """Change a row, and let the summary follow: it was drawn from these rows."""
        for name, value in values.items():
            self.rows.loc[self.rows["openid"] == openid, name] = value
        self.summary = summarize(self.rows, baseline_run_date=self.baseline_run_date)

    def controls(self):
        return check(
            recount(self.rows, self.baseline_run_date),
            input_counts=self.input_counts,
            summary=self.summary,
            baseline_closing=self.baseline_closing,
        )

    def failing(self):
        return {control.name for control in self.controls() if not control.holds}

    def detail(self, name):
        return {control.name: control.detail for control in self.controls()}[name]


def _frames(heard, run_date):
    pairs = pd.DataFrame(
        {
            "organization_id": pd.Categorical(["A", "B"] * (len(heard) // 2)),
            "openid": list(heard),
            "input_line": range(2, len(heard) + 2),
            "input_duplicates": [2] + [0] * (len(heard) - 1),
        }
    )
    pairs["organization_id"] = pairs["openid"].map(lambda p: "A" if p in "abd" else "B")
    answers = pd.DataFrame(
        {
            "state": list(heard.values()),
            "answered_at": pd.Timestamp(run_date, tz="UTC"),
            "unknown_reason": [
                "TIMEOUT" if state == "UNKNOWN" else None for state in heard.values()
            ],
        }
    )
    return conform(pairs, PAIRS), conform(answers, ANSWERS)


@pytest.fixture
def report():
    return Report()


def test_a_true_report_passes_every_control_and_each_shows_its_numbers(report):
    assert report.failing() == set()
    details = {control.name: control.detail for control in report.controls()}
    assert details["input_lines"] == "9 lines = 6 pairs + 2 duplicates + 1 invalid"
    assert details["input_rows"] == "pairs 6 = 6, duplicates 2 = 2"
    assert details["states"] == "6 pairs = 2 ON + 1 OFF + 1 NONE + 2 UNKNOWN"
    assert details["roll_forward_ON"] == (
        "3 ON = 3 opening + 0 first seen + 0 returned + 2 moved in - 1 moved out - 1 dropped"
    )
    assert details["opening"] == "ON 3 = 3, OFF 1 = 1, NONE 0 = 0"
    assert details["unique_pairs"] == "0 of 8 rows repeat a pair"


def test_an_input_line_that_is_nothing_fails(report):
    report.input_counts["lines"] += 1
    assert report.failing() == {"input_lines"}


def test_a_pair_of_the_input_that_is_no_row_fails(report):
    report.input_counts |= {"lines": 10, "pairs": 7}
    assert report.failing() == {"input_rows"}
    assert report.detail("input_rows") == "pairs 6 ≠ 7"


def test_a_duplicate_that_was_not_counted_fails(report):
    report.input_counts |= {"duplicates": 1, "invalid": 2}
    assert report.failing() == {"input_rows"}


def test_a_row_with_a_state_and_no_line_of_the_input_fails(report):
    report.spoil("a", input_line=pd.NA)
    assert report.failing() == {"states"}


def test_a_pair_that_stands_twice_fails(report):
    report.spoil("a", openid="b")
    assert report.failing() == {"unique_pairs"}


@pytest.mark.parametrize(
    ("openid", "known", "state"), [("a", None, "ON"), ("b", None, "OFF"), ("new", None, "NONE")]
)
def test_a_known_state_that_came_from_nowhere_fails(report, openid, known, state):
    report.spoil(openid, known_state=known)
    assert report.failing() == {f"roll_forward_{state}"}


def test_an_opening_that_is_not_the_baselines_closing_fails(report):
    report.baseline_closing["ON"] += 1
    assert report.failing() == {"opening"}


def test_an_opening_without_a_baseline_fails(report):
    report.baseline_closing = None
    assert report.failing() == {"opening"}


def test_a_transition_matrix_whose_columns_are_not_the_counts_fails(report):
    matrix = report.summary.transitions
    report.claim(transitions=matrix | {"ON": matrix["ON"] | {"OFF": 7}})
    assert report.failing() == {"transition_columns"}
    assert report.detail("transition_columns") == "OFF 7 ≠ 1; the cells differ"


def test_a_transition_matrix_whose_rows_are_not_opening_plus_returned_fails(report):
    matrix = report.summary.transitions_without_absent
    report.claim(transitions_without_absent=matrix | {"ON": matrix["ON"] | {"OFF": 7}})
    assert report.failing() == {"transition_rows"}


@pytest.mark.parametrize(
    ("matrix", "control"),
    [("transitions", "transition_columns"), ("transitions_without_absent", "transition_rows")],
)
def test_cells_that_differ_where_the_sums_agree_fail(report, matrix, control):
    cells = getattr(report.summary, matrix)
    swapped = {
        "ON": cells["ON"] | {"OFF": cells["ON"]["OFF"] - 1, "ON": cells["ON"]["ON"] + 1},
        "OFF": cells["OFF"] | {"OFF": cells["OFF"]["OFF"] + 1, "ON": cells["OFF"]["ON"] - 1},
    }
    report.claim(**{matrix: cells | swapped})
    assert report.failing() == {control}
    assert "≠" not in report.detail(control)


@pytest.mark.parametrize(
    "claim",
    [
        {"pairs": 7},
        {"states": {"ON": 1, "OFF": 1, "NONE": 1, "UNKNOWN": 2}},
        {"known": {"ON": 3, "OFF": 1, "NONE": 1, "never": 0}},
        {"unknown_reasons": {"TIMEOUT": 1, "NETWORK": 1}},
    ],
)
def test_claimed_states_that_are_not_the_rows_fail(report, claim):
    report.claim(**claim)
    assert report.failing() == {"claimed_states"}


@pytest.mark.parametrize("kind", ["gain", "loss", "hidden", "CLOSED", "DROPPED"])
def test_claimed_changes_that_are_not_the_rows_fail(report, kind):
    counts = report.summary.changes
    report.claim(**({"changes": counts | {kind: 5}} if kind in counts else {kind: 5}))
    assert report.failing() == {"claimed_changes"}


def test_a_claimed_roll_forward_that_is_not_the_rows_fails(report):
    flows = report.summary.roll_forward
    report.claim(roll_forward=flows | {"OFF": replace(flows["OFF"], returned=3)})
    assert report.failing() == {"claimed_roll_forward"}
    assert report.detail("claimed_roll_forward") == "20 of 21 counts agree: OFF returned 3 ≠ 0"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"pairs": 9},
        {"states": {"ON": 9}},
        {"changes": {"ABSENT": 1}},
        {"lost": 9},
        {"pairs_before": 9},
        {"on_before": 9},
        {"on_after": 9},
        None,
    ],
)
def test_claimed_organizations_that_are_not_the_rows_fail(report, spoilt):
    own = dict(report.summary.by_organization)
    if spoilt:
        own["A"] = replace(own["A"], **spoilt)
    else:
        del own["A"]
    report.claim(by_organization=own)
    assert report.failing() == {"claimed_organizations"}


def test_counts_that_an_earlier_version_did_not_write_are_not_compared(report):
    later = dict.fromkeys(("lost", "pairs_before", "on_before", "on_after"))
    own = {name: replace(o, **later) for name, o in report.summary.by_organization.items()}
    report.claim(by_organization=own)
    assert report.failing() == set()


def test_a_first_report_passes_without_a_baseline():
    rows = classify(
        *_frames(NIGHTS[FIRST], FIRST),
        conform(pd.DataFrame(), ROWS),
        run_date=FIRST,
        baseline_run_date=None,
    )
    controls = check(
        recount(rows, None),
        input_counts=INPUT,
        summary=summarize(rows, baseline_run_date=None),
        baseline_closing=None,
    )
    assert [control for control in controls if not control.holds] == []
