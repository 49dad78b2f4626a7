"""A pair's partition is what another engine's crc32 says, and partitions nest."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
import pytest

from jobs.partitions.hashing import partition_name, partition_numbers

PAIRS = [("org-1", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"), ("食堂", "o2"), ("org-1", ""), ("", "\udc80")]


def numbers(bits: int) -> list[int]:
    organizations, openids = zip(*PAIRS, strict=True)
    found = partition_numbers(
        pd.Series(organizations, dtype="category"), pd.Series(openids, dtype="object"), bits
    )
    assert found.dtype == np.int32
    return found.tolist()


@pytest.mark.parametrize("bits", [1, 3, 12])
def test_the_number_is_the_first_bits_of_the_crc32_of_organization_nul_and_openid(bits):
    joined = [f"{o}\0{p}".encode("utf-8", "surrogatepass") for o, p in PAIRS]
    assert numbers(bits) == [int(f"{zlib.crc32(each):032b}"[:bits], 2) for each in joined]


def test_without_bits_there_is_one_partition():
    assert numbers(0) == [0, 0, 0, 0]


def test_a_partition_is_two_of_twice_as_many():
    assert [number // 2 for number in numbers(8)] == numbers(7)


def test_the_names_of_partitions_sort_as_their_numbers():
    assert [partition_name(7), partition_name(4095)] == ["part-00007", "part-04095"]
