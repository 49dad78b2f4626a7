"""What is shown of a run, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["LogFormat", "ObserveOptions", "ProgressMode"]


class LogFormat(StrEnum):
    """The form of log lines on standard error."""

    AUTO = "auto"
    """Text on a terminal, JSON lines otherwise."""

    TEXT = "text"
    JSON = "json"


class ProgressMode(StrEnum):
    """Whether a progress bar is shown."""

    AUTO = "auto"
    """On a terminal only."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveOptions:
    """What is shown while a run goes on.

    Attributes:
        progress: When a progress bar is shown. Without a bar, a line a minute is logged.
        log_format: The form of log lines on standard error.
        quiet: Whether only errors are shown.
    """

    progress: ProgressMode = ProgressMode.AUTO
    log_format: LogFormat = LogFormat.AUTO
    quiet: bool = False

    def shows_bar(self, *, terminal: bool) -> bool:
        """Return True if a progress bar is shown.

        Args:
            terminal: Whether standard error is a terminal that can show one.
        """
        wanted = self.progress is ProgressMode.ON
        return not self.quiet and (wanted or (self.progress is ProgressMode.AUTO and terminal))
