"""The rows are counted by kind as DuckDB counts them."""

from __future__ import annotations

from datetime import date

import duckdb
import pandas as pd
import pytest

from jobs.compare.controls.row_kinds import (
    RowKind,
    count_by,
    count_kinds,
    count_where,
    of_everybody,
)
from jobs.schema import ROWS, conform
from tests.several_nights import several_nights

BEFORE = date(2025, 3, 6)


@pytest.fixture(scope="module")
def rows():
    return several_nights(3, people=60, nights=5, bad=(4,))[-1].report.rows


def test_each_kind_has_the_rows_that_duckdb_finds(rows):
    columns = "organization_id, previous_state, state, known_state, change, unknown_reason"
    found = duckdb.sql(
        f"SELECT {columns}, input_line IS NOT NULL, "  # noqa: S608 - constants of this file
        f"coalesce(last_in_input = DATE '{BEFORE}', false), count(*) FROM rows GROUP BY ALL"
    ).fetchall()
    counted = count_kinds(rows, BEFORE)
    assert counted == {RowKind(*kind): count for *kind, count in found}
    assert len(counted) > 20
    assert {kind.was_here for kind in counted} == {True, False}


def test_without_a_report_compared_with_nobody_was_here(rows):
    assert not any(kind.was_here for kind in count_kinds(rows, None))


def test_no_rows_are_no_kinds():
    assert count_kinds(conform(pd.DataFrame(), ROWS), BEFORE) == {}


def test_the_kinds_of_everybody_hold_all_rows_without_their_organization(rows):
    counted = count_kinds(rows, BEFORE)
    merged = of_everybody(counted)
    assert sum(merged.values()) == len(rows)
    assert {kind.organization_id for kind in merged} == {None}
    assert len(merged) < len(counted)


def test_counts_by_values_are_those_of_pandas(rows):
    kinds = count_kinds(rows, BEFORE)
    states = rows["state"].value_counts(dropna=False)
    expected = {(None if pd.isna(state) else state,): int(n) for state, n in states.items()}
    assert count_by(kinds.items(), "state") == {key: n for key, n in expected.items() if n}
    gone = count_where(kinds, lambda kind: kind.is_dropped)
    assert gone == int((rows["change"] == "DROPPED").sum())
