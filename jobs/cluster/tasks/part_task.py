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
from jobs.partitions.checked_files import SUFFIX, append_piece, read_piece
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
        task: What was to be written.
        rows: Its rows.
        counts: Their counts.
    """

    task: PartTask
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
    path = folder / f"source-{secrets.token_hex(4)}{SUFFIX}"  # workers remember the last ones
    _write(path, source)
    return path


def write_here(task: PartTask) -> Path:
    """Write a part in this process; another attempt at the same part does no harm.

    Returns:
        The file for :func:`read_part`.

    Raises:
        OSError: A file cannot be read or written, or is not as it was written.
        ReportError: A file of the earlier report has changed.
    """
    release_freed_memory()
    source = _source(task.source)
    rows = source.rows(task.number)
    name = f"{partition_name(task.number)}.{secrets.token_hex(4)}"
    staged = write_part_rows(task.folder / f"{name}{SUFFIX}", rows)
    path = task.folder / f"{name}.counts{SUFFIX}"
    _write(path, WrittenPart(task, staged, source.counts(rows)))
    return path


def read_part(path: Path, task: PartTask) -> WrittenPart:
    """Return a part that a worker has written.

    Args:
        path: As :func:`write_here` returned it.
        task: The part that it must be.

    Raises:
        OSError: It cannot be read, is not as it was written, or is another part.
    """
    part = cast("WrittenPart", _read(path))
    if part.task != task:
        raise OSError(f"{path} is not the part that was to be written")
    return part


@lru_cache(1)
def _source(path: Path) -> RowSource:
    return cast("RowSource", _read(path))


def _write(path: Path, value: RowSource | WrittenPart) -> None:
    with open(path, "wb", opener=private_opener) as file:
        append_piece(file, pickle.dumps(value))


def _read(path: Path) -> object:
    with path.open("rb") as file:
        return pickle.loads(read_piece(file))  # noqa: S301 - written by this user's command or worker
