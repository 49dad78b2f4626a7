"""One workbook for each value of a column, in a folder: a list for each school or each class."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from jobs.compare.verdict import DONE, FORMAT_FAILED
from jobs.errors import OutputError, UsageError
from jobs.extract.split import split
from jobs.parsed_options import ParsedOptions
from jobs.render import write_report
from jobs.render.language import Language
from jobs.report.model import Report
from jobs.store.files.filesystem import reason_of
from jobs.store.locations import make_folder
from jobs.store.outputs import Outputs
from jobs.store.preflight import check_output
from jobs.store.publish import write_all
from palm.commands.runner import print_error

__all__ = ["split_report"]

_NAME: Final = "palm-report"


def split_report(
    report: Report, column: str, given: ParsedOptions, shown: Callable[[Report], Report]
) -> int:
    """Write a workbook of the people with each value of a column, and return the exit code.

    A workbook of an earlier report with the same name is replaced; others in the folder stay.

    Args:
        report: Of the people whose workbooks are written.
        column: By whose values it is split.
        given: The options, as click took them.
        shown: Makes a part as its workbook shows it.

    Raises:
        OutputError: The folder cannot be written to.
        UsageError: The output is not one folder, or the values cannot be names of files.
    """
    outputs = given["output"]
    if len(outputs) != 1 or not outputs[0].endswith("/") or given["stdout_format"] is not None:
        raise UsageError("--split-by needs one folder as output: -o schools/")
    folder = Path(outputs[0])
    parts = split(report, column)
    first = next(parts)  # all names are checked before anything is written
    try:
        make_folder(folder)
    except OSError as error:
        raise OutputError(f"the folder {folder} cannot be made: {reason_of(error)}") from None
    mark = report.run_id if report.metadata.run else "rows"
    failures = 0
    for stem, part in chain([first], parts):
        path = folder / f"{stem}.xlsx"
        check_output(path)
        write = partial(write_report, shown(part), Language(given["lang"]))
        for failed in write_all(write, mark, Outputs((path,), None), Language(given["lang"]), None):
            print_error(_NAME, failed.sentence())
            failures += 1
    return FORMAT_FAILED if failures else DONE
