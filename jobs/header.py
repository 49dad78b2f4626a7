"""The header of an input: which delimiter, which columns are keys, how the others are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from jobs.content import InputError, shown
from jobs.frames import ROWS
from jobs.lines import Record, read_records

__all__ = ["USUAL_OPENID", "Columns", "Header", "find_header", "name_columns"]

DELIMITERS: Final = (",", "\t", ";")
USUAL_OPENID: Final = "^o[A-Za-z0-9_-]{27}$"
_MOST_SHOWN: Final = 10


class Columns(NamedTuple):
    """The names under which the input holds the two keys."""

    openid: str = "openid"
    organization: str = "organization_id"


@dataclass(frozen=True, slots=True)
class Header:
    """How to read the lines after the header.

    ``names`` are the frame's names of the columns, in the file's order; ``line`` is the last line
    that the header stands on.
    """

    delimiter: str
    names: tuple[str, ...]
    openid: int
    organization: int
    line: int


def find_header(content: bytes, encoding: str, columns: Columns, name: str) -> Header:
    """Return the header under the first delimiter that shows both key columns.

    A delimiter that does not fit may well find a quote that is never closed, where a quoted name
    holds it; that says something about the file only where no delimiter fits.

    Raises:
        InputError: There is no header, or a key column is not in it or in it twice.
    """
    if _fold(columns.openid) == _fold(columns.organization):
        raise InputError(
            f"{shown(name)}: {columns.openid!r} is named for the openid and for the organization; "
            "name two columns with --openid-column and --organization-column"
        )
    found: list[Record] = []
    failed: list[InputError] = []
    for delimiter in DELIMITERS:
        try:
            record = _first_record(content, encoding, delimiter, name)
        except InputError as error:
            failed.append(error)
            continue
        found.append(record)
        fields, first, last = record
        folded = [_fold(field) for field in fields]
        if all(_fold(column) in folded for column in columns):
            _refuse_repeats(folded, columns, first, name)
            openid, organization = (folded.index(_fold(column)) for column in columns)
            names = name_columns(fields, openid, organization)
            return Header(delimiter, names, openid, organization, last)
    fields, first, _ = max(found, key=lambda record: len(record[0]), default=([], 0, 0))
    if failed and len(fields) < len(columns):
        raise failed[0]
    raise _missing(fields, columns, first, name)


def name_columns(header: Sequence[str], openid: int, organization: int) -> tuple[str, ...]:
    """Return what the frame calls each column, no name twice and none of the report's own.

    The keys get the report's names. A further column keeps its own, but ``input_`` goes before one
    that the report uses, ``column_3`` stands for one without and ``name_2`` for a repeated one.
    """
    given = [_trim(field) for field in header]
    taken = {*ROWS, *given}
    names: list[str] = []
    for at, name in enumerate(given):
        if at == openid:
            names.append("openid")
        elif at == organization:
            names.append("organization_id")
        elif name and name.lower() not in ROWS and name not in names:
            names.append(name)
        else:
            names.append(_free_name(name, at, taken))
        taken.add(names[-1])
    return tuple(names)


def _free_name(name: str, at: int, taken: set[str]) -> str:
    if name.lower() in ROWS:  # some readers of Parquet do not tell State from state
        while name in taken:
            name = f"input_{name}"
        return name
    if not name and (free := f"column_{at + 1}") not in taken:
        return free
    name, number = name or f"column_{at + 1}", 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _trim(field: str) -> str:
    return field.strip().strip("\ufeff").strip()


def _fold(field: str) -> str:
    return _trim(field).casefold()


def _first_record(content: bytes, encoding: str, delimiter: str, name: str) -> Record:
    for record in read_records(content, encoding, delimiter, name):
        fields, first, _ = record
        if fields:
            if any("\0" in field for field in fields):
                raise InputError(
                    f"{shown(name)}: line {first}: the header holds NUL characters, so this "
                    "is no CSV, or --encoding is not the file's; check both"
                )
            return record
    raise InputError(f"{shown(name)}: is empty; it needs a header line and pairs below it")


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
    return InputError(
        f"{shown(name)}: line {line}: there is no column {what}; found {found}; {remedy}"
    )


def _quoted(field: str) -> str:
    """Return a column's name in quotes; without a header it may be a person's openid instead."""
    return "(an openid)" if _is_openid(field) else f"'{shown(_trim(field), 40)}'"


def _is_openid(field: str) -> bool:
    return re.match(USUAL_OPENID, field.strip()) is not None
