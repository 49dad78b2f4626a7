"""A record holds every outcome, and one that this program cannot have written is refused."""

from __future__ import annotations

import struct

import pytest

from jobs.journal.format.frames import ANSWER, SIGNED_ANSWER, frame
from jobs.journal.format.header import header_frame
from jobs.journal.format.record import (
    Record,
    pair_hash,
    parse_row,
    parse_signed,
    record_frame,
)
from jobs.journal.format.scan import scan
from jobs.schema import UnknownReason
from jobs.sweep.answers import Row
from palm import Pair, SignedMessage
from tests.unit.jobs.journal.format.test_scan import (
    NO_TIME,
    OTHER,
    RUN,
    found_in,
    good,
    hash_of,
    journal,
    unknown,
)


def test_the_columns_of_a_record_stand_on_disk_in_their_order():
    """Journals of earlier runs stay readable: the layout on disk never changes."""
    frame = record_frame(RUN.seed, bytes(range(16)), good(0, 1, 5), 1_741_000_000_200)
    assert Record._fields == (
        "pair", "state", "reason", "noted_ms", "answered_ms", "authorize_ms", "status", "attempts"
    )  # fmt: skip
    assert struct.unpack_from("<16sBBqqqhh", frame, 5) == (
        bytes(range(16)), 2, 0, 1_741_000_000_200, 1_741_000_000_123, 5, 200, 1
    )  # fmt: skip


@pytest.mark.parametrize("reason", list(UnknownReason))
def test_every_reason_comes_back(reason):
    assert found_in(journal([unknown(0, reason)]), 1) == {0: unknown(0, reason)}


@pytest.mark.parametrize(
    "row",
    [
        Row(0, 0, -1, NO_TIME, 4_102_444_800_000, 200, 1, None, None),
        Row(0, 0, -1, NO_TIME, -1, 200, 1, None, None),
        Row(0, 0, -1, 253_402_300_800_000, 1_741_000_000_123, 200, 1, None, None),
        Row(0, 0, -1, -62_135_596_800_001, 1_741_000_000_123, 200, 1, None, None),
        Row(0, 0, -1, NO_TIME, 1_741_000_000_123, 1000, 1, None, None),
        Row(0, 0, -1, NO_TIME, 1_741_000_000_123, 200, -1, None, None),
        Row(0, 0, 1, NO_TIME, 1_741_000_000_123, 200, 1, None, None),
        Row(0, 3, -1, NO_TIME, NO_TIME, 200, 1, None, None),
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


def test_the_hash_tells_pairs_and_journals_apart():
    pairs = [Pair("b", "A"), Pair("", "Ab"), Pair("Ab", ""), Pair("B", "A")]
    hashes = {pair_hash(run.salt, pair) for run in (RUN, OTHER) for pair in pairs}
    assert len(hashes) == 8
    assert {len(each) for each in hashes} == {16}


SIGNED = SignedMessage(
    "1741000000", b"0f" * 16, '{"state":"开"}'.encode(), bytes(256), "PUB_KEY_ID_1"
)


def signed_journal(signed: SignedMessage) -> bytes:
    record = record_frame(RUN.seed, hash_of(0), good(0), 1_741_000_000_200, signed)
    return header_frame(RUN) * 2 + record


@pytest.mark.parametrize(
    "signed",
    [
        SIGNED,
        SignedMessage("01", b"", b"", b"", ""),
        SignedMessage("x", b"\xff\n", b"\xa5\x4a" * 9, b"\xa5", "K"),
    ],
)
def test_what_was_signed_comes_back_with_the_answer(signed):
    content = signed_journal(signed)
    found = scan(content)
    assert (found.records, found.damaged) == (1, 0)
    body = found.answers[hash_of(0)]
    assert parse_row(content, body, 0) == good(0)
    assert parse_signed(content, body) == signed


def test_an_answer_without_it_has_none():
    content = journal([good(0)])
    assert parse_signed(content, scan(content).answers[hash_of(0)]) is None


def test_what_is_too_long_for_a_frame_is_left_out_and_the_answer_is_not():
    signed = SignedMessage("1", b"n", bytes(65_600), bytes(256), "K")
    content = signed_journal(signed)
    body = scan(content).answers[hash_of(0)]
    assert parse_row(content, body, 0) == good(0)
    assert parse_signed(content, body) is None


@pytest.mark.parametrize("at", [0, 2, 4, 6])
def test_lengths_that_do_not_fit_are_not_believed_though_the_crc_is_right(at):
    record = record_frame(RUN.seed, hash_of(0), good(0), 1_741_000_000_200, SIGNED)
    plain = record_frame(RUN.seed, hash_of(0), good(0), 1_741_000_000_200)
    body = bytearray(record[5:-4])
    struct.pack_into("<H", body, len(plain) - 9 + at, 60_000)
    content = header_frame(RUN) * 2 + frame(SIGNED_ANSWER, bytes(body), RUN.seed)
    found = scan(content)
    assert (found.records, found.damaged) == (0, 1)


def test_a_record_cut_before_the_lengths_is_not_believed():
    plain = record_frame(RUN.seed, hash_of(0), good(0), 1_741_000_000_200)
    assert plain[2] == ANSWER
    content = header_frame(RUN) * 2 + frame(SIGNED_ANSWER, plain[5:-4], RUN.seed)
    assert scan(content).records == 0
