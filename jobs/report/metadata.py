"""The metadata of a Parquet report: read from the file, and checked before it is used.

The metadata is JSON under one key of the file. Under another are sha256 checksums: of that JSON's
own bytes, and of each column (:mod:`jobs.report.parquet.checksums`). Parquet's own checksums cover
the pages only, neither the headers of pages nor the footer, which holds this metadata.

A report of schema 1 has no checksums; in a report of a later schema they must not be missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple, NoReturn, Self

from jobs.input.content.source import shown
from jobs.json_dataclass import JsonDataclass
from jobs.report.info import SCHEMA, Metadata
from jobs.report.json_validator import InvalidJsonError, SchemaObject, check_json
from jobs.report.model import KEY, ReportError

__all__ = [
    "CHECKSUMS",
    "PART",
    "Checksums",
    "PartMark",
    "checksums",
    "read_checksums",
    "read_mark",
    "read_metadata",
    "unknown_members",
    "with_unknown_members",
]

CHECKSUMS: Final = "palm_reconcile_sha256"
"""Key of the checksums in a Parquet file."""
PART: Final = "palm_reconcile_part"
"""Key of what a part of a report says of itself; part 0 has the metadata of the whole, too."""
_WITHOUT_CHECKSUMS: Final = 1
_CLOSED: Final = ("/gateway", "/summary", "/history", "/controls")


class Checksums(NamedTuple):
    """The sha256 checksums that a Parquet report carries, as hexadecimal digits.

    Attributes:
        metadata: The checksum of the metadata's JSON as it stands in the file, followed by what a
            part says of itself.
        columns: The checksum of each column, by its name.
    """

    metadata: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMark(JsonDataclass):
    """To which report a file with a part of its rows belongs, and which part it is."""

    run_id: str
    number: int
    count: int
    rows: int
    summary: str
    """The sha256 of the report's summary, as JSON."""

    @classmethod
    def of(cls, metadata: Metadata, number: int, rows: int) -> Self:
        """Return what a part says of itself.

        Args:
            metadata: That of the whole report, which is in parts.
            number: Of the part.
            rows: How many rows it has.
        """
        summary = json.dumps(metadata.summary.to_json(), ensure_ascii=False)
        return cls(
            run_id=metadata.run.id if metadata.run else "",
            number=number,
            count=metadata.parts.count if metadata.parts else 1,
            rows=rows,
            summary=hashlib.sha256(summary.encode()).hexdigest(),
        )


def checksums(about: str, columns: Mapping[str, str]) -> str:
    """Return the text to store under ``CHECKSUMS``.

    Args:
        about: The metadata's JSON as in the file; in a part, what it says of itself follows.
        columns: As :func:`jobs.report.parquet.checksums.column_digests` returns them.
    """
    own = hashlib.sha256(about.encode()).hexdigest()
    return json.dumps({"metadata": own, "columns": dict(columns)}, ensure_ascii=False)


def read_metadata(metadata: Mapping[bytes, bytes] | None, name: str) -> Metadata:
    """Return the metadata of a report, checked by its checksum and by its schema.

    Args:
        metadata: The key-value metadata of the Parquet file.
        name: The file's name, for messages.

    Raises:
        ReportError: The file is not a report, has an unknown version, or is damaged.
    """
    text = (metadata or {}).get(KEY.encode())
    if text is None:
        raise ReportError(f"{name} is not a report of palm-reconcile")
    try:
        found = json.loads(text, parse_constant=_refuse)
        schema = found["schema"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ReportError(f"{name}: its metadata is damaged") from None
    if type(schema) is not int or not _WITHOUT_CHECKSUMS <= schema <= SCHEMA:
        raise ReportError(
            f"{name} was written with schema {shown(str(schema), 20)}, this version knows {SCHEMA} "
            "and 1; compare with a report that this version made, or use the version that made it"
        )
    stored = read_checksums(metadata, name)
    if stored is None and schema != _WITHOUT_CHECKSUMS:
        raise ReportError(f"{name} is damaged: its checksums are missing")
    if stored is not None and stored.metadata != _own_digest(metadata):
        raise ReportError(f"{name} is damaged: its metadata does not match its checksum")
    try:
        check_json(found, _schema(), closed=_CLOSED)
    except (InvalidJsonError, RecursionError) as error:
        raise ReportError(f"{name} is damaged: its metadata: {error}") from None
    about = Metadata.from_json(found)
    if about.part is None and not about.is_whole:
        raise ReportError(f"{name} is damaged: its metadata: a member of a whole report is missing")
    return about


def read_checksums(metadata: Mapping[bytes, bytes] | None, name: str) -> Checksums | None:
    """Return the checksums of a file, or None if it has none.

    Raises:
        ReportError: The checksums cannot be read.
    """
    text = (metadata or {}).get(CHECKSUMS.encode())
    if text is None:
        return None
    try:
        stored = json.loads(text)
        if isinstance(stored["metadata"], str) and isinstance(stored["columns"], dict):
            return Checksums(stored["metadata"], stored["columns"])
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise ReportError(f"{name} is damaged: its checksums cannot be read")


def read_mark(metadata: Mapping[bytes, bytes] | None, name: str) -> PartMark | None:
    """Return what a part of a report says of itself, or None if the file is not a part.

    Raises:
        ReportError: It cannot be read, or does not match its checksum.
    """
    text = (metadata or {}).get(PART.encode())
    if text is None:
        return None
    stored = read_checksums(metadata, name)
    if stored is not None and stored.metadata == _own_digest(metadata):
        try:
            return PartMark.from_json(json.loads(text))
        except (ValueError, TypeError, RecursionError):
            pass
    raise ReportError(f"{name} is damaged: what it says of its part does not match its checksum")


def _own_digest(metadata: Mapping[bytes, bytes] | None) -> str:
    texts = ((metadata or {}).get(key.encode(), b"") for key in (KEY, PART))
    return hashlib.sha256(b"".join(texts)).hexdigest()


def unknown_members(read: Mapping[str, object], known: Mapping[str, object]) -> dict[str, object]:
    """Return what only ``read`` has: members that a later version wrote, each where it stands.

    They are ignored when a report is read, and kept when it is written as Parquet again.

    Args:
        read: The metadata as it stands in the file.
        known: The same as this version would write it.
    """
    unknown = {name: value for name, value in read.items() if name not in known}
    for name, own in known.items():
        value = read.get(name)
        if isinstance(value, Mapping) and isinstance(own, Mapping):
            unknown[name] = unknown_members(value, own)
    return {name: value for name, value in unknown.items() if value != {}}


def with_unknown_members(
    known: Mapping[str, object], unknown: Mapping[str, object]
) -> dict[str, object]:
    """Return the metadata with the members that :func:`unknown_members` returned."""
    merged = dict(known)
    for name, value in unknown.items():
        own = merged.get(name)
        if name not in merged:
            merged[name] = value
        elif isinstance(value, Mapping) and isinstance(own, Mapping):
            merged[name] = with_unknown_members(own, value)
    return merged


@cache
def _schema() -> SchemaObject:
    text = files("jobs.report").joinpath("schema.json").read_text("utf-8")
    schema: SchemaObject = json.loads(text)
    return schema


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
