"""The result of a run that published its report: report, failed formats, exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.compare.verdict import STDOUT, FormatFailed, Verdict
from jobs.report.model import Report
from jobs.store.outputs import Outputs

__all__ = ["Published"]


@dataclass(frozen=True, slots=True)
class Published:
    """The result of a run that published its report.

    Attributes:
        report: The published report; its own verdict does not contain failed formats.
        failed: The formats that could not be written.
        shown: Returns the report as people see it.
    """

    report: Report
    failed: tuple[FormatFailed, ...]
    shown: Callable[[], Report]

    @property
    def verdict(self) -> Verdict:
        """The reasons of the exit code: the formats that failed, then those of the report."""
        own = self.report.verdict or Verdict()
        return Verdict((*self.failed, *own.reasons))

    @property
    def exit_code(self) -> int:
        """Of the command."""
        return self.verdict.exit_code

    def written(self, outputs: Outputs, typed: Sequence[str]) -> list[str]:
        """Return the outputs, as they were typed, that contain the report."""
        missing = {each.path for each in self.failed if not each.stands}
        paths = iter(outputs.files)
        named = [(text, STDOUT if text == "-" else str(next(paths))) for text in typed]
        return [text for text, path in named if path not in missing]
