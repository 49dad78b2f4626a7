"""The header of a journal: which run its answers are of. Pure."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Final

from jobs.journal.format.frames import CRC, HEAD, HEADER, MARK, end_of_frame, frame
from jobs.journal.format.record import CLOCK_MS

__all__ = ["JournalRun", "find_header", "header_frame"]

_FORMAT: Final = 1
_SALT_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class JournalRun:
    """The run, or the resumed runs, whose answers a journal holds.

    Attributes:
        run_date: ISO date.
        gateway: ``kind`` of the gateway.
        mchid: The merchant.
        started_ms: When the first of the runs began, Unix milliseconds.
        salt: Random, hexadecimal; different in every journal.
    """

    run_date: str
    gateway: str
    mchid: str
    started_ms: int
    salt: str = field(repr=False)

    @property
    def seed(self) -> int:
        """The value that the crc of the journal's records begins with."""
        return zlib.crc32(bytes.fromhex(self.salt))


def header_frame(run: JournalRun) -> bytes:
    """Return the frame of a header."""
    body = json.dumps({"format": _FORMAT, **asdict(run)}).encode()
    return frame(HEADER, body, 0)


def find_header(content: bytes) -> JournalRun | None:
    """Return the first valid header of a journal, or None if there is none."""
    at = content.find(MARK)
    while at >= 0:
        if content[at + 2 : at + 3] == bytes([HEADER]) and (end := end_of_frame(content, at, 0)):
            return _parse_header(content[at + HEAD.size : end - CRC.size])
        at = content.find(MARK, at + 1)
    return None


def _parse_header(body: bytes) -> JournalRun | None:
    """Return what a header holds, or None if another version wrote it."""
    try:
        members = json.loads(body)
        if members.pop("format") != _FORMAT:
            return None
        date.fromisoformat(members["run_date"])
        run = JournalRun(**members)
        is_valid = len(bytes.fromhex(run.salt)) == _SALT_SIZE and run.started_ms in CLOCK_MS
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return run if is_valid else None
