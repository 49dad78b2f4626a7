"""The exit codes of ``palm``: which errors end with each, and what --help says about them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

import click

from palm.commands.runner import DEFECT, StandardOutputError, TerminatedError
from palm.errors import (
    ArgumentError,
    CertificateRefusedError,
    ForbiddenError,
    PalmError,
    SettingsError,
    SignatureError,
    SignatureReason,
    TransientError,
    UnauthorizedError,
)

__all__ = ["EXIT_CODES", "ExitCode", "epilog", "exit_code_of", "look_up"]


class ExitCode(NamedTuple):
    """One exit code.

    Attributes:
        code: The number, which scripts rely on.
        help: The meaning, as ``--help`` shows it.
        errors: The exceptions that end the command with this code, including subclasses that are
            not listed with another code.
    """

    code: int
    help: str
    errors: tuple[type[BaseException], ...] = ()


_INTERRUPTED: Final = "interrupted"
EXIT_CODES: Final = (
    ExitCode(0, "done"),
    ExitCode(DEFECT, "internal error; please report it"),
    ExitCode(
        2,
        "bad options, settings or arguments",
        (click.ClickException, SettingsError, ArgumentError),
    ),
    ExitCode(
        3,
        "the question is refused, or the answer has no state that this version knows",
        (PalmError,),
    ),
    # An OSError comes from writing the sandbox's keys: everywhere else they are translated.
    ExitCode(
        73,
        "standard output, or the sandbox's keys, cannot be written",
        (StandardOutputError, OSError),
    ),
    ExitCode(75, "no answer, or none that is verified; try again later", (TransientError,)),
    ExitCode(
        77,
        "credentials or certificate refused, signature not verified, or a check has failed",
        (UnauthorizedError, ForbiddenError, SignatureError, CertificateRefusedError),
    ),
    ExitCode(130, _INTERRUPTED, (KeyboardInterrupt, click.Abort)),
    ExitCode(143, _INTERRUPTED, (TerminatedError,)),
)
"""The exit codes of ``palm``."""


def exit_code_of(error: BaseException) -> int:
    """Return the exit code of ``palm``; an answer that came twice is not a fault of the keys."""
    if isinstance(error, SignatureError) and error.reason is SignatureReason.REPLAYED:
        return look_up(EXIT_CODES, TransientError)
    return look_up(EXIT_CODES, type(error))


def look_up(table: Sequence[ExitCode], kind: type[BaseException]) -> int:
    """Return the code of an exception's nearest base class in a table, else ``DEFECT``."""
    codes = {error: each.code for each in table for error in each.errors}
    return next((codes[base] for base in kind.__mro__ if base in codes), DEFECT)


def epilog(table: Sequence[ExitCode]) -> str:
    """Return a table as the end of ``--help``; codes with the same meaning share a line."""
    lines = ["\b", "Exit codes:"]
    for text, rows in groupby(table, key=lambda row: row.help):
        codes = ", ".join(str(row.code) for row in rows)
        lines.append(f"  {codes:<3}  {text}")
    return "\n".join(lines) + "\n"
