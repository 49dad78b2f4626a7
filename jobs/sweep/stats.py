"""Counts of what was sent and how it went, for the progress line and the report's metadata."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from palm import (
    Attempt,
    CertificateRefusedError,
    ConnectError,
    DisconnectedError,
    LocalResourceError,
    PalmError,
    RefusedError,
    SignatureError,
    SignatureReason,
    StateError,
    ThrottledError,
    TimedOutError,
    UnnamedError,
)

__all__ = ["Latency", "RequestStats"]

_STEP: Final = 1.05
"""Each latency bucket ends at this multiple of the one before: percentiles are within 5 %."""
_UNREACHED: Final = {
    kind.__name__ for kind in (ConnectError, CertificateRefusedError, LocalResourceError)
}
_UNANSWERED: Final = {*_UNREACHED, *(kind.__name__ for kind in (DisconnectedError, TimedOutError))}
_MOST_KINDS: Final = 1_000
"""The most error codes that are counted; it limits memory if a gateway invents codes."""


@dataclass(slots=True)
class Latency:
    """A histogram of seconds in buckets that grow by 5 %: its size does not grow with its count."""

    _buckets: Counter[int] = field(default_factory=Counter)
    _longest: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one request of ``seconds``."""
        self._longest = max(self._longest, seconds)
        self._buckets[math.ceil(math.log(max(seconds, 1e-6), _STEP))] += 1

    def __add__(self, other: Latency) -> Latency:
        longest = max(self._longest, other._longest)
        return Latency(self._buckets + other._buckets, longest)

    def to_json(self) -> dict[str, object]:
        """Return the histogram as JSON values."""
        return {"buckets": [[*each] for each in self._buckets.items()], "longest": self._longest}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Latency:
        """Return the histogram that :meth:`to_json` described."""
        return cls(Counter(dict(value["buckets"])), value["longest"])

    def percentiles_ms(self) -> dict[str, int]:
        """Return p50, p90, p99 and max, in milliseconds, or nothing if nothing was counted."""
        total = self._buckets.total()
        if not total:
            return {}
        percentiles = {f"p{p}": self._at(math.ceil(total * p / 100)) for p in (50, 90, 99)}
        return {**percentiles, "max": round(self._longest * 1000)}

    def _at(self, rank: int) -> int:
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return round(min(_STEP**bucket, self._longest) * 1000)
        raise ValueError(f"rank {rank} of {seen}")


@dataclass(slots=True)
class RequestStats:
    """Counts of a sweep so far.

    Attributes:
        pairs: Pairs to be asked.
        queries: Queries begun so far; each is one request or, where it is retried, several.
        answered: Pairs with a good answer.
        resumed: Pairs whose outcome comes from an earlier, unfinished run.
        failed: Pairs without a good answer so far; the last round may still bring one.
        requests: Requests sent, retries included, but not those that were cancelled.
        retries: Requests that repeated an earlier one of the same query.
        outcomes: Requests by the name of the error, or ``ok``.
        throttles: Requests that were throttled.
        latest_error: The error of the request that failed last, or None if none has failed.
        certificate_error: The error of the first request for which a host's TLS certificate was
            refused, or None.
        certificates_refused: True if, at the last such error, every host's certificate was refused.
        probes: Answers with one of WeChat Pay's deliberately wrong signatures.
        replays: Answers that are copies of earlier ones.
        unnamed: Answers refused because openid or organization_id is missing in them.
        without_echo: Good answers accepted although openid or organization_id is missing in them.
        answers: Verified answers that could be parsed, with or without names and a state.
        refusals: One message of the gateway for each kind of refusal (status and code), of at most
            1,000 kinds.
    """

    pairs: int = 0
    queries: int = 0
    answered: int = 0
    resumed: int = 0
    failed: int = 0
    requests: int = 0
    retries: int = 0
    throttles: int = 0
    probes: int = 0
    replays: int = 0
    unnamed: int = 0
    without_echo: int = 0
    answers: int = 0
    refusals: dict[tuple[int, str | None], str | None] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    latency: Latency = field(default_factory=Latency)
    latest_error: PalmError | None = None
    certificate_error: CertificateRefusedError | None = None
    certificates_refused: bool = False

    def __add__(self, other: RequestStats) -> RequestStats:
        """Return the sum of both, ``other`` being the later one."""
        refusals = {**self.refusals, **other.refusals, **self.refusals}  # the first message stays
        return RequestStats(
            **{name: getattr(self, name) + getattr(other, name) for name in _SUMS},
            refusals=dict(islice(refusals.items(), _MOST_KINDS)),
            latest_error=other.latest_error or self.latest_error,
            certificate_error=self.certificate_error or other.certificate_error,
            certificates_refused=(
                other.certificates_refused if other.certificate_error else self.certificates_refused
            ),
        )

    @property
    def unreached(self) -> bool:
        """True if requests were sent, and no connection could be made for any of them."""
        return bool(self.outcomes) and self.outcomes.keys() <= _UNREACHED

    @property
    def refused_certificate(self) -> CertificateRefusedError | None:
        """The error of a refused TLS certificate, or None once a host has answered."""
        return self.certificate_error if self.outcomes.keys() <= _UNANSWERED else None

    def attempted(self, attempt: Attempt) -> None:
        """Count one request."""
        self.requests += 1
        self.retries += attempt.number > 1
        error = attempt.error
        self.outcomes["ok" if error is None else type(error).__name__] += 1
        if error is None:
            self.answers += 1
            self.latency.add(attempt.elapsed_s)
            return
        self.latest_error = error
        if isinstance(error, CertificateRefusedError):
            self.certificate_error = self.certificate_error or error
            self.certificates_refused = error.everywhere
        if isinstance(error, ThrottledError):
            self.throttles += 1
        elif isinstance(error, SignatureError):
            self.probes += error.probe
            self.replays += error.reason is SignatureReason.REPLAYED
        elif isinstance(error, UnnamedError):
            self.answers += 1
            self.unnamed += 1
        elif isinstance(error, StateError):
            self.answers += 1
        elif isinstance(error, RefusedError) and len(self.refusals) < _MOST_KINDS:
            self.refusals.setdefault((error.status, error.code), error.message)


_SUMS: Final = (
    "pairs", "queries", "answered", "resumed", "failed", "requests", "retries", "throttles",
    "probes", "replays", "unnamed", "without_echo", "answers", "outcomes", "latency",
)  # fmt: skip
"""The attributes of :class:`RequestStats` that are added; a test checks that none is missing."""
