"""How the input is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_SIZE", "OPENID_COLUMN", "ORGANIZATION_COLUMN", "InputOptions"]

OPENID_COLUMN: Final = "openid"
ORGANIZATION_COLUMN: Final = "organization_id"
MAX_SIZE: Final = 4 << 30
"""Bytes, unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions:
    """Which input is read, and how.

    Attributes:
        source: A path, or ``-`` for standard input.
        encoding: The encoding of the input; None for UTF-8, else GB18030.
        max_size: The largest size of the unpacked input, in bytes.
    """

    source: str
    openid_column: str = OPENID_COLUMN
    organization_column: str = ORGANIZATION_COLUMN
    encoding: str | None = None
    max_size: int = MAX_SIZE
