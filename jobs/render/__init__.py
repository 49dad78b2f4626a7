"""A report in the formats that people open, one module each, all from the same ``Report``.

Each has a function ``write_…(report, file)``, with a ``language`` if it writes labels. A format is
imported when it is used.

In: a report. Out: text and files. May import ``report`` and what stands before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, Final, cast

if TYPE_CHECKING:
    from jobs.render.language import Language
    from jobs.report.model import Report

__all__ = ["FORMATS", "WHOLE", "Writer", "write_report", "writer_of"]

Writer = Callable[["Report", BinaryIO, "Language"], None]

FORMATS: Final[Mapping[str, str]] = {
    "parquet": "jobs.report.parquet:write_parquet",
    "csv": "jobs.render.csv:write_csv",
    "xlsx": "jobs.render.excel.workbook:write_excel",
    "html": "jobs.render.html.page:write_html",
    "json": "jobs.render.json:write_json",
}
"""Suffix of a file, which names its format, to the function that writes it."""
WHOLE: Final = frozenset({"parquet", "csv"})
"""Formats that hold every row as it is, for programs; people read the others."""
_WITH_LABELS: Final = {"xlsx", "html"}


def writer_of(name: str) -> Writer:
    """Return the function that writes a format; ``name`` is one of ``FORMATS``."""
    module, _, function = FORMATS[name].partition(":")
    write = getattr(import_module(module), function)
    if name in _WITH_LABELS:
        return cast("Writer", write)
    return lambda report, file, _language: write(report, file)


def write_report(report: Report, language: Language, name: str, file: BinaryIO) -> None:
    """Write a report in the format of that name.

    Raises:
        OSError: The file cannot be written.
    """
    writer_of(name)(report, file, language)
