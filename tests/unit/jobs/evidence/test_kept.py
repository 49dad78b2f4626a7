"""What was signed is found again by its pair, until it is published."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from jobs.evidence.columns import SignedRows, evidence_table
from jobs.evidence.kept import EvidenceCollector, PairIndex
from jobs.evidence.keys import EvidenceKey
from jobs.partitions.hashing import partition_numbers
from palm import Pair, PlatformKeys, SignedMessage


def signed(number, key_id="K1") -> SignedMessage:
    return SignedMessage(str(number), b"n%d" % number, b"{}", bytes(256), key_id)


def times(found) -> list[int | None]:
    return SignedRows.of(found.rows).seconds


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_an_index_finds_what_a_dictionary_finds(count):
    chance = random.Random(count)
    pairs = [(str(chance.randrange(9)), f"o{chance.randrange(count)}") for _ in range(count)]
    index = PairIndex(*zip(*pairs, strict=True)) if pairs else PairIndex([], [])
    last = {pair: at for at, pair in enumerate(pairs)}
    wanted = [*pairs, ("1", "nobody"), ("10", "2"), ("1", "02")]
    found = index.find(*zip(*wanted, strict=True)).tolist()
    assert found == [last.get(pair, -1) for pair in wanted]


def test_the_last_answer_about_a_pair_is_kept(tmp_path, keys):
    held = keys.platform_keys("grey")
    first, second = keys.public_key_id, keys.platform_serial
    collector = EvidenceCollector(lambda: held, tmp_path)
    for number in range(10_000):
        collector.add(0, Pair(f"o{number}", "1"), signed(number, (first, second)[number % 2]))
    collector.add(0, Pair("o7", "1"), signed(77_777, second))
    kept = collector.finish().of(0)
    assert len(kept) == 10_001
    found = kept.find(["1"] * 4, ["o9999", "o7", "nobody", "o0"])
    assert found.has_evidence.tolist() == [True, True, False, True]
    assert times(found) == [9999, 77_777, 0]
    assert SignedRows.of(found.rows).key_ids == [second, second, first]
    assert set(kept.keys) == {first, second}
    assert kept.keys[second].load() == held[second]


def test_each_partition_has_its_own_answers_in_a_private_file(tmp_path):
    collector = EvidenceCollector(lambda: None, tmp_path, 2)
    for number in range(9000):
        collector.add(number % 3, Pair(f"o{number}", "1"), signed(number))
    collected = collector.finish()
    assert [len(collected.of(number)) for number in range(4)] == [3000, 3000, 3000, 0]
    assert len(collected.of(0, 2)) == 6000
    assert times(collected.of(1).find(["1", "1"], ["o4", "o5"])) == [4]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_key_is_kept_even_if_it_is_exchanged_before_the_run_ends(tmp_path, keys):
    first, second = keys.platform_serial, keys.public_key_id
    certificates = {first: keys.platform_certificate}
    held = PlatformKeys(keys.platform_keys("certificate"), certificates=certificates)
    collector = EvidenceCollector(lambda: held, tmp_path)
    collector.add(0, Pair("o1", "1"), signed(1, first))
    held = keys.platform_keys()
    collector.add(0, Pair("o2", "1"), signed(2, second))
    found = collector.finish().keys
    assert set(found) == {first, second}
    assert found[first].load_certificate() == keys.platform_certificate
    assert found[second].load_certificate() is None


def test_nothing_kept_is_nothing_found(tmp_path):
    found = EvidenceCollector(lambda: None, tmp_path).finish().of(0).find(["1"], ["o"])
    assert (found.has_evidence.tolist(), len(found.rows)) == ([False], 0)


@pytest.mark.parametrize("bits", [0, 3])
def test_answers_of_an_earlier_run_are_taken_over_unless_there_is_a_later_one(tmp_path, keys, bits):
    pairs = [Pair(f"o{number}", str(number % 2)) for number in range(40)]
    earlier = evidence_table((pair, signed(1, keys.public_key_id)) for pair in pairs)
    held = {keys.public_key_id: EvidenceKey.of("K", keys.platform_key.public_key())}
    now = EvidenceCollector(lambda: None, tmp_path, bits)
    now.add_keys(held)
    now.add_rows(earlier)
    frame = pd.DataFrame(pairs).astype({"organization_id": "category"})
    numbers = partition_numbers(frame["organization_id"], frame["openid"], bits).tolist()
    now.add(numbers[2], pairs[2], signed(2))
    collected = now.finish()
    assert collected.keys == held
    for number, pair in zip(numbers, pairs, strict=True):
        found = collected.of(number).find([pair.organization_id], [pair.openid])
        assert times(found) == [2 if pair == pairs[2] else 1]
