"""A task: to write the rows of one part of the report, compared and counted.

In: where the frames are that the rows are made of, as a file of the shared work folder, where no
other user can write. Out: files with the rows and with their counts; only their path travels.
"""

from __future__ import annotations

import pickle
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

from jobs.freed_memory import release_freed_memory
from jobs.partitions.file_names import partition_name
from jobs.store.files.filesystem import private_opener
from jobs.store.staging.part_stage import StagedPart, write_part_rows
from jobs.store.staging.row_source import RowCounts, RowSource

__all__ = ["PartTask", "WrittenPart", "read_part", "write_here", "write_source"]


@dataclass(frozen=True, slots=True)
class PartTask:
    """A part of the report that one worker is to write.

    Attributes:
        number: Of the part.
        source: The file that says what its rows are made of.
        folder: Takes its files.
    """

    number: int
    source: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """A part that a worker has written.

    Attributes:
        rows: Its rows.
        counts: Their counts.
    """

    rows: StagedPart
    counts: RowCounts


def write_source(source: RowSource, folder: Path) -> Path:
    """Write what the rows are made of to a file, for all tasks.

    Args:
        source: It holds where the frames are, and no pair.
        folder: That of the tasks, which every worker sees.

    Raises:
        OSError: It cannot be written.
    """
    path = folder / f"source-{secrets.token_hex(4)}.pickle"  # workers remember the last ones
    _write(path, source)
    return path


def write_here(task: PartTask) -> Path:
    """Write a part in this process; another attempt at the same part does no harm.

    Returns:
        The file for :func:`read_part`.

    Raises:
        OSError: A file cannot be read or written.
        ReportError: A file of the earlier report has changed.
    """
    release_freed_memory()
    source = _source(task.source)
    rows = source.rows(task.number)
    name = f"{partition_name(task.number)}.{secrets.token_hex(4)}"
    staged = write_part_rows(task.folder / f"{name}.arrow", rows)
    path = task.folder / f"{name}.pickle"
    _write(path, WrittenPart(staged, source.counts(rows)))
    return path


def read_part(path: Path) -> WrittenPart:
    """Return a part that a worker has written.

    Args:
        path: As :func:`write_here` returned it.

    Raises:
        OSError: It cannot be read.
    """
    return cast("WrittenPart", _read(path))


@lru_cache(1)
def _source(path: Path) -> RowSource:
    return cast("RowSource", _read(path))


def _write(path: Path, value: RowSource | WrittenPart) -> None:
    with open(path, "wb", opener=private_opener) as file:
        pickle.dump(value, file)


def _read(path: Path) -> object:
    return pickle.loads(path.read_bytes())  # noqa: S301 - written by this user's command or worker
