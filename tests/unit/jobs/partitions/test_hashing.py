"""A pair's partition is what another engine's crc32 says, and partitions nest."""

from __future__ import annotations

import random
import zlib

import numpy as np
import pandas as pd
import pytest

from jobs.partitions.file_names import partition_name
from jobs.partitions.hashing import pair_hashes, partition_numbers

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


LENGTHS = [0, 1, 27, 28, 28, 28, 29, 126, 127, 128, 129, 200]


@pytest.mark.parametrize("dtype", ["str", "object"])
@pytest.mark.parametrize("before", [0, 3])
def test_the_hash_of_every_pair_is_zlib_s_whatever_lengths_stand_side_by_side(dtype, before):
    chance = random.Random(5)
    for count in [*range(40), 10_000]:
        openids = ["".join(chance.choices("aZ09_-\0é学😀", k=chance.choice(LENGTHS)))
                   for _ in range(before + count)]  # fmt: skip
        names = [chance.choice(["", "1", "食堂", "x" * 70]) for _ in openids]
        found = pair_hashes(
            pd.Series(names, dtype="str").astype("category")[before:],
            pd.Series(openids, dtype=dtype)[before:],
        )
        joined = [f"{o}\0{p}".encode() for o, p in zip(names, openids, strict=True)][before:]
        assert found.dtype == np.uint32
        assert found.tolist() == [zlib.crc32(each) for each in joined]


def test_an_organization_without_pairs_makes_no_difference():
    names = pd.Series(["b", "c"], dtype=pd.CategoricalDtype(["a", "b", "c", "d"]))
    found = pair_hashes(names, pd.Series(["o1", "o1"], dtype="str"))
    assert found.tolist() == [zlib.crc32(b"b\0o1"), zlib.crc32(b"c\0o1")]
