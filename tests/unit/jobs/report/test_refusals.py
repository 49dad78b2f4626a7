"""Refused pairs are counted by status and code, in whichever parts they come."""

from __future__ import annotations

import pandas as pd

from jobs.report.refusals import RefusedPairs, count_refused, refused_kinds
from jobs.schema import ROWS, conform
from jobs.sweep.stats import RequestStats
from palm import Attempt, RefusedError


def rows(*kinds):
    """Return one row for each (status, code)."""
    statuses, codes = zip(*kinds, strict=True)
    frame = {"unknown_reason": "REFUSED", "http_status": statuses, "error_code": codes}
    return conform(pd.DataFrame(frame), ROWS)


def stats():
    counted = RequestStats()
    error = RefusedError(400, code="PARAM_ERROR", message="wrong openid")
    counted.attempted(Attempt(number=1, elapsed_s=0.1, error=error))
    return counted


def test_the_most_frequent_come_first_with_a_message_of_the_gateway():
    kinds = refused_kinds(rows((403, "NO_AUTH"), (400, "PARAM_ERROR"), (400, "PARAM_ERROR")))
    assert count_refused(kinds, stats()) == (
        RefusedPairs(400, "PARAM_ERROR", "wrong openid", 2),
        RefusedPairs(403, "NO_AUTH", None, 1),
    )


def test_the_order_of_equal_counts_does_not_depend_on_the_order_of_the_rows():
    kinds = [(404, None), (None, None), (403, "B"), (403, "A")]
    found = count_refused(refused_kinds(rows(*kinds)), stats())
    assert found == count_refused(refused_kinds(rows(*kinds[::-1])), stats())
    assert [(each.status, each.code) for each in found] == [
        (None, None), (403, "A"), (403, "B"), (404, None),
    ]  # fmt: skip


def test_two_parts_are_added_where_status_or_code_is_missing():
    part = rows((None, None), (404, None))
    found = count_refused(refused_kinds(part) + refused_kinds(part), stats())
    assert [each.pairs for each in found] == [2, 2]


def test_only_refused_pairs_are_counted():
    other = rows((500, "SYSTEM_ERROR"))
    other["unknown_reason"] = pd.Categorical(["SERVER_ERROR"])
    assert refused_kinds(conform(other, ROWS)) == {}
