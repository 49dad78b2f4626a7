"""Bases of the parts of a report's metadata: dataclasses that convert to and from JSON. Pure.

A field whose default is None is one that earlier versions did not write: it is left out where it is
None. Members that a later version added are ignored when they are read.

The docstring below a field describes it. pydantic generates ``jobs/report/schema.json`` from these
docstrings and the annotations (:mod:`jobs.report.schema_generator`). This module does not import
pydantic, which a run does not need: the annotations have the methods that it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Self, TypeAlias

__all__ = [
    "DEFINED",
    "Count",
    "Day",
    "Defined",
    "JsonDataclass",
    "JsonSchema",
    "JsonValue",
    "Moment",
    "Readers",
    "Sha256",
]

DEFINED: Final = "x-defined"
"""The keyword that is used in place of ``$ref`` while a schema is generated."""


class JsonSchema:
    """Keywords of JSON Schema for an annotated type.

    Args:
        instead: True if they replace the keywords of the type, False if they are added to them.
        keywords: Names and values of the keywords.
    """

    def __init__(self, *, instead: bool = False, **keywords: object) -> None:
        self._instead = instead
        self._keywords = keywords

    def __get_pydantic_json_schema__(
        self,
        core: object,
        handler: Callable[[object], dict[str, object]],
    ) -> dict[str, object]:
        return dict(self._keywords) if self._instead else {**handler(core), **self._keywords}


class Defined(JsonSchema):
    """The name under which :mod:`jobs.report.schema_generator` defines a type's schema."""

    def __init__(self, name: str) -> None:
        super().__init__(instead=True, **{DEFINED: name})


Count: TypeAlias = Annotated[int, JsonSchema(minimum=0)]
Day: TypeAlias = Annotated[date, JsonSchema(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Moment: TypeAlias = Annotated[
    datetime, JsonSchema(pattern=r"^[0-9-]{10}T[0-9:]{8}\.[0-9]{3}\+00:00$")
]
Sha256: TypeAlias = Annotated[str, JsonSchema(pattern="^[0-9a-f]{64}$")]
Readers: TypeAlias = Mapping[str, Callable[..., object]]
"""Name of a member to the function that returns it from its JSON value."""


class JsonValue:
    """Base of what is written as JSON in its own way."""

    __slots__ = ()

    def to_json(self) -> object:
        """Return the value as the :mod:`json` module writes it."""
        raise NotImplementedError


class JsonDataclass(JsonValue):
    """Base of a dataclass whose fields are the members of a JSON object, in their order."""

    __slots__ = ()
    __pydantic_config__: ClassVar = {"use_attribute_docstrings": True}
    _READ: ClassVar[Readers] = {}
    """How to read members that JSON has no type for; null is read as None."""

    def to_json(self) -> dict[str, object]:
        """Return the part as a JSON object."""
        return {
            each.name: _plain(value)
            for each in fields(self)  # type: ignore[arg-type] # of the dataclass
            if (value := getattr(self, each.name)) is not None or each.default is MISSING
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """Return the part from the object that this, an earlier or a later version wrote.

        Args:
            value: The object, which was checked against the schema before.
        """
        names = [each.name for each in fields(cls) if each.name in value]  # type: ignore[arg-type]
        return cls(**{name: cls._read(name, value[name]) for name in names})

    @classmethod
    def _read(cls, name: str, value: object) -> object:
        read = cls._READ.get(name)
        return value if read is None or value is None else read(value)


def _plain(value: object) -> object:
    if isinstance(value, JsonValue):
        return value.to_json()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return value.isoformat() if isinstance(value, date) else value
