"""What ``palm-report`` makes of a report before it is shown: some people, shown columns, hashes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from jobs.errors import UsageError
from jobs.extract.people import only_people, unknown_column
from jobs.extract.shown_report import check_columns, shown_report
from jobs.parsed_options import ParsedOptions
from jobs.person import Person
from jobs.report.model import Report
from jobs.report.part_info import ColumnValue
from jobs.schema import ROWS, carried_columns
from palm.text.printable import shown_value

__all__ = ["check_redacted_outputs", "check_shown_outputs", "column_value", "selected"]

_READ_BY_PEOPLE = {".html", ".xlsx", ".json"}


def selected(report: Report, given: ParsedOptions) -> tuple[Report, Callable[[Report], Report]]:
    """Return the report of the people that the options select, and what makes it fit to be shown.

    That counts a report, or a part of it, by columns, and shows or hides what the options name. It
    is for whole parts: what it counts is of nobody else.

    Args:
        report: As it was read, or a comparison.
        given: The options, as click took them.

    Raises:
        UsageError: A column or an organization is not in the report, or options contradict.
    """
    carried = carried_columns(report.columns, ROWS)
    where = [column_value(text, carried) for text in given["where"]]
    report = only_people(report, given["organization"], where)
    check_columns((*given["show"], *given["by"]), carried)
    if given["redact"] and given["show"]:
        raise UsageError("--redact and --show contradict each other")
    person = Person.from_env() if given["redact"] else None
    return report, partial(shown_report, by=given["by"], show=given["show"], person=person)


def check_shown_outputs(given: ParsedOptions) -> None:
    """Refuse ``--show`` if every output is JSON, which holds counts and no pair.

    Raises:
        UsageError: No output could show the column.
    """
    formats = {os.path.splitext(text)[1] for text in given["output"] if text != "-"}  # noqa: PTH122
    if given["stdout_format"]:
        formats.add(f".{given['stdout_format']}")
    if given["show"] and formats == {".json"}:
        raise UsageError(
            "--show shows a column beside the openid, and JSON holds counts, but no pair; use "
            ".html, .xlsx, or --changes on a terminal"
        )


def check_redacted_outputs(given: ParsedOptions, *, terminal: bool) -> None:
    """Refuse to write hashes to a format that programs read.

    Raises:
        UsageError: An output is Parquet or CSV, also where rows are printed into a pipe.
    """
    if not given["redact"]:
        return
    suffixes = {os.path.splitext(text)[1] for text in given["output"] if text != "-"}  # noqa: PTH122
    piped = f".{given['stdout_format']}" if given["stdout_format"] else None
    printed = given["only"] and not given["output"] and piped is None and not terminal
    if suffixes - _READ_BY_PEOPLE or piped in {".csv", ".parquet"} or printed:
        raise UsageError(
            "--redact is for .html, .xlsx, .json and the terminal; Parquet and CSV would be read "
            "by a program that finds nobody again"
        )


def column_value(text: str, carried: Sequence[str]) -> ColumnValue:
    """Return what ``--where`` names; a column's name may hold ``=``, and so may a value.

    Raises:
        UsageError: No column of that name was carried over from the input.
    """
    for at, character in enumerate(text):
        if character == "=" and text[:at] in carried:
            return ColumnValue(text[:at], text[at + 1 :])
    name, equals, _ = text.partition("=")
    if not equals:
        raise UsageError(f"--where: {shown_value(name)} is not like COLUMN=VALUE")
    raise unknown_column(name, carried)
