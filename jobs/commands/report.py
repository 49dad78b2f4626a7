"""The command ``palm-report``: a report made earlier, shown or in another format."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from jobs.commands.exit_codes import REPORT_EXIT_CODES, exit_code_of
from jobs.errors import InputError, OutputError, UsageError
from jobs.render import FORMATS
from jobs.render.language import Language
from jobs.store.outputs import parse_outputs
from palm import __version__
from palm.commands.exit_codes import epilog
from palm.commands.runner import print_error, run_command
from palm.text.printable import shown_value

if TYPE_CHECKING:
    from jobs.report.model import Report

__all__ = ["command", "main"]

_NAME: Final = "palm-report"


def _date(_: click.Context, option: click.Parameter, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--{option.name}: {shown_value(text or '')} is not a date such as 2026-11-21"
        ) from None


@click.command(epilog=epilog(REPORT_EXIT_CODES))
@click.argument("reports", metavar="REPORT...", type=Path, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    multiple=True,
    help="Convert to .parquet .csv .xlsx .html .json; repeatable; - is standard output.",
)
@click.option(
    "--format",
    "stdout_format",
    type=click.Choice(list(FORMATS)),
    help="Of standard output, with -o -.",
)
@click.option("--changes", "only", flag_value="changes", help="Only the pairs that changed.")
@click.option(
    "--unanswered", "only", flag_value="unanswered", help="Only the pairs without a good answer."
)
@click.option(
    "--since", metavar="DATE", callback=_date, help="Of a folder of nights: from this run date on."
)
@click.option("--until", metavar="DATE", callback=_date, help="Up to this run date.")
@click.option(
    "--lang",
    type=click.Choice([language.value for language in Language]),
    default=Language.EN.value,
    show_default=True,
    help="Of labels, in HTML and Excel.",
)
@click.version_option(__version__, prog_name=_NAME)
def command(**given: Any) -> int:  # noqa: ANN401 - what the options above declare
    """Show a report made earlier, or convert it: whole, or only some of its rows.

    REPORT is a Parquet file that palm-reconcile wrote, or the folder of a day. Without -o the
    summary is printed or, with --changes or --unanswered, those rows: a table on a terminal, CSV in
    a pipe.

    A folder that keeps one report a day shows what all of its nights, or those from --since to
    --until, show together: a line a night, or with -o a page, a workbook or a table.
    """
    from jobs.history.named_reports import (  # noqa: PLC0415 - not needed for --help
        OneReport,
        ReportFolder,
        TwoReports,
        named_reports,
    )

    match named_reports(given["reports"]):
        case OneReport(path):
            return _one_report(path, given)
        case TwoReports(before, _):
            raise UsageError(f"two reports cannot be compared yet; name {before} alone")
        case ReportFolder(folder):
            from jobs.history.show_nights import show_history  # noqa: PLC0415 - not needed for --help

            return show_history(folder, given)


def main() -> NoReturn:
    """Run the command of the process's arguments."""
    run_command(command, _NAME, exit_code_of)


def _one_report(path: Path, given: dict[str, Any]) -> int:
    """Show or convert one report."""
    from jobs.compare.verdict import DONE, FORMAT_FAILED  # noqa: PLC0415
    from jobs.report.model import ReportError  # noqa: PLC0415
    from jobs.report.parquet import read_checked  # noqa: PLC0415
    from jobs.store.preflight import check_outputs  # noqa: PLC0415
    from jobs.store.publish import write_all, write_report  # noqa: PLC0415 - pandas and all

    try:
        report = read_checked(path)
    except ReportError as error:
        raise InputError(f"{error}; name a Parquet file of palm-reconcile") from None
    if given["only"]:
        report = _part(report, given["only"], path)
    language = Language(given["lang"])
    if not given["output"] and given["stdout_format"] is None:
        _show(report, rows=given["only"] is not None, language=language)
        return DONE
    outputs = parse_outputs(given["output"], given["stdout_format"], report.run_date, source=path)
    if outputs.folder is not None:
        raise UsageError("a folder keeps whole reports of palm-reconcile; name a file")
    check_outputs(outputs)
    stdout = sys.stdout.buffer if outputs.stdout else None
    write = partial(write_report, report, language)
    failed = write_all(write, report.run_id, outputs, language, stdout)
    for each in failed:
        print_error(_NAME, each.sentence())
    return FORMAT_FAILED if failed else DONE


def _part(report: Report, only: str, path: Path) -> Report:
    """Return a report with some of the rows; it says so, and is nobody's baseline."""
    from jobs.schema import NO_CHANGE, State  # noqa: PLC0415 - pandas and all

    if (has := report.metadata.only or only) != only:
        raise UsageError(
            f"{path} holds only the {has} of a report; name the whole one for --{only}"
        )
    wanted = (
        ~report.rows["change"].isin(NO_CHANGE)
        if only == "changes"
        else report.rows["state"] == State.UNKNOWN
    )
    rows = report.rows[wanted].reset_index(drop=True)
    return replace(report, rows=rows, metadata=replace(report.metadata, only=only))


def _show(report: Report, *, rows: bool, language: Language) -> None:
    from jobs.render import writer_of  # noqa: PLC0415 - not needed for --help
    from jobs.render.terminal import SummaryConsole, print_rows, print_summary  # noqa: PLC0415
    from jobs.schema import Listing, listed  # noqa: PLC0415

    console = SummaryConsole(highlight=False)
    try:
        if not rows:
            print_summary(report, console)
        elif console.is_terminal:
            print_rows(report.rows[listed(Listing.TERMINAL)], console)
        else:
            writer_of("csv")(report, sys.stdout.buffer, language)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough: palm-report ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from None
