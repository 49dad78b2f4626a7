"""Reads the input of a run, into memory or into partitions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.input.content.scan import scan_input
from jobs.input.header import Columns
from jobs.input.pairs import Input, pairs_in_memory
from jobs.input.partitioned import partition_pairs
from jobs.partitions.choice import partition_bits
from jobs.run.config import Options
from jobs.run.rows.workspace import Workspace
from jobs.store.days import dated_reports, parts_in
from jobs.store.files.filesystem import private_opener
from jobs.store.options import StoreOptions
from palm.files.regular import open_regular

__all__ = ["read_input"]

_LEAST_BITS: Final = 3
"""Workers are given pairs from files of partitions."""


def read_input(options: Options, workspace: Workspace) -> Input:
    """Read the input, into memory or into partitions on disk.

    Args:
        options: The options of the run.
        workspace: Where partitions are kept.

    Raises:
        RunError: The input cannot be read, or the partitions cannot be written.
    """
    columns = Columns.of(options.input)
    with (
        workspace.reporting_errors(),
        scan_input(options.input, spool=partial(_spool, workspace)) as scan,
    ):
        bits = partition_bits(options.run.partitions, max(scan.lines, _earlier_rows(options.store)))
        if options.cluster.target is not None:
            bits = max(bits, _LEAST_BITS)
        if not bits:
            return pairs_in_memory(scan, columns)
        folder = workspace.folder("input")
        return partition_pairs(scan, columns, bits, folder, opener=private_opener)


def _earlier_rows(store: StoreOptions) -> int:
    """Return how many rows the last report has, as far as that can be known; it is read later."""
    outputs = store.outputs
    if store.baseline is not None:
        path = store.baseline
    elif outputs.folder is not None:
        path = next((path for _, path in dated_reports(outputs.folder)), outputs.folder)
    elif outputs.primary is not None:
        path = outputs.primary
    else:
        return 0
    try:
        files = parts_in(path) if path.is_dir() else [path]
        return sum(map(_rows_in, files))
    except (OSError, ValueError, pa.ArrowException):
        return 0


def _rows_in(path: Path) -> int:
    with open_regular(path) as file:  # Arrow would wait for a FIFO
        rows: int = pq.read_metadata(file).num_rows
        return rows


def _spool(workspace: Workspace) -> BinaryIO:
    """Return a new file for a large input, which is removed when it is closed."""
    folder = workspace.folder("spool")
    return cast("BinaryIO", NamedTemporaryFile(dir=folder, suffix=".tmp"))
