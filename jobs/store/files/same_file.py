"""Checks that no output is the input, or another output.

Two paths are the same file also if one of them is a symbolic or a hard link to the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from jobs.errors import UsageError
from jobs.store.days import is_dated_report

__all__ = ["check_metrics_apart", "check_outputs_apart", "is_same"]

_STDIN: Final = 0
_STDOUT: Final = 1


def check_outputs_apart(
    files: Sequence[Path], source: str | Path | None, *, kept: Path | None, piped: bool
) -> None:
    """Check that the outputs are different files, and none is the input or the previous report.

    Args:
        files: The outputs.
        source: The input; ``-`` is standard input; None if there is none.
        kept: The file that keeps the replaced report; None if there is none.
        piped: Whether standard output is written to as well.

    Raises:
        UsageError: Two of these are the same file.
    """
    for at, path in enumerate(files):
        if source is not None and is_same(path, _STDIN if source == "-" else source):
            name = "standard input" if source == "-" else f"the input {source}"
            raise UsageError(f"{path} would be overwritten, and is {name}; name another file")
        for other in files[:at]:
            if path.resolve() == other.resolve():
                raise UsageError(f"{path} is named twice")
            if is_same(path, other):
                raise UsageError(f"{other} and {path} are one file; name another")
        if piped and is_same(path, _STDOUT):
            raise UsageError(f"{path} is also standard output; choose another file")
        if kept is not None and is_same(path, kept):
            raise UsageError(f"{path}: the report before is kept there; name another file")


def check_metrics_apart(
    metrics: Path, outputs: Iterable[str], others: Iterable[str | Path | None]
) -> None:
    """Check that the metrics file is not an output, nor a file that the run reads.

    Args:
        metrics: The file of ``--metrics``.
        outputs: The paths of ``-o``.
        others: Files that the run reads.

    Raises:
        UsageError: The metrics file is one of these.
    """
    for text in outputs:
        in_folder = is_dated_report(metrics) and is_same(metrics.parent.parent, text)
        if in_folder or is_same(metrics, text):
            raise UsageError(
                f"--metrics: {metrics} is also an --output; choose another file for the metrics"
            )
    for other in others:
        if other is not None and is_same(metrics, other):
            raise UsageError(
                f"--metrics: {metrics} would be overwritten, and is read by this run; name another "
                "file",
            )


def is_same(one: Path, other: str | Path | int) -> bool:
    """Return True if two paths, or a path and a descriptor, are or would become the same file."""
    try:
        if not isinstance(other, int) and one.resolve() == Path(other).resolve():
            return True
        return os.path.samestat(one.stat(), os.stat(other))  # noqa: PTH116 - of descriptors, too
    except (OSError, ValueError, RuntimeError):  # one of them does not exist, or cannot be used
        return False
