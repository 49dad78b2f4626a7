"""Where the rows of a report are until it is published: in memory or in the workspace."""

from __future__ import annotations

from typing import TypeAlias

import pandas as pd

from jobs.run.rows.workspace import Workspace
from jobs.schema import ROWS, conform
from jobs.store.staging.part_stage import PartStage
from jobs.store.staging.row_stage import RowStage

__all__ = ["RowStore", "RowsInMemory", "row_store"]


class RowsInMemory:
    """Takes the rows of a report that is not divided."""

    def __init__(self) -> None:
        self._rows = conform(pd.DataFrame(), ROWS)

    def add(self, number: int, rows: pd.DataFrame) -> None:  # noqa: ARG002 - there is one partition
        """Take the rows."""
        self._rows = rows

    def content(self) -> pd.DataFrame:
        """Return the rows."""
        return self._rows


RowStore: TypeAlias = RowsInMemory | RowStage | PartStage
"""Takes rows partition by partition, and returns all of them in the order of the report."""


def row_store(bits: int, workspace: Workspace, *, in_parts: bool) -> RowStore:
    """Return what takes the rows of the report.

    Args:
        bits: Bits of the hash that divide the rows.
        workspace: Where rows that do not fit into memory are kept.
        in_parts: Whether each partition becomes a file of the report.

    Raises:
        OSError: The folder for them cannot be made.
    """
    if not bits:
        return RowsInMemory()
    folder = workspace.folder("rows")
    return PartStage(folder, bits) if in_parts else RowStage(folder)
