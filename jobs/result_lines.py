"""What is said once the report is published: summary, why the exit code is not 0, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from rich.console import Console

from jobs.exits import Exit
from jobs.frames import State
from jobs.logs import log_error, log_line, log_summary, on_terminal
from jobs.options import Options
from jobs.remedy import remedy
from jobs.render.terminal import print_summary, summary_lines
from jobs.report import Report
from palm.printable import printable

__all__ = ["say_result"]


def say_result(
    report: Report, options: Options, given: Mapping[str, Any], console: Console
) -> None:
    """Say how a run ended: as text, or as one event with ``--log-format json``.

    Args:
        report: As published.
        options: Of the run.
        given: The options, as click took them.
        console: Standard error, where it is a terminal.
    """
    what_to_do = _remedy(report, options)
    if given["log_format"] == "json":
        log_summary(report, given["name"], what_to_do)
        return
    shown = on_terminal()
    written = [printable(f"Written: {text}") for text in given["output"]]
    if shown and not given["quiet"]:
        with suppress(OSError):  # the report is published, whether anybody reads this or not
            print_summary(report, console, every_line=given["verbose"])
            for line in written:
                console.print(line, markup=False, soft_wrap=True)
    for line in [*summary_lines(report, every_line=given["verbose"]), *written]:
        log_line(line, file_only=shown)
    for sentence in report.about["run"]["verdict"]:
        told = f"{sentence}. {what_to_do}" if what_to_do else sentence
        log_error(told, exit_code=report.about["run"]["exit_code"])
        what_to_do = None


def _remedy(report: Report, options: Options) -> str | None:
    """Return what to type where pairs are left without an answer, or None."""
    unknown, code = report.summary.states[State.UNKNOWN], report.about["run"]["exit_code"]
    if code != Exit.INCOMPLETE or not unknown:
        return None
    options = replace(options, run_date=report.run_date)
    return remedy(options, retry_unanswered=options.outputs.counts is not None)
