"""The exit codes of ``palm-reconcile`` and ``palm-report``, and which errors end with each."""

from __future__ import annotations

from typing import Final

import click

from jobs.errors import (
    AbortedError,
    CredentialsError,
    InputError,
    NotNowError,
    OutputError,
    RunInterruptedError,
    RunTerminatedError,
    UnbalancedError,
    UsageError,
)
from palm.commands.exit_codes import ExitCode, look_up
from palm.commands.runner import DEFECT, StandardOutputError, TerminatedError
from palm.errors import SettingsError

__all__ = ["EXIT_CODES", "REPORT_EXIT_CODES", "exit_code_of"]

_INTERRUPTED: Final = "interrupted; the answers so far are kept, the same command goes on"
EXIT_CODES: Final = (
    ExitCode(0, "done, within --max-unknown"),
    ExitCode(DEFECT, "internal error; please report it"),
    ExitCode(
        2,
        "bad options or settings, or a report that is another merchant's",
        (click.ClickException, UsageError, SettingsError),
    ),
    ExitCode(3, "done, but more is unknown than --max-unknown allows, or the deadline came first"),
    ExitCode(
        4,
        "stopped: none accepted for --patience, too many unverified or unnamed, or scheduler lost",
        (AbortedError,),
    ),
    ExitCode(5, "the controls do not balance; nothing is written", (UnbalancedError,)),
    ExitCode(10, "done, and a --fail-on rule holds"),
    ExitCode(
        65,
        "the input, or the baseline, cannot be read, is damaged or lacks too much",
        (InputError,),
    ),
    ExitCode(
        73,
        "the output, or one of its formats, cannot be written",
        (OutputError, StandardOutputError),
    ),
    ExitCode(
        75,
        "another run is active; gateway, scheduler or workers not reached; or a lack of resources",
        (NotNowError,),
    ),
    ExitCode(
        77,
        "credentials or certificate refused, all refused for one reason, or no key for signatures",
        (CredentialsError,),
    ),
    ExitCode(130, _INTERRUPTED, (RunInterruptedError, KeyboardInterrupt, click.Abort)),
    ExitCode(143, _INTERRUPTED, (RunTerminatedError, TerminatedError)),
)
"""Each belongs to errors, or to the verdict of a report (:mod:`jobs.compare.verdict`)."""

_OF_REPORT: Final = {
    0: "done",
    DEFECT: "internal error; please report it",
    2: "bad options, or they do not go with what the report holds",
    3: "--verify: some states lack evidence, a name or the right time, or no key was named",
    5: "--verify: a state or a file is forged, altered or contradicted",
    65: "the report cannot be read, or is damaged",
    73: "the output, or one of its formats, cannot be written",
    77: "--verify: signed by a key that is not trusted",
    130: "interrupted",
    143: "interrupted",
}
REPORT_EXIT_CODES: Final = tuple(
    row._replace(help=_OF_REPORT[row.code]) for row in EXIT_CODES if row.code in _OF_REPORT
)
"""The exit codes of ``palm-report``; the errors are the same."""


def exit_code_of(error: BaseException) -> int:
    """Return the exit code of a command that an error ends."""
    return look_up(EXIT_CODES, type(error))
