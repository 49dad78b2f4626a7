"""The record of one outcome in a journal. Pure.

A record is a :class:`Record` of fixed size, followed by two texts: the error code and the request
id. What was signed of the answer may follow: four lengths, timestamp, nonce, id of the key,
signature and body. The numbers of states and reasons on disk never change, whatever their order in
the program.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Annotated, Final, NamedTuple, get_type_hints

from jobs.journal.format.frames import (
    ANSWER,
    LONGEST_BODY,
    SIGNED_ANSWER,
    body_length,
    frame,
    kind_of_frame,
)
from jobs.schema import State, UnknownReason
from jobs.sweep.answers import Row
from palm import Pair, SignedMessage

__all__ = [
    "CLOCK_MS",
    "Record",
    "is_plausible",
    "pair_hash",
    "parse_record",
    "parse_row",
    "parse_signed",
    "record_frame",
]

_STATES: Final = {State.ON: 1, State.OFF: 2, State.NONE: 3, State.UNKNOWN: 4}
_REASONS: Final = {
    UnknownReason.NOT_ASKED: 1,
    UnknownReason.TIMEOUT: 2,
    UnknownReason.NETWORK: 3,
    UnknownReason.SERVER_ERROR: 4,
    UnknownReason.THROTTLED: 5,
    UnknownReason.REFUSED: 6,
    UnknownReason.SIGNATURE: 7,
    UnknownReason.REPLAYED: 8,
    UnknownReason.MISMATCH: 9,
    UnknownReason.UNNAMED: 10,
    UnknownReason.BAD_BODY: 11,
    UnknownReason.NO_STATE: 12,
    UnknownReason.NEW_STATE: 13,
    UnknownReason.LOCAL: 14,
}
_STATE_NUMBER: Final = [_STATES[state] for state in State]
_REASON_NUMBER: Final = [_REASONS[reason] for reason in UnknownReason]
_STATE_AT: Final = {number: at for at, number in enumerate(_STATE_NUMBER)}
_REASON_AT: Final = {number: at for at, number in enumerate(_REASON_NUMBER)} | {0: -1}
_UNKNOWN_AT: Final = _STATE_AT[_STATES[State.UNKNOWN]]
_NO_TIME: Final = -(2**63)
_NO_TEXT: Final = 255
_LENGTH: Final = [bytes([length]) for length in range(_NO_TEXT)]
_NO_TEXT_BYTE: Final = bytes([_NO_TEXT])
_HIGHEST_STATUS: Final = 999
_LENGTHS: Final = struct.Struct("<HHHH")
"""Of timestamp, nonce, id of the key, and signature; the body takes the rest."""
CLOCK_MS: Final = range(4_102_444_800_000)
"""The times that a clock may show: 1970 to 2100, Unix milliseconds."""
_AUTHORIZED_MS: Final = range(-62_135_596_800_000, 253_402_300_800_000)
"""The times that an answer may hold: the years 1 to 9999, Unix milliseconds."""


class Record(NamedTuple):
    """The part of a record that has a fixed size.

    Each attribute's annotation holds its code in :mod:`struct`; their order is that on disk.

    Attributes:
        pair: Hash of the pair, see :func:`pair_hash`.
        state: Number of the state on disk.
        reason: Number of the reason on disk; 0 for a good answer.
        noted_ms: When the record was written, Unix milliseconds.
        answered_ms: When the answer was received, Unix milliseconds; -2**63 if there is none.
        authorize_ms: ``authorize_time`` of the answer, Unix milliseconds; -2**63 if there is none.
        status: HTTP status; -1 if there was no response.
        attempts: How many requests were sent.
    """

    pair: Annotated[bytes, "16s"]
    state: Annotated[int, "B"]
    reason: Annotated[int, "B"]
    noted_ms: Annotated[int, "q"]
    answered_ms: Annotated[int, "q"]
    authorize_ms: Annotated[int, "q"]
    status: Annotated[int, "h"]
    attempts: Annotated[int, "h"]


_RECORD: Final = struct.Struct(
    "<"
    + "".join(hint.__metadata__[0] for hint in get_type_hints(Record, include_extras=True).values())
)


def pair_hash(salt: str, pair: Pair) -> bytes:
    """Return the 16 bytes that stand for a pair in the journal with this salt."""
    key = f"{pair.organization_id}\0{pair.openid}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(key, digest_size=16, key=bytes.fromhex(salt)).digest()


def record_frame(
    seed: int, pair: bytes, row: Row, noted_ms: int, signed: SignedMessage | None = None
) -> bytes:
    """Return the frame of one outcome.

    Args:
        seed: ``seed`` of the journal's run.
        pair: As :func:`pair_hash` returns it.
        row: The outcome; its index is not written, for another input has other indexes.
        noted_ms: The time of writing, Unix milliseconds.
        signed: What was signed of the answer; None: it is not kept. It is left out if it is longer
            than a frame can be, so that a resumed run that keeps evidence asks again.
    """
    record = Record(
        pair,
        _STATE_NUMBER[row.state],
        _REASON_NUMBER[row.reason] if row.reason >= 0 else 0,
        noted_ms,
        row.answered_ms,
        row.authorize_ms,
        row.status,
        row.attempts,
    )
    body = _RECORD.pack(*record) + _pack_text(row.code) + _pack_text(row.request_id)
    whole = None if signed is None else _pack_signed(body, signed)
    return frame(ANSWER, body, seed) if whole is None else frame(SIGNED_ANSWER, whole, seed)


def parse_record(content: bytes, body: int) -> Record:
    """Return the fixed part of the record whose body begins at ``body``."""
    return Record._make(_RECORD.unpack_from(content, body))


def parse_row(content: bytes, body: int, pair_index: int) -> Row:
    """Return the outcome whose record begins at ``body``, with the pair's index in the input."""
    record = parse_record(content, body)
    code, after = _read_text(content, body + _RECORD.size)
    request_id, _ = _read_text(content, after)
    return Row(
        pair_index,
        _STATE_AT[record.state],
        _REASON_AT[record.reason],
        record.authorize_ms,
        record.answered_ms,
        record.status,
        record.attempts,
        code,
        request_id,
    )


