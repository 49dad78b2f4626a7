"""Bytes that can be read at any place: in memory, or in a file of any size."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Protocol

__all__ = [
    "Content",
    "ContentError",
    "ContentInMemory",
    "ContentOnDisk",
    "blocks_of",
    "lines_end",
]

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_BLOCK: Final = 1 << 20
_WINDOW: Final = 1 << 14


class Content(Protocol):
    """The unpacked bytes of an input."""

    def __len__(self) -> int:
        """How many there are."""

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` to ``end``, or fewer where they end before.

        Raises:
            ContentError: The file cannot be read, or has become shorter since it was opened.
        """

    def stream(self) -> BinaryIO:
        """Return a stream of all bytes, which can seek."""

    def check_unchanged(self) -> None:
        """Check that the bytes are those that were there when it was opened.

        Raises:
            ContentError: They are not.
        """

    def close(self) -> None:
        """Close the file, if there is one."""


@dataclass(frozen=True, slots=True)
class ContentInMemory:
    """Bytes in memory, of which no copy is made but what is read.

    Attributes:
        data: The bytes.
    """

    data: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.data)

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` to ``end``."""
        return self.data[start:end]

    def stream(self) -> BinaryIO:
        """Return a stream of all bytes."""
        return io.BytesIO(self.data)

    def check_unchanged(self) -> None:
        """Return: bytes in memory do not change."""

    def close(self) -> None:
        """Return: there is no file."""


class ContentError(Exception):
    """The file that an input is read from cannot be read, or is no longer what it was.

    Attributes:
        reason: Why it cannot be read; None: it has changed.
    """

    def __init__(self, reason: OSError | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


class ContentOnDisk:
    """Bytes in a regular file.

    Args:
        file: An open file; it is closed with this.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._descriptor = file.fileno()
        self._status = _status(self._descriptor)

    def __len__(self) -> int:
        return self._status[0]

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` to ``end``, or fewer where they end before.

        Raises:
            ContentError: The file cannot be read, or has become shorter since it was opened.
        """
        end = min(end, len(self))
        parts = []
        while start < end:
            try:
                part = os.pread(self._descriptor, min(end - start, _BLOCK), start)
            except OSError as error:
                raise ContentError(error) from None
            if not part:
                raise ContentError
            parts.append(part)
            start += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def stream(self) -> BinaryIO:
        """Return a stream of all bytes."""
        return io.BufferedReader(_Stream(self), _BLOCK)  # type: ignore[type-var]

    def check_unchanged(self) -> None:
        """Check that the file is as it was when it was opened.

        Raises:
            ContentError: It was written to.
        """
        if _status(self._descriptor) != self._status:
            raise ContentError

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Stream(io.RawIOBase):
    """Reads a content from its beginning on, at a place of its own."""

    def __init__(self, content: ContentOnDisk) -> None:
        self._content, self._at = content, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._content)}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override] # mypy: Buffer is 3.12's
        part = self._content.read(self._at, self._at + len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def blocks_of(content: Content, end: int | None = None) -> Iterator[bytes]:
    """Yield all bytes, or those up to ``end``, a megabyte at a time."""
    end = len(content) if end is None else end
    for start in range(0, end, _BLOCK):
        yield content.read(start, min(start + _BLOCK, end))


def lines_end(content: Content, offset: int, count: int = 1) -> int | None:
    """Return where the last of some lines ends, its line break included.

    Args:
        content: Text in an encoding in which CR and LF are as in ASCII.
        offset: A byte of the first of the lines, which end with LF, CR LF or CR.
        count: How many lines, at least one.

    Returns:
        The end; None if fewer lines have a line break.
    """
    window = _WINDOW
    while offset < len(content):
        # One byte more shows whether an LF follows a CR.
        block = content.read(offset, offset + window + 1)
        end = offset + window
        for match in _LINE_END.finditer(block):
            if match.start() >= window:
                break
            end = max(end, offset + match.end())
            count -= 1
            if not count:
                return offset + match.end()
        offset, window = end, min(2 * window, _BLOCK)
    return None


def _status(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns
