"""Where the report goes, with which earlier one it is compared, and which ones are removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.store.outputs import Outputs

__all__ = ["StoreOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """The outputs of a run, and the earlier reports.

    Attributes:
        outputs: The files, folder and standard output that the report is written to.
        baseline: The report to compare with; None for the last one at the same output.
        compare: False if the run is compared with no report.
        require_baseline: Whether the run stops if there is no earlier report.
        max_dropped: The run stops if a larger share of the earlier report's pairs is missing from
            the input.
        replace: Whether a report of the same date is replaced although it shares few pairs.
        keep_days: Reports that are older than this many days are removed; None to keep all.
    """

    outputs: Outputs
    baseline: Path | None = None
    compare: bool = True
    require_baseline: bool = False
    max_dropped: float = 0.5
    replace: bool = False
    keep_days: int | None = None
