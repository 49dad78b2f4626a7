"""What was signed is found again by its pair, until it is published."""

from __future__ import annotations

import random

import pytest

from jobs.evidence.columns import SignedRows
from jobs.evidence.kept import EvidenceCollector, PairIndex
from palm import Pair, SignedMessage


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


@pytest.mark.parametrize("in_file", [True, False])
def test_the_last_answer_about_a_pair_is_kept(tmp_path, in_file, keys):
    held = keys.platform_keys("grey")
    first, second = keys.public_key_id, keys.platform_serial
    file = tmp_path / "kept.arrow" if in_file else None
    collector = EvidenceCollector(lambda: held, file)
    for number in range(10_000):
        collector.add(Pair(f"o{number}", "1"), signed(number, (first, second)[number % 2]))
    collector.add(Pair("o7", "1"), signed(77_777, second))
    kept = collector.finish()
    assert len(kept) == 10_001
    found = kept.find(["1"] * 4, ["o9999", "o7", "nobody", "o0"])
    assert found.has_evidence.tolist() == [True, True, False, True]
    assert times(found) == [9999, 77_777, 0]
    assert SignedRows.of(found.rows).key_ids == [second, second, first]
    assert set(kept.keys) == {first, second}
    assert kept.keys[second].load() == held[second]


def test_a_key_is_kept_even_if_it_is_exchanged_before_the_run_ends(keys):
    held = {"K1": keys.platform_key.public_key()}
    collector = EvidenceCollector(lambda: held, None)
    collector.add(Pair("o1", "1"), signed(1, "K1"))
    held = {"K2": keys.public_key_pair.public_key()}
    collector.add(Pair("o2", "1"), signed(2, "K2"))
    assert sorted(collector.finish().keys) == ["K1", "K2"]


def test_nothing_kept_is_nothing_found():
    found = EvidenceCollector(dict, None).finish().find(["1"], ["o"])
    assert (found.has_evidence.tolist(), len(found.rows)) == ([False], 0)


def test_answers_of_an_earlier_run_are_taken_over_unless_there_is_a_later_one(keys):
    earlier = EvidenceCollector(keys.platform_keys, None)
    for name in ("o1", "o2"):
        earlier.add(Pair(name, "1"), signed(1, keys.public_key_id))
    now = EvidenceCollector(dict, None)
    now.add(Pair("o2", "1"), signed(2))
    kept = now.finish(earlier.finish())
    assert times(kept.find(["1", "1"], ["o1", "o2"])) == [1, 2]
    assert list(kept.keys) == [keys.public_key_id]
