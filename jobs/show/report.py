"""What ``palm-report`` does with a report: it shows it, or writes it in other formats."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jobs.errors import OutputError, UsageError
from jobs.parsed_options import ParsedOptions
from jobs.render import write_report
from jobs.render.language import Language
from palm.commands.runner import print_error

if TYPE_CHECKING:
    from jobs.report.model import Report

__all__ = ["show_report"]

_NAME: Final = "palm-report"


def show_report(report: Report, sources: Sequence[Path], given: ParsedOptions) -> int:
    """Show a report, or write it to the outputs.

    Args:
        report: Whole, or a part.
        sources: The files that it was read from.
        given: The options, as click took them.

    Returns:
        The exit code.

    Raises:
        OutputError: It cannot be written.
        UsageError: The outputs do not go together, or one is a source.
    """
    from jobs.render.terminal import SummaryConsole  # noqa: PLC0415 - not for --help
    from jobs.show.one_order import in_one_order  # noqa: PLC0415
    from jobs.show.selection import check_redacted_outputs, check_shown_outputs  # noqa: PLC0415

    check_redacted_outputs(given, terminal=SummaryConsole().is_terminal)
    check_shown_outputs(given)
    with in_one_order(report) as ordered:
        return _show_some(ordered, sources, given)


def _show_some(report: Report, sources: Sequence[Path], given: ParsedOptions) -> int:
    """Select what the options name, and show it or write it; return the exit code."""
    from jobs.compare.verdict import DONE  # noqa: PLC0415 - pandas and all
    from jobs.extract.row_selection import with_selected_rows  # noqa: PLC0415
    from jobs.show.selection import selected  # noqa: PLC0415
    from jobs.show.split import split_report  # noqa: PLC0415

    report, shown = selected(report, given)
    if given["split_by"] is not None:
        if given["only"]:
            raise UsageError(f"--split-by and --{given['only']} contradict each other")
        return split_report(report, given["split_by"], given, shown)
    report = shown(report)
    if given["only"]:
        report = with_selected_rows(report, given["only"], str(sources[-1]))
    if not given["output"] and given["stdout_format"] is None:
        _show(report, given, Language(given["lang"]))
        return DONE
    return _write(report, sources, given)


def _write(report: Report, sources: Sequence[Path], given: ParsedOptions) -> int:
    from jobs.compare.verdict import DONE, FORMAT_FAILED  # noqa: PLC0415 - pandas and all
    from jobs.report.parquet import stored_files  # noqa: PLC0415
    from jobs.store.files.same_file import check_outputs_apart  # noqa: PLC0415
    from jobs.store.outputs import parse_outputs  # noqa: PLC0415
    from jobs.store.preflight import check_outputs  # noqa: PLC0415
    from jobs.store.publish import write_all  # noqa: PLC0415

    day = report.metadata.run.date if report.metadata.run else date.min
    outputs = parse_outputs(given["output"], given["stdout_format"], day)
    for source in (file for path in sources for file in stored_files(path)):
        check_outputs_apart(outputs.files, source, kept=None, piped=outputs.stdout is not None)
    if outputs.folder is not None:
        raise UsageError("a folder keeps whole reports of palm-reconcile; name a file")
    check_outputs(outputs)
    stdout = sys.stdout.buffer if outputs.stdout else None
    mark = report.run_id if report.metadata.run else "rows"
    write = partial(write_report, report, Language(given["lang"]))
    failed = write_all(write, mark, outputs, Language(given["lang"]), stdout)
    for each in failed:
        print_error(_NAME, each.sentence())
    return FORMAT_FAILED if failed else DONE


def _show(report: Report, given: ParsedOptions, language: Language) -> None:
    from jobs.render import writer_of  # noqa: PLC0415 - not needed for --help
    from jobs.render.terminal import SummaryConsole, print_rows, print_summary  # noqa: PLC0415

    console = SummaryConsole(highlight=False)
    try:
        if given["only"] is None:
            print_summary(report, console, language, verbose=given["verbose"])
        elif console.is_terminal:
            print_rows(report, console, language, wide=given["wide"])
        else:
            writer_of("csv")(report, sys.stdout.buffer, language)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough: palm-report ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from None
