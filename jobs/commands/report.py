"""The command ``palm-report``: a report made earlier, shown or in another format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from jobs.commands.exit_codes import REPORT_EXIT_CODES, exit_code_of
from jobs.errors import InputError, UsageError
from jobs.parsed_options import ParsedOptions
from jobs.render import FORMATS
from jobs.render.language import Language
from palm import __version__
from palm.commands.exit_codes import epilog
from palm.commands.runner import print_error, run_command
from palm.text.printable import shown_value

if TYPE_CHECKING:
    from jobs.report.model import Report
    from jobs.show.named_reports import TwoReports

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
    "--organization",
    metavar="ID",
    multiple=True,
    help="Only the people of this organization, and nothing about others; repeatable.",
)
@click.option(
    "--where",
    metavar="COLUMN=VALUE",
    multiple=True,
    help="Only the people with this value in a column of the input; repeatable.",
)
@click.option(
    "--by",
    metavar="COLUMN",
    multiple=True,
    help="Count, too, by the values of this column of the input; repeatable.",
)
@click.option(
    "--show",
    metavar="COLUMN",
    multiple=True,
    help="Show this column of the input beside the openid; repeatable. Without it only Parquet "
    "and CSV hold columns of the input.",
)
@click.option(
    "--split-by",
    metavar="COLUMN",
    help="A workbook for each value, in the folder of -o: organization_id, or a column of the "
    "input.",
)
@click.option(
    "--redact",
    is_flag=True,
    help="Hashes instead of openids, and no column of the input, in HTML, Excel and on a terminal.",
)
@click.option(
    "--since", metavar="DATE", callback=_date, help="Of a folder of nights: from this run date on."
)
@click.option("--until", metavar="DATE", callback=_date, help="Up to this run date.")
@click.option(
    "--verify",
    is_flag=True,
    help="Check every state against WeChat Pay's signatures, which palm-reconcile --evidence kept.",
)
@click.option(
    "--evidence",
    metavar="FOLDER",
    type=Path,
    help="The folder of the evidence.  [default: evidence/ beside the reports]",
)
@click.option(
    "--key",
    metavar="FILE",
    type=Path,
    multiple=True,
    help="WeChat Pay's public key, which you trust; repeatable, as are the next two.",
)
@click.option(
    "--certificate", metavar="FILE", type=Path, multiple=True, help="A platform certificate."
)
@click.option("--fingerprint", metavar="SHA256", multiple=True, help="The sha256 of such a key.")
@click.option(
    "--root",
    metavar="FILE",
    type=Path,
    help="WeChat Pay's root and intermediate certificates, which prove platform certificates.",
)
@click.option(
    "--baseline",
    metavar="REPORT",
    type=Path,
    help="Also verify the report of the night before, and that this one was compared with it.",
)
@click.option("--chain", is_flag=True, help="Also follow the manifests back from night to night.")
@click.option(
    "--openid",
    metavar="ID",
    help="Verify this person's state only; -o proof.json writes what proves it.",
)
@click.option("--organization-id", metavar="ID", help="The person's organization.")
@click.option(
    "--lang",
    type=click.Choice([language.value for language in Language]),
    default=Language.EN.value,
    show_default=True,
    help="Of labels, in HTML, Excel and on a terminal.",
)
@click.option(
    "--wide",
    is_flag=True,
    help="With --changes or --unanswered on a terminal: every column in full.",
)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="In the summary, list every control and the meaning of each change.",
)
@click.version_option(__version__, prog_name=_NAME)
def command(**params: Any) -> int:  # noqa: ANN401 - what the options above declare
    """Show a report made earlier, or convert it; compare the reports of any two dates.

    REPORT is a Parquet file that palm-reconcile wrote, or the folder of a day. Two are compared,
    the earlier one first. Without -o the summary is printed or, with --changes or --unanswered,
    those rows: a table on a terminal, CSV in a pipe.

    With --verify each state is checked offline against what WeChat Pay signed; trust comes from the
    key that you name.

    A folder that keeps one report a day shows what all of its nights, or those from --since to
    --until, show together: a line a night, or with -o a page, a workbook or a table.
    """
    from jobs.show.named_reports import (  # noqa: PLC0415 - not needed for --help
        OneReport,
        ReportFolder,
        TwoReports,
        named_reports,
        reports_being_replaced,
    )
    from jobs.show.report import show_report  # noqa: PLC0415
    from jobs.show.verification import check_options, show_verification  # noqa: PLC0415

    check_options(params)
    for day in reports_being_replaced(params["reports"]):
        print_error(
            _NAME,
            f"{day}: the report is being replaced, or a run was killed while it did that; the next "
            f"run of palm-reconcile with -o {day.parent}/ puts it in place",
        )
    chosen = named_reports(params["reports"])
    if not isinstance(chosen, ReportFolder) and (params["since"] or params["until"]):
        raise UsageError("--since and --until choose nights of a folder; name one, e.g. reports/")
    if params["verify"] and not isinstance(chosen, OneReport):
        raise UsageError("--verify checks one report; name it, e.g. reports/run_date=2026-11-21")
    match chosen:
        case OneReport(path) if params["verify"]:
            with _readable():
                return show_verification(_read(path), path, params, _read)
        case OneReport(path):
            with _readable():
                return show_report(_read(path), (path,), params)
        case TwoReports(before, after) as named:
            with _readable(), _compared(named) as made:
                return show_report(made, (before, after), params)
        case ReportFolder(folder):
            _refuse_for_nights(params)
            from jobs.show.nights import show_history  # noqa: PLC0415 - not needed for --help

            return show_history(folder, params)


def _refuse_for_nights(params: ParsedOptions) -> None:
    """Check that no option for a single report is used with a folder of reports."""
    for name in ("organization", "where", "by", "show", "split_by", "redact"):
        if params[name]:
            option = name.replace("_", "-")
            raise UsageError(
                f"--{option} is for one report or two; name one, e.g. reports/run_date=2026-11-21"
            )


def main() -> NoReturn:
    """Run the command of the process's arguments."""
    run_command(command, _NAME, exit_code_of)


