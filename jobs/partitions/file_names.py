"""The names of files that hold one partition each. Imports no pandas: ``--help`` needs them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["PART_FILE", "part_file", "part_files", "partition_name"]

_SUFFIX: Final = ".parquet"
PART_FILE: Final = re.compile(rf"part-([0-9]{{5}}){re.escape(_SUFFIX)}")
"""The name of a published partition's file, with its number."""


def partition_name(number: int) -> str:
    """Return the name of a partition's file, without a suffix: ``part-00012``."""
    return f"part-{number:05}"


def part_file(number: int) -> str:
    """Return the name of a partition's published file: ``part-00012.parquet``."""
    return f"{partition_name(number)}{_SUFFIX}"


def part_files(folder: Path, ending: str = "") -> dict[int, Path]:
    """Return the files in a folder that are named like a published partition, by number, sorted.

    Args:
        folder: Of the partitions.
        ending: Of the names of those that are not in place yet.

    Raises:
        OSError: The folder cannot be listed.
    """
    paths = [path for path in sorted(folder.iterdir()) if path.name.endswith(ending)]
    named = ((path, PART_FILE.fullmatch(path.name.removesuffix(ending))) for path in paths)
    return {int(match[1]): path for path, match in named if match}
