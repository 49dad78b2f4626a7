"""A report split by a column: each part is what selecting its people would give."""

from __future__ import annotations

import pandas as pd
import pytest

import jobs.extract.split
from jobs.errors import UsageError
from jobs.extract.people import only_people
from jobs.extract.split import file_stem, split
from jobs.report.model import Report
from jobs.report.part_info import ColumnValue

BEFORE = {"B/c": "ON", "A/a": "ON", "C/d": "NONE", "A/b": "OFF", "B/gone": "ON"}
NOW = {"B/c": "OFF", "A/a": "ON", "C/d": "ON", "A/b": "UNKNOWN", "A/e": "ON"}


@pytest.fixture
def report(after):
    """Return a report whose column ``class`` is one of three, one of them empty."""
    made = after(BEFORE, NOW)
    classes = pd.Series(["x", "y", None, "x", "y", "x"], dtype="str")
    return Report(made.rows.assign(**{"class": classes}), made.metadata)


def test_each_part_is_the_report_of_its_organization(report):
    parts = dict(split(report, "organization_id"))
    assert list(parts) == ["A", "B", "C"]
    for name, part in parts.items():
        alone = only_people(report, [name], ())
        pd.testing.assert_frame_equal(part.rows, alone.rows)
        assert part.metadata == alone.metadata
        assert all(control.holds for control in part.controls)


def test_each_part_is_the_report_of_the_people_with_its_value(report):
    parts = dict(split(report, "class"))
    assert list(parts) == ["(empty)", "x", "y"]
    for stem, value in (("(empty)", ""), ("x", "x"), ("y", "y")):
        alone = only_people(report, (), [ColumnValue("class", value)])
        pd.testing.assert_frame_equal(parts[stem].rows, alone.rows)
        assert parts[stem].metadata == alone.metadata


def test_a_part_names_no_organization_of_others(report):
    (_, part), *_ = split(report, "organization_id")
    assert part.rows["organization_id"].cat.categories.tolist() == ["A"]


def test_rows_stand_in_the_reports_order(report):
    parts = dict(split(report, "organization_id"))
    assert parts["A"].rows["openid"].tolist() == ["a", "b", "e"]
    assert parts["B"].rows["openid"].tolist() == ["c", "gone"]


def test_a_part_of_a_part_says_both(report):
    few = only_people(report, (), [ColumnValue("class", "x")])
    part = dict(split(few, "organization_id"))["B"]
    assert part.metadata.part.organizations == ("B",)
    assert part.metadata.part.where == (ColumnValue("class", "x"),)


def test_all_names_are_checked_before_the_first_part(report):
    rows = report.rows.assign(**{"class": ["Ab", "aB", "c", "c", "c", "c"]})
    with pytest.raises(UsageError, match="two values make the same file name"):
        next(split(Report(rows, report.metadata), "class"))


def test_too_long_is_a_name_of_more_than_180_bytes(report):
    rows = report.rows.assign(**{"class": "x" * 180})
    assert [stem for stem, _ in split(Report(rows, report.metadata), "class")] == ["x" * 180]
    rows = report.rows.assign(**{"class": "x" * 181})
    with pytest.raises(UsageError, match="too long for the name of a file"):
        next(split(Report(rows, report.metadata), "class"))


@pytest.mark.parametrize(
    ("value", "stem"),
    [("1001", "1001"), ("a_b-c", "a_b-c"), ("高一 (2)", "高一%20%282%29"), ("%", "%25"),
     ("../x", "%2E%2E%2Fx"), ("", "(empty)"), ("(empty)", "%28empty%29"), ("\ud800", "%ED%A0%80")],
)  # fmt: skip
def test_the_name_of_a_file_keeps_letters_and_digits(value, stem):
    assert file_stem(value) == stem


@pytest.mark.parametrize(("most", "refused"), [(3, False), (2, True)])
def test_as_many_values_as_allowed_are_split_and_no_more(report, monkeypatch, most, refused):
    assert jobs.extract.split._MOST_VALUES == 5_000
    monkeypatch.setattr(jobs.extract.split, "_MOST_VALUES", most)
    if refused:
        with pytest.raises(UsageError, match="3 values, at most 2 can be split"):
            next(split(report, "class"))
    else:
        assert len(dict(split(report, "class"))) == most
