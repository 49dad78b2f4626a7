"""``--log-file``: a file of its own, never one that the run reads or writes otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs.errors import UsageError
from jobs.observe.log.setup import add_log_file
from jobs.store.locations import is_dated_report
from jobs.store.same_file import is_same
from palm.text.printable import printable

__all__ = ["open_log_file"]


def open_log_file(given: Mapping[str, Any]) -> None:
    """Send what is logged to the file of ``--log-file``, too.

    Args:
        given: The options, as click took them.

    Raises:
        UsageError: It is the input or an output.
        OutputError: It cannot be written.
    """
    path: Path = given["log_file"]
    for name, other in _others(given):
        if _is_one(path, other):
            said = f"--log-file: {printable(str(path))} is {name}; name another file"
            raise UsageError(said)
    add_log_file(path, given["log_format"], verbose=given["verbose"])


def _others(given: Mapping[str, Any]) -> Iterator[tuple[str, str | Path]]:
    yield "the input", given["source"]
    for output in given["output"]:
        yield "an output", output
    for option in ("--metrics", "--baseline"):
        if given[option.removeprefix("--")] is not None:
            yield f"the file of {option}", given[option.removeprefix("--")]


def _is_one(path: Path, other: str | Path) -> bool:
    if other == "-":
        return False
    return is_same(path, other) or (is_dated_report(path) and is_same(path.parent.parent, other))
