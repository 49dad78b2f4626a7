"""How a run ends, as the shell sees it."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit", "Stop", "exit_code_of"]


class Exit(IntEnum):
    """Exit codes; people script against them."""

    DONE = 0
    DEFECT = 1
    USAGE = 2
    INCOMPLETE = 3
    STOPPED = 4
    UNBALANCED = 5
    RULE = 10
    INPUT = 65
    OUTPUT = 73
    NOT_NOW = 75
    REFUSED = 77
    INTERRUPTED = 130
    TERMINATED = 143


class Stop(Exception):  # noqa: N818 - it is a verdict, not always an error
    """Ends the run with one line that says what is wrong, where, and what to do.

    Attributes:
        code: The exit code.
        again: Whether the run goes on with the same command, once the cause is gone; default: with
            exit code 75.
    """

    def __init__(self, code: Exit, line: str, *, again: bool | None = None) -> None:
        super().__init__(code, line)
        self.code = code
        self.again = code is Exit.NOT_NOW if again is None else again

    def __str__(self) -> str:
        """Return the line."""
        return str(self.args[1])


def exit_code_of(error: BaseException) -> Exit | None:
    """Return what an error that the command means to end with stands for; None: it does not."""
    from palm.errors import SettingsError  # noqa: PLC0415 - not needed for --help

    if isinstance(error, Stop):
        return error.code
    return Exit.USAGE if isinstance(error, SettingsError) else None
