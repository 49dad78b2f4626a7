"""How the input is read."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["InputOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions:
    """The input, and how it is read.

    Attributes:
        source: A path, or ``-`` for standard input.
        encoding: None: UTF-8, else GB18030.
        max_size: Bytes, unpacked.
    """

    source: str
    openid_column: str = "openid"
    organization_column: str = "organization_id"
    encoding: str | None = None
    max_size: int = 4 << 30
