"""Platform certificates kept up to date by download: when to fetch, and once for all who wait.

Source: https://wechatpay-api.gitbook.io/wechatpay-api-v3/jie-kou-wen-dang/ping-tai-zheng-shu
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from palm.clock import Clock, checked_clock
from palm.crypto.certificates import APIv3Key, read_certificates
from palm.crypto.keys import PlatformKeys
from palm.crypto.pem import rsa_key_of
from palm.crypto.signature_headers import Headers, signature_headers
from palm.crypto.signing import RSAVerifier
from palm.crypto.trust_store import TrustStore
from palm.errors import PalmError, RefusedError, SettingsError, SignatureError, SignatureReason
from palm.forks import reset_in_child
from palm.strict_json import parse_json

__all__ = ["CertificateStore", "RefreshRules", "held_keys"]

_NOT_FOUND: Final = 404
_NO_CERTIFICATES: Final = (
    "the merchant has no platform certificates: set public_key and public_key_id, WeChat Pay's "
    "public key from the merchant console"
)
_log: Final = logging.getLogger("palm")


@dataclass(frozen=True, slots=True)
class RefreshRules:
    """When certificates are fetched.

    Attributes:
        every_s: Again after so long; the documentation wants less than 12 h.
        least_s: While there are keys to go on with: an id that none of them has is looked for no
            more often than this, and a fetch that failed is not repeated earlier.
    """

    every_s: float = 10 * 3600.0
    least_s: float = 300.0


Fetch = Callable[[], Awaitable[tuple[Mapping[str, str], bytes]]]
"""Sends a signed ``GET /v3/certificates``; returns headers and body of a 200, not yet verified."""


class Accept(Protocol):
    """What else an answer must pass when its signature has verified."""

    def __call__(self, headers: Mapping[str, str], *, now: int) -> None:
        """Raise SignatureError where an answer with these headers came before."""


def _accept_any(headers: Mapping[str, str], *, now: int) -> None:
    """Accept it."""


class CertificateStore:
    """A verifier whose certificates come from the gateway itself.

    Where a public key or a certificate is held already, nothing is fetched until an answer names a
    serial that is not among them: merchants without certificates get a 404 there.

    Args:
        key: The merchant's APIv3 key.
        held: Keys known beforehand; None: none.
        trust: Roots that downloaded certificates must come from; None: who issued them is not
            looked at, and that they decrypt with the APIv3 key is what proves them.
        rules: When to fetch.
        clock: The time.
    """

    def __init__(
        self,
        key: APIv3Key,
        held: PlatformKeys | None = None,
        *,
        trust: TrustStore | None = None,
        rules: RefreshRules | None = None,
        clock: Clock | Callable[[], float] | None = None,
    ) -> None:
        self._key = key
        self._trust = trust
        self._held = held
        self._verifier = RSAVerifier(held) if held else None
        self._preferred = held.preferred if held else None
        self._rules = rules or RefreshRules()
        self._clock = checked_clock(clock, reading="monotonic")
        self._lock = asyncio.Lock()
        self._fetches = 0
        self._failure: PalmError | None = None
        self._fetched_at = -math.inf
        self._tried_at = -math.inf
        self._sought_at = -math.inf
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the fetch that another thread of the parent may have begun."""
        self._lock = asyncio.Lock()

    @property
    def preferred(self) -> str:
        """Key id that the request names in ``Wechatpay-Serial``; empty before the first fetch."""
        return self._verifier.preferred if self._verifier else ""

    @property
    def keys(self) -> Mapping[str, RSAPublicKey]:
        """The platform's keys that are held now, by id: ``PlatformKeys``, where there are any."""
        return self._verifier.keys if self._verifier else {}

    @property
    def key(self) -> APIv3Key:
        """The merchant's APIv3 key, which notifications are encrypted with, too."""
        return self._key

    def verify(self, headers: Headers, body: bytes, *, now: int) -> str:
        """As :meth:`palm.crypto.signing.RSAVerifier.verify`."""
        if self._verifier is None:
            raise SignatureError(
                "no platform key is held",
                SignatureReason.UNKNOWN_SERIAL,
                serial=signature_headers(headers).get("Wechatpay-Serial"),
            )
        return self._verifier.verify(headers, body, now=now)

    def needs_refresh(self) -> bool:
        """Return True if the certificates must be fetched before the next request."""
        if self._verifier is None:
            return True
        if self._fetched_at == -math.inf:
            return False
        now = self._clock.monotonic()
        return (
            now - self._fetched_at >= self._rules.every_s
            and now - self._tried_at >= self._rules.least_s
        )

    async def refresh(
        self,
        fetch: Fetch,
        *,
        now: Callable[[], float],
        accept: Accept = _accept_any,
        pause_s: float = 0.0,
    ) -> None:
        """Fetch the certificates if :meth:`needs_refresh`; concurrent callers share one fetch.

        Args:
            fetch: Asks the gateway.
            now: Unix seconds.
            accept: What the answer must pass besides, e.g.
                :meth:`palm.crypto.replay.ReplayMemory.accept`.
            pause_s: After a fetch that failed, for so many seconds its error is raised again.

        Raises:
            PalmError: The fetch failed, and there is no key at all.
        """

        def wanted() -> bool:
            pausing = self._failure and self._clock.monotonic() - self._tried_at < pause_s
            return not pausing and self.needs_refresh()

        await self._fetch_once(wanted, fetch, now, accept)

    async def ensure(
        self,
        serial: str,
        fetch: Fetch,
        *,
        now: Callable[[], float],
        accept: Accept = _accept_any,
    ) -> bool:
        """Return whether the key ``serial`` is held, after a fetch where that may help.

        Such a fetch happens at most once in five minutes, apart from fetches by age. Concurrent
        callers share one.

        Args:
            serial: Key id that an answer names and that was not held.
            fetch: Asks the gateway.
            now: Unix seconds.
            accept: As for :meth:`refresh`.

        Raises:
            PalmError: The fetch failed, and there is no key at all.
        """

        def wanted() -> bool:
            recently = self._clock.monotonic() - self._sought_at < self._rules.least_s
            return not recently and not self._holds(serial)

        if await self._fetch_once(wanted, fetch, now, accept):
            self._sought_at = self._clock.monotonic()
        return self._holds(serial)

    def _holds(self, serial: str) -> bool:
        return self._verifier is not None and serial in self._verifier.keys

    async def _fetch_once(
        self,
        wanted: Callable[[], bool],
        fetch: Fetch,
        now: Callable[[], float],
        accept: Accept,
    ) -> bool:
        """Fetch unless another caller fetched while this one waited, or it is no longer needed."""
        before = self._fetches
        async with self._lock:
            ours = self._fetches == before and wanted()
            if ours:
                await self._fetch(fetch, now, accept)
        if self._verifier is None and self._failure is not None:
            raise _another(self._failure)
        return ours

    async def _fetch(self, fetch: Fetch, now: Callable[[], float], accept: Accept) -> None:
        """Fetch; a cancelled fetch is not counted."""
        try:
            headers, body = await fetch()
            self._take(headers, body, int(now()), accept)
        except PalmError as error:
            self._failure = _explained(error)
            if self._verifier is not None:
                _log.warning("the platform's certificates could not be fetched: %s", error)
        else:
            self._failure = None
            self._fetched_at = self._clock.monotonic()
        self._tried_at = self._clock.monotonic()
        self._fetches += 1

    def _take(self, headers: Mapping[str, str], body: bytes, now: int, accept: Accept) -> None:
        """Verify the answer with what it contains: decrypting it proved who wrote it."""
        moment = datetime.fromtimestamp(now, UTC)
        found = read_certificates(parse_json(body), self._key, now=moment, trust=self._trust)
        if not found and self._held is None:
            raise SettingsError(_NO_CERTIFICATES)
        verifier = RSAVerifier(self._with(found))
        verifier.verify(headers, body, now=now)
        accept(headers, now=now)
        self._verifier = verifier

    def _with(self, found: Mapping[str, x509.Certificate]) -> PlatformKeys:
        """Return the keys that were held beforehand and those of certificates that can be used."""
        read = {serial: rsa_key_of(certificate) for serial, certificate in found.items()}
        keys = {serial: key for serial, key in read.items() if key is not None}
        return PlatformKeys(
            {**(self._held or {}), **keys},
            preferred=self._preferred,
            certificates={**(self._held.certificates if self._held else {}), **found},
        )


def _explained(error: PalmError) -> PalmError:
    """Return the error, with advice if the merchant has no platform certificates."""
    if not isinstance(error, RefusedError) or error.status != _NOT_FOUND:
        return error
    explained = SettingsError(f"{_NO_CERTIFICATES} ({error})")
    explained.status, explained.request_id = error.status, error.request_id
    return explained


def _another(error: PalmError) -> PalmError:
    """Return a copy of an error: each caller that waited raises its own."""
    return error.copied()


def held_keys(keys: PlatformKeys | CertificateStore) -> PlatformKeys | None:
    """Return the keys that either kind holds now; None: there is none yet."""
    held = keys if isinstance(keys, PlatformKeys) else keys.keys
    return held if isinstance(held, PlatformKeys) else None
