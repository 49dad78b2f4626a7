"""Errors in how the client is used; nothing was sent."""

from __future__ import annotations

from palm.errors.base import PalmError

__all__ = [
    "ArgumentError",
    "SettingsError",
]


class SettingsError(PalmError):
    """A key, a serial number, a file or an option is wrong; no request was sent."""


class ArgumentError(PalmError, ValueError):
    """An argument cannot be put into a request; no request was sent."""
