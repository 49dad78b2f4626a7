"""What a gateway has seen, for tests to compare with what a client believes."""

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
        requests: All that were received whole.
        rejected: Of these, refused before or by authentication, unsigned.
        throttled: Of these, refused for the quota (faults not counted).
        answered: Of these, answered truthfully: 200, and no fault but a duplicate.
        statuses: Answers by HTTP status; what was dropped or stalled before its headers has none.
        faults: Faults made, by kind.
        routes: Authenticated requests by method and path, e.g. ``GET /v3/certificates``.
        asked: Authenticated queries by ``(organization_id, openid)``, whatever came of them.
        repeated_nonces: Authenticated requests whose ``nonce_str`` had been used before (among
            the last 100,000). They are not refused: no page says that WeChat Pay does.
        times: Arrival of each request by the monotonic clock, in seconds.
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
        """Requests whose signature verified."""
        return self.requests - self.rejected

    def note_nonce(self, nonce_str: str) -> None:
        """Count a nonce that has been seen before."""
        if nonce_str in self._nonces:
            self.repeated_nonces += 1
            return
        self._nonces[nonce_str] = None
        if len(self._nonces) > _NONCES_KEPT:
            self._nonces.popitem(last=False)
