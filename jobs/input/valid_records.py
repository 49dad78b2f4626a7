"""The records of an input that name a pair; all others are counted as invalid lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from jobs.errors import InputError
from jobs.input.content.source import shown
from jobs.input.keys import KeyColumns, clean_key, is_plain
from jobs.input.line_stats import LineStats, Reason
from jobs.input.records import MOST_LINES, Record, line_breaks
from palm import Pair

__all__ = ["LONGEST_OPENID", "LONGEST_ORGANIZATION", "valid_records"]

LONGEST_OPENID: Final = 128
LONGEST_ORGANIZATION: Final = 64
"""Characters."""


def valid_records(
    records: Iterable[Record],
    width: int,
    keys: KeyColumns,
    stats: LineStats,
    name: str = "the input",
) -> Iterator[tuple[list[str | None], int]]:
    """Yield the fields and the first line of each record that names a pair; count the others.

    Each record has ``width`` fields, None for those that a short record lacks, and its keys are
    without decoration. Blank lines at the end are counted in ``stats.blank`` only.

    Args:
        records: Those after the header.
        width: How many columns the header has.
        keys: Which fields are the keys.
        stats: Is updated as the records are read.
        name: The file's name, for the message.

    Raises:
        InputError: A line is the header of another file, with the key columns in another order.
    """
    openid_name, organization_name = keys.names
    for fields, first, last in records:
        if not fields:
            stats.blank += 1
            continue
        stats.reject_blank_before(first)
        # Plain variables instead of a Pair: this loop runs once per line.
        row, written_openid, written_organization = _row(fields, width, keys)
        if first != last and (
            reason := _fault_of_span(written_openid + written_organization, last - first + 1)
        ):
            stats.reject(reason, first, last)
            continue
        stats.continuation += last - first
        openid, organization = row[keys.openid] or "", row[keys.organization] or ""
        reason = _fault_of_openid(openid) or _fault_of_organization(organization)
        if len(fields) > width and any(fields[width:]):
            reason = Reason.MANY_FIELDS
        line = "\n".join(fields).casefold()
        if openid_name in line and organization_name in line:
            cleaned = Pair(openid, organization)
            if _is_header(fields, cleaned, keys, first, name):
                reason = Reason.HEADER_AGAIN
        if reason:
            stats.reject(reason, first, first)
            continue
        is_changed = written_openid != openid or written_organization != organization
        if is_changed or stats.blank_quote == first:
            stats.decorate(first)
        yield row, first


def _row(fields: list[str], width: int, keys: KeyColumns) -> tuple[list[str | None], str, str]:
    """Return ``width`` fields with clean keys; the keys are as they were written."""
    row: list[str | None] = fields  # type: ignore[assignment]  # the usual case: no copy
    if len(fields) != width:
        row = [*fields[:width], *[None] * (width - len(fields))]
    openid = written_openid = row[keys.openid] or ""
    organization = written_organization = row[keys.organization] or ""
    if keys.backtick:
        row = [text and text.removeprefix("`") for text in row]
        openid, organization = openid.removeprefix("`"), organization.removeprefix("`")
    if not (is_plain(openid) and is_plain(organization)):
        openid, organization = clean_key(openid), clean_key(organization)
    row[keys.openid], row[keys.organization] = openid, organization
    return row, written_openid, written_organization


def _is_header(fields: list[str], cleaned: Pair, keys: KeyColumns, line: int, name: str) -> bool:
    """Return True if a record is a repeated header.

    Raises:
        InputError: It is the header of another file: both names are in it, in other columns.
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


def _fault_of_span(keys: str, lines: int) -> Reason | None:
    if lines > MOST_LINES:
        return Reason.MANY_LINES
    return Reason.KEY_BREAK if line_breaks(keys) else None


def _key_rule(
    limit: int, empty: Reason, long: Reason, control: Reason, dots: Reason | None = None
) -> Callable[[str], Reason | None]:
    """Return a function that returns why a key is invalid, or None if it is valid."""
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
    LONGEST_OPENID,
    Reason.OPENID_EMPTY,
    Reason.OPENID_LONG,
    Reason.OPENID_CONTROL,
    Reason.OPENID_DOTS,
)
_fault_of_organization: Final = _key_rule(
    LONGEST_ORGANIZATION,
    Reason.ORGANIZATION_EMPTY,
    Reason.ORGANIZATION_LONG,
    Reason.ORGANIZATION_CONTROL,
)
