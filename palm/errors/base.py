"""The base of all errors of this package."""

from __future__ import annotations

import copyreg
from collections.abc import Iterable
from typing import Final

from palm.text.scrub import scrub

__all__ = [
    "PalmError",
    "TransientError",
]

_GATEWAY_TEXTS: Final = ("code", "message", "request_id", "serial", "state")
"""Attributes that hold text from the gateway."""


class PalmError(Exception):
    """Base of all errors of this package.

    Attributes:
        status: HTTP status of the last response; None if there was none.
        request_id: ``Request-ID`` of the last response, which WeChat Pay's support asks for; None
            if there was none.
        attempts: How many requests were sent until this error was raised.
        outage: Whether the gateway was down for all requests at the time, or this machine lacked a
            resource, so that the failure is not about this request.
    """

    outage: bool = False
    status: int | None = None
    request_id: str | None = None
    attempts: int = 0

    def __reduce__(self) -> tuple[object, ...]:
        """Return how the error is pickled and copied: without calling ``__init__`` again."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]

    def take_out(self, private: Iterable[str]) -> None:
        """Remove private texts and their parts from the error; see :mod:`palm.text.scrub`."""
        private = tuple(private)
        self.args = tuple(scrub(a, private) if isinstance(a, str) else a for a in self.args)
        for name in _GATEWAY_TEXTS:
            if isinstance(value := getattr(self, name, None), str):
                setattr(self, name, scrub(value, private))


class TransientError(PalmError):
    """The same request may succeed if it is sent again."""
