"""Options that select people, and outputs that do not go together with them."""

from __future__ import annotations

import pytest

from jobs.errors import UsageError
from jobs.report.part_info import ColumnValue
from jobs.show.selection import (
    check_redacted_outputs,
    check_shown_outputs,
    column_value,
    selected,
)

GIVEN = {
    "output": (), "stdout_format": None, "only": None, "organization": (), "where": (),
    "show": (), "by": (), "redact": False,
}  # fmt: skip


@pytest.fixture
def report(after):
    return after({"A/a": "ON", "B/b": "ON"}, {"A/a": "OFF", "B/b": "ON"})


def test_what_is_counted_by_a_column_is_of_the_part_that_is_shown(report):
    part, shown = selected(report, GIVEN | {"organization": ("A",), "by": ("class",)})
    assert part.metadata.by is None
    assert list(shown(part).metadata.by["class"]) == ["k-a"]
    assert list(shown(report).metadata.by["class"]) == ["k-a", "k-b"]


def test_hashes_are_the_same_in_every_part(report):
    _, shown = selected(report, GIVEN | {"redact": True})
    hashes = set(shown(report).rows["openid"])
    assert len(hashes) == 2
    assert hashes == set(shown(report).rows["openid"])
    assert not hashes & {"a", "b"}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"redact": True, "show": ("class",)}, "contradict each other"),
        ({"show": ("clas",)}, "no column 'clas' of the input; did you mean class"),
        ({"by": ("change",)}, "'change' is a column of the report"),
        ({"where": ("class",)}, "is not like COLUMN=VALUE"),
        ({"organization": ("C",)}, "no organization 'C'"),
    ],
)
def test_what_cannot_be_selected_is_refused(report, given, line):
    with pytest.raises(UsageError, match=line):
        selected(report, GIVEN | given)


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [("a=b=c", "a", "b=c"), ("x=y=z", "x=y", "z"), ("a=", "a", "")],
)
def test_a_column_and_its_value_may_hold_the_sign_between_them(text, column, value):
    assert column_value(text, ["a", "x=y"]) == ColumnValue(column, value)


@pytest.mark.parametrize(
    ("outputs", "piped", "refused"),
    [
        (("x.json",), None, True), (("-",), "json", True), (("x.json", "x.html"), None, False),
        (("x.json", "-"), "csv", False), ((), None, False), (("schools/",), None, False),
    ],
)  # fmt: skip
def test_a_column_cannot_be_shown_in_json_alone(outputs, piped, refused):
    given = GIVEN | {"output": outputs, "stdout_format": piped}
    check_shown_outputs(given)
    given["show"] = ("class",)
    if refused:
        with pytest.raises(UsageError, match="JSON holds counts, but no pair"):
            check_shown_outputs(given)
    else:
        check_shown_outputs(given)


@pytest.mark.parametrize(
    ("given", "terminal", "refused"),
    [
        ({"output": ("x.parquet",)}, True, True), ({"output": ("x.csv",)}, True, True),
        ({"output": ("-",), "stdout_format": "csv"}, False, True),
        ({"only": "changes"}, False, True), ({"only": "changes"}, True, False),
        ({"output": ("x.html", "x.xlsx", "x.json")}, True, False),
    ],
)  # fmt: skip
def test_hashes_are_not_for_programs(given, terminal, refused):
    check_redacted_outputs(GIVEN | given, terminal=terminal)
    given = GIVEN | given | {"redact": True}
    if refused:
        with pytest.raises(UsageError, match="--redact is for"):
            check_redacted_outputs(given, terminal=terminal)
    else:
        check_redacted_outputs(given, terminal=terminal)
