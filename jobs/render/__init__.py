"""A report in the formats that people open: one file each, all from the same ``Report``.

Each has a function ``write_…(report, file, language)``, and is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, Final, cast

if TYPE_CHECKING:
    from jobs.render.language import Language
    from jobs.report import Report

__all__ = ["FORMATS", "Writer", "writer_of"]

Writer = Callable[["Report", BinaryIO, "Language"], None]

FORMATS: Final[Mapping[str, str]] = {
    "parquet": "jobs.render.parquet:write_parquet",
    "csv": "jobs.render.csv_file:write_csv",
    "xlsx": "jobs.render.excel:write_excel",
    "html": "jobs.render.html:write_html",
    "json": "jobs.render.json_file:write_json",
}
"""Suffix of a file, and so its format, to what writes it."""


def writer_of(name: str) -> Writer:
    """Return what writes a format; ``name`` is one of ``FORMATS``."""
    module, _, function = FORMATS[name].partition(":")
    return cast("Writer", getattr(import_module(module), function))
