"""Many nights with ``palm-report``: what a folder of reports shows, in the terminal or as files."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jobs.errors import InputError, OutputError, UsageError
from jobs.parsed_options import ParsedOptions
from jobs.render.language import Language
from palm.commands.runner import print_error
from palm.text.printable import printable

if TYPE_CHECKING:
    from jobs.history.model import History
    from jobs.store.outputs import Outputs

__all__ = ["show_history"]

_NAME: Final = "palm-report"
_UNREADABLE: Final = 65
_NAMED: Final = 5


def show_history(folder: Path, given: ParsedOptions) -> int:
    """Show what many nights show together, or write it to files; return the exit code.

    Args:
        folder: Keeps one report a night.
        given: The options of ``palm-report``.

    Raises:
        InputError: No report can be used.
        OutputError: A file, or standard output, cannot be written.
        UsageError: Options contradict each other, or reports are of different merchants.
    """
    from jobs.compare.verdict import DONE, FORMAT_FAILED  # noqa: PLC0415
    from jobs.history.read import read_history  # noqa: PLC0415
    from jobs.render.history import write_history  # noqa: PLC0415
    from jobs.store.days import dated_reports  # noqa: PLC0415
    from jobs.store.outputs import parse_outputs  # noqa: PLC0415
    from jobs.store.preflight import check_outputs  # noqa: PLC0415
    from jobs.store.publish import write_all  # noqa: PLC0415 - pandas and all

    dated = dated_reports(folder)
    if given["only"]:
        raise UsageError(
            f"--{given['only']} is about one report: name a day's folder, for example "
            f"{dated[0][1].parent}"
        )
    since, until = given["since"], given["until"]
    outputs = parse_outputs(given["output"], given["stdout_format"], dated[0][0], source=folder)
    _check_outside(outputs, folder)
    check_outputs(outputs)
    chosen = [
        (day, path)
        for day, path in dated
        if (since is None or day >= since) and (until is None or day <= until)
    ]
    if not chosen:
        raise InputError(
            f"{folder} has no report of these dates; it has {len(dated)} from {dated[-1][0]} to "
            f"{dated[0][0]}"
        )
    _name_others(folder)
    history = read_history(chosen)
    language = Language(given["lang"])
    if not outputs.files and outputs.stdout is None:
        _print(history, language)
        return _UNREADABLE if history.unreadable else DONE
    for each in history.unreadable:
        print_error(_NAME, f"{each.reason}; this night is left out")
    stdout = sys.stdout.buffer if outputs.stdout else None
    write = partial(write_history, history, language)
    failed = write_all(write, history.run_id, outputs, language, stdout)
    for one in failed:
        print_error(_NAME, one.sentence())
    if failed:
        return FORMAT_FAILED
    return _UNREADABLE if history.unreadable else DONE


def _check_outside(outputs: Outputs, folder: Path) -> None:
    """Refuse outputs among the reports: whoever reads the folder whole would read them, too.

    Raises:
        UsageError: One is in the folder, or keeps one report a day.
    """
    if outputs.folder is not None:
        raise UsageError("a folder keeps reports of palm-reconcile; name a file")
    for path in outputs.files:
        if folder.resolve() in path.resolve().parents:
            raise UsageError(
                f"{path} is in the folder of reports, which others read whole; name a file outside "
                f"of {folder}"
            )


def _name_others(folder: Path) -> None:
    """Say which entries of the folder are not reports of a date."""
    from jobs.store.days import unrecognized  # noqa: PLC0415

    if others := unrecognized(folder):
        named = ", ".join(map(printable, others[:_NAMED]))
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        print_error(_NAME, f"{folder}: not the report of a date, and left out: {named}{more}")


def _print(history: History, language: Language) -> None:
    from jobs.render.history.terminal import print_history  # noqa: PLC0415
    from jobs.render.history.words import history_translator  # noqa: PLC0415
    from jobs.render.terminal import SummaryConsole  # noqa: PLC0415

    try:
        print_history(history, SummaryConsole(highlight=False), history_translator(language))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough: palm-report ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from None
