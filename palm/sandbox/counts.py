"""What a gateway counts, for tests to compare with what a client reports."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Final

from palm.sandbox.faults import Fault

__all__ = ["Statistics"]

_NONCES_KEPT: Final = 100_000


@dataclass(slots=True)
class Statistics:
    """Counts since the gateway was made.

    Attributes:
        requests: Requests that were received completely.
        rejected: Requests rejected before or by authentication, with an unsigned response.
        throttled: Requests rejected because of the quota (without the fault ``throttle``).
        answered: Requests with a true answer: 200, and no fault other than a duplicate.
        statuses: Responses by HTTP status; one that was dropped or stalled before its headers has
            none.
        faults: Faults by kind.
        routes: Authenticated requests by method and path, e.g. ``GET /v3/certificates``.
        asked: Authenticated queries by ``(organization_id, openid)``, with any result.
        repeated_nonces: Authenticated requests whose ``nonce_str`` had been used before (among
            the last 100,000). They are not rejected: no page says that WeChat Pay does.
        times: When each request arrived, in seconds of the monotonic clock.
    """

    requests: int = 0
    rejected: int = 0
    throttled: int = 0
    answered: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter, repr=False)
    repeated_nonces: int = 0
    times: list[float] = field(default_factory=list, repr=False)
    _nonces: OrderedDict[str, None] = field(default_factory=OrderedDict, repr=False)

    @property
    def authenticated(self) -> int:
        """Requests whose signature is verified."""
        return self.requests - self.rejected

    def note_nonce(self, nonce_str: str) -> None:
        """Count a nonce if it has been used before, and remember it if not."""
        if nonce_str in self._nonces:
            self.repeated_nonces += 1
            return
        self._nonces[nonce_str] = None
        if len(self._nonces) > _NONCES_KEPT:
            self._nonces.popitem(last=False)
