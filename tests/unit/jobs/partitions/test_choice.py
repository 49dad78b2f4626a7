"""A small input is one partition; a large one has partitions of 32,768 to 65,536 pairs."""

from __future__ import annotations

import pytest

from jobs.partitions.choice import partition_bits


@pytest.mark.parametrize(
    ("pairs", "bits"), [(0, 0), (1_000_000, 0), (1_000_001, 4), (1_048_577, 5), (10_000_000, 8)]
)
def test_as_many_as_suit_the_pairs(pairs, bits):
    assert partition_bits(None, pairs) == bits


@pytest.mark.parametrize("pairs", [1_000_001, 1_600_000, 3_000_000, 10_000_000, 100_000_000])
def test_a_partition_has_between_half_and_all_of_the_most(pairs):
    assert 32_768 <= pairs / 2 ** partition_bits(None, pairs) <= 65_536


def test_there_are_never_more_than_4096():
    assert partition_bits(None, 10**12) == 12


@pytest.mark.parametrize(("partitions", "bits"), [(1, 0), (2, 1), (16, 4), (4096, 12)])
def test_as_many_as_were_asked_for(partitions, bits):
    assert partition_bits(partitions, 5_000_000) == bits
