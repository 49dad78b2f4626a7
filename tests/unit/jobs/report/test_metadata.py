"""What a later version wrote about a report stays in its metadata when it is written again."""

from __future__ import annotations

import pytest

from jobs.report.metadata import unknown_members, with_unknown_members

KNOWN = {"schema": 2, "run": {"id": "x", "exit_code": 0}, "asking": {"latency": {"p50": 1}}}


@pytest.mark.parametrize(
    "unknown",
    [
        {},
        {"weather": {"rain": [1, 2]}},
        {"run": {"mood": "good"}},
        {"asking": {"latency": {"p75": 2}, "hops": 3}, "run": {"mood": None}, "weather": 1},
    ],
)
def test_members_are_found_at_every_depth_and_put_back_where_they_were(unknown):
    read = with_unknown_members(KNOWN, unknown)
    assert unknown_members(read, KNOWN) == unknown
    assert unknown_members(KNOWN, read) == {}
    assert all(read[name] == value for name, value in KNOWN.items() if name not in unknown)


def test_a_member_that_is_known_keeps_the_value_that_this_version_writes():
    assert with_unknown_members({"run": 1, "tool": {"a": 1}}, {"run": 2, "tool": {"a": 2}}) == {
        "run": 1, "tool": {"a": 1},
    }  # fmt: skip
    assert unknown_members({"run": 2}, {"run": 1}) == {}
