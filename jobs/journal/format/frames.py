"""The frames that a journal's file consists of, each with a checksum of its own. Pure.

A frame is a mark, a type, the length of its body, the body, and a crc32 over type, length and body.
The crc of every frame but a header begins with a value of its journal's, so that a frame of one
journal is not valid in another.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

__all__ = [
    "ANSWER",
    "ANSWERS",
    "CRC",
    "HEAD",
    "HEADER",
    "KEY",
    "KINDS",
    "LONGEST_BODY",
    "MARK",
    "SIGNED_ANSWER",
    "body_length",
    "end_of_frame",
    "frame",
    "frame_at",
    "is_incomplete",
    "kind_of_frame",
]

MARK: Final = b"\xa5\x4a"
HEAD: Final = struct.Struct("<2sBH")
"""Mark, type, and the length of the body in bytes."""
CRC: Final = struct.Struct("<I")
HEADER: Final = 1
"""The type of a frame that holds the journal's header."""
ANSWER: Final = 2
"""The type of a frame that holds a record."""
SIGNED_ANSWER: Final = 3
"""The type of a frame that holds a record, and what was signed of its answer."""
KEY: Final = 4
"""The type of a frame that holds a key that signed answers."""
ANSWERS: Final = frozenset({ANSWER, SIGNED_ANSWER})
"""The types of the frames that hold a record."""
KINDS: Final = ANSWERS | {HEADER, KEY}
"""All types of frames."""
LONGEST_BODY: Final = 0xFFFF
"""Bytes that the body of a frame can have."""
_LENGTH: Final = struct.Struct("<H")


def frame(kind: int, body: bytes, seed: int) -> bytes:
    """Return the frame of a body; its crc begins with ``seed``."""
    content = HEAD.pack(MARK, kind, len(body)) + body
    return content + CRC.pack(zlib.crc32(content, seed))


def body_length(content: bytes, body: int) -> int:
    """Return the length, in bytes, of the body that begins at ``body``."""
    length: int = _LENGTH.unpack_from(content, body - _LENGTH.size)[0]
    return length


def kind_of_frame(content: bytes, body: int) -> int:
    """Return the type of the frame whose body begins at ``body``."""
    return content[body - _LENGTH.size - 1]


def frame_at(content: bytes, body: int) -> bytes:
    """Return the whole valid frame whose body begins at ``body``."""
    return content[body - HEAD.size : body + body_length(content, body) + CRC.size]


def end_of_frame(content: bytes, at: int, seed: int) -> int | None:
    """Return where the valid frame that begins at ``at`` ends, or None if none begins there."""
    if not content.startswith(MARK, at) or at + HEAD.size + CRC.size > len(content):
        return None
    _, _, length = HEAD.unpack_from(content, at)
    end = at + HEAD.size + length
    if end + CRC.size > len(content):
        return None
    (crc,) = CRC.unpack_from(content, end)
    return end + CRC.size if zlib.crc32(content[at:end], seed) == crc else None


def is_incomplete(content: bytes, at: int) -> bool:
    """Return True if the beginning of exactly one frame, and nothing else, follows from ``at``."""
    rest = content[at:]
    if len(rest) < HEAD.size:
        return bool(rest) and rest.startswith(MARK[: len(rest)])
    mark, kind, length = HEAD.unpack_from(rest)
    is_longer = HEAD.size + length + CRC.size > len(rest)
    return mark == MARK and kind in KINDS and is_longer and rest.count(MARK) == 1
