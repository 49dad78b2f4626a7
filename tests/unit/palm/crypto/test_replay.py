"""An answer that comes a second time is not believed, whatever was asked."""

from __future__ import annotations

import base64
import random
import tracemalloc

import pytest

from palm import SignatureError, SignatureReason
from palm.crypto.replay import ReplayMemory

NOW = 1_722_850_421


def signed(number: int, timestamp: int | str = NOW) -> dict[str, str]:
    """Return the headers of an answer; ``number`` is its signature."""
    signature = base64.b64encode(number.to_bytes(256)).decode()
    return {
        "Wechatpay-Timestamp": str(timestamp),
        "Wechatpay-Signature": signature,
        "Wechatpay-Serial": "7A",
    }


def refused(memory: ReplayMemory, headers: dict[str, str], now: int = NOW) -> bool:
    """Say whether an answer is refused as one that came before."""
    try:
        memory.accept(headers, now=now)
    except SignatureError as error:
        return (error.reason, error.serial) == (SignatureReason.REPLAYED, "7A")
    return False


def test_a_signature_is_accepted_once():
    memory = ReplayMemory(b"key")
    assert not refused(memory, signed(1))
    assert not refused(memory, signed(2))
    assert [refused(memory, signed(n)) for n in (1, 2, 3)] == [True, True, False]
    assert len(memory) == 3


@pytest.mark.parametrize("spelled", ["=", " ", "\n", "!"])
def test_another_spelling_of_the_same_signature_is_the_same_signature(spelled):
    """For a verifier that decodes less strictly than ours."""
    memory, headers = ReplayMemory(b"key"), signed(2**2040 + 7)
    assert not refused(memory, headers)
    headers["Wechatpay-Signature"] += spelled
    assert refused(memory, headers)


@pytest.mark.parametrize("timestamp", [NOW - 300, NOW - 299, NOW, NOW + 1, NOW + 300])
def test_it_is_remembered_for_as_long_as_its_timestamp_could_be_accepted(timestamp):
    memory = ReplayMemory(b"key")
    assert not refused(memory, signed(1, timestamp), NOW)
    times = range(NOW, timestamp + 301, 20)
    assert all(refused(memory, signed(1, timestamp), now) for now in (*times, timestamp + 300))
    assert len(memory) == 1
    memory.accept(signed(2, timestamp + 301), now=timestamp + 301)
    assert len(memory) == 1, "the first one is forgotten: its timestamp is refused from now on"


def test_a_clock_that_is_set_back_makes_no_answer_acceptable_again():
    memory = ReplayMemory(b"key")
    assert not refused(memory, signed(1, NOW))
    assert not refused(memory, signed(2, NOW + 301), NOW + 301)
    assert refused(memory, signed(1, NOW), NOW)
    assert not refused(memory, signed(3, NOW + 1), NOW)


def test_what_only_another_verifier_believes_is_left_to_that_verifier():
    memory = ReplayMemory(b"key")
    for headers in (
        {},
        signed(1) | {"Wechatpay-Signature": ""},
        signed(1, "soon"),
        signed(1, NOW - 301),
        signed(1, NOW + 301),
        signed(1, "9" * 5000),
    ):
        assert not refused(memory, headers)
        assert not refused(memory, headers)
    assert len(memory) == 0


def test_a_signature_that_is_no_base64_is_remembered_as_it_is_written():
    memory, headers = ReplayMemory(b"key"), signed(1) | {"Wechatpay-Signature": "\udcff"}
    assert not refused(memory, headers)
    assert refused(memory, headers)


def test_nobody_who_lacks_the_key_can_choose_signatures_that_collide():
    """The same signatures come in another order under another key."""
    orders = []
    for key in (b"a", b"b", b"a"):
        memory = ReplayMemory(key)
        for number in range(50):
            memory.accept(signed(number), now=NOW)
        orders.append(list(memory._seconds[NOW]))
    assert orders[0] == orders[2] != orders[1]
    assert all(len(set(each)) == 50 for each in orders)


@pytest.mark.slow
def test_two_thousand_answers_a_second_take_little_memory():
    """300 s of them: 600,000 signatures; here a thirtieth of it, in steps of 30 seconds."""
    draw = random.Random(1)
    memory = ReplayMemory(b"key")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for now in range(NOW, NOW + 300, 30):
        for _ in range(2000):
            memory.accept(signed(draw.getrandbits(2048), now), now=now)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(memory) == 20_000
    assert used < 12 * 20_000, "8 bytes each, and a little more for each second"
    for now in range(NOW + 300, NOW + 900, 10):
        memory.accept(signed(now, now), now=now)
    assert len(memory) == 31, "what nobody could send again takes no memory"
