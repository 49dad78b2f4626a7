"""Limits how much is read from a device, an endless pipe, or a packed file that expands much."""

from __future__ import annotations

import os
import re
import select
import stat
from typing import BinaryIO, Final, Protocol

from jobs.errors import UsageError
from jobs.plurals import counted

__all__ = [
    "Readable",
    "TooLargeError",
    "interruptible",
    "parse_size",
    "read_at_most",
    "size_text",
]

_BLOCK: Final = 1 << 20
_LOOK_EVERY_MS: Final = 200
_UNITS: Final = {
    "": 1, "b": 1, "k": 1000, "kb": 1000, "kib": 1 << 10, "m": 1000**2, "mb": 1000**2,
    "mib": 1 << 20, "g": 1000**3, "gb": 1000**3, "gib": 1 << 30, "t": 1000**4, "tb": 1000**4,
    "tib": 1 << 40,
}  # fmt: skip
_SIZE: Final = re.compile(r"\s*(\d{1,12}(?:\.\d{1,3})?)\s*([a-z]*)\s*", re.ASCII)


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""


class TooLargeError(Exception):
    """The input holds more than the limit allows."""


class _Pipe:
    """Reads a pipe such that a signal ends the wait for data whenever it arrives.

    With :mod:`io`, a signal between two reads would be noticed only after the second.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLIN)

    def read(self, size: int, /) -> bytes:
        """Wait for data and return it; return nothing at the end."""
        while not self._ready.poll(_LOOK_EVERY_MS):
            pass
        return os.read(self._descriptor, size)


def interruptible(file: BinaryIO) -> Readable:
    """Return a reader for a file from which nothing was read yet; signals interrupt its waits."""
    try:
        descriptor = file.fileno()
    except OSError:  # the file is in memory
        return file
    return file if stat.S_ISREG(os.fstat(descriptor).st_mode) else _Pipe(descriptor)


def read_at_most(stream: Readable, limit: int) -> bytes:
    """Return the whole content of a stream.

    Raises:
        TooLargeError: The stream holds more than ``limit`` bytes; at most one block more was read.
    """
    content = bytearray()
    while block := stream.read(_BLOCK):
        content += block
        if len(content) > limit:
            raise TooLargeError
    return bytes(content)


def parse_size(text: str, option: str) -> int:
    """Return the number of bytes that a text such as ``4GiB``, ``500 MB`` or ``1000000`` means.

    Raises:
        UsageError: The text is not a size.
    """
    match = _SIZE.fullmatch(text.lower())
    if match is None or match[2] not in _UNITS or not (size := float(match[1]) * _UNITS[match[2]]):
        raise UsageError(f"{option}: {text[:40]!r} is not a size such as 500MB or 4GiB")
    return int(size)


def size_text(size: int) -> str:
    """Return a size as text, with a unit."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size >= _UNITS[unit.lower()]:
            return f"{size / _UNITS[unit.lower()]:.4g} {unit}"
    return counted(size, "byte")
