"""Reads the header of an input: the delimiter, the key columns, the names of the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from jobs.errors import InputError
from jobs.input.content.content import Content
from jobs.input.content.source import shown
from jobs.input.keys import USUAL_OPENID, KeyColumns, clean_key
from jobs.input.options import OPENID_COLUMN, ORGANIZATION_COLUMN, InputOptions
from jobs.input.records import Lines, Record, read_records
from jobs.schema import ROWS

__all__ = ["Columns", "Header", "find_header", "name_columns"]

DELIMITERS: Final = (",", "\t", ";")
_MOST_SHOWN: Final = 10
_TITLE_LINES: Final = 10
"""The header begins on one of the first lines; a title or blank lines may stand above it."""
_SEPARATOR: Final = re.compile(r"sep=([^\r\n\"])[,;\t ]*", re.IGNORECASE)
"""A first line by which Excel is told the delimiter; other programs write it, too."""
_RESERVED: Final = frozenset({*ROWS, "run_date", "__index_level_0__"})
"""Names that a carried column may not have: the report's own, the one that pandas and DuckDB give
the date of a day's folder, and the one that pandas gives an index."""


class Columns(NamedTuple):
    """The names under which the input holds the two keys."""

    openid: str = OPENID_COLUMN
    organization: str = ORGANIZATION_COLUMN

    @classmethod
    def of(cls, options: InputOptions) -> Self:
        """Return the names that the options give."""
        return cls(options.openid_column, options.organization_column)


@dataclass(frozen=True, slots=True)
class Header:
    """How to read the lines after the header.

    ``names`` are the frame's names of the columns, in the file's order; ``keys`` says where the two
    keys stand; ``line`` is the last line that the header stands on.
    """

    delimiter: str
    names: tuple[str, ...]
    keys: KeyColumns
    line: int


def find_header(content: Content, encoding: str, columns: Columns, name: str) -> Header:
    """Return the header under the first delimiter that shows both key columns.

    The header is the first record, or, where a title stands above it, a later one that begins
    within the first 10 lines. Where the first line is Excel's ``sep=;``, that is the delimiter.

    With a wrong delimiter, a quote may seem never to be closed. This is an error of the file only
    if no delimiter is the right one.

    Raises:
        InputError: There is no header, or a key column is not in it or in it twice.
    """
    if _fold(columns.openid) == _fold(columns.organization):
        raise InputError(
            f"{shown(name)}: {columns.openid!r} is named for the openid and for the organization; "
            "name two columns with --openid-column and --organization-column"
        )
    beginnings: list[Record] = []
    failed: list[InputError] = []
    separator = _separator(content, encoding)
    for delimiter in [separator] if separator else DELIMITERS:
        candidates = _first_records(content, encoding, delimiter, name, below=bool(separator))
        first_here = len(beginnings)
        while True:
            try:
                record = next(candidates)
            except StopIteration:
                break
            except InputError as error:
                failed.append(error)
                break
            if header := _header_in(record, delimiter, columns, name):
                return header
            if len(beginnings) == first_here:
                beginnings.append(record)
    fields, first, _ = max(beginnings, key=lambda record: len(record[0]), default=([], 0, 0))
    if failed and len(fields) < len(columns):
        raise failed[0]
    raise _missing(fields, columns, first, name)


def _header_in(record: Record, delimiter: str, columns: Columns, name: str) -> Header | None:
    """Return the header if a record is one, or None if it lacks a key column."""
    fields, first, last = record
    backtick = all(field.startswith("`") for field in fields)
    names = [field.removeprefix("`") for field in fields] if backtick else fields
    folded = [_fold(field) for field in names]
    wanted = _fold(columns.openid), _fold(columns.organization)
    if not all(column in folded for column in wanted):
        return None
    _refuse_repeats(folded, columns, first, name)
    _refuse_nul(fields, first, name)
    openid, organization = map(folded.index, wanted)
    keys = KeyColumns(openid, organization, wanted, backtick)
    return Header(delimiter, name_columns(names, openid, organization), keys, last)


