"""What a caller learns of each attempt: its function is called, and cannot break anything."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from palm.errors import PalmError
from palm.text.redact import shown_host, shown_request_id

__all__ = ["Attempt", "AttemptReporter", "Exchange"]

_log: Final = logging.getLogger("palm")


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one request, as ``on_attempt`` receives it. Nothing in it names a person.

    Attributes:
        elapsed_s: Seconds from the moment at which the request was let through to its result. A
            request that had to wait for the quota a second time counts from the end of that wait.
        error: What went wrong; None if the request was answered and the answer verified.
        number: Which attempt of its query it was, from 1.
        method: HTTP method, upper case.
        route: The path with names of variables instead of their values:
            ``/v3/palmservice/authorization/openid/{openid}``; None if it is unknown.
        host: Host and port that the request was for; None if none was chosen.
        status: HTTP status of the response, verified or not; None if no complete response came.
        request_id: The ``Request-ID`` of the response, which WeChat Pay's support asks for; None
            if there is none.
        waited_s: Seconds before ``elapsed_s`` begins: for a free connection, for the quota, and for
            the circuit breaker. The wait between two attempts of a query is not part of it.
        sent_bytes: The size of the request's body.
        received_bytes: The size of the response's body.
    """

    elapsed_s: float
    error: PalmError | None
    number: int = 1
    method: str = "GET"
    route: str | None = None
    host: str | None = None
    status: int | None = None
    request_id: str | None = None
    waited_s: float = 0.0
    sent_bytes: int = 0
    received_bytes: int = 0


@dataclass(slots=True)
class Exchange:
    """What is known of one request and its response while it is sent.

    Attributes:
        base_url: URL of the host that was chosen; None before.
        status: HTTP status of the response, verified or not; None before it came.
        headers: The response's headers.
        received_bytes: The size of the response's body.
    """

    base_url: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    received_bytes: int = 0

    @property
    def host(self) -> str | None:
        """Host and port; None before the host was chosen."""
        return None if self.base_url is None else shown_host(self.base_url)

    def request_id(self, private: Iterable[str]) -> str | None:
        """Return the ``Request-ID`` of the response, as it may be shown; None if there is none."""
        return shown_request_id(self.headers.get("Request-ID"), private)


class AttemptReporter:
    """Calls the caller's ``on_attempt``; an exception in it is logged, and breaks nothing.

    Only the class of the exception and the place are logged, because its text may name a person;
    and each only once, because it may happen at every request.

    Args:
        on_attempt: The caller's function.
    """

    def __init__(self, on_attempt: Callable[[Attempt], object]) -> None:
        self._on_attempt = on_attempt
        self._logged: set[str] = set()

    @classmethod
    def of(cls, on_attempt: Callable[[Attempt], object] | None) -> Self | None:
        """Return a reporter, or None if there is no function to call."""
        return None if on_attempt is None else cls(on_attempt)

    def report(self, attempt: Attempt) -> None:
        """Call the function with the result of an attempt."""
        try:
            self._on_attempt(attempt)
        except Exception as error:  # noqa: BLE001 - the caller's own code
            failure = f"{type(error).__name__}{_place_of(error)}"
        else:
            return
        if failure not in self._logged:
            self._logged.add(failure)
            _log.error("on_attempt raised %s; it is logged once, and requests go on", failure)


def _place_of(error: BaseException) -> str:
    """Return where an exception was raised: the function and its line; empty if it is unknown."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return ""
    return f" in {traceback.tb_frame.f_code.co_name}, line {traceback.tb_lineno}"
