"""Prints the result of a run: the summary, the reasons of the exit code, what to do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from rich.console import Console

from jobs.compare.verdict import INCOMPLETE
from jobs.observe.log.messages import log_error, log_line, log_summary, on_terminal
from jobs.parsed_options import ParsedOptions
from jobs.render.terminal import print_summary, summary_lines
from jobs.render.translations import translator
from jobs.report.model import Report
from jobs.run.config import Options
from jobs.run.resumption.remedy import remedy
from jobs.schema import State
from jobs.store.published import Published
from palm.text.printable import printable

__all__ = ["say_result", "what_to_do"]


def say_result(
    published: Published, options: Options, params: ParsedOptions, console: Console
) -> None:
    """Print the result of a run: as text, or as one event with ``--log-format json``.

    Args:
        published: The result of the run.
        options: The options of the run.
        params: The parsed options.
        console: Standard error, if it is a terminal.
    """
    report, verdict = published.shown(), published.verdict
    command = what_to_do(published.report, options)
    if params["log_format"] == "json":
        for each in published.failed:
            log_error(each.sentence(), exit_code=each.exit_code)
        log_summary(report, params["name"], verdict, command)
        return
    shown = on_terminal()
    outputs = published.written(options.store.outputs, params["output"])
    written = [printable(f"Written: {text}") for text in outputs]
    language = options.render.language
    if shown and not params["quiet"]:
        with suppress(OSError):  # the report is published, even if nobody can read this
            print_summary(report, console, language, verbose=params["verbose"], with_verdict=False)
            for text in outputs:
                line = translator(language)("Written: {path}").format(path=printable(text))
                console.print(line, markup=False, soft_wrap=True)
    for line in [*summary_lines(report, verbose=params["verbose"]), *written]:
        log_line(line, file_only=shown)
    for reason, sentence in zip(verdict.reasons, verdict.sentences, strict=True):
        line_of_error = sentence
        if command and reason.exit_code == INCOMPLETE:
            line_of_error, command = f"{sentence}. {command}", None
        log_error(line_of_error, exit_code=published.exit_code)


def what_to_do(report: Report, options: Options) -> str | None:
    """Return the command that asks again about pairs without an answer, or None."""
    unknown, code = report.summary.states[State.UNKNOWN], report.run.exit_code
    if code != INCOMPLETE or not unknown:
        return None
    run = replace(options.run, run_date=report.run_date)
    return remedy(options.command, run, retry_unanswered=options.store.outputs.primary is not None)
