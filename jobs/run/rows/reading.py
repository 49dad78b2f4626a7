"""Reads the input of a run, into memory or into partitions."""

from __future__ import annotations

from functools import partial
from typing import BinaryIO

from jobs.input.content.scan import scan_input
from jobs.input.header import Columns
from jobs.input.pairs import Input, pairs_in_memory
from jobs.input.partitioned import partition_pairs
from jobs.partitions.choice import partition_bits
from jobs.run.config import Options
from jobs.run.rows.workspace import Workspace
from jobs.store.files.filesystem import private_opener

__all__ = ["read_input"]


def read_input(options: Options, workspace: Workspace, *, earlier_rows: int = 0) -> Input:
    """Read the input, into memory or into partitions on disk.

    Args:
        options: The options of the run.
        workspace: Where partitions are kept.
        earlier_rows: Rows of the report that the run may be compared with.

    Raises:
        RunError: The input cannot be read, or the partitions cannot be written.
    """
    columns = Columns.of(options.input)
    with (
        workspace.reporting_errors(),
        scan_input(options.input, spool=partial(_spool, workspace)) as scan,
    ):
        bits = partition_bits(options.run.partitions, max(scan.lines, earlier_rows))
        if not bits:
            return pairs_in_memory(scan, columns)
        folder = workspace.folder("input")
        return partition_pairs(scan, columns, bits, folder, opener=private_opener)


def _spool(workspace: Workspace) -> BinaryIO:
    """Return a new file for a large input, which is removed at the end of the run."""
    return open(workspace.folder("spool") / "input.csv", "xb+", opener=private_opener)
