"""A report in parts: the files of a folder, which must be all parts of one report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final, Self

import pandas as pd

from jobs.partitions.file_names import part_file, part_files
from jobs.plurals import Quantity, counted
from jobs.report.info import Metadata
from jobs.report.metadata import PartMark, read_mark, read_metadata
from jobs.report.model import ReportError
from jobs.report.parquet.errors import translated
from jobs.report.parquet.stored_rows import StoredRows, check_count, opened, stored_rows

__all__ = [
    "StoredParts",
    "find_parts",
    "is_folder",
    "metadata_file",
    "stored_files",
]

_WHOLE: Final = "report.parquet"


@dataclass(frozen=True, slots=True)
class StoredParts:
    """The rows of a report in parts, read part by part each time that they are iterated.

    Attributes:
        files: The rows of each part.
    """

    files: Sequence[StoredRows]

    @property
    def columns(self) -> Sequence[str]:
        """The columns of each piece."""
        return self.files[0].columns

    @property
    def count(self) -> int:
        """How many parts there are."""
        return len(self.files)

    def __len__(self) -> int:
        return sum(map(len, self.files))

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return chain.from_iterable(self.files)

    def part(self, number: int) -> StoredRows:
        """Return the rows of a part."""
        return self.files[number]

    def absolute(self) -> Self:
        """Return the same rows for processes with another current folder."""
        files = [replace(file, path=file.path.absolute()) for file in self.files]
        return replace(self, files=files)


def is_folder(path: Path) -> bool:
    """Return True if a path is a folder; reading one that cannot be looked at says why."""
    try:
        return path.is_dir()
    except OSError:
        return False


def metadata_file(path: Path) -> Path:
    """Return the file with the metadata of a report: part 0, or the only file."""
    return path / part_file(0) if is_folder(path) else path


def stored_files(path: Path) -> list[Path]:
    """Return the files of a report: the parts in a folder, or the only file.

    Raises:
        OSError: The folder cannot be listed.
    """
    return list(part_files(path).values()) if is_folder(path) else [path]


def find_parts(
    folder: Path, columns: Sequence[str] | None, ending: str = ""
) -> tuple[StoredParts, Metadata]:
    """Return the rows of a report in parts, not read yet, and its metadata.

    Args:
        folder: Of the parts.
        columns: Read only these; None: all.
        ending: Of the names of parts that are not in place yet.

    Raises:
        ReportError: The folder does not hold each part of one report once, or a file is damaged.
    """
    with translated(folder):
        found = part_files(folder, ending)
        if found and (folder / _WHOLE).exists():
            raise ReportError(
                f"{folder} holds {_WHOLE} and {counted(len(found), 'part')} of a report, so that "
                "each pair may be counted twice; remove what is not of the last run"
            )
    if not found:
        raise ReportError(
            f"{folder} cannot be read: it is a folder, with neither {_WHOLE} nor {part_file(0)} in "
            "it"
        )
    if 0 not in found:
        raise ReportError(f"{folder} is incomplete: {part_file(0)} is missing")
    parts: dict[int, tuple[StoredRows, PartMark]] = {}
    for number, path in found.items():
        with opened(path) as (file, identity):
            texts = file.metadata.metadata
            if (mark := read_mark(texts, str(path))) is None:
                raise ReportError(f"{path} is not a part of a report, but named like one")
            if number == 0:
                metadata = read_metadata(texts, str(path))
            parts[number] = stored_rows(file, identity, path, columns), mark
    _check_marks(folder, parts)
    stored = StoredParts([parts[number][0] for number in range(len(parts))])
    _check_whole(folder, parts[0][1], stored, metadata)
    return stored, metadata


def _check_marks(folder: Path, parts: Mapping[int, tuple[StoredRows, PartMark]]) -> None:
    """Refuse parts of which one is missing, or of another report than part 0."""
    rows, first = parts[0]
    for number, (own, mark) in parts.items():
        name = part_file(number)
        if (mark.run_id, mark.summary) != (first.run_id, first.summary):
            raise ReportError(
                f"{folder} holds parts of two runs: {part_file(0)} of {first.run_id} and {name} of "
                f"{mark.run_id}"
            )
        if mark.count != first.count:
            raise ReportError(
                f"{folder} holds parts of two reports: {part_file(0)} is one of {first.count} and "
                f"{name} one of {mark.count}"
            )
        if mark.number != number:
            raise ReportError(f"{folder / name} has another name than its own: it is part "
                              f"{mark.number}")  # fmt: skip
        if mark.rows != len(own) or not own.schema.equals(rows.schema):
            raise ReportError(f"{folder / name} is damaged: it has other rows or columns than its "
                              "part of the report")  # fmt: skip
    missing = [number for number in range(first.count) if number not in parts]
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise ReportError(
            f"{folder} is incomplete: of {counted(first.count, 'part')} "
            f"{part_file(missing[0])}{more} {Quantity(len(missing)):is|are} missing"
        )


def _check_whole(folder: Path, mark: PartMark, stored: StoredParts, metadata: Metadata) -> None:
    """Refuse a part 0 whose metadata is of another report than its parts."""
    if metadata.parts is None or PartMark.of(metadata, 0, mark.rows) != mark:
        raise ReportError(f"{folder / part_file(0)} is damaged: its metadata is of another report")
    check_count(len(stored), metadata, folder)
