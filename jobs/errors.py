"""Every way in which a run ends without a verdict, as an exception of its own.

::

    RunError
    ├── UsageError               options or settings are wrong, or contradict what is there
    ├── InputError               the input or the baseline cannot be used
    ├── OutputError              something cannot be written
    ├── UnbalancedError          the report's controls do not hold
    ├── AbortedError             going on would make a wrong report, or none
    │   └── UnnamedAnswersError  the answers name nobody, and such are not accepted
    ├── CredentialsError         the gateway refuses the merchant, or cannot prove that it is one
    ├── NotNowError              the same command may succeed later
    │   ├── BusyError            another run is at it
    │   ├── UnreachableError     no connection could be made
    │   └── ShortageError        this machine lacks what a connection takes
    └── RunInterruptedError      SIGINT
        └── RunTerminatedError   SIGTERM or SIGHUP

None knows what the shell sees of it: the exit codes are in :mod:`jobs.commands.exit_codes`.
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
        again: Whether the run goes on with the same command, once the cause is gone. The command is
            then added to the line.
    """

    again: bool = False

    def __init__(self, line: str, *, again: bool | None = None) -> None:
        super().__init__(line)
        if again is not None:
            self.again = again

    def saying(self, line: str) -> Self:
        """Return the same error with a line that is complete: no command is added to it."""
        return type(self)(line, again=False)


class UsageError(RunError):
    """Options or settings are wrong, contradict each other, or do not go with what is there."""


class InputError(RunError):
    """The input or the baseline cannot be read, is damaged, or lacks too much."""


class OutputError(RunError):
    """A report, or a file beside it, cannot be written."""


class UnbalancedError(RunError):
    """The controls of a report do not hold, or it does not read back as it was made."""


class AbortedError(RunError):
    """No answer was accepted for too long, or too many are not believed or name nobody."""


class UnnamedAnswersError(AbortedError):
    """Too many answers name nobody: the same command would end in the same way."""


class CredentialsError(RunError):
    """The gateway refuses who asks or all that is asked, or its key or certificate is not known."""


class NotNowError(RunError):
    """Nothing is wrong with what was asked for: the same command may succeed later."""

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
        signal: Which one it was, or stands for it.
    """

    signal: ClassVar = signal.SIGINT


class RunTerminatedError(RunInterruptedError):
    """It was SIGTERM, or SIGHUP, which ends a run in the same way."""

    signal: ClassVar = signal.SIGTERM
