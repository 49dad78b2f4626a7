"""Errors in how the client is used; nothing was sent."""

from __future__ import annotations

from palm.errors.base import PalmError

__all__ = [
    "ArgumentError",
    "ClosedError",
    "EventLoopError",
    "SettingsError",
]


class SettingsError(PalmError):
    """A key, a serial number, a file or an option is wrong; no request was sent."""


class ArgumentError(PalmError, ValueError):
    """An argument cannot be put into a request; no request was sent."""


class ClosedError(PalmError, RuntimeError):
    """The client is closed, or was closed while the request waited."""

    def __init__(self, text: str = "the client is closed") -> None:
        super().__init__(text)


class EventLoopError(PalmError, RuntimeError):
    """An ``AsyncPalm`` is used in another event loop than before, or in a forked process."""
