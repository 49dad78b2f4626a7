"""Parts of a report's metadata: frozen dataclasses that know how JSON writes them. Pure.

A member whose default is None is one that not every version wrote: it is left out where it is None.
Members that a part does not know, for a later version added them, are ignored as it is read.

What a member means stands below it, as its docstring; ``jobs/report/schema.json`` is generated from
these and from the annotations (:mod:`jobs.report.schema_json`). Pydantic does that, and is loaded
for nothing else here: the annotations have the methods that it looks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias

__all__ = [
    "DEFINED",
    "Count",
    "Day",
    "Defined",
    "JsonPart",
    "JsonSchema",
    "Moment",
    "Readers",
    "Sha256",
]

DEFINED: Final = "x-defined"
"""Stands for ``$ref`` while a schema is generated."""


class JsonSchema:
    """Keywords of JSON Schema for an annotated type.

    Args:
        instead: Whether they stand instead of the type's own, not beside them.
        keywords: Theirs.
    """

    def __init__(self, *, instead: bool = False, **keywords: Any) -> None:  # noqa: ANN401
        self._instead = instead
        self._keywords = keywords

    def __get_pydantic_json_schema__(
        self,
        core: object,
        handler: Callable[[Any], dict[str, Any]],
    ) -> dict[str, Any]:
        return dict(self._keywords) if self._instead else {**handler(core), **self._keywords}


class Defined(JsonSchema):
    """A type whose schema :mod:`jobs.report.schema_json` defines under a name."""

    def __init__(self, name: str) -> None:
        super().__init__(instead=True, **{DEFINED: name})


Count: TypeAlias = Annotated[int, JsonSchema(minimum=0)]
Day: TypeAlias = Annotated[date, JsonSchema(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Moment: TypeAlias = Annotated[
    datetime, JsonSchema(pattern=r"^[0-9-]{10}T[0-9:]{8}\.[0-9]{3}\+00:00$")
]
Sha256: TypeAlias = Annotated[str, JsonSchema(pattern="^[0-9a-f]{64}$")]
Readers: TypeAlias = Mapping[str, Callable[[Any], Any]]


class JsonPart:
    """Base of a dataclass whose members are those of a JSON object, in their order."""

    __slots__ = ()
    __pydantic_config__: ClassVar = {"use_attribute_docstrings": True}
    _READ: ClassVar[Readers] = {}
    """How to read members that are not plain; one that is null stays None."""

    def to_json(self) -> Any:  # noqa: ANN401 - nearly always an object
        """Return the part as JSON knows it."""
        return {
            each.name: _plain(value)
            for each in fields(self)  # type: ignore[arg-type] # of the dataclass
            if (value := getattr(self, each.name)) is not None or each.default is MISSING
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:  # noqa: ANN401 - checked before against the schema
        """Return the part that ``to_json`` gave, or that an earlier or later version wrote."""
        names = [each.name for each in fields(cls) if each.name in value]  # type: ignore[arg-type]
        return cls(**{name: cls._read(name, value[name]) for name in names})

    @classmethod
    def _read(cls, name: str, value: Any) -> Any:  # noqa: ANN401
        read = cls._READ.get(name)
        return value if read is None or value is None else read(value)


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, JsonPart):
        return value.to_json()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return value.isoformat() if isinstance(value, date) else value
