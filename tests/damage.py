"""Files as disks, networks and hands damage them: one seed, one damage."""

from __future__ import annotations

import random

__all__ = ["damage", "footer_of"]

_MAGIC = 4


def damage(content: bytes, seed: int, part: slice = slice(None)) -> bytes:
    """Return ``content`` with one thing wrong in ``part`` of it, never the same as it was.

    Bits and bytes changed, a stretch zeroed, filled with noise, moved, doubled or lost, or the end
    missing.
    """
    chance = random.Random(seed)
    start, stop, _ = part.indices(len(content))
    while True:
        changed = bytearray(content)
        at = chance.randrange(start, stop)
        to = min(stop, at + chance.choice([1, 2, 4, 16, 64, 500, 4096]))
        match chance.randrange(9):
            case 0 | 1:
                changed[at] ^= 1 << chance.randrange(8)
            case 2 | 3:
                changed[at] = chance.randrange(256)
            case 4:
                changed[at:to] = bytes(to - at)
            case 5:
                changed[at:to] = chance.randbytes(to - at)
            case 6:
                other = chance.randrange(start, stop)
                changed[other : other + to - at] = changed[at:to]
            case 7:
                changed[at:to] = changed[at:to] * chance.choice([0, 2])
            case 8:
                del changed[at:]
        if changed != content:
            return bytes(changed)


def footer_of(content: bytes) -> slice:
    """Return where a Parquet file's footer is, with its length and the magic bytes after it."""
    length = int.from_bytes(content[-2 * _MAGIC : -_MAGIC], "little")
    return slice(len(content) - 2 * _MAGIC - length, len(content))
