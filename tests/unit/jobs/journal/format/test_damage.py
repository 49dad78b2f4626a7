"""How many records a damaged journal has lost, and whether that is known."""

from __future__ import annotations

import random

import pytest

from jobs.journal.format.damage import count_lost
from jobs.journal.format.header import JournalRun, header_frame
from jobs.journal.format.record import pair_hash, record_frame
from jobs.journal.format.scan import scan
from jobs.sweep.answers import Row
from palm import Pair

RUN = JournalRun("2025-03-03", "sandbox", "0000000000", 1_741_000_000_000, "5a" * 16)
ROWS = [
    Row(place, 0, -1, -(2**63), 1_741_000_000_123, 200, 1, None, f"request-{place:08}")
    for place in range(50)
]
HEADERS = header_frame(RUN) * 2
FRAMES = [
    record_frame(RUN.seed, pair_hash(RUN.salt, Pair(str(row.pair_index), "A")), row, 1)
    for row in ROWS
]
CONTENT = HEADERS + b"".join(FRAMES)
SIZE = len(FRAMES[0])


def lost(content):
    """Return how many records are gone, and whether there were no more."""
    found = scan(bytes(content))
    counted = count_lost(bytes(content), found)
    return found.records + counted.records, counted.is_exact


@pytest.mark.parametrize("at", range(SIZE))
def test_one_byte_in_the_middle_costs_one_record_and_no_more(at):
    content = bytearray(CONTENT)
    content[len(HEADERS) + 20 * SIZE + at] ^= 0xFF
    assert scan(bytes(content)).records == 49
    assert lost(content) == (50, True)


def test_several_damaged_places_are_counted_each():
    random_ = random.Random(1)
    for _ in range(50):
        content = bytearray(CONTENT)
        for record in random_.sample(range(50), 5):
            content[len(HEADERS) + record * SIZE + 30 + random_.randrange(SIZE - 40)] ^= 1
        assert lost(content) == (50, True)


def test_neighbours_whose_heads_are_whole_are_counted_each():
    content = bytearray(CONTENT)
    for record in (7, 8, 9):
        content[len(HEADERS) + record * SIZE + 30] ^= 1
    assert lost(content) == (50, True)


@pytest.mark.parametrize("first", [50, 49, 20])
def test_of_an_end_that_was_never_written_nobody_knows_how_many_it_held(first):
    at = len(HEADERS) + first * SIZE - 3
    assert lost(CONTENT[:at] + bytes(5_000)) == (first, False)


def test_a_damaged_piece_without_heads_is_at_least_one():
    start, end = len(HEADERS) + 10 * SIZE, len(HEADERS) + 20 * SIZE
    assert lost(CONTENT[:start] + bytes(end - start) + CONTENT[end:]) == (41, False)


def test_a_damaged_header_costs_no_record():
    content = bytearray(CONTENT)
    content[10] ^= 1
    assert lost(content) == (50, True)
