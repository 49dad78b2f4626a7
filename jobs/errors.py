"""An exception for every way in which a run ends without a verdict.

::

    RunError
    ├── UsageError               options or settings are wrong, or contradict the files
    ├── InputError               the input or the baseline cannot be used
    ├── OutputError              something cannot be written
    ├── UnbalancedError          the report's controls do not hold
    ├── AbortedError             to continue would make a wrong report, or none
    │   └── UnnamedAnswersError  the answers do not name the person, and are not accepted
    ├── CredentialsError         the merchant or the gateway cannot be authenticated
    ├── NotNowError              the same command may succeed later
    │   ├── BusyError            another run is writing this report
    │   ├── UnreachableError     no connection could be made
    │   └── ShortageError        this machine lacks resources for connections
    └── RunInterruptedError      SIGINT
        └── RunTerminatedError   SIGTERM or SIGHUP

They have no exit codes, which are in :mod:`jobs.commands.exit_codes`.
"""

from __future__ import annotations

import signal
from typing import ClassVar, Self

__all__ = [
    "AbortedError",
    "BusyError",
    "CredentialsError",
    "InputError",
    "NotNowError",
    "OutputError",
    "RunError",
    "RunInterruptedError",
    "RunTerminatedError",
    "ShortageError",
    "UnbalancedError",
    "UnnamedAnswersError",
    "UnreachableError",
    "UsageError",
]


class RunError(Exception):
    """Ends the run with one line that says what is wrong, where, and what to do.

    Attributes:
        again: True if the same command resumes the run once the cause is removed. The command is
            then added to the line.
    """

    again: bool = False

    def __init__(self, line: str, *, again: bool | None = None) -> None:
        super().__init__(line)
        if again is not None:
            self.again = again

    def saying(self, line: str) -> Self:
        """Return an error of the same class with a complete line, to which no command is added."""
        return type(self)(line, again=False)


class UsageError(RunError):
    """Options or settings are wrong, or contradict each other or the existing files."""


class InputError(RunError):
    """The input or the baseline cannot be read, is damaged, or lacks too much."""


class OutputError(RunError):
    """A report, or a file beside it, cannot be written."""


class UnbalancedError(RunError):
    """The controls of a report do not hold, or it does not read back as it was made."""


class AbortedError(RunError):
    """No answer was accepted for too long, or too many were not verified or name no person."""


class UnnamedAnswersError(AbortedError):
    """Too many answers do not name the person; the same command would end in the same way."""


class CredentialsError(RunError):
    """The gateway refuses the merchant or every request, or its key or certificate is unknown."""


class NotNowError(RunError):
    """The command is right and may succeed later."""

    again = True


class BusyError(NotNowError):
    """Another run is writing this report."""


class UnreachableError(NotNowError):
    """No connection to the gateway could be made."""


class ShortageError(NotNowError):
    """This machine lacks descriptors, memory or ports for connections."""


class RunInterruptedError(RunError):
    """A signal ended the run while pairs were asked about.

    Attributes:
        signal: The signal, or the one with the same effect.
    """

    signal: ClassVar = signal.SIGINT


class RunTerminatedError(RunInterruptedError):
    """SIGTERM, or SIGHUP, which has the same effect, ended the run."""

    signal: ClassVar = signal.SIGTERM
