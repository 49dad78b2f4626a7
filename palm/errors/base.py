"""The base of all errors of this package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Self, TypeVar

__all__ = [
    "PalmError",
    "TransientError",
]

_GATEWAY_TEXTS: Final = ("code", "message", "request_id", "serial", "state", "route")
"""Attributes that hold text from the gateway."""


class PalmError(Exception):
    """Base of all errors of this package.

    Attributes:
        status: HTTP status of the last response; None if there was none.
        request_id: ``Request-ID`` of the last response, which WeChat Pay's support asks for; None
            if there was none.
        attempts: How many requests were sent until this error was raised.
        method: HTTP method of the request; None if no request was made.
        route: Path of the request with names of its variables instead of their values, e.g.
            ``/v3/palmservice/authorization/openid/{openid}``; None if it is unknown.
        host: The gateway's host that the last request was for; None if none was chosen.
        elapsed_s: Seconds from the call to this error, with all attempts and waits.
        headers: The headers of the last response that are safe to show, e.g. ``Request-ID``,
            ``Date`` and ``Retry-After``; never a signature. Empty if there was no response.
        outage: Whether the gateway was down for all requests at the time, or this machine lacked a
            resource, so that the failure is not about this request.
    """

    outage: bool = False
    status: int | None = None
    request_id: str | None = None
    attempts: int = 0
    method: str | None = None
    route: str | None = None
    host: str | None = None
    elapsed_s: float = 0.0
    headers: Mapping[str, str] = MappingProxyType({})

    def __reduce__(self) -> tuple[object, ...]:
        """Return how the error is pickled and copied: without calling ``__init__`` again."""
        return _restored, (type(self), self.args), vars(self)

    def copied(self) -> Self:
        """Return a copy without notes, for another caller that fails for the same reason."""
        error = _restored(type(self), self.args)
        error.__dict__.update(vars(self))
        error.__dict__.pop("__notes__", None)
        return error

    def take_out(self, private: Iterable[str]) -> None:
        """Remove private texts and their parts from the error; see :mod:`palm.text.scrub`."""
        from palm.text.scrub import scrub  # noqa: PLC0415 - slow, and not needed for --help

        private = tuple(private)
        self.args: tuple[object, ...] = tuple(
            scrub(a, private) if isinstance(a, str) else a for a in self.args
        )
        for name in _GATEWAY_TEXTS:
            if isinstance(value := getattr(self, name, None), str):
                setattr(self, name, scrub(value, private))
        if self.headers:
            self.headers = {name: scrub(value, private) for name, value in self.headers.items()}


E = TypeVar("E", bound=PalmError)


def _restored(kind: type[E], args: tuple[object, ...]) -> E:
    """Return an error with its ``args``, which OSError's own ``__new__`` would not keep."""
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class TransientError(PalmError):
    """The same request may succeed if it is sent again."""
