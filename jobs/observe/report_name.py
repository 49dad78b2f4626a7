"""The name of a report in metrics, in the log and in pings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from palm.text.printable import printable

__all__ = ["report_name"]

_SLASHES: Final = ("/", os.sep)
_MAX_LENGTH: Final = 64
_NOWHERE: Final = "report"
"""The name of a report that only goes to standard output, or whose folder has no name."""


def report_name(name: str | None, outputs: Sequence[str]) -> str:
    """Return ``--name``, else the name of the output that the next run compares with.

    That is the folder's name, the stem of the first Parquet file, or else of the first file. No
    file is touched, so that a run that cannot begin has a name, too.

    Args:
        name: The value of ``--name``; None: it was not set.
        outputs: The ``-o`` options, as typed.
    """
    from pathlib import Path  # noqa: PLC0415 - slow, and not needed for --help

    from jobs.store.locations import is_parquet  # noqa: PLC0415 - slow, and not needed for --help

    if name is not None:
        return name
    files = [text for text in outputs if text != "-"]
    folder = next((text for text in files if text.endswith(_SLASHES)), None)
    if folder is not None:
        try:
            name_of_output = Path(os.path.abspath(folder)).name  # noqa: PTH100 - resolve() follows links
        except FileNotFoundError:  # the current folder was removed, which ends the run soon
            name_of_output = Path(folder).name
    else:
        paths = [Path(text) for text in files]
        counted = next((path for path in paths if is_parquet(path)), None)
        name_of_output = (counted or paths[0]).stem if paths else ""
    return printable(name_of_output)[:_MAX_LENGTH] or _NOWHERE
