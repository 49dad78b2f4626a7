"""Files that must not be one: what is written is neither read nor written a second time.

Two paths are one file also where one of them is a symbolic or a hard link to the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from jobs.errors import UsageError
from jobs.store.locations import is_dated_report

__all__ = ["check_metrics_apart", "check_outputs_apart", "is_same"]

_STDIN: Final = 0
_STDOUT: Final = 1


def check_outputs_apart(
    files: Sequence[Path], source: str | Path | None, *, kept: Path | None, piped: bool
) -> None:
    """Refuse outputs that are one file, or the input, or where the report before is kept.

    Args:
        files: Where the report goes.
        source: The input; ``-``: standard input; None: there is none.
        kept: Where the report that is replaced is kept; None: nowhere.
        piped: Whether standard output is written to as well.

    Raises:
        UsageError: Two of them are one file.
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
    """Refuse a file of metrics that is a report, or is read by the run.

    Args:
        metrics: What ``--metrics`` names.
        outputs: What ``-o`` names.
        others: Files that the run reads.

    Raises:
        UsageError: It is one of them.
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
    """Return True if two paths, or a path and a descriptor, are one file or would become one."""
    try:
        if not isinstance(other, int) and one.resolve() == Path(other).resolve():
            return True
        return os.path.samestat(one.stat(), os.stat(other))  # noqa: PTH116 - of descriptors, too
    except (OSError, ValueError, RuntimeError):  # one of them is not there, or cannot be used
        return False
