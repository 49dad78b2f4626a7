"""What a sandbox is recognized by, without importing its server."""

from __future__ import annotations

from typing import Final

__all__ = ["SANDBOX_MCHID"]

SANDBOX_MCHID: Final = "0000000000"
"""The sandbox's merchant: ten digits like a real one, but numbers are issued without leading zeros,
so that neither a report nor a log made here can be taken for a real merchant's."""
