"""What a report says about its input. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from jobs.input.pairs import Input
from jobs.json_part import Count, Defined, JsonPart, JsonSchema, Readers, Sha256

__all__ = ["DamagedKeys", "InputInfo", "InvalidLineInfo"]


@dataclass(frozen=True, slots=True)
class DamagedKeys(JsonPart):
    """Pairs whose key shows such damage."""

    column: Annotated[str, JsonSchema(instead=True, enum=["openid", "organization_id"])]
    """Which key."""
    kinds: tuple[Annotated[str, JsonSchema(description="One of them.")], ...]
    """What it shows: .0, E+, =, quotes inside, blanks inside, full-width digits."""
    pairs: Annotated[int, JsonSchema(minimum=1)]
    """How many pairs."""
    line: Annotated[int, JsonSchema(minimum=1)]
    """The first line."""

    _READ: ClassVar[Readers] = {"kinds": tuple}


@dataclass(frozen=True, slots=True)
class InvalidLineInfo(JsonPart):
    """An invalid line."""

    line: Annotated[int, JsonSchema(minimum=1)]
    """Its number; the file's very first is 1."""
    reason: Annotated[str, Defined("line_reason")]
    """Why it holds no pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputInfo(JsonPart):
    """The input: lines = pairs + duplicates + invalid."""

    name: str
    """The file as given, or standard input."""
    sha256: Sha256
    """Of the file's own bytes."""
    encoding: str
    """In which it was read."""
    lines: Count
    """Lines below the header, without blank ones at the end and without continuation_lines."""
    pairs: Annotated[int, JsonSchema(minimum=1)]
    """Pairs, each counted once."""
    duplicates: Count
    """Lines that repeat a pair; it was asked once."""
    invalid: Count
    """Lines that hold no pair."""
    continuation_lines: Count
    """Lines on which a good record goes on."""
    unusual_openids: Count
    """Pairs whose openid is not o and 27 more of A-Z a-z 0-9 - _; they were asked as they are."""
    decorated_lines: Count | None = None
    """Lines of which a key had blanks, quotes or invisible characters round it; they were taken
    off."""
    first_decorated_line: (
        Annotated[int, JsonSchema(instead=True, type=["integer", "null"], minimum=1)] | None
    ) = None
    """The first of them; null where there is none."""
    damaged_keys: tuple[DamagedKeys, ...] | None = None
    """Keys that look as if a program or a hand had changed them; they were asked as they are."""
    invalid_by_reason: Annotated[dict[str, int], Defined("by_line_reason")]
    """All invalid lines, by reason."""
    invalid_lines: Annotated[tuple[InvalidLineInfo, ...], JsonSchema(maxItems=1000)]
    """The first 1,000 invalid lines."""

    _READ: ClassVar[Readers] = {
        "damaged_keys": lambda each: tuple(map(DamagedKeys.from_json, each)),
        "invalid_lines": lambda each: tuple(map(InvalidLineInfo.from_json, each)),
    }

    def to_json(self) -> dict[str, object]:
        """Return the part; a version that counts the lines says of the first one at least null."""
        said = {**JsonPart.to_json(self)}
        if self.decorated_lines is None:
            return said
        names = [*self.__dataclass_fields__]
        said["first_decorated_line"] = self.first_decorated_line
        return {name: said[name] for name in names if name in said}

    @classmethod
    def of(cls, source: Input) -> Self:
        """Return what is said of an input."""
        return cls(
            name=source.name,
            sha256=source.sha256,
            encoding=source.encoding,
            lines=source.lines,
            pairs=len(source.pairs),
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
