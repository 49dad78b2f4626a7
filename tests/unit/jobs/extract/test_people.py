"""A report of some people only: their rows and counts, and nothing of the others."""

from __future__ import annotations

import pytest

from jobs.errors import UsageError
from jobs.extract.people import column_values, only_people, unknown_column
from jobs.report.part_info import ColumnValue

BEFORE = {"A/a": "ON", "A/b": "ON", "B/c": "ON", "A/gone": "ON", "C/d": "OFF"}
NOW = {"A/a": "OFF", "A/b": "ON", "B/c": "NONE", "C/d": "ON", "C/e": "ON"}


@pytest.fixture
def report(after):
    return after(BEFORE, NOW)


def where(*values):
    return [ColumnValue("class", value) for value in values]


def test_without_a_selection_it_is_the_report_itself(report):
    assert only_people(report, (), ()) is report


def test_rows_and_counts_are_those_of_the_people(report):
    part = only_people(report, ["A"], ())
    assert part.rows["openid"].tolist() == ["a", "b", "gone"]
    assert part.rows.index.tolist() == [0, 1, 2]
    assert (part.summary.pairs, part.summary.loss) == (2, 1)
    assert list(part.summary.by_organization) == ["A"]
    assert part.metadata.baseline.pairs == 3
    assert [control.name for control in part.controls if not control.holds] == []


def test_what_is_about_others_too_is_left_out(report):
    metadata = only_people(report, ["A"], ()).metadata
    assert (metadata.input, metadata.asking, metadata.history) == (None, None, None)
    assert (metadata.run.exit_code, metadata.run.verdict) == (None, ())
    assert metadata.rows_chosen is None
    assert metadata.is_whole is False


def test_values_of_one_column_are_alternatives_and_organizations_and_values_both_hold(report):
    assert only_people(report, (), where("k-a", "k-e")).rows["openid"].tolist() == ["a", "e"]
    both = only_people(report, ["A", "C"], where("k-a", "k-c"))
    assert both.rows["openid"].tolist() == ["a"]


def test_a_part_selected_from_again_says_what_is_left_of_both(report):
    first = only_people(report, ["A", "C"], where("k-a", "k-e"))
    again = only_people(first, ["C"], where("k-e"))
    assert again.rows["openid"].tolist() == ["e"]
    assert again.metadata.part.organizations == ("C",)
    assert again.metadata.part.where == tuple(where("k-a", "k-e"))


@pytest.mark.parametrize(
    ("organizations", "values", "line"),
    [
        (["xyz"], (), "no organization 'xyz'$"),
        (["B"], where("k-a"), "nobody in the report is selected"),
        ([], [ColumnValue("clas", "1")], "no column 'clas' of the input; did you mean class"),
        ([], [ColumnValue("state", "ON")], "'state' is a column of the report"),
    ],
)
def test_what_selects_nobody_is_refused(report, organizations, values, line):
    with pytest.raises(UsageError, match=line):
        only_people(report, organizations, values)


def test_an_organization_with_other_leading_zeros_is_named(report_of, nights):
    report = report_of({"0042/a": "ON"}, nights[0])
    with pytest.raises(UsageError, match="no organization '42'; did you mean 0042"):
        only_people(report, ["42"], ())


def test_a_missing_value_of_a_column_is_empty_text(report):
    values = column_values(report.rows.assign(**{"class": [None, "x", "y", "z", "x", None]}),
                           "class")  # fmt: skip
    assert values.tolist() == ["", "x", "y", "z", "x", ""]


def test_at_most_twenty_columns_are_named():
    names = [f"column {number:02}" for number in range(20)]
    assert "and" not in str(unknown_column("x", names))
    assert str(unknown_column("x", [*names, "y"])).endswith("column 19 and 1 more)")
    assert "none but the two keys" in str(unknown_column("x", []))
