"""Where the report goes, with which earlier one it is compared, and which ones are removed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.store.outputs import Outputs

__all__ = ["StoreOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """The report's place, and its earlier ones.

    Attributes:
        outputs: Where the report goes.
        baseline: The report to compare with; None: the last one in the place of this one.
        compare: False: compare with nothing.
        require_baseline: Stop where there is no earlier report.
        max_dropped: Stop where more of its pairs are missing from the input.
        replace: Whether a report that shares few of its pairs is replaced.
        keep_days: Remove older reports; None: keep all.
    """

    outputs: Outputs
    baseline: Path | None = None
    compare: bool = True
    require_baseline: bool = False
    max_dropped: float = 0.5
    replace: bool = False
    keep_days: int | None = None
