"""The journal's bytes: what proves itself is believed, whatever happened to the rest."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.journal.format import (
    JournalRun,
    header_frame,
    pair_hash,
    parse_answer,
    record_frame,
    scan,
)
from jobs.schema import State, UnknownReason

RUN = JournalRun("2025-03-03", "sandbox", "0000000000", 1_741_000_000_000, "5a" * 16)
OTHER = JournalRun("2025-03-03", "sandbox", "0000000000", 1_741_000_000_000, "a5" * 16)
NO_TIME = -(2**63)
MUTATIONS = 2_000


def good(place, state=0, authorize_ms=NO_TIME, request_id=None):
    return (place, state, -1, authorize_ms, 1_741_000_000_123, 200, 1, None, request_id)


def unknown(place, reason, status=-1, code=None):
    at = list(UnknownReason).index(reason)
    return (place, list(State).index(State.UNKNOWN), at, NO_TIME, NO_TIME, status, 5, code, None)


ROWS = [
    good(0), good(1, 1, 1_700_000_000_000, "08AF-0"), good(2, 2, 253_402_300_799_999),
    unknown(3, UnknownReason.TIMEOUT), unknown(4, UnknownReason.REFUSED, 400, "PARAM_ERROR"),
    unknown(5, UnknownReason.NEW_STATE, 200),
]  # fmt: skip


def hash_of(place, run=RUN):
    return pair_hash(run.salt, "0042", f"o{place:027}")


def journal(rows, run=RUN):
    frames = (record_frame(run.seed, hash_of(row[0], run), row, 1_741_000_000_200) for row in rows)
    return header_frame(run) * 2 + b"".join(frames)


def found_in(content, places):
    """Return the rows that are believed, by place."""
    found = scan(content)
    if found.run is None:
        return {}
    at = {hash_of(place): place for place in range(places)}
    assert set(found.answers) <= set(at), "a pair that was never asked"
    return {at[key]: parse_answer(content, body, at[key]) for key, body in found.answers.items()}


def test_what_is_written_is_read():
    content = journal(ROWS)
    found = scan(content)
    assert found.run == RUN
    assert (found.records, found.damaged, found.torn) == (6, 0, False)
    assert found.last_ms == 1_741_000_000_200
    assert list(found_in(content, 6).values()) == ROWS


@pytest.mark.parametrize("reason", list(UnknownReason))
def test_every_reason_comes_back(reason):
    assert found_in(journal([unknown(0, reason)]), 1) == {0: unknown(0, reason)}


def test_the_later_of_two_answers_counts():
    assert found_in(journal([good(0), good(1), good(0, 2)]), 2)[0] == good(0, 2)


@given(st.text(max_size=400), st.text(max_size=400))
def test_texts_are_cut_and_never_break_a_record(code, request_id):
    row = (0, *unknown(0, UnknownReason.REFUSED, 400, code)[1:8], request_id)
    (back,) = found_in(journal([row, good(1)]), 2).items() - {(1, good(1))}
    assert code.encode("utf-8", "replace").startswith(back[1][7].encode()[:-3])


def test_a_torn_tail_is_told_and_all_before_it_is_kept():
    content = journal(ROWS)
    whole = len(journal(ROWS[:-1]))
    for end in range(whole + 1, len(content)):
        found = scan(content[:end])
        assert (found.records, found.damaged, found.torn) == (5, 0, True)
        assert found.sound_end == whole


@pytest.mark.parametrize("tail", [bytes(900), b"x", journal(ROWS)[-30:], b"\xa5\x4a\x09\x40\x00"])
def test_a_tail_that_begins_no_record_is_damage(tail):
    found = scan(journal(ROWS) + tail)
    assert (found.records, found.damaged, found.torn) == (6, 1, False)


def test_several_records_that_are_gone_at_the_end_are_no_torn_tail():
    content = bytearray(journal(ROWS))
    last = [len(journal(ROWS[:count])) for count in (3, 4, 5)]
    for at in last:
        content[at + 4] = 0xFF  # the length: each seems to go on behind the end
    found = scan(bytes(content))
    assert (found.records, found.damaged, found.torn) == (3, 1, False)


def test_without_a_header_nothing_is_believed():
    content = journal(ROWS)
    found = scan(content[2 * len(header_frame(RUN)) :])
    assert (found.run, found.answers) == (None, {})


def test_either_of_the_first_two_headers_is_enough():
    content = bytearray(journal(ROWS))
    content[5] ^= 1
    assert len(found_in(bytes(content), 6)) == 6


def test_records_of_another_journal_are_not_believed():
    spliced = journal(ROWS[:2]) + journal(ROWS, OTHER)[2 * len(header_frame(OTHER)) :]
    assert sorted(found_in(spliced, 6)) == [0, 1]
    assert (scan(spliced).damaged, scan(spliced).torn) == (1, False)


def test_a_header_of_a_newer_format_is_not_read():
    newer = header_frame(RUN).replace(b'"format": 1', b'"format": 2')
    assert scan(newer).run is None


@pytest.mark.parametrize(
    "row",
    [
        (0, 0, -1, NO_TIME, 4_102_444_800_000, 200, 1, None, None),
        (0, 0, -1, NO_TIME, -1, 200, 1, None, None),
        (0, 0, -1, 253_402_300_800_000, 1_741_000_000_123, 200, 1, None, None),
        (0, 0, -1, -62_135_596_800_001, 1_741_000_000_123, 200, 1, None, None),
        (0, 0, -1, NO_TIME, 1_741_000_000_123, 1000, 1, None, None),
        (0, 0, -1, NO_TIME, 1_741_000_000_123, 200, -1, None, None),
        (0, 0, 1, NO_TIME, 1_741_000_000_123, 200, 1, None, None),
        (0, 3, -1, NO_TIME, NO_TIME, 200, 1, None, None),
    ],
)
def test_values_that_no_answer_has_are_not_believed_though_the_crc_is_right(row):
    found = scan(journal([row, good(1)]))
    assert (found.records, found.damaged) == (1, 1)
    assert list(found.answers) == [hash_of(1)]


@pytest.mark.parametrize("noted_ms", [-1, 4_102_444_800_000])
def test_nor_is_a_record_that_was_written_at_no_time(noted_ms):
    content = header_frame(RUN) + record_frame(RUN.seed, hash_of(0), good(0), noted_ms)
    assert (scan(content).answers, scan(content).last_ms) == ({}, 0)


@pytest.mark.parametrize("authorize_ms", [-62_135_596_800_000, 253_402_300_799_999])
def test_the_first_and_the_last_time_that_an_answer_can_hold_come_back(authorize_ms):
    row = good(0, 1, authorize_ms)
    assert found_in(journal([row]), 1) == {0: row}


@pytest.mark.parametrize("status", [0, 600, 999])
def test_every_status_that_a_gateway_can_send_comes_back(status):
    row = unknown(0, UnknownReason.REFUSED, status)
    assert found_in(journal([row]), 1) == {0: row}


@pytest.mark.parametrize("salt", ["", "5a" * 15, "5a" * 65, "no", 5, None])
def test_a_header_with_another_salt_than_this_program_makes_is_not_read(salt):
    odd = JournalRun("2025-03-03", "sandbox", "0000000000", 1_741_000_000_000, salt)
    assert scan(header_frame(odd)).run is None


def test_the_hash_tells_pairs_and_journals_apart():
    hashes = {pair_hash(run.salt, *pair) for run in (RUN, OTHER)
              for pair in [("A", "b"), ("Ab", ""), ("", "Ab"), ("A", "B")]}  # fmt: skip
    assert len(hashes) == 8
    assert {len(each) for each in hashes} == {16}


def mutated(content, random_):
    """Return a journal after something has happened to it."""
    changed = bytearray(content)
    kind = random_.randrange(6)
    at = random_.randrange(len(changed))
    length = random_.randrange(1, 200)
    if kind == 0:
        changed[at] ^= 1 << random_.randrange(8)
    elif kind == 1:
        changed[at : at + length] = random_.randbytes(length)
    elif kind == 2:
        del changed[at : at + length]
    elif kind == 3:
        changed[at:at] = changed[:length]
    elif kind == 4:
        del changed[at:]
    else:
        other = random_.randrange(len(changed))
        one, two = changed[at : at + length], changed[other : other + length]
        changed[at : at + length], changed[other : other + length] = two, one
    return bytes(changed)


def test_two_thousand_mutations_give_no_answer_that_was_not_given():
    random_ = random.Random(7)
    rows = [good(place, place % 3, 1_700_000_000_000 + place, f"08{place:04X}-0")
            for place in range(60)]  # fmt: skip
    content = journal(rows)
    kept = 0
    for _ in range(MUTATIONS):
        found = found_in(mutated(content, random_), 60)
        assert all(row == rows[place] for place, row in found.items())
        kept += len(found)
    assert kept > 0.5 * MUTATIONS * len(rows)  # most of what is sound is kept
