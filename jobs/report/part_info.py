"""What the metadata says of rows that are not a night's whole report in one file. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from jobs.json_dataclass import Count, JsonDataclass, JsonSchema, Readers

__all__ = ["ColumnValue", "PartInfo", "PartsInfo"]


@dataclass(frozen=True, slots=True)
class ColumnValue(JsonDataclass):
    """A value of a column of the input."""

    column: str
    """The column."""
    value: str
    """The value; empty for the rows that have none."""

    def __str__(self) -> str:
        return f"{self.column} = {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartInfo(JsonDataclass):
    """How palm-report made these rows. All counts are of them; no night is compared with them."""

    comparison: bool
    """Whether two reports of any two dates are compared here: baseline is the earlier one, run is
    that of the later one. Nothing is said of what happened in between."""
    rewritten: bool
    """Whether the rows come from a Parquet file without this metadata, which another program
    wrote."""
    known_before_only: Count
    """In a comparison: pairs of which the earlier report knows a later answer than the later report
    does; they count as without an answer."""
    organizations: tuple[Annotated[str, JsonSchema(description="Its organization_id.")], ...]
    """The organizations whose people are here; empty where that was not asked for."""
    where: tuple[ColumnValue, ...]
    """The values of columns of the input that the people here have; values of the same column are
    alternatives."""

    _READ: ClassVar[Readers] = {
        "organizations": tuple,
        "where": lambda each: tuple(map(ColumnValue.from_json, each)),
    }

    @property
    def is_filtered(self) -> bool:
        """Whether only some people are here."""
        return bool(self.organizations or self.where)


@dataclass(frozen=True, slots=True)
class PartsInfo(JsonDataclass):
    """The files into which the rows are divided, by crc32(organization_id + NUL + openid)."""

    count: Annotated[int, JsonSchema(minimum=1, maximum=4096)]
    """How many files there are, a power of two: part-00000.parquet and so on."""

    @property
    def bits(self) -> int:
        """How many bits of the hash divide the rows."""
        return self.count.bit_length() - 1
