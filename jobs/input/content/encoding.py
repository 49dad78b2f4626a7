"""Finds the encoding of an input, and refuses what is no text."""

from __future__ import annotations

import codecs
import io
import re
from typing import Final, NamedTuple

from jobs.errors import InputError
from jobs.input.content.content import Content, blocks_of
from jobs.input.content.source import shown
from palm.text.printable import shown_value

__all__ = ["Decoded", "errors_in", "find_encoding"]


class Decoded(NamedTuple):
    """What decoding all of an input shows.

    Attributes:
        encoding: In which all of it is text.
        lines: How many lines it has at most, the header and blank ones too.
    """

    encoding: str
    lines: int


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
_FIRST_BYTES: Final = 1 << 20
_FIRST_LINE: Final = re.compile(rb"\s*[^\r\n]*")


def find_encoding(content: Content, name: str, encoding: str | None = None) -> Decoded:
    """Return the encoding in which all of ``content`` is text, and how many lines it has.

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
        decoding = _Decoding(content, candidate)
        if (offset := decoding.undecodable_at()) is None:
            return Decoded(candidate, decoding.breaks + 1)
        line = _line_at(content, offset, candidate)
        failures.append(f"line {line} (byte {offset + 1}) is not {candidate}")
    raise InputError(f"{shown(name)}: {', '.join(failures)}; name its encoding with --encoding")


class _Decoding:
    """Decodes a content block by block, and counts its line breaks.

    Args:
        content: The bytes.
        encoding: Their encoding.
        errors: How undecodable bytes are treated; None: as ``errors_in`` says.

    Attributes:
        breaks: Line breaks in what has been decoded.
    """

    def __init__(self, content: Content, encoding: str, errors: str | None = None) -> None:
        # With its own decoder, places would be counted from behind the mark in the first block.
        plain = encoding.removesuffix("-sig")
        self._decoder = codecs.getincrementaldecoder(plain)(errors or errors_in(encoding))
        self._content = content
        self._after_return = False
        self.breaks = 0

    def decode(self, block: bytes, *, final: bool = False) -> None:
        """Decode the next bytes.

        Raises:
            UnicodeError: They are not text in the encoding.
        """
        text = self._decoder.decode(block, final)
        if text:
            self.breaks += text.count("\n") + text.count("\r") - text.count("\r\n")
            self.breaks -= self._after_return and text.startswith("\n")
            self._after_return = text.endswith("\r")

    def undecodable_at(self) -> int | None:
        """Decode all; return where the first byte is that is not text, or None."""
        at, waiting = 0, b""
        try:
            for block in blocks_of(self._content):
                waiting = self._decoder.getstate()[0]
                self.decode(block)
                at += len(block)
            waiting = self._decoder.getstate()[0]
            self.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return at - len(waiting) + error.start
        except UnicodeError:  # a codec that always fails
            return 0
        return None


def _line_at(content: Content, offset: int, encoding: str) -> int:
    """Return the number of the line that the byte at ``offset`` is on."""
    try:
        return _line_breaks(content, offset, encoding) + 1
    except UnicodeError:  # a codec that always fails, such as idna
        return _line_breaks(content, offset, "latin-1") + 1


def _line_breaks(content: Content, end: int, encoding: str) -> int:
    decoding = _Decoding(content, encoding, "replace")
    for block in blocks_of(content, end):
        decoding.decode(block)
    return decoding.breaks


def _refuse_binary(content: Content, name: str, *, guess: bool) -> None:
    beginning = content.read(0, _FIRST_BYTES)
    for signature in _SIGNATURES:
        if beginning.startswith(signature.magic):
            raise InputError(
                f"{shown(name)}: looks like {signature.what}, not CSV; {signature.remedy}"
            )
    marked = beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    first = _FIRST_LINE.match(beginning)
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


def _candidates(content: Content, name: str, encoding: str | None) -> tuple[str, ...]:
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
        if content.read(0, len(mark)) == mark:
            return (marked,)
    return ("utf-8", "gb18030")
