"""The rows that changed, or that have no good answer, with the counts of all."""

from __future__ import annotations

import pytest

from jobs.errors import UsageError
from jobs.extract.row_selection import with_selected_rows


@pytest.fixture
def report(after):
    return after(
        {"A/a": "ON", "A/b": "ON", "A/c": "ON", "A/gone": "ON"},
        {"A/a": "OFF", "A/b": "UNKNOWN", "A/c": "ON", "A/new": "ON"},
    )


@pytest.mark.parametrize(
    ("only", "openids"), [("changes", ["a", "new", "gone"]), ("unanswered", ["b"])]
)
def test_the_rows_are_chosen_and_the_counts_are_of_all(report, only, openids):
    chosen = with_selected_rows(report, only, "r.parquet")
    assert chosen.rows["openid"].tolist() == openids
    assert chosen.rows.index.tolist() == list(range(len(openids)))
    assert chosen.summary == report.summary
    assert chosen.metadata.rows_chosen == only


def test_rows_that_were_chosen_are_not_the_others(report):
    changes = with_selected_rows(report, "changes", "r.parquet")
    assert with_selected_rows(changes, "changes", "c.parquet").rows.equals(changes.rows)
    with pytest.raises(UsageError, match=r"c\.parquet holds only the changes of a report; .*--una"):
        with_selected_rows(changes, "unanswered", "c.parquet")
