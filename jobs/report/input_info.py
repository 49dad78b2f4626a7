"""The metadata about a report's input. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from jobs.input.pairs import Input
from jobs.json_dataclass import Count, Defined, JsonDataclass, JsonSchema, Readers, Sha256

__all__ = ["DamagedKeys", "InputInfo", "InvalidLineInfo"]


@dataclass(frozen=True, slots=True)
class DamagedKeys(JsonDataclass):
    """Pairs whose key looks damaged in the same way."""

    column: Annotated[str, JsonSchema(instead=True, enum=["openid", "organization_id"])]
    """The key that looks damaged."""
    kinds: tuple[Annotated[str, JsonSchema(description="One of them.")], ...]
    """Signs of damage: .0, E+, =, quotes inside, blanks inside, full-width digits."""
    pairs: Annotated[int, JsonSchema(minimum=1)]
    """Number of pairs."""
    line: Annotated[int, JsonSchema(minimum=1)]
    """First line with such a key."""

    _READ: ClassVar[Readers] = {"kinds": tuple}


@dataclass(frozen=True, slots=True)
class InvalidLineInfo(JsonDataclass):
    """An invalid line of the input."""

    line: Annotated[int, JsonSchema(minimum=1)]
    """Number of the line; the first line of the file is 1."""
    reason: Annotated[str, Defined("line_reason")]
    """Why the line holds no pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputInfo(JsonDataclass):
    """The input: lines = pairs + duplicates + invalid."""

    name: str
    """The file's path as typed, or standard input."""
    sha256: Sha256
    """Checksum of the file's bytes."""
    encoding: str
    """Encoding in which the file was read."""
    lines: Count
    """Lines below the header, without blank ones at the end and without continuation_lines."""
    pairs: Annotated[int, JsonSchema(minimum=1)]
    """Pairs, each counted once."""
    duplicates: Count
    """Lines that repeat a pair, which was asked about once."""
    invalid: Count
    """Lines that hold no pair."""
    continuation_lines: Count
    """Lines that continue a valid record."""
    unusual_openids: Count
    """Pairs whose openid is not o and 27 more of A-Z a-z 0-9 - _; asked about unchanged."""
    decorated_lines: Count | None = None
    """Lines with blanks, quotes or invisible characters around a key, which were removed."""
    first_decorated_line: (
        Annotated[int, JsonSchema(instead=True, type=["integer", "null"], minimum=1)] | None
    ) = None
    """First of the decorated lines; null if there is none."""
    damaged_keys: tuple[DamagedKeys, ...] | None = None
    """Keys that look damaged; they were asked about unchanged."""
    invalid_by_reason: Annotated[dict[str, int], Defined("by_line_reason")]
    """Number of invalid lines by reason."""
    invalid_lines: Annotated[tuple[InvalidLineInfo, ...], JsonSchema(maxItems=1000)]
    """The first 1,000 invalid lines."""

    _READ: ClassVar[Readers] = {
        "damaged_keys": lambda each: tuple(map(DamagedKeys.from_json, each)),
        "invalid_lines": lambda each: tuple(map(InvalidLineInfo.from_json, each)),
    }

    def to_json(self) -> dict[str, object]:
        """Return the part as a JSON object, with a first decorated line if they were counted."""
        said = {**JsonDataclass.to_json(self)}
        if self.decorated_lines is None:
            return said
        names = [*self.__dataclass_fields__]
        said["first_decorated_line"] = self.first_decorated_line
        return {name: said[name] for name in names if name in said}

    @classmethod
    def of(cls, source: Input) -> Self:
        """Return the metadata of an input."""
        return cls(
            name=source.name,
            sha256=source.sha256,
            encoding=source.encoding,
            lines=source.lines,
            pairs=source.pair_count,
            duplicates=source.duplicates,
            invalid=source.invalid,
            continuation_lines=source.continuation_lines,
            unusual_openids=source.unusual_openids,
            decorated_lines=source.decorated,
            first_decorated_line=source.first_decorated or None,
            damaged_keys=tuple(
                DamagedKeys(each.column, tuple(each.kinds), each.pairs, each.line)
                for each in source.damaged
            ),
            invalid_by_reason=source.invalid_by_reason,
            invalid_lines=tuple(
                InvalidLineInfo(each.line, str(each.reason)) for each in source.invalid_lines
            ),
        )
