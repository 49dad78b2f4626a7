"""What a run that has its report ends with: the report, the formats that failed, the exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.compare.verdict import STDOUT, FormatFailed, Verdict
from jobs.report.model import Report
from jobs.store.outputs import Outputs

__all__ = ["Published"]


@dataclass(frozen=True, slots=True)
class Published:
    """How a run ended that published its report.

    Attributes:
        report: As it was published; its own verdict knows nothing of formats that failed.
        failed: The formats that could not be written.
        shown: Returns the report as people see it.
    """

    report: Report
    failed: tuple[FormatFailed, ...]
    shown: Callable[[], Report]

    @property
    def verdict(self) -> Verdict:
        """Why the command does not end with 0: the formats that failed, then the report's own."""
        own = self.report.verdict or Verdict()
        return Verdict((*self.failed, *own.reasons))

    @property
    def exit_code(self) -> int:
        """Of the command."""
        return self.verdict.exit_code

    def written(self, outputs: Outputs, typed: Sequence[str]) -> list[str]:
        """Return those of the outputs, as they were typed, that the report stands in."""
        missing = {each.path for each in self.failed if not each.stands}
        paths = iter(outputs.files)
        named = [(text, STDOUT if text == "-" else str(next(paths))) for text in typed]
        return [text for text, path in named if path not in missing]
