"""Reads the bytes of an input, and unpacks them.

An error here concerns the file and not one of its lines, so it ends the run with an
:class:`InputError`. Exceptions of the libraries are translated.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeAlias

from jobs.errors import InputError
from jobs.input.content.content import (
    Content,
    ContentError,
    ContentInMemory,
    ContentOnDisk,
    blocks_of,
)
from jobs.input.content.size_limit import (
    Readable,
    TooLargeError,
    interruptible,
    read_at_most,
    size_text,
)
from jobs.input.options import MAX_SIZE
from palm.commands.streams import closed_at_start

__all__ = [
    "Spool",
    "SpoolError",
    "Stored",
    "read_stored",
    "read_unchanged",
    "shown",
    "unchanged",
]


class SpoolError(Exception):
    """The file for a large input cannot be written.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason)
        self.reason = reason


class Stored(NamedTuple):
    """An input: its name, its unpacked bytes, and the checksum of the bytes as stored."""

    name: str
    content: Content
    sha256: str


Spool: TypeAlias = Callable[[], BinaryIO]
"""Returns a new file, open for reading and writing, that is removed when it is closed."""

STANDARD_INPUT: Final = "standard input"
MOST_IN_MEMORY: Final = 1 << 26
"""Bytes of an input that are held in memory where a file can be read or written instead."""
_BLOCK: Final = 1 << 20


def shown(name: str, limit: int = 200) -> str:
    """Return ``name`` fit for one line of a message: control characters escaped, cut if long."""
    safe = name if name.isprintable() else repr(name)[1:-1]
    return safe if len(safe) <= limit else safe[:limit] + "…"


def read_stored(
    source: str | Path,
    stdin: BinaryIO | None = None,
    *,
    max_size: int = MAX_SIZE,
    spool: Spool | None = None,
) -> Stored:
    """Read a file, or standard input for ``-``; unpack it if its name ends in .gz or .zst.

    Args:
        source: A path, or ``-``.
        stdin: The stream to read instead of the process's standard input.
        max_size: The largest size in bytes, packed and unpacked.
        spool: Makes a file for more than ``MOST_IN_MEMORY`` bytes that are unpacked or come from a
            pipe; a larger file is then read where it is. None: all bytes are held in memory.

    Returns:
        The input; its content has to be closed.

    Raises:
        InputError: The input cannot be opened, read or unpacked, is too large, or changed while it
            was being read.
        OSError: The file that ``spool`` made cannot be written.
    """
    path = os.fspath(source)
    piped = path == "-"
    name = STANDARD_INPUT if piped else path.encode("utf-8", "backslashreplace").decode()
    try:
        if piped:
            stored = _collected(interruptible(_standard_input(stdin)), max_size, spool)
        else:
            stored = read_unchanged(Path(path).open("rb"), name, max_size, spool)  # noqa: SIM115 - closed there
        suffix = "" if piped else Path(path).suffix.lower()
        return _hashed(stored, suffix, name, max_size, spool)
    except TooLargeError:
        raise InputError(
            f"{shown(name)}: holds more than {size_text(max_size)}; check the path, or allow more "
            "with --max-input-size"
        ) from None
    except SpoolError as error:
        raise error.reason from None
    except FileNotFoundError:
        raise InputError(f"{shown(name)}: there is no such file; check the path") from None
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from None


@contextmanager
def unchanged(content: Content, name: str) -> Iterator[None]:
    """Read a content, which must not change meanwhile.

    If it changed, no error that comes of that is raised, but the one that says so.

    Raises:
        InputError: The content changed, or cannot be read.
    """
    try:
        try:
            yield
        except Exception:
            content.check_unchanged()
            raise
        content.check_unchanged()
    except ContentError as error:
        if error.reason is not None:
            raise _unreadable(name, error.reason) from None
        raise _changed(name) from None


def _changed(name: str) -> InputError:
    return InputError(
        f"{shown(name)}: changed while it was being read; run again when it is complete"
    )


def _unreadable(name: str, error: OSError | ValueError) -> InputError:
    why = getattr(error, "strerror", None) or str(error)
    denied = isinstance(error, PermissionError) and name != STANDARD_INPUT
    mended = "let this user read it" if denied else "check the path"
    return InputError(f"{shown(name)}: cannot be read ({why}); {mended}")


