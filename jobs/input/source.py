"""Reads the bytes of an input, unpacks them, and finds their encoding.

An error here concerns the file and not one of its lines, so it ends the run with an
:class:`InputError`. Exceptions of the libraries are translated.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import os
import re
import stat
import sys
import zlib
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from jobs.errors import InputError
from jobs.input.options import MAX_SIZE
from jobs.input.size_limit import (
    TooLargeError,
    interruptible,
    read_at_most,
    size_text,
)
from palm.commands.streams import closed_at_start
from palm.text.printable import shown_value

__all__ = ["Stored", "errors_in", "find_encoding", "read_stored", "shown"]


class Stored(NamedTuple):
    """An input: its name, its unpacked bytes, and the checksum of the bytes as stored."""

    name: str
    content: bytes
    sha256: str


class _Signature(NamedTuple):
    magic: bytes
    what: str
    remedy: str


_AS_CSV: Final = "export it as CSV"
_SIGNATURES: Final = (
    _Signature(b"PK\x03\x04", "an Excel workbook or a ZIP archive", "save it as CSV UTF-8"),
    _Signature(b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save it as CSV UTF-8"),
    _Signature(b"PAR1", "a Parquet file", _AS_CSV),
    _Signature(b"SQLite format 3", "an SQLite database", _AS_CSV),
    _Signature(b"\x1f\x8b", "gzip", "let its name end in .gz, or unpack it first"),
    _Signature(b"\x28\xb5\x2f\xfd", "zstd", "let its name end in .zst, or unpack it first"),
    _Signature(b"%PDF-", "a PDF document", _AS_CSV),
    _Signature(b"\x89PNG", "a picture", "check the path"),
    _Signature(b"\xff\xd8\xff", "a picture", "check the path"),
    _Signature(b"\x7fELF", "a program", "check the path"),
)
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK: Final = 1 << 20
_FIRST_LINE: Final = re.compile(rb"\s*[^\r\n]*")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


def shown(name: str, limit: int = 200) -> str:
    """Return ``name`` fit for one line of a message: control characters escaped, cut if long."""
    safe = name if name.isprintable() else repr(name)[1:-1]
    return safe if len(safe) <= limit else safe[:limit] + "…"


def read_stored(
    source: str | Path, stdin: BinaryIO | None = None, *, max_size: int = MAX_SIZE
) -> Stored:
    """Read a file, or standard input for ``-``, whole; unpack it if its name ends in .gz or .zst.

    Args:
        source: A path, or ``-``.
        stdin: The stream to read instead of the process's standard input.
        max_size: The largest size in bytes, packed and unpacked.

    Raises:
        InputError: The input cannot be opened, read or unpacked, is too large, or changed while it
            was being read.
    """
    path = os.fspath(source)
    piped = path == "-"
    name = "standard input" if piped else path.encode("utf-8", "backslashreplace").decode()
    try:
        if piped:
            stored = read_at_most(interruptible(_standard_input(stdin)), max_size)
        else:
            with Path(path).open("rb") as file:
                stored = read_unchanged(file, name, max_size)
        suffix = "" if piped else Path(path).suffix.lower()
        content = _unpack(stored, suffix, name, max_size)
    except TooLargeError:
        raise InputError(
            f"{shown(name)}: holds more than {size_text(max_size)}; check the path, or allow more "
            "with --max-input-size"
        ) from None
    except FileNotFoundError:
        raise InputError(f"{shown(name)}: there is no such file; check the path") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        denied = isinstance(error, PermissionError) and not piped
        mended = "let this user read it" if denied else "check the path"
        raise InputError(f"{shown(name)}: cannot be read ({why}); {mended}") from None
    sha256 = hashlib.sha256(stored).hexdigest()
    return Stored(name, content, sha256)


def _standard_input(stdin: BinaryIO | None) -> BinaryIO:
    if stdin is not None:
        return stdin
    if sys.stdin is None or closed_at_start("stdin"):  # a service manager may start us so
        raise OSError("it is closed")
    return sys.stdin.buffer


def read_unchanged(file: BinaryIO, name: str, max_size: int = MAX_SIZE) -> bytes:
    """Return the content of ``file``, which must not change meanwhile, unless it is a pipe.

    Raises:
        InputError: The file changed while it was being read.
        TooLargeError: The file holds more than ``max_size`` bytes.
    """
    before = os.fstat(file.fileno())
    if stat.S_ISREG(before.st_mode) and before.st_size > max_size:
        raise TooLargeError
    content = read_at_most(interruptible(file), max_size)
    after = os.fstat(file.fileno())
    if stat.S_ISREG(before.st_mode) and (
        (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
        or len(content) != after.st_size
    ):
        raise InputError(
            f"{shown(name)}: changed while it was being read; run again when it is complete"
        )
    return content


def _unpack(stored: bytes, suffix: str, name: str, max_size: int) -> bytes:
    try:
        if suffix == ".gz":
            with gzip.GzipFile(fileobj=io.BytesIO(stored)) as stream:
                return read_at_most(stream, max_size)
        if suffix == ".zst":
            return _unpack_zstd(stored, max_size)
    except (OSError, ValueError, EOFError, zlib.error):  # ValueError: ArrowInvalid
        raise InputError(
            f"{shown(name)}: is damaged or cut short, or is not packed as {suffix} at all; "
            "copy it again, or give it the right suffix"
        ) from None
    return stored


def _unpack_zstd(stored: bytes, max_size: int) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 (slow to import, seldom needed here)

    with pa.CompressedInputStream(pa.BufferReader(stored), "zstd") as stream:
        return read_at_most(stream, max_size)


def find_encoding(content: bytes, name: str, encoding: str | None = None) -> str:
    """Return the name of the encoding in which all of ``content`` is text.

    A byte order mark decides; else UTF-8; else GB18030, in which Excel saves in China. UTF-8 comes
    first because text in GB18030 is hardly ever valid UTF-8, but not the other way round.

    Args:
        content: The file's bytes, unpacked.
        name: The file's name, for the message.
        encoding: The encoding to use in any case; None to find it.

    Raises:
        InputError: The content is not text in any of these encodings, or ``encoding`` is unknown.
    """
    _refuse_binary(content, name, guess=encoding is None)
    failures = []
    for candidate in _candidates(content, name, encoding):
        offset = _undecodable_at(content, candidate)
        if offset is None:
            return candidate
        line = len(_LINE_END.findall(_before(content, offset, candidate))) + 1
        failures.append(f"line {line} (byte {offset + 1}) is not {candidate}")
    raise InputError(f"{shown(name)}: {', '.join(failures)}; name its encoding with --encoding")


def _before(content: bytes, offset: int, encoding: str) -> str:
    try:
        return content[:offset].decode(encoding, "replace")
    except UnicodeError:  # a codec that always fails, such as idna
        return content[:offset].decode("latin-1")


def _refuse_binary(content: bytes, name: str, *, guess: bool) -> None:
    for signature in _SIGNATURES:
        if content.startswith(signature.magic):
            raise InputError(
                f"{shown(name)}: looks like {signature.what}, not CSV; {signature.remedy}"
            )
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    first = _FIRST_LINE.match(content)
    if guess and not marked and first and b"\0" in first[0]:
        raise InputError(
            f"{shown(name)}: line 1 contains NUL bytes, so it looks like binary data, not CSV; "
            "check the path, or pass --encoding utf-16-le if it is UTF-16 without a mark"
        )


def errors_in(encoding: str) -> str:
    """Return how undecodable bytes are treated, as Python's codecs call it.

    Windows' code page 936, in which Excel saves in China, is GBK with the euro sign as the single
    byte 0x80. Python knows no codec for it.
    """
    return _EURO if encoding in {"gbk", "gb18030"} else "strict"


def _euro_sign(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError) and error.object[error.start] == 0x80:  # noqa: PLR2004
        return "€", error.start + 1
    raise error


_EURO: Final = "cp936_euro"
codecs.register_error(_EURO, _euro_sign)


def _candidates(content: bytes, name: str, encoding: str | None) -> tuple[str, ...]:
    if encoding is not None:
        try:
            known = codecs.lookup(encoding).name
            io.TextIOWrapper(io.BytesIO(), known)  # refuses codecs that make no text, such as hex
        except (LookupError, ValueError):
            raise InputError(
                f"{shown(name)}: there is no encoding {shown_value(encoding)}; "
                "--encoding takes names such as utf-8, gb18030, big5, utf-16"
            ) from None
        return (known,)
    for mark, marked in _MARKS:
        if content.startswith(mark):
            return (marked,)
    return ("utf-8", "gb18030")


def _undecodable_at(content: bytes, encoding: str) -> int | None:
    view = memoryview(content)
    blocks = (bytes(view[at : at + _BLOCK]) for at in range(0, len(content), _BLOCK))
    try:
        # The text as a whole could take much room.
        for _ in codecs.iterdecode(blocks, encoding, errors_in(encoding)):
            pass
    except UnicodeError:
        return _first_undecodable(content, encoding)
    return None


def _first_undecodable(content: bytes, encoding: str) -> int:
    try:
        content.decode(encoding, errors_in(encoding))
    except UnicodeDecodeError as error:
        return error.start
    except UnicodeError:
        pass
    return 0
