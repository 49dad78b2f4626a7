"""The rows of a report in pieces: none is lost, doubled or moved, however they are cut."""

from __future__ import annotations

import pandas as pd
import pytest

from jobs.report.chunks import ChunksInMemory, DerivedChunks, regrouped
from jobs.schema import ROWS, concatenated, conform


def numbered(first, last, organization="A"):
    rows = pd.DataFrame(
        {
            "organization_id": organization,
            "openid": [f"o{number}" for number in range(first, last)],
            "change": "UNCHANGED",
            "input_line": range(first, last),
        }
    )
    return conform(rows, ROWS)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([0], [0]),
        ([3], [3]),
        ([4], [4]),
        ([5], [4, 1]),
        ([9], [4, 4, 1]),
        ([1, 0, 2, 6, 0], [4, 4, 1]),
        ([4, 4], [4, 4]),
        ([0, 0], [0]),
        ([3, 13], [4, 4, 4, 4]),
    ],
)
def test_pieces_are_cut_anew_into_equal_ones(lengths, expected):
    pieces, first = [], 0
    for length in lengths:
        pieces.append(numbered(first, first + length))
        first += length
    found = list(regrouped(pieces, 4))
    assert [len(each) for each in found] == expected
    lines = [line for each in found for line in each["input_line"]]
    assert lines == list(range(first))
    assert all(dict(each.dtypes) == dict(pieces[0].dtypes) for each in found if first)


def test_pieces_with_other_organizations_keep_them():
    pieces = [numbered(0, 3, "B"), numbered(3, 5, "A"), numbered(5, 6, "C")]
    found = concatenated(pieces)
    assert found["organization_id"].tolist() == ["B", "B", "B", "A", "A", "C"]
    assert found["organization_id"].cat.categories.tolist() == ["A", "B", "C"]
    assert found["openid"].tolist() == [f"o{number}" for number in range(6)]


def test_a_frame_in_memory_is_cut_and_can_be_read_again(monkeypatch):
    monkeypatch.setattr("jobs.report.chunks.ROWS_PER_CHUNK", 4)
    chunks = ChunksInMemory(numbered(0, 10))
    assert [len(each) for each in chunks] == [4, 4, 2]
    pd.testing.assert_frame_equal(pd.concat(list(chunks)), chunks.rows)
    assert list(chunks.columns) == list(ROWS)


def test_pieces_can_be_computed_from_others():
    source = ChunksInMemory(numbered(0, 10))
    chunks = DerivedChunks(source, ["openid"], 5, lambda rows: rows[["openid"]].iloc[::2])
    assert len(chunks) == 5
    for _ in range(2):
        assert [o for each in chunks for o in each["openid"]] == ["o0", "o2", "o4", "o6", "o8"]
