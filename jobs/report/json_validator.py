"""Checks JSON against a JSON Schema, with the keywords that the schema of the metadata uses.

Only the tests need the library for this; they compare this module with it. It is stricter than the
standard where a damaged file could do harm later: numbers fit 64 bits and are finite, text can be
encoded, a date exists in the calendar. It is less strict so that reports of later versions can be
read: members that a schema does not name are accepted, except in the parts that are closed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypedDict

__all__ = ["InvalidJsonError", "SchemaObject", "check_json"]

_INTEGERS: Final = range(-(2**63), 2**63)
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


SchemaObject = TypedDict(
    "SchemaObject",
    {
        "$defs": dict[str, "SchemaObject"],
        "$ref": str,
        "additionalProperties": "SchemaObject | bool",
        "const": object,
        "dependentRequired": dict[str, list[str]],
        "enum": list[object],
        "exclusiveMinimum": float,
        "format": str,
        "items": "SchemaObject",
        "maxItems": int,
        "maximum": float,
        "minItems": int,
        "minimum": float,
        "oneOf": list["SchemaObject"],
        "pattern": str,
        "properties": dict[str, "SchemaObject"],
        "propertyNames": "SchemaObject",
        "required": list[str],
        "type": "str | list[str]",
    },
    total=False,
)
"""The keywords of JSON Schema that the schema of a report's metadata uses."""


class InvalidJsonError(Exception):
    """A value does not match the schema; the text has the path to it and what is wrong."""


@dataclass(frozen=True, slots=True)
class _Known:
    definitions: Mapping[str, SchemaObject]
    closed: tuple[str, ...]


def check_json(value: object, schema: SchemaObject, *, closed: tuple[str, ...] = ()) -> None:
    """Check a value that :mod:`json` parsed.

    Args:
        value: The value to check.
        schema: The schema, with its ``$defs``.
        closed: Paths such as ``/summary`` at and below which an object that the schema closes
            (``additionalProperties: false``) holds nothing else; elsewhere it may.

    Raises:
        InvalidJsonError: The value does not match the schema.
    """
    _check(value, schema, _Known(schema.get("$defs", {}), closed), "")


def _check(value: object, schema: SchemaObject, known: _Known, at: str) -> None:
    if reference := schema.get("$ref"):
        _check(value, known.definitions[reference.removeprefix("#/$defs/")], known, at)
    if alternatives := schema.get("oneOf"):
        _check_one_of(value, alternatives, known, at)
    _check_kind(value, schema, at)
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if choices is not None and not any(
        value == each and type(value) is type(each) for each in choices
    ):
        raise InvalidJsonError(f"{at} is not one of the allowed values")
    if isinstance(value, str):
        _check_text(value, schema, at)
    elif isinstance(value, dict):
        _check_object(value, schema, known, at)
    elif isinstance(value, list):
        _check_array(value, schema, known, at)
    elif isinstance(value, int | float):
        _check_number(value, schema, at)


def _check_one_of(
    value: object,
    choices: list[SchemaObject],
    known: _Known,
    at: str,
) -> None:
    wrong = []
    for choice in choices:
        try:
            _check(value, choice, known, at)
        except InvalidJsonError as error:
            wrong.append(error)
    if len(wrong) != len(choices) - 1:
        raise wrong[-1] if wrong else InvalidJsonError(f"{at} matches more than one alternative")


def _check_kind(value: object, schema: SchemaObject, at: str) -> None:
    kinds = schema.get("type")
    if kinds is None:
        return
    kinds = [kinds] if isinstance(kinds, str) else kinds
    allowed = tuple(python for kind in kinds for python in _KINDS[kind])
    if not isinstance(value, allowed) or (isinstance(value, bool) and "boolean" not in kinds):
        raise InvalidJsonError(f"{at} is not of type {' or '.join(kinds)}")


def _check_text(value: str, schema: SchemaObject, at: str) -> None:
    _check_encodable(value, at)
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise InvalidJsonError(f"{at} does not match its pattern")
    try:
        if schema.get("format") == "date":
            date.fromisoformat(value)
        elif schema.get("format") == "date-time":
            datetime.fromisoformat(value)
    except ValueError:
        raise InvalidJsonError(f"{at} is not a date of the calendar") from None


def _check_encodable(value: str, at: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidJsonError(f"{at} is not text") from None


def _check_number(value: float, schema: SchemaObject, at: str) -> None:
    if value not in _INTEGERS if isinstance(value, int) else not math.isfinite(value):
        raise InvalidJsonError(f"{at} is not a finite 64-bit number")
    if (
        value < schema.get("minimum", value)
        or value > schema.get("maximum", value)
        or ("exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"])
    ):
        raise InvalidJsonError(f"{at} is out of range")


def _check_object(value: dict[str, object], schema: SchemaObject, known: _Known, at: str) -> None:
    named = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            raise InvalidJsonError(f"{at}/{name} is missing")
    for name, needed in schema.get("dependentRequired", {}).items():
        if name in value and any(each not in value for each in needed):
            raise InvalidJsonError(f"{at}/{name} lacks the members that belong to it")
    for name, member in value.items():
        _check_encodable(name, at)
        below = f"{at}/{name}" if name in named else f"{at}/*"
        if "propertyNames" in schema:
            _check(name, schema["propertyNames"], known, below)
        if name in named:
            _check(member, named[name], known, below)
        elif isinstance(others, dict):
            _check(member, others, known, below)
        elif others is False and at.startswith(known.closed):
            raise InvalidJsonError(f"{at} has an unknown member")
        else:
            _check(member, SchemaObject(), known, below)


def _check_array(value: list[object], schema: SchemaObject, known: _Known, at: str) -> None:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        raise InvalidJsonError(f"{at} has too few or too many items")
    for item in value:
        _check(item, schema.get("items", SchemaObject()), known, f"{at}/*")
