"""The first reading of an input: its checksum, its encoding, how many lines it may have."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Self

from jobs.input.content.content import Content
from jobs.input.content.encoding import find_encoding
from jobs.input.content.source import Spool, Stored, read_stored, unchanged
from jobs.input.options import InputOptions

__all__ = ["InputScan", "scan_input", "scan_stored"]


@dataclass(frozen=True, slots=True)
class InputScan:
    """An input that was read once, to be read for its pairs; a context that closes its file.

    Attributes:
        name: The file as it was named, or "standard input".
        content: Its unpacked bytes.
        sha256: Checksum of the bytes as they are stored.
        encoding: The encoding of the whole text.
        lines: How many lines there are at most.
    """

    name: str
    content: Content
    sha256: str
    encoding: str
    lines: int

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.content.close()


def scan_input(
    options: InputOptions, *, stdin: BinaryIO | None = None, spool: Spool | None = None
) -> InputScan:
    """Read a CSV file, which may be packed, or standard input (``-``), for the first time.

    Args:
        options: Which input, and how it is read.
        stdin: The stream to read instead of the process's standard input.
        spool: Makes a file for a large input that is packed or comes from a pipe; a large file is
            then read where it is. None: every input is held in memory.

    Raises:
        InputError: The file cannot be read, or is not text.
        OSError: The file that ``spool`` made cannot be written.
    """
    stored = read_stored(options.source, stdin, max_size=options.max_size, spool=spool)
    return scan_stored(stored, options.encoding)


def scan_stored(stored: Stored, encoding: str | None) -> InputScan:
    """Return what a first reading of an input finds.

    Args:
        stored: The input.
        encoding: Its encoding; None: a byte order mark decides, else UTF-8, else GB18030.

    Raises:
        InputError: The file cannot be read, or is not text.
    """
    name, content, sha256 = stored
    with ExitStack() as stack:
        stack.callback(content.close)
        with unchanged(content, name):
            used, lines = find_encoding(content, name, encoding)
        stack.pop_all()
    return InputScan(name, content, sha256, used, lines)
