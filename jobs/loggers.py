"""Names of loggers that more than one stage writes to."""

from __future__ import annotations

from typing import Final

__all__ = ["ALWAYS"]

ALWAYS: Final = "palm.always"
"""The logger of warnings that are shown even with ``-q``."""
