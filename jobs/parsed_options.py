"""The options of a command as click parsed them."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["ParsedOptions"]

ParsedOptions: TypeAlias = dict[str, Any]
"""The name of each parameter of a command, to its value as click converted it."""
