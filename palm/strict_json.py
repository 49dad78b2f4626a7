"""Strict JSON: an object with a member twice is refused, because readers disagree about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final, NoReturn, TypeAlias

from palm.errors import BodyError

__all__ = ["JSONValue", "parse_json", "read_time"]

JSONValue: TypeAlias = (
    "dict[str, JSONValue] | list[JSONValue] | str | int | float | bool | None"  # as json reads it
)
"""What a JSON text can contain."""


def parse_json(content: bytes, what: str = "the answer") -> JSONValue:
    """Return the JSON in a body.

    Args:
        content: The body.
        what: What it is, for errors.

    Raises:
        BodyError: It is not JSON; or an object in it has a member twice, of which one reader takes
            the first and another the last: https://www.rfc-editor.org/rfc/rfc8259#section-4
    """
    try:
        value: JSONValue = _DECODER.decode(content.decode())
    except _DuplicateMemberError:
        text = f"{what} has a member twice"
    except (ValueError, RecursionError):
        text = f"{what} is not JSON"
    else:
        return value
    # Raised outside the except block so that the parser's error, which holds the body, is not
    # chained.
    raise BodyError(text)


class _DuplicateMemberError(ValueError):
    """An object has a member twice."""


def _members(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    """Return an object's members; all escapes in their names are resolved already."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateMemberError
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are extensions of Python's parser


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant)


def read_time(value: object) -> datetime | None:
    """Return a time with a zone as UTC; None: it is missing, or written in another way.

    An unreadable time is ignored: what an answer or a notification says is valid without it, and
    some pages document times without hyphens and zone.
    """
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
