"""A pair is two texts; a text alone, or more than two, is refused before anything is asked."""

from __future__ import annotations

import pytest

from palm import ArgumentError, AsyncPalm, Pair, Palm
from palm.pairs import check_concurrency, checked_pair

WRONG = ["ab", "o1", b"ab", ("o1",), ("o1", "1", "2"), {"o1": "1", "o2": "2"}, 5, None]


@pytest.mark.parametrize("value", [Pair("o1", "1"), ("o1", "1"), ["o1", "1"]])
def test_a_pair_is_a_sequence_of_two(value):
    assert checked_pair(value) == Pair("o1", "1")
    assert isinstance(checked_pair(value), Pair)


@pytest.mark.parametrize("value", WRONG)
def test_anything_else_is_refused_by_its_type_without_its_content(value):
    with pytest.raises(TypeError, match="^a pair must be .openid, organization_id., not") as e:
        checked_pair(value)
    assert "o1" not in str(e.value)


@pytest.mark.parametrize("value", WRONG)
async def test_get_many_refuses_an_item_that_is_not_a_pair(keys, value):
    options = {"merchant": keys.merchant(), "keys": keys.platform_keys()}
    client = AsyncPalm(**options, base_url="http://127.0.0.1:9")

    async def stream():
        yield value

    for pairs in ([value], stream()):
        with pytest.raises(TypeError, match="a pair must be"):
            await anext(client.authorizations.get_many(pairs))
    with Palm(**options) as palm, pytest.raises(TypeError, match="a pair must be"):
        next(palm.authorizations.get_many([value]))


@pytest.mark.parametrize("concurrency", [0, -1, True, "3", 1.5, None])
def test_concurrency_is_a_whole_number_above_0(concurrency):
    with pytest.raises(ArgumentError, match="concurrency must be at least 1, not "):
        check_concurrency(concurrency)