def name_columns(header: Sequence[str], openid: int, organization: int) -> tuple[str, ...]:
    """Return the name of each column in the frame; all are different, and none is the report's own.

    The keys get the report's names. A further column keeps its own, but ``input_`` goes before one
    that the report uses or that is called ``run_date``, ``column_3`` stands for one without a name
    and ``name_2`` for a repeated one. Names that differ in case only are the same: DuckDB does not
    tell them apart.
    """
    trimmed = [_trim(field) for field in header]
    taken = {*_RESERVED, *(name.casefold() for name in trimmed)}
    names: list[str] = []
    used: set[str] = set()
    for at, name in enumerate(trimmed):
        folded = name.casefold()
        if at == openid:
            names.append("openid")
        elif at == organization:
            names.append("organization_id")
        elif name and folded not in _RESERVED and folded not in used:
            names.append(name)
        else:
            names.append(_free_name(name, at, taken))
        used.add(names[-1].casefold())
        taken.add(names[-1].casefold())
    return tuple(names)


def _free_name(name: str, at: int, taken: set[str]) -> str:
    if name.casefold() in _RESERVED:
        while name.casefold() in taken:
            name = f"input_{name}"
        return name
    if not name and (free := f"column_{at + 1}") not in taken:
        return free
    name, number = name or f"column_{at + 1}", 2
    while f"{name}_{number}".casefold() in taken:
        number += 1
    return f"{name}_{number}"


def _trim(field: str) -> str:
    while (trimmed := clean_key(field.strip())) != field:
        field = trimmed
    return field


def _fold(field: str) -> str:
    return _trim(field).casefold()


def _separator(content: Content, encoding: str) -> str | None:
    """Return the delimiter that the first line names, or None."""
    first = next(iter(Lines(content, encoding)), "")
    named = _SEPARATOR.fullmatch(first.strip("\r\n"))
    return named[1] if named else None


def _first_records(
    content: Content, encoding: str, delimiter: str, name: str, *, below: bool
) -> Iterator[Record]:
    """Yield the first record that is not blank, and further ones that begin on the first lines.

    Args:
        content: The file's bytes, unpacked.
        encoding: In which they are text.
        delimiter: Between the fields.
        name: The file's name, for the message.
        below: Whether the first line names the delimiter and is passed over.
    """
    empty = True
    for record in read_records(content, encoding, delimiter, name):
        fields, first, _ = record
        if not fields or (below and first == 1):
            continue
        if not empty and first > _TITLE_LINES:
            break
        if empty:
            _refuse_nul(fields, first, name)
        empty = False
        yield record
    if empty:
        raise InputError(f"{shown(name)}: is empty; it needs a header line and pairs below it")


def _refuse_nul(fields: Sequence[str], line: int, name: str) -> None:
    if any("\0" in field for field in fields):
        raise InputError(
            f"{shown(name)}: line {line}: the header contains NUL characters: this is not CSV, "
            "or --encoding is wrong; check the file and the option"
        )


def _refuse_repeats(folded: list[str], columns: Columns, line: int, name: str) -> None:
    for column in columns:
        if folded.count(_fold(column)) > 1:
            raise InputError(
                f"{shown(name)}: line {line}: column {_quoted(column)} stands there twice; "
                "rename or remove one"
            )


def _missing(fields: list[str], columns: Columns, line: int, name: str) -> InputError:
    folded = [_fold(field) for field in fields]
    options = {"--openid-column": columns.openid, "--organization-column": columns.organization}
    absent = {option: name for option, name in options.items() if _fold(name) not in folded}
    what = " and no column ".join(_quoted(column) for column in absent.values())
    found = ", ".join(_quoted(field) for field in fields[:_MOST_SHOWN])
    more = len(fields) - _MOST_SHOWN
    found += f" and {more} more" if more > 0 else ""
    remedy = f"name the right one with {' and '.join(absent)}"
    if any(_is_openid(field) for field in fields):
        remedy = (
            f"put a header line such as {columns.openid},{columns.organization} above the pairs"
        )
    elif len(absent) == len(options):
        remedy += f", or let the header begin within the first {_TITLE_LINES} lines"
    return InputError(
        f"{shown(name)}: line {line}: there is no column {what}; found {found}; {remedy}"
    )


def _quoted(field: str) -> str:
    """Return a column's name in quotes; without a header it may be a person's openid instead."""
    return "(an openid)" if _is_openid(field) else f"'{shown(_trim(field), 40)}'"


def _is_openid(field: str) -> bool:
    return re.match(USUAL_OPENID, field.strip()) is not None
