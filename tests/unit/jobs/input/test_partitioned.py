"""jobs.input.partitioned: memory is that of a partition's pairs, whatever repeats them."""

from __future__ import annotations

import hashlib

import pytest

from jobs.input import partitioned
from jobs.input.content.content import ContentInMemory
from jobs.input.content.scan import scan_stored
from jobs.input.content.source import Stored
from jobs.input.header import Columns
from jobs.input.pairs import Input, parse_pairs
from jobs.input.partitioned import partition_pairs
from jobs.partitions.partitioned import frames

HEADER = "openid,organization_id,n\n"


def partition(text: str, folder, bits: int = 2) -> Input:
    content = text.encode()
    stored = Stored("p.csv", ContentInMemory(content), hashlib.sha256(content).hexdigest())
    with scan_stored(stored, None) as scan:
        return partition_pairs(scan, Columns(), bits, folder, block_size=300)


@pytest.fixture
def at_once(monkeypatch) -> list[int]:
    """Return how many records were looked at together, each time that some were."""
    counts: list[int] = []
    number_pairs = partitioned.number_pairs

    def noting(table):
        counts.append(len(table))
        return number_pairs(table)

    monkeypatch.setattr(partitioned, "_ROWS_PER_PIECE", 10)
    monkeypatch.setattr("jobs.partitions.writer._BUFFERED", 10)
    monkeypatch.setattr("jobs.partitions.writer._BUFFERED_EACH", 0)
    monkeypatch.setattr("jobs.input.blocks._CHUNK", 10)
    monkeypatch.setattr(partitioned, "_ROWS_AT_ONCE", 50)
    monkeypatch.setattr(partitioned, "number_pairs", noting)
    return counts


@pytest.mark.slow
def test_a_pair_that_is_repeated_endlessly_takes_the_room_of_a_few_records(tmp_path, at_once):
    lines = "".join(f"oSame,1,{number}\n" for number in range(3_000))
    text = f"{HEADER}oFirst,1,a\n{lines}oLast,1,b\noFirst,1,c\n"
    found = partition(text, tmp_path)
    assert (found.lines, found.pair_count, found.duplicates) == (3_003, 3, 3_000)
    rows = found.pairs.sort_values("input_line")
    assert rows["openid"].tolist() == ["oFirst", "oSame", "oLast"]
    assert rows["n"].tolist() == ["a", "0", "b"]
    assert rows["input_duplicates"].tolist() == [1, 2_999, 0]
    assert rows["input_line"].tolist() == [2, 3, 3_003]
    assert len(at_once) > 10
    assert max(at_once) < 500


def test_many_pairs_of_a_partition_are_those_that_are_read_at_once(tmp_path, at_once):
    text = HEADER + "".join(f"o{number % 700},{number % 3},{number}\n" for number in range(3_000))
    found, expected = partition(text, tmp_path, bits=1), parse_pairs(text.encode(), name="p.csv")
    assert len(at_once) > 2
    for frame in frames(found.partitions):
        assert frame["input_line"].is_monotonic_increasing
        assert frame.index.tolist() == list(range(len(frame)))
    rows = found.pairs.sort_values("input_line", ignore_index=True)
    text_columns = {"organization_id": "str"}
    assert rows.astype(text_columns).equals(expected.pairs.astype(text_columns))
