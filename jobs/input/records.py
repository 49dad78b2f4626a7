"""The lines of an input: each is accounted for, as part of a good record or as an invalid line.

A line here is a physical one, ended by LF, CR LF or CR, and counted from 1 at the file's very
first. A record is what the CSV rules make of one line, or of several where quotes enclose a line
break.

A cell that a spreadsheet would run as a formula stands in a CSV with a ``'`` in front, which is no
part of it: one is taken off wherever it stands before ``=``, ``+``, ``-``, ``@``, a tab or a
carriage return, or before further ``'`` that do. :mod:`jobs.render.csv` puts it there.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from jobs.errors import InputError
from jobs.input.keys import clean_key, is_plain
from jobs.input.source import errors_in, shown

__all__ = [
    "InvalidLine",
    "Keys",
    "LineStats",
    "Lines",
    "Reason",
    "Record",
    "read_records",
    "valid_records",
]

MOST_LISTED: Final = 1_000
MOST_LINES: Final = 10
_BLANK_QUOTE: Final = ' "'
_GUARD: Final = re.compile(r"\A'(?='*[=+\-@\t\r])")

# Process-wide, and by default 131,072 characters: a long field would raise where all that it is,
# is an invalid line.
csv.field_size_limit(2**31 - 1)


class Reason(StrEnum):
    """Why a line holds no pair; never quotes the line, for it may hold an openid."""

    BLANK = "blank line"
    MANY_LINES = "a record over more than 10 lines"
    KEY_BREAK = "a key field holds a line break"
    MANY_FIELDS = "more fields than the header"
    HEADER_AGAIN = "the header again"
    OPENID_EMPTY = "openid is empty"
    OPENID_LONG = "openid is longer than 128 characters"
    OPENID_CONTROL = "openid has a control character"
    OPENID_DOTS = "openid is . or .."  # would be taken for a folder in the request's path
    ORGANIZATION_EMPTY = "organization_id is empty"
    ORGANIZATION_LONG = "organization_id is longer than 64 characters"
    ORGANIZATION_CONTROL = "organization_id has a control character"


Record: TypeAlias = tuple[list[str], int, int]
"""A record's fields, none for a blank line, and the first and the last line it stands on."""


