"""Every name that the job gives to a file beside a report, and with which mode it is made.

A hidden file beside ``report.parquet`` begins with ``.report.``; what follows is matched exactly,
so that ``report.parquet`` and ``report.eu.parquet`` in one folder never touch each other's files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

__all__ = ["PRIVATE_MODE", "Sidecars", "previous_of", "temporary", "temporary_pattern"]

PRIVATE_MODE: Final = 0o600
"""Of journals and locks."""
_DATE: Final = r"(\d{4}-\d{2}-\d{2})"
_RUN_ID: Final = r"\d{8}T\d{6}Z-[0-9a-f]{8}"


@dataclass(frozen=True, slots=True)
class Sidecars:
    """The hidden files beside one report.

    Attributes:
        folder: Where they are.
        stem: The report's name without its suffix.
    """

    folder: Path
    stem: str

    @property
    def lock(self) -> Path:
        """Held while a run writes this report."""
        return self._beside("lock")

    def journal(self, run_date: date) -> Path:
        """Return where the answers of an unfinished run of that date are."""
        return self._beside(f"{run_date.isoformat()}.journal")

    def damaged_journal(self, run_date: date) -> Path:
        """Return what a damaged journal of that date is renamed to."""
        return self._beside(f"{run_date.isoformat()}.journal.damaged")

    def journals(self) -> dict[date, Path]:
        """Return the journals that are there, by run date, the newest first."""
        return self._dated("journal")

    def _beside(self, rest: str) -> Path:
        return self.folder / f".{self.stem}.{rest}"

    def _dated(self, ending: str) -> dict[date, Path]:
        pattern = re.compile(rf"\.{re.escape(self.stem)}\.{_DATE}\.{re.escape(ending)}")
        found = {}
        try:
            names = sorted((path.name for path in self.folder.iterdir()), reverse=True)
        except OSError:  # there is no folder yet, or it cannot be listed: nothing to be found
            return {}
        for name in names:
            if named := pattern.fullmatch(name):
                try:
                    found[date.fromisoformat(named[1])] = self.folder / name
                except ValueError:  # 2026-02-30 is a name, not a date
                    continue
        return found


def previous_of(report: Path) -> Path:
    """Return where the report that a single file replaces is kept."""
    return report.with_name(f"{report.stem}.previous{report.suffix}")


def temporary(path: Path, mark: str) -> Path:
    """Return a hidden name in the same folder, so that readers of whole folders do not see it."""
    return path.with_name(f".{path.stem}.{mark}{path.suffix}")


def temporary_pattern(path: Path) -> re.Pattern[str]:
    """Return what the names of a run's temporary files beside ``path`` look like."""
    return re.compile(
        rf"\.{re.escape(path.stem)}\.{_RUN_ID}(-previous)?{re.escape(path.suffix)}", re.DOTALL
    )