@contextmanager
def _compared(named: TwoReports) -> Iterator[Report]:
    """Yield what changed from one report to a later one.

    Raises:
        InputError: One cannot be read.
        OutputError: There is no room for temporary files.
        UsageError: They cannot be compared.
    """
    from jobs.report.compose import baseline_info  # noqa: PLC0415 - pandas and all
    from jobs.show.comparison import compared  # noqa: PLC0415

    reports = []
    for path in (named.before, named.after):
        reports.append(_read(path))
        if (what := reports[-1].metadata.not_a_night) is not None:
            raise UsageError(f"{path} {what}; only reports of nights are compared")
    before, after = reports
    with compared(before, after, baseline=baseline_info(before, named.before)) as made:
        yield made


@contextmanager
def _readable() -> Iterator[None]:
    """Raise the error of a report that changes while it is read, piece by piece, as that of input.

    Raises:
        InputError: A report can no longer be read.
    """
    from jobs.report.model import ReportError  # noqa: PLC0415 - pandas and all

    try:
        yield
    except ReportError as error:
        raise InputError(str(error)) from None


def _read(path: Path) -> Report:
    from jobs.extract.rewritten_parquet import is_rewritten, read_rewritten  # noqa: PLC0415
    from jobs.report.model import ReportError  # noqa: PLC0415 - pandas and all
    from jobs.report.parquet import read_report, with_unknown  # noqa: PLC0415

    try:
        if is_rewritten(path):
            return read_rewritten(path)
        return with_unknown(read_report(path), path)
    except ReportError as error:
        raise InputError(f"{error}; name a Parquet file of palm-reconcile") from None
