"""Where what WeChat Pay signed is kept, of which states, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EvidenceOptions", "EvidenceScope"]


class EvidenceScope(StrEnum):
    """Whose evidence is kept."""

    ALL = "all"
    """Every good state's."""
    CHANGES = "changes"
    """Every good state's whose change is not UNCHANGED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceOptions:
    """The evidence of a run.

    Attributes:
        folder: The folder of evidence; None: nothing that was signed is kept.
        scope: Whose evidence is kept.
        keep_days: Evidence that is older than this many days is removed; None to keep all.
    """

    folder: Path | None = None
    scope: EvidenceScope = EvidenceScope.ALL
    keep_days: int | None = None
