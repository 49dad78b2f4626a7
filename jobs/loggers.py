"""Names of loggers that more than one stage writes to."""

from __future__ import annotations

from typing import Final

__all__ = ["ALWAYS"]

ALWAYS: Final = "palm.always"
"""Logger of warnings that ``-q`` does not silence."""
