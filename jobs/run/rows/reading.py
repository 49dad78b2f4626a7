"""Reads the input of a run, into memory or into partitions."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from jobs.input.pairs import Input, read_pairs
from jobs.partitions.choice import partition_bits
from jobs.partitions.hashing import partition_numbers
from jobs.partitions.writer import PartitionWriter
from jobs.run.config import Options
from jobs.run.rows.workspace import Workspace
from jobs.schema import PAIRS, conform
from jobs.store.files.filesystem import private_opener

__all__ = ["read_input"]


def read_input(options: Options, workspace: Workspace) -> Input:
    """Read the input, into memory or into partitions on disk.

    Args:
        options: The options of the run.
        workspace: Where partitions are kept.

    Raises:
        RunError: The input cannot be read, or the partitions cannot be written.
    """
    source = read_pairs(options.input)
    bits = partition_bits(options.run.partitions, source.pair_count)
    if not bits:
        return source

    table = pa.Table.from_pandas(source.pairs, preserve_index=False).replace_schema_metadata(None)
    numbers = partition_numbers(source.pairs["organization_id"], source.pairs["openid"], bits)
    writer = PartitionWriter(workspace.folder("input"), bits, table.schema, private_opener)
    writer.write(table, numbers)
    frames = writer.close(lambda table: conform(table.to_pandas(), PAIRS))
    return replace(source, partitions=frames)
