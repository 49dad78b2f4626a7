"""A pair keeps its number from night to night."""

from __future__ import annotations

import pandas as pd

from jobs.history.pair_numbers import PairNumbers
from jobs.schema import PAIRS, conform


def frame(*keys):
    organizations, openids = zip(*keys, strict=True) if keys else ((), ())
    return conform(pd.DataFrame({"organization_id": organizations, "openid": openids}), PAIRS)


def test_a_pair_keeps_its_number_and_new_ones_follow():
    numbers = PairNumbers()
    first, _ = numbers.number(frame(("1", "a"), ("1", "b"), ("2", "a")))
    assert first.tolist() == [0, 1, 2]
    second, organizations = numbers.number(frame(("2", "a"), ("3", "c"), ("1", "a")))
    assert second.tolist() == [2, 3, 0]
    assert organizations.tolist() == [1, 2, 0]
    assert numbers.names(second) == [("2", "a"), ("3", "c"), ("1", "a")]
    assert numbers.organizations_of().tolist() == [0, 0, 1, 2]
    assert (len(numbers), numbers.organizations) == (4, ["1", "2", "3"])


def test_no_pairs_have_no_numbers():
    numbers = PairNumbers()
    pairs, organizations = numbers.number(frame())
    assert len(pairs) == len(organizations) == len(numbers) == 0


def test_texts_that_look_like_missing_ones_are_texts():
    numbers = PairNumbers()
    keys = [("nan", "None"), ("", "NaN"), ("NULL", "")]
    assert numbers.names(numbers.number(frame(*keys))[0]) == keys
