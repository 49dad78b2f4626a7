"""The journal's bytes: frames that each prove themselves. Pure.

A file is a row of frames. Each is a mark, a type, the length of its body, the body, and a crc32
over type, length and body. The first two frames are the same header (JSON: whose answers these are,
and a random salt); whoever goes on with a journal writes it again. The crc of every other frame
begins with the salt's, so that a frame of another journal is none of this one.

A reader takes the frames whose crc is right, wherever they stand: behind a damaged place it goes on
at the next mark that proves itself. The later of two answers about one pair counts. What stands
last may be the beginning of a frame: the process was killed, or the disk was full. Anything else
that is no sound frame is damage.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Final

from jobs.schema import State, UnknownReason
from jobs.sweep.answers import Row

__all__ = [
    "JournalRun",
    "Scan",
    "end_of_frame",
    "frame_at",
    "header_frame",
    "pair_hash",
    "parse_answer",
    "record_frame",
    "scan",
]

MARK: Final = b"\xa5\x4a"
HEAD: Final = struct.Struct("<2sBH")
CRC: Final = struct.Struct("<I")
HEADER: Final = 1
ANSWER: Final = 2
_FORMAT: Final = 1
_VALUES: Final = struct.Struct("<16sBBqqqhh")
"""Hash of the pair, state, reason, noted_at, answered_at, authorize_time (ms), status, attempts."""
_NO_TIME: Final = -(2**63)
_NO_TEXT: Final = 255
_LENGTH: Final = [bytes([length]) for length in range(_NO_TEXT)]
_NO_TEXT_BYTE: Final = bytes([_NO_TEXT])

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
"""Numbers on disk; they never change, whatever the order of the words in the program becomes."""
_STATE_NUMBER: Final = [_STATES[state] for state in State]
_REASON_NUMBER: Final = [_REASONS[reason] for reason in UnknownReason]
_STATE_AT: Final = {number: at for at, number in enumerate(_STATE_NUMBER)}
_REASON_AT: Final = {number: at for at, number in enumerate(_REASON_NUMBER)} | {0: -1}
_UNKNOWN_AT: Final = _STATE_AT[_STATES[State.UNKNOWN]]
_HIGHEST_STATUS: Final = 999
_CLOCK_MS: Final = range(4_102_444_800_000)
"""What a clock may show: 1970 to 2100, Unix milliseconds."""
_AUTHORIZED_MS: Final = range(-62_135_596_800_000, 253_402_300_800_000)
"""What an answer may say: the years 1 to 9999, Unix milliseconds."""
_SALT_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class JournalRun:
    """Whose answers a journal holds.

    Attributes:
        run_date: ISO date.
        gateway: ``kind`` of the gateway.
        mchid: Who asks.
        started_ms: When the first of its runs began, Unix milliseconds.
        salt: Random, hexadecimal; no other journal has it.
    """

    run_date: str
    gateway: str
    mchid: str
    started_ms: int
    salt: str = field(repr=False)

    @property
    def seed(self) -> int:
        """What the crc of its frames begins with."""
        return zlib.crc32(bytes.fromhex(self.salt))


def pair_hash(salt: str, organization_id: str, openid: str) -> bytes:
    """Return the 16 bytes that stand for a pair in one journal."""
    key = f"{organization_id}\0{openid}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(key, digest_size=16, key=bytes.fromhex(salt)).digest()


def header_frame(run: JournalRun) -> bytes:
    """Return the frame that says whose answers follow."""
    body = json.dumps({"format": _FORMAT, **asdict(run)}).encode()
    return _frame(HEADER, body, 0)


def record_frame(seed: int, pair: bytes, row: Row, noted_ms: int) -> bytes:
    """Return the frame of one outcome.

    Args:
        seed: Of the journal's run.
        pair: As :func:`pair_hash` gives it.
        row: Its place is not written: it is that of one input.
        noted_ms: When it was written down, Unix milliseconds.
    """
    _, state, reason, authorize_ms, answered_ms, status, attempts, code, request_id = row
    values = _VALUES.pack(
        pair, _STATE_NUMBER[state], _REASON_NUMBER[reason] if reason >= 0 else 0,
        noted_ms, answered_ms, authorize_ms, status, attempts,
    )  # fmt: skip
    return _frame(ANSWER, values + _text(code) + _text(request_id), seed)


def _text(text: str | None) -> bytes:
    if text is None:
        return _NO_TEXT_BYTE
    if text.isascii():
        stored = text[: _NO_TEXT - 1].encode()
        return _LENGTH[len(stored)] + stored
    stored = text.encode("utf-8", "replace")[: _NO_TEXT - 1]
    stored = stored.decode("utf-8", "ignore").encode()  # not cut within a character
    return _LENGTH[len(stored)] + stored


def _frame(kind: int, body: bytes, seed: int) -> bytes:
    frame = HEAD.pack(MARK, kind, len(body)) + body
    return frame + CRC.pack(zlib.crc32(frame, seed))


@dataclass(slots=True)
class Scan:
    """What was found in a journal's bytes.

    Attributes:
        run: Whose answers they are; None where no header proves itself: then nothing is believed.
        answers: The hash of each pair, and where the body of its last sound record begins.
        records: Sound records, earlier ones about the same pair included.
        damaged: Places that hold no sound frame, each counted once, a torn tail apart.
        sound_end: Where the last sound frame ends.
        torn: Whether the beginning of one more frame stands behind that.
        last_ms: When the last answer was written down, Unix milliseconds; 0: there is none.
    """

    run: JournalRun | None
    answers: dict[bytes, int] = field(default_factory=dict)
    records: int = 0
    damaged: int = 0
    sound_end: int = 0
    torn: bool = False
    last_ms: int = 0


def scan(content: bytes) -> Scan:
    """Return what proves itself in a journal's bytes."""
    found = Scan(_find_run(content))
    if found.run is None:
        found.damaged = content.count(MARK)
        return found
    at, seed = 0, found.run.seed
    own = header_frame(found.run)
    while at < len(content):
        end = end_of_frame(content, at, seed)
        if end is None:
            if content.startswith(own, at):
                end = at + len(own)
            else:
                at = content.find(MARK, at + 1)
                at = len(content) if at < 0 else at
                continue
        elif content[at + 2] == ANSWER:
            body = at + HEAD.size
            if _is_plausible(content, body):
                pair, _, _, noted_ms, *_ = _VALUES.unpack_from(content, body)
                found.answers[pair] = body
                found.records += 1
                found.last_ms = max(found.last_ms, noted_ms)
            else:
                found.damaged += 1
        found.damaged += found.sound_end < at
        at = found.sound_end = end
    found.torn = _is_begun(content, found.sound_end)
    found.damaged += found.sound_end < len(content) and not found.torn
    return found


