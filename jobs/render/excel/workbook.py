"""The report as an Excel workbook, for the analyst: the counts, who changed, then how it was run.

In Chinese everything is Chinese that the HTML page has in Chinese: headings, states, changes and
reasons too. Columns of the input keep their names.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError, FileSizeError

from jobs.render.excel.about import write_about
from jobs.render.excel.counts import write_summary, write_transitions
from jobs.render.excel.organizations import write_by_column, write_organizations
from jobs.render.excel.pairs import excerpt_of, longest_list, write_pairs
from jobs.render.excel.sheet import MOST_ROWS, Book
from jobs.render.excel.trend import write_trend
from jobs.render.language import Language
from jobs.render.translations import translator
from jobs.report.model import Report

__all__ = ["write_excel"]

_MANY_ROWS: Final = 50_000
_FIRST_YEAR: Final = 1_900
"""With an earlier year, XlsxWriter writes a workbook that no program opens."""
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When rows were made that do not say so: the same rows make the same workbook."""


def write_excel(
    report: Report,
    file: BinaryIO,
    language: Language = Language.EN,
    *,
    most_rows: int = MOST_ROWS,
    many_rows: int = _MANY_ROWS,
) -> None:
    """Write the workbook.

    Args:
        report: What is written.
        file: The file to write to.
        language: The language of the labels.
        most_rows: Rows that fit on a sheet; further ones are left out, and the sheet says so.
        many_rows: If there are more rows, they are kept on disk while the workbook is made.

    Raises:
        OSError: The workbook cannot be written, or is larger than Excel can open.
    """
    translate, metadata = translator(language), report.metadata
    taken = excerpt_of(report, most_rows)
    with _workbook(report, file, on_disk=longest_list(taken) > many_rows) as made:
        book = Book(made, translate, most_rows)
        write_summary(report, book.sheet("Summary"), translate)
        write_organizations(report, book.sheet("Organizations"), translate)
        if metadata.by:
            write_by_column(report, metadata.by, book.sheet("By column"), translate)
        write_transitions(report, book.sheet("Transitions"), translate)
        if metadata.history is not None:
            write_trend(metadata.history, book.sheet("Trend"), translate)
        write_pairs(report, taken, book, translate)
        write_about(report, book.sheet("About"), translate)


@contextmanager
def _workbook(report: Report, file: BinaryIO, *, on_disk: bool) -> Iterator[xlsxwriter.Workbook]:
    """Yield a workbook without the name of an author, and write it at the end."""
    run = report.metadata.run
    finished = run.finished.astimezone(UTC) if run else _LONG_AGO
    packed = BytesIO()
    with _scratch(file, on_disk=on_disk) as options:
        book = xlsxwriter.Workbook(packed, options)
        created = {"created": finished.replace(tzinfo=None)} if finished.year >= _FIRST_YEAR else {}
        title = f"palm-reconcile {run.date}" if run else "palm-reconcile"
        book.set_properties({"title": title, **created})
        yield book
        try:
            book.close()
        except FileCreateError as error:
            raise error.args[0] from None
        except FileSizeError:
            raise OSError(errno.EFBIG, "more than Excel can open; use Parquet or CSV") from None
    file.write(packed.getbuffer())


@contextmanager
def _scratch(file: BinaryIO, *, on_disk: bool) -> Iterator[dict[str, object]]:
    """Yield the options that decide where a workbook is made: in memory or in a temporary folder.

    The folder is the system's or, if that has none (a read-only root), one beside the output.
    """
    if not on_disk:
        yield {"in_memory": True}
        return
    name = getattr(file, "name", None)
    beside = [Path(name).parent] if isinstance(name, str | Path) else []
    for folder in (None, *beside):
        try:
            # Files left after an error hold personal data, and are removed with the folder.
            scratch = TemporaryDirectory(
                prefix=".palm-reconcile-", dir=folder, ignore_cleanup_errors=True
            )
        except OSError:
            continue
        with scratch as path:
            yield {"constant_memory": True, "tmpdir": path}
        return
    yield {"in_memory": True}
