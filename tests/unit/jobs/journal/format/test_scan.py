"""Every valid frame of a journal is read, whatever happened to the rest of the file."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.journal.format.header import JournalRun, header_frame
from jobs.journal.format.record import pair_hash, parse_row, record_frame
from jobs.journal.format.scan import scan
from jobs.schema import State, UnknownReason
from jobs.sweep.answers import Row
from palm import Pair
from tests.examples import some_or_all

RUN = JournalRun("2025-03-03", "sandbox", "0000000000", 1_741_000_000_000, "5a" * 16)
OTHER = JournalRun("2025-03-03", "sandbox", "0000000000", 1_741_000_000_000, "a5" * 16)
NO_TIME = -(2**63)
tried_mutations = some_or_all(400, 2_000)
"""How many damaged journals are tried."""


def good(place, state=0, authorize_ms=NO_TIME, request_id=None):
    return Row(place, state, -1, authorize_ms, 1_741_000_000_123, 200, 1, None, request_id)


def unknown(place, reason, status=-1, code=None):
    at = list(UnknownReason).index(reason)
    return Row(place, list(State).index(State.UNKNOWN), at, NO_TIME, NO_TIME, status, 5, code, None)


ROWS = [
    good(0), good(1, 1, 1_700_000_000_000, "08AF-0"), good(2, 2, 253_402_300_799_999),
    unknown(3, UnknownReason.TIMEOUT), unknown(4, UnknownReason.REFUSED, 400, "PARAM_ERROR"),
    unknown(5, UnknownReason.NEW_STATE, 200),
]  # fmt: skip


def hash_of(place, run=RUN):
    return pair_hash(run.salt, Pair(f"o{place:027}", "0042"))


def journal(rows, run=RUN):
    frames = (
        record_frame(run.seed, hash_of(row.pair_index, run), row, 1_741_000_000_200) for row in rows
    )
    return header_frame(run) * 2 + b"".join(frames)


def found_in(content, places):
    """Return the rows that are believed, by place."""
    found = scan(content)
    if found.run is None:
        return {}
    at = {hash_of(place): place for place in range(places)}
    assert set(found.answers) <= set(at), "a pair that was never asked"
    return {at[key]: parse_row(content, body, at[key]) for key, body in found.answers.items()}


def test_what_is_written_is_read():
    content = journal(ROWS)
    found = scan(content)
    assert found.run == RUN
    assert (found.records, found.damaged, found.is_incomplete) == (6, 0, False)
    assert found.last_ms == 1_741_000_000_200
    assert list(found_in(content, 6).values()) == ROWS


def test_the_later_of_two_answers_counts():
    assert found_in(journal([good(0), good(1), good(0, 2)]), 2)[0] == good(0, 2)


@given(st.text(max_size=400), st.text(max_size=400))
def test_texts_are_cut_and_never_break_a_record(code, request_id):
    row = unknown(0, UnknownReason.REFUSED, 400, code)._replace(request_id=request_id)
    (back,) = found_in(journal([row, good(1)]), 2).items() - {(1, good(1))}
    assert code.encode("utf-8", "replace").startswith(back[1].code.encode()[:-3])


def test_a_torn_tail_is_told_and_all_before_it_is_kept():
    content = journal(ROWS)
    whole = len(journal(ROWS[:-1]))
    for end in range(whole + 1, len(content)):
        found = scan(content[:end])
        assert (found.records, found.damaged, found.is_incomplete) == (5, 0, True)
        assert found.valid_end == whole


@pytest.mark.parametrize("tail", [bytes(900), b"x", journal(ROWS)[-30:], b"\xa5\x4a\x09\x40\x00"])
def test_a_tail_that_begins_no_record_is_damage(tail):
    found = scan(journal(ROWS) + tail)
    assert (found.records, found.damaged, found.is_incomplete) == (6, 1, False)


def test_several_records_that_are_gone_at_the_end_are_no_torn_tail():
    content = bytearray(journal(ROWS))
    last = [len(journal(ROWS[:count])) for count in (3, 4, 5)]
    for at in last:
        content[at + 4] = 0xFF  # the length: each seems to go on behind the end
    found = scan(bytes(content))
    assert (found.records, found.damaged, found.is_incomplete) == (3, 1, False)


def test_records_of_another_journal_are_not_believed():
    spliced = journal(ROWS[:2]) + journal(ROWS, OTHER)[2 * len(header_frame(OTHER)) :]
    assert sorted(found_in(spliced, 6)) == [0, 1]
    assert (scan(spliced).damaged, scan(spliced).is_incomplete) == (1, False)


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


@tried_mutations
def test_mutations_give_no_answer_that_was_not_given(examples):
    random_ = random.Random(7)
    rows = [good(place, place % 3, 1_700_000_000_000 + place, f"08{place:04X}-0")
            for place in range(60)]  # fmt: skip
    content = journal(rows)
    kept = 0
    for _ in range(examples):
        found = found_in(mutated(content, random_), 60)
        assert all(row == rows[place] for place, row in found.items())
        kept += len(found)
    assert kept > 0.5 * examples * len(rows)  # most of what is sound is kept