def parse_answer(content: bytes, body: int, place: int) -> Row:
    """Return the outcome whose record's body begins there, under a pair's place in the input."""
    _, state, reason, _, answered, authorize, status, attempts = _VALUES.unpack_from(content, body)
    code, after = _read_text(content, body + _VALUES.size)
    request_id, _ = _read_text(content, after)
    return Row(
        place, _STATE_AT[state], _REASON_AT[reason], authorize, answered, status, attempts,
        code, request_id,
    )  # fmt: skip


def frame_at(content: bytes, body: int) -> bytes:
    """Return the whole sound frame whose body begins there."""
    (length,) = struct.unpack_from("<H", content, body - 2)
    return content[body - HEAD.size : body + length + CRC.size]


def end_of_frame(content: bytes, at: int, seed: int) -> int | None:
    """Return where a sound frame that begins there ends; None: none begins there."""
    if not content.startswith(MARK, at) or at + HEAD.size + CRC.size > len(content):
        return None
    _, _, length = HEAD.unpack_from(content, at)
    end = at + HEAD.size + length
    if end + CRC.size > len(content):
        return None
    (crc,) = CRC.unpack_from(content, end)
    return end + CRC.size if zlib.crc32(content[at:end], seed) == crc else None


def _is_begun(content: bytes, at: int) -> bool:
    """Return True if what stands there is the beginning of one frame, and nothing else."""
    rest = content[at:]
    if len(rest) < HEAD.size:
        return bool(rest) and rest.startswith(MARK[: len(rest)])
    mark, kind, length = HEAD.unpack_from(rest)
    is_longer = HEAD.size + length + CRC.size > len(rest)
    return mark == MARK and kind in {HEADER, ANSWER} and is_longer and rest.count(MARK) == 1


def _find_run(content: bytes) -> JournalRun | None:
    """Return the first header that proves itself."""
    at = content.find(MARK)
    while at >= 0:
        if content[at + 2 : at + 3] == bytes([HEADER]) and (end := end_of_frame(content, at, 0)):
            return _parse_run(content[at + HEAD.size : end - CRC.size])
        at = content.find(MARK, at + 1)
    return None


def _parse_run(body: bytes) -> JournalRun | None:
    """Return what a header says; None where another version wrote it."""
    try:
        members = json.loads(body)
        if members.pop("format") != _FORMAT:
            return None
        date.fromisoformat(members["run_date"])
        run = JournalRun(**members)
        sound = len(bytes.fromhex(run.salt)) == _SALT_SIZE and run.started_ms in _CLOCK_MS
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return run if sound else None


def _is_plausible(content: bytes, body: int) -> bool:
    """Return True if every value of a record is one that this program writes."""
    (length,) = struct.unpack_from("<H", content, body - 2)
    if length < _VALUES.size + 2:
        return False
    values = _VALUES.unpack_from(content, body)
    _, state, reason, noted, answered, authorized, status, attempts = values
    if state not in _STATE_AT or reason not in _REASON_AT:
        return False
    unknown = _STATE_AT[state] == _UNKNOWN_AT
    values_fit = (
        unknown == (_REASON_AT[reason] >= 0) == (answered == _NO_TIME)
        and noted in _CLOCK_MS
        and (unknown or answered in _CLOCK_MS)
        and (authorized == _NO_TIME or authorized in _AUTHORIZED_MS)
        and -1 <= status <= _HIGHEST_STATUS
        and attempts >= 0
    )
    try:
        _, after = _read_text(content, body + _VALUES.size)
        _, end = _read_text(content, after)
    except (UnicodeDecodeError, IndexError):
        return False
    return bool(values_fit and end == body + length)


def _read_text(content: bytes, at: int) -> tuple[str | None, int]:
    length = content[at]
    if length == _NO_TEXT:
        return None, at + 1
    return content[at + 1 : at + 1 + length].decode(), at + 1 + length
