"""The records of a CSV text, each with the lines that it is on. Pure.

A line here is a physical one, ended by LF, CR LF or CR, and counted from 1 at the beginning of the
file. A record is what the CSV rules make of one line, or of several if quotes enclose a line break.

A CSV file marks a cell that a spreadsheet would run as a formula with a ``'`` in front, which is
not part of the value: one is removed before ``=``, ``+``, ``-``, ``@``, a tab or a carriage return,
or before further ``'`` that precede one of these. :mod:`jobs.render.csv` writes it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from jobs.errors import InputError
from jobs.input.content.content import Content, lines_end
from jobs.input.content.encoding import errors_in
from jobs.input.content.source import shown
from jobs.input.line_stats import LineStats

__all__ = [
    "MOST_LINES",
    "START",
    "Lines",
    "Position",
    "Record",
    "count_lines",
    "line_breaks",
    "line_end",
    "read_records",
    "skip_lines",
]

MOST_LINES: Final = 10
"""Lines of a record that may name a pair."""
_MOST_KEPT: Final = 1 << 22
"""Characters. Of a record of more, on more lines than it may have, only quotes and line breaks are
kept: a quote that is never closed encloses the rest of the input, which may not fit into memory."""
_BLANK_QUOTE: Final = ' "'
_GUARD: Final = re.compile(r"\A'(?='*[=+\-@\t\r])")

# The limit holds for the process and is 131,072 characters by default: a long field would raise an
# exception instead of making its line invalid.
csv.field_size_limit(2**31 - 1)

Record: TypeAlias = tuple[list[str], int, int]
"""A record's fields (none for a blank line), its first line and its last line."""


class Position(NamedTuple):
    """A place in a file where a line begins.

    Attributes:
        offset: Bytes before it.
        line: Lines before it.
    """

    offset: int
    line: int


START: Final = Position(0, 0)


class Lines:
    """The lines of a text, one at a time.

    Args:
        content: The bytes of the text.
        encoding: Its encoding.
        offset: Where the first line begins, in bytes.

    Attributes:
        current: The line that was read last.
        ended: True once a line was requested after the last one.
        lines: Lines of the current record so far.
        size: Characters of the current record so far.
    """

    def __init__(self, content: Content, encoding: str, offset: int = 0) -> None:
        self.current = ""
        self.ended = False
        self.lines = self.size = 0
        errors = errors_in(encoding)
        stream = content.stream()
        stream.seek(offset)
        self._text = io.TextIOWrapper(stream, encoding, errors, newline="")
        if offset == 0:
            self._skip_marks()

    def _skip_marks(self) -> None:
        marks = 0  # byte order marks that the codec left: two concatenated files may begin with two
        while self._text.read(1) == "\ufeff":
            marks += 1
        self._text.seek(0)
        self._text.read(marks)

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.current = line
            self.lines += 1
            self.size += len(line)
            if self.size > _MOST_KEPT and self.lines > MOST_LINES and '"' not in line:
                yield "\n"
            else:
                yield line
        self.ended = True


def read_records(
    content: Content,
    encoding: str,
    delimiter: str,
    name: str,
    *,
    stats: LineStats | None = None,
    start: Position = START,
) -> Iterator[Record]:
    """Yield the records of a CSV text, including the header's and those of blank lines.

    The fields come without the ``'`` that keeps a spreadsheet from running them, and without blanks
    before an opening quote.

    Args:
        content: The bytes of the text.
        encoding: Its encoding.
        delimiter: The character between two fields.
        name: The file's name, for the message.
        stats: Is given the line of a record with blanks before an opening quote.
        start: Where the first record begins.

    Raises:
        InputError: A quote is still open at the end.
    """
    lines = Lines(content, encoding, start.offset)
    reader = csv.reader(lines, delimiter=delimiter)
    last = start.line
    for fields in reader:
        if lines.ended:  # the reader requested another line within the record
            opened = last + 1 + sum(line_breaks(text) for text in fields[:-1])
            raise InputError(
                f"{shown(name)}: line {opened}: a quote is opened and never closed; "
                'close it, or write "" for a quote that is meant'
            )
        lines.lines = lines.size = 0
        first, last = last + 1, start.line + reader.line_num
        blank = not fields or (not fields[0].strip() and lines.current.isspace())
        cells = fields
        if first == last and _BLANK_QUOTE in lines.current:
            cells = _without_blanks_before_quotes(lines.current, fields, delimiter)
            if stats is not None and cells is not fields:
                stats.blank_quote = first
        if first != last or "'" in lines.current:
            cells = [_GUARD.sub("", text) for text in cells]
        yield [] if blank else cells, first, last


def _without_blanks_before_quotes(line: str, fields: list[str], delimiter: str) -> list[str]:
    """Return the fields of a line with blanks before an opening quote.

    The CSV rules treat such a quote as an ordinary character, so that ``, "a, b"`` would be two
    fields. If no field begins with blanks and a quote, or a quote would stay open, ``fields`` is
    returned unchanged.
    """
    if not any(text[:1] == " " and text.lstrip(" ")[:1] == '"' for text in fields):
        return fields
    lenient = csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True)
    with suppress(csv.Error):
        return next(lenient)
    return fields


def line_breaks(text: str) -> int:
    """Return how many line breaks a text holds; CR LF is one."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def count_lines(content: bytes) -> int:
    """Return how many lines a text in an ASCII-like encoding has; the last one may have no end."""
    ended = content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")
    return ended + (not content.endswith((b"\r", b"\n")))


def line_end(content: Content, offset: int) -> int:
    """Return where the line ends, its line break included, that the byte at ``offset`` is in."""
    end = lines_end(content, offset)
    return len(content) if end is None else end


def skip_lines(content: Content, start: Position, count: int) -> Position:
    """Return the beginning of the line that is ``count`` lines below ``start``, or the end."""
    if not count:
        return start
    end = lines_end(content, start.offset, count)
    return Position(len(content) if end is None else end, start.line + count)