def _standard_input(stdin: BinaryIO | None) -> BinaryIO:
    if stdin is not None:
        return stdin
    if sys.stdin is None or closed_at_start("stdin"):  # a service manager may start us so
        raise OSError("it is closed")
    return sys.stdin.buffer


def read_unchanged(
    file: BinaryIO, name: str, max_size: int = MAX_SIZE, spool: Spool | None = None
) -> Content:
    """Return the content of ``file``, which must not change meanwhile, unless it is a pipe.

    The file is closed, at the latest with the content.

    Raises:
        InputError: The file changed while it was being read.
        TooLargeError: The file holds more than ``max_size`` bytes.
        SpoolError: A file for the content cannot be written.
    """
    before = os.fstat(file.fileno())
    is_regular = stat.S_ISREG(before.st_mode)
    if is_regular and before.st_size > max_size:
        file.close()
        raise TooLargeError
    if is_regular and spool is not None and before.st_size > MOST_IN_MEMORY:
        return ContentOnDisk(file)
    with closing(file):
        content = _collected(interruptible(file), max_size, spool)
        after = os.fstat(file.fileno())
    if is_regular and (
        (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
        or len(content) != after.st_size
    ):
        raise _changed(name)
    return content


def _collected(stream: Readable, max_size: int, spool: Spool | None) -> Content:
    """Return the whole content of a stream: in memory or, where it is large, in a new file.

    Raises:
        SpoolError: The file cannot be written.
        TooLargeError: It has more than ``max_size`` bytes; at most one block more was read.
    """
    if spool is None:
        return ContentInMemory(read_at_most(stream, max_size))
    begun = bytearray()
    while block := stream.read(_BLOCK):
        begun += block
        if len(begun) > max_size:
            raise TooLargeError
        if len(begun) > MOST_IN_MEMORY:
            return _spooled(bytes(begun), stream, max_size, spool)
    return ContentInMemory(bytes(begun))


def _spooled(begun: bytes, stream: Readable, max_size: int, spool: Spool) -> Content:
    block, size = begun, 0
    with ExitStack() as stack:
        with _spooling():
            file = stack.enter_context(spool())
        while block:
            size += len(block)
            if size > max_size:
                raise TooLargeError
            with _spooling():
                file.write(block)
            block = stream.read(_BLOCK)
        with _spooling():
            file.flush()
        stack.pop_all()
    return ContentOnDisk(file)


@contextmanager
def _spooling() -> Iterator[None]:
    """Tell an error of the spool file from one of the input."""
    try:
        yield
    except OSError as error:
        raise SpoolError(error) from None


def _hashed(stored: Content, suffix: str, name: str, max_size: int, spool: Spool | None) -> Stored:
    """Return an input, unpacked, and its checksum."""
    with ExitStack() as opened:
        opened.callback(stored.close)
        with unchanged(stored, name):
            digest = hashlib.sha256()
            for block in blocks_of(stored):
                digest.update(block)
            content = stored
            if suffix in {".gz", ".zst"}:
                content = _unpacked(stored, suffix, name, max_size, spool)
                opened.callback(content.close)
        opened.pop_all()
    if content is not stored:
        stored.close()
    return Stored(name, content, digest.hexdigest())


def _unpacked(
    stored: Content, suffix: str, name: str, max_size: int, spool: Spool | None
) -> Content:
    try:
        if suffix == ".gz":
            with gzip.GzipFile(fileobj=stored.stream()) as unpacked:
                return _collected(unpacked, max_size, spool)
        return _unpacked_zstd(stored, max_size, spool)
    except (OSError, ValueError, EOFError, zlib.error):  # ValueError: ArrowInvalid
        raise InputError(
            f"{shown(name)}: is damaged or cut short, or is not packed as {suffix} at all; "
            "copy it again, or give it the right suffix"
        ) from None


def _unpacked_zstd(stored: Content, max_size: int, spool: Spool | None) -> Content:
    import pyarrow as pa  # noqa: PLC0415 (slow to import, seldom needed here)

    with pa.CompressedInputStream(pa.PythonFile(stored.stream(), mode="r"), "zstd") as stream:
        return _collected(stream, max_size, spool)