def parse_signed(content: bytes, body: int) -> SignedMessage | None:
    """Return what was signed of the answer whose record begins at ``body``; None: not kept."""
    if kind_of_frame(content, body) != SIGNED_ANSWER:
        return None
    _, after = _read_text(content, body + _RECORD.size)
    _, at = _read_text(content, after)
    parts, start = [], at + _LENGTHS.size
    for length in _LENGTHS.unpack_from(content, at):
        parts.append(content[start : start + length])
        start += length
    timestamp, nonce, key_id, signature = parts
    signed_body = content[start : body + body_length(content, body)]
    return SignedMessage(timestamp.decode(), nonce, signed_body, signature, key_id.decode())


def is_plausible(content: bytes, body: int) -> bool:
    """Return True if this program could have written every value of the record at ``body``."""
    length = body_length(content, body)
    if length < _RECORD.size + 2:
        return False
    record = parse_record(content, body)
    if record.state not in _STATE_AT or record.reason not in _REASON_AT:
        return False
    is_unknown = _STATE_AT[record.state] == _UNKNOWN_AT
    values_fit = (
        is_unknown == (_REASON_AT[record.reason] >= 0) == (record.answered_ms == _NO_TIME)
        and record.noted_ms in CLOCK_MS
        and (is_unknown or record.answered_ms in CLOCK_MS)
        and (record.authorize_ms == _NO_TIME or record.authorize_ms in _AUTHORIZED_MS)
        and -1 <= record.status <= _HIGHEST_STATUS
        and record.attempts >= 0
    )
    try:
        _, after = _read_text(content, body + _RECORD.size)
        _, end = _read_text(content, after)
    except (UnicodeDecodeError, IndexError):
        return False
    if kind_of_frame(content, body) == SIGNED_ANSWER:
        return values_fit and not is_unknown and _fits(content, end, body + length)
    return values_fit and end == body + length


def _fits(content: bytes, at: int, end: int) -> bool:
    """Return True if what was signed begins at ``at`` and ends no later than ``end``."""
    start = at + _LENGTHS.size
    if start > end:
        return False
    timestamp, nonce, key_id, signature = _LENGTHS.unpack_from(content, at)
    texts = content[start : start + timestamp], content[start + timestamp + nonce :][:key_id]
    return start + timestamp + nonce + key_id + signature <= end and all(map(bytes.isascii, texts))


def _pack_signed(record: bytes, signed: SignedMessage) -> bytes | None:
    """Return a record with what was signed behind it; None: it does not fit."""
    parts = signed.timestamp.encode(), signed.nonce, signed.key_id.encode(), signed.signature
    lengths = [len(each) for each in parts]
    size = len(record) + _LENGTHS.size + sum(lengths) + len(signed.body)
    if size > LONGEST_BODY or not all(each.isascii() for each in (parts[0], parts[2])):
        return None
    return b"".join((record, _LENGTHS.pack(*lengths), *parts, signed.body))


def _pack_text(text: str | None) -> bytes:
    if text is None:
        return _NO_TEXT_BYTE
    if text.isascii():
        stored = text[: _NO_TEXT - 1].encode()
        return _LENGTH[len(stored)] + stored
    stored = text.encode("utf-8", "replace")[: _NO_TEXT - 1]
    stored = stored.decode("utf-8", "ignore").encode()  # not cut within a character
    return _LENGTH[len(stored)] + stored


def _read_text(content: bytes, at: int) -> tuple[str | None, int]:
    """Return the text at ``at``, and where it ends."""
    length = content[at]
    if length == _NO_TEXT:
        return None, at + 1
    return content[at + 1 : at + 1 + length].decode(), at + 1 + length
