"""The lines of an input: each is accounted for, as part of a good record or as an invalid line.

A line here is a physical one, ended by LF, CR LF or CR, and counted from 1 at the file's very
first. A record is what the CSV rules make of one line, or of several where quotes enclose a line
break.

A cell that a spreadsheet would run as a formula stands in a CSV with a ``'`` in front, which is no
part of it: one is taken off wherever it stands before ``=``, ``+``, ``-``, ``@``, a tab or a
carriage return, or before further ``'`` that do. :mod:`jobs.render.csv_file` puts it there.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from jobs.content import InputError, shown

__all__ = ["Account", "InvalidLine", "Reason", "Record", "read_records", "sort_records"]

MOST_LISTED: Final = 1_000
MOST_LINES: Final = 10
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


@dataclass(slots=True)
class Account:
    """What became of the lines that gave no pair; the first 1,000 of them are listed."""

    invalid: int = 0
    continuation: int = 0
    by_reason: Counter[Reason] = field(default_factory=Counter)
    listed: list[InvalidLine] = field(default_factory=list)
    first_of: dict[Reason, int] = field(default_factory=dict)

    def refuse(self, reason: Reason, first: int, last: int) -> None:
        """Count the lines from ``first`` to ``last`` as invalid."""
        count = last - first + 1
        self.invalid += count
        self.by_reason[reason] += count
        self.first_of.setdefault(reason, first)
        listed = min(count, MOST_LISTED - len(self.listed))
        self.listed += [InvalidLine(line, reason) for line in range(first, first + listed)]


class _Lines:
    """The lines of a text as the CSV reader asks for them, remembering how far it came."""

    def __init__(self, content: bytes, encoding: str) -> None:
        self.current = ""
        self.ended = False
        self._text = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
        if self._text.read(1) != "\ufeff":  # a byte order mark that the codec left in
            self._text.seek(0)

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.current = line
            yield line
        self.ended = True


def read_records(content: bytes, encoding: str, delimiter: str, name: str) -> Iterator[Record]:
    """Yield the records of a CSV text, the header's and those of blank lines among them.

    The fields come without the ``'`` that keeps a spreadsheet from running them.

    Raises:
        InputError: A quote is still open at the end.
    """
    lines = _Lines(content, encoding)
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
        guarded = first != last or "'" in lines.current
        cells = [_GUARD.sub("", text) for text in fields] if guarded else fields
        yield [] if blank else cells, first, last


def _line_breaks(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def sort_records(
    records: Iterable[Record], width: int, openid: int, organization: int, account: Account
) -> Iterator[tuple[list[str | None], int]]:
    """Yield the fields and first line of each record that names a pair; account for the others.

    The fields come out ``width`` long, None where a short record has none, with the spaces around
    the two keys taken off. Blank lines at the end are no lines, so they are not accounted for.

    Args:
        records: Those after the header.
        width: How many columns the header has.
        openid: The position of the openid.
        organization: The position of the organization.
        account: Is added to as the records are drawn.
    """
    blank = 0
    for fields, first, last in records:
        if not fields:
            blank += 1
            continue
        if blank:
            account.refuse(Reason.BLANK, first - blank, first - 1)
            blank = 0
        row: list[str | None] = fields  # type: ignore[assignment]  # the usual case: no copy
        if len(fields) != width:
            row = [*fields[:width], *[None] * (width - len(fields))]
        keys = row[openid] or "", row[organization] or ""
        row[openid] = one = keys[0].strip(" ")
        row[organization] = other = keys[1].strip(" ")
        if first != last and (reason := _fault_of_span(keys, last - first + 1)):
            account.refuse(reason, first, last)
            continue
        account.continuation += last - first
        reason = _fault_of_openid(one) or _fault_of_organization(other)
        if len(fields) > width and any(fields[width:]):
            reason = Reason.MANY_FIELDS
        if reason:
            account.refuse(reason, first, first)
        else:
            yield row, first


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
