"""A history of many nights in the formats that people open: one file each, all from one value.

In: a :class:`jobs.history.model.History`. Out: text and files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from jobs.history.model import History
    from jobs.render.language import Language

__all__ = ["HISTORY_FORMATS", "write_history"]

HISTORY_FORMATS: Final[Mapping[str, str]] = {
    "parquet": "jobs.render.history.table:write_history_parquet",
    "csv": "jobs.render.history.table:write_history_csv",
    "xlsx": "jobs.render.history.excel:write_history_excel",
    "html": "jobs.render.history.page:write_history_html",
    "json": "jobs.render.history.table:write_history_json",
}
"""Suffix of a file, and so its format, to what writes it: the same formats as a report's."""


def write_history(history: History, language: Language, name: str, file: BinaryIO) -> None:
    """Write a history in the format of that name, which is one of ``HISTORY_FORMATS``."""
    module, _, function = HISTORY_FORMATS[name].partition(":")
    getattr(import_module(module), function)(history, file, language)
