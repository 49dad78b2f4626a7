"""How a night may work and keep its report, and what it said, without what differs by that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from jobs.store.outputs import Outputs, parse_outputs
from tests.night import DAY

__all__ = ["LAYOUTS", "Layout"]

_WHERE: Final = "WHERE"
_JOURNAL: Final = re.compile(r"\S*\.journal")
_KEY_ID: Final = re.compile(r"'[0-9A-F]{40}'")
_NUMBER: Final = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True, slots=True)
class Layout:
    """In how many partitions a night works, and where its report goes.

    Attributes:
        output: What ``-o`` says.
        partitions: What ``--partitions`` says.
        by_workers: Whether workers ask.
    """

    output: str
    partitions: int
    by_workers: bool = False

    @property
    def arguments(self) -> list[str]:
        """The options of the command."""
        divided = ["--partitions", str(self.partitions)] if self.partitions > 1 else []
        return ["-o", self.output, *divided]

    def outputs(self, run_date: date = DAY) -> Outputs:
        """Return where the report of a date goes."""
        in_parts = self.partitions > 1
        return parse_outputs((self.output,), None, run_date, in_parts=in_parts)

    def report(self, run_date: date = DAY) -> Path:
        """Return the path of the report of a date."""
        primary = self.outputs(run_date).primary
        assert primary is not None
        return primary

    def without_names(self, said: str, run_date: date = DAY) -> str:
        """Return a sentence without the names of outputs and journals, and without its numbers."""
        folder = self.output.rstrip("/")
        for name in (str(self.report(run_date)), self.output, folder):
            said = said.replace(name, _WHERE)
        said = said.replace(f"--partitions {self.partitions} ", "")
        return _NUMBER.sub("N", _KEY_ID.sub("KEY", _JOURNAL.sub("JOURNAL", said)))


LAYOUTS: Final = {
    "one file": (Layout("one/report.parquet", 1), Layout("parts/report.parquet", 4)),
    "a folder": (Layout("one/reports/", 1), Layout("parts/reports/", 4)),
    "workers": (Layout("one/reports/", 1), Layout("parts/reports/", 8, by_workers=True)),
}
"""One of each output without parts, and with them, asked by one process or by workers."""