class InvalidLine(NamedTuple):
    """A line that holds no pair."""

    line: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a record has its two keys, and what the header calls them.

    Attributes:
        openid: The position of the openid.
        organization: The position of the organization.
        names: The header's own names of the two, in this order, case-folded.
        backtick: Whether every field of the header begins with a backtick, as in WeChat Pay's
            bills: then one is taken off every field.
    """

    openid: int
    organization: int
    names: tuple[str, str] = ("openid", "organization_id")
    backtick: bool = False


@dataclass(slots=True)
class LineStats:
    """What became of the lines: those that gave no pair (the first 1,000 of them are listed).

    Attributes:
        invalid: Lines that gave no pair.
        continuation: Further lines of good records.
        by_reason: ``invalid`` by reason.
        listed: The first 1,000 invalid lines.
        first_of: The first line of each reason.
        decorated: Lines of which a key had decoration round it, which was taken off.
        first_decorated: The first of these lines; 0 where there is none.
        blank_quote: The line of the last record in which blanks stood before an opening quote.
    """

    invalid: int = 0
    continuation: int = 0
    by_reason: Counter[Reason] = field(default_factory=Counter)
    listed: list[InvalidLine] = field(default_factory=list)
    first_of: dict[Reason, int] = field(default_factory=dict)
    decorated: int = 0
    first_decorated: int = 0
    blank_quote: int = 0

    def refuse(self, reason: Reason, first: int, last: int) -> None:
        """Count the lines from ``first`` to ``last`` as invalid."""
        count = last - first + 1
        self.invalid += count
        self.by_reason[reason] += count
        self.first_of.setdefault(reason, first)
        listed = min(count, MOST_LISTED - len(self.listed))
        self.listed += [InvalidLine(line, reason) for line in range(first, first + listed)]

    def decorate(self, line: int) -> None:
        """Count a line whose keys had decoration round them."""
        self.decorated += 1
        self.first_decorated = self.first_decorated or line


class Lines:
    """The lines of a text as the CSV reader asks for them, remembering how far it came."""

    def __init__(self, content: bytes, encoding: str) -> None:
        self.current = ""
        self.ended = False
        errors = errors_in(encoding)
        self._text = io.TextIOWrapper(io.BytesIO(content), encoding, errors, newline="")
        marks = 0  # byte order marks that the codec left in: a file put together may begin with two
        while self._text.read(1) == "\ufeff":
            marks += 1
        self._text.seek(0)
        self._text.read(marks)

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.current = line
            yield line
        self.ended = True


def read_records(
    content: bytes, encoding: str, delimiter: str, name: str, account: LineStats | None = None
) -> Iterator[Record]:
    """Yield the records of a CSV text, the header's and those of blank lines among them.

    The fields come without the ``'`` that keeps a spreadsheet from running them, and without the
    blanks before an opening quote; ``account`` is told of the line of the latter.

    Raises:
        InputError: A quote is still open at the end.
    """
    lines = Lines(content, encoding)
    reader = csv.reader(lines, delimiter=delimiter)
    last = 0
    for fields in reader:
        if lines.ended:  # the reader wanted another line within the record
            opened = last + 1 + sum(_line_breaks(text) for text in fields[:-1])
            raise InputError(
                f"{shown(name)}: line {opened}: a quote is opened and never closed; "
                'close it, or write "" for a quote that is meant'
            )
        first, last = last + 1, reader.line_num
        blank = not fields or (not fields[0].strip() and lines.current.isspace())
        cells = fields
        if first == last and _BLANK_QUOTE in lines.current:
            cells = _without_blanks_before_quotes(lines.current, fields, delimiter)
            if account is not None and cells is not fields:
                account.blank_quote = first
        if first != last or "'" in lines.current:
            cells = [_GUARD.sub("", text) for text in cells]
        yield [] if blank else cells, first, last


def _without_blanks_before_quotes(line: str, fields: list[str], delimiter: str) -> list[str]:
    """Return the fields of a line in which blanks stand before an opening quote.

    To the CSV rules such a quote is a character like any other, so that ``, "a, b"`` would be two
    fields. Where no field begins so, or a quote would stay open, the fields are as they were.
    """
    if not any(text[:1] == " " and text.lstrip(" ")[:1] == '"' for text in fields):
        return fields
    lenient = csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True)
    with suppress(csv.Error):
        return next(lenient)
    return fields


def _line_breaks(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def valid_records(
    records: Iterable[Record], width: int, keys: Keys, account: LineStats, name: str = "the input"
) -> Iterator[tuple[list[str | None], int]]:
    """Yield the fields and first line of each record that names a pair; account for the others.

    The fields come out ``width`` long, None where a short record has none, with the decoration
    round the two keys taken off. Blank lines at the end are not accounted for.

    Args:
        records: Those after the header.
        width: How many columns the header has.
        keys: Where the two keys stand, and their names.
        account: Is added to as the records are drawn.
        name: The file's name, for the message.

    Raises:
        InputError: A line is the header of another file, with the keys in other places.
    """
    one, other = keys.names
    blank = 0
    for fields, first, last in records:
        if not fields:
            blank += 1
            continue
        if blank:
            account.refuse(Reason.BLANK, first - blank, first - 1)
            blank = 0
        row, given = _row(fields, width, keys)
        if first != last and (reason := _fault_of_span(given, last - first + 1)):
            account.refuse(reason, first, last)
            continue
        account.continuation += last - first
        cleaned = row[keys.openid] or "", row[keys.organization] or ""
        reason = _fault_of_openid(cleaned[0]) or _fault_of_organization(cleaned[1])
        if len(fields) > width and any(fields[width:]):
            reason = Reason.MANY_FIELDS
        line = "\n".join(fields).casefold()
        if one in line and other in line and _is_header(fields, cleaned, keys, first, name):
            reason = Reason.HEADER_AGAIN
        if reason:
            account.refuse(reason, first, first)
            continue
        if given != cleaned or account.blank_quote == first:
            account.decorate(first)
        yield row, first


def _row(fields: list[str], width: int, keys: Keys) -> tuple[list[str | None], tuple[str, str]]:
    """Return a record's fields, ``width`` of them, the keys cleaned, and the keys as given."""
    row: list[str | None] = fields  # type: ignore[assignment]  # the usual case: no copy
    if len(fields) != width:
        row = [*fields[:width], *[None] * (width - len(fields))]
    given = one, other = row[keys.openid] or "", row[keys.organization] or ""
    if keys.backtick:
        row = [text and text.removeprefix("`") for text in row]
        one, other = one.removeprefix("`"), other.removeprefix("`")
    if not (is_plain(one) and is_plain(other)):
        one, other = clean_key(one), clean_key(other)
    row[keys.openid], row[keys.organization] = one, other
    return row, given


def _is_header(
    fields: list[str], cleaned: tuple[str, str], keys: Keys, line: int, name: str
) -> bool:
    """Return True if a record is the header once more.

    Raises:
        InputError: It is the header of another file: both names stand in it, in other places.
    """
    if tuple(key.casefold() for key in cleaned) == keys.names:
        return True
    bare = (text.removeprefix("`") for text in fields) if keys.backtick else fields
    folded = [clean_key(text).casefold() for text in bare]
    if all(each in folded for each in keys.names):
        raise InputError(
            f"{shown(name)}: line {line}: another header, with the columns in other places: two "
            "files with different columns were put together; run them one by one"
        )
    return False


def _fault_of_span(keys: tuple[str, str], lines: int) -> Reason | None:
    if lines > MOST_LINES:
        return Reason.MANY_LINES
    return Reason.KEY_BREAK if any(map(_line_breaks, keys)) else None


def _key_rule(
    limit: int, empty: Reason, long: Reason, control: Reason, dots: Reason | None = None
) -> Callable[[str], Reason | None]:
    """Return the function that says what is wrong with a key, if anything."""
    # The control characters are C0, DEL and C1: Unicode's category Cc, which never grows.
    is_good = re.compile(rf"[^\x00-\x1f\x7f-\x9f]{{1,{limit}}}").fullmatch

    def fault(key: str) -> Reason | None:
        if is_good(key):
            return dots if dots and key in (".", "..") else None
        if not key:
            return empty
        return long if len(key) > limit else control

    return fault


_fault_of_openid: Final = _key_rule(
    128, Reason.OPENID_EMPTY, Reason.OPENID_LONG, Reason.OPENID_CONTROL, Reason.OPENID_DOTS
)
_fault_of_organization: Final = _key_rule(
    64, Reason.ORGANIZATION_EMPTY, Reason.ORGANIZATION_LONG, Reason.ORGANIZATION_CONTROL
)
