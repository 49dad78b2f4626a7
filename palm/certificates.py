"""Platform certificates by download: fetched, decrypted, checked, and fetched again.

Sources: the interface https://pay.weixin.qq.com/doc/v3/merchant/4012551764, and the decryption, the
twelve hours and the first download
https://wechatpay-api.gitbook.io/wechatpay-api-v3/jie-kou-wen-dang/ping-tai-zheng-shu
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from palm.errors import BodyError, PalmError, SettingsError, SignatureError, SignatureReason
from palm.keys import PlatformKeys, certificate_serial
from palm.signing import RSAVerifier

__all__ = ["CERTIFICATES", "APIv3Key", "DownloadedKeys", "decrypt", "read_certificates"]

CERTIFICATES: Final = "/v3/certificates"
_KEY_BYTES: Final = 32
_log: Final = logging.getLogger("palm")


@dataclass(frozen=True, slots=True)
class APIv3Key:
    """The merchant's APIv3 key, which WeChat Pay encrypts with: 32 bytes.

    Raises:
        SettingsError: It is longer or shorter.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _KEY_BYTES:
            raise SettingsError(
                f"an APIv3 key has {_KEY_BYTES} characters, this one has {len(self.secret)}; "
                "set one in the merchant console, API security"
            )


def decrypt(key: bytes, *, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """Return the plaintext of AEAD_AES_256_GCM: base64 of ciphertext and 16-byte tag.

    Args:
        key: The APIv3 key.
        nonce: As given, used as UTF-8.
        associated_data: As given, used as UTF-8; may be empty.
        ciphertext: Base64.

    Raises:
        BodyError: It was not made with this key, or was altered.
    """
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(key).decrypt(nonce.encode(), sealed, associated_data.encode())
    except (InvalidTag, binascii.Error, ValueError):
        raise BodyError(
            "a certificate does not decrypt: is it this merchant's APIv3 key?"
        ) from None


def read_certificates(members: Any, key: APIv3Key) -> dict[str, RSAPublicKey]:  # noqa: ANN401 - JSON
    """Return the public keys in the JSON of ``GET /v3/certificates``, by serial number.

    Raises:
        BodyError: It is not what the documentation describes, or does not decrypt.
    """
    try:
        return dict(_read_certificate(each, key) for each in members["data"])
    except (KeyError, TypeError, AttributeError, ValueError):
        raise BodyError("the answer holds no certificates as documented") from None


def _read_certificate(entry: Mapping[str, Any], key: APIv3Key) -> tuple[str, RSAPublicKey]:
    sealed = entry["encrypt_certificate"]
    pem = decrypt(
        key.secret,
        nonce=sealed["nonce"],
        associated_data=sealed.get("associated_data") or "",
        ciphertext=sealed["ciphertext"],
    )
    certificate = x509.load_pem_x509_certificate(pem)
    public_key, serial = certificate.public_key(), certificate_serial(certificate)
    if not isinstance(public_key, RSAPublicKey) or serial != entry["serial_no"].upper():
        raise ValueError(serial)
    return serial, public_key


@dataclass(frozen=True, slots=True)
class RefreshRules:
    """When certificates are fetched.

    Attributes:
        every_s: Again after so long; the documentation wants less than 12 h.
        least_s: Never more often than this.
    """

    every_s: float = 10 * 3600.0
    least_s: float = 300.0


Fetch = Callable[[], Awaitable[tuple[Mapping[str, str], bytes]]]
"""Sends a signed ``GET /v3/certificates``; returns headers and body of a 2xx, not yet verified."""


class DownloadedKeys:
    """A verifier whose certificates come from the gateway itself.

    Where a public key or a certificate is held already, nothing is fetched until an answer names a
    serial that is not among them: merchants without certificates get a 404 there.

    Args:
        key: The merchant's APIv3 key.
        held: Keys known beforehand; None: none.
        rules: When to fetch.
        clock: Seconds on a clock that never goes back.
    """

    def __init__(
        self,
        key: APIv3Key,
        held: PlatformKeys | None = None,
        *,
        rules: RefreshRules | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key = key
        self._held = dict(held or {})
        self._verifier = RSAVerifier(held) if held else None
        self._preferred = held.preferred if held else None
        self._rules = rules or RefreshRules()
        self._clock = clock
        self._lock = asyncio.Lock()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    @property
    def preferred(self) -> str:
        """Key id that the request names in ``Wechatpay-Serial``; empty before the first fetch."""
        return self._verifier.preferred if self._verifier else ""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: int) -> str:
        """As :meth:`palm.signing.RSAVerifier.verify`."""
        if self._verifier is None:
            raise SignatureError("no platform key is held", SignatureReason.UNKNOWN_SERIAL)
        return self._verifier.verify(headers, body, now=now)

    def due(self) -> bool:
        """Say whether a fetch is wanted before the next request."""
        if self._fetched_at is None:
            return self._verifier is None
        return self._clock() - self._fetched_at >= self._rules.every_s

    async def refresh(self, fetch: Fetch, *, now: Callable[[], float]) -> bool:
        """Fetch the certificates, once for all who ask; say whether any key is new.

        At most once in five minutes, and one at a time: those who come meanwhile wait for it.

        Args:
            fetch: Asks the gateway.
            now: Unix seconds.

        Raises:
            PalmError: The fetch failed, and there is no key at all to go on with.
        """
        asked_at = self._clock()
        known = self._ids()
        async with self._lock:
            waited = self._tried_at is not None and self._tried_at >= asked_at
            recent = self._tried_at is not None and (
                self._clock() - self._tried_at < self._rules.least_s
            )
            if not waited and not recent:
                await self._fetch(fetch, now)
        return bool(self._ids() - known)

    def _ids(self) -> set[str]:
        return set(self._verifier.keys) if self._verifier else set()

    async def _fetch(self, fetch: Fetch, now: Callable[[], float]) -> None:
        try:
            headers, body = await fetch()
            self._take(headers, body, int(now()))
        except PalmError as error:
            if self._verifier is None:
                raise
            _log.warning("the platform's certificates could not be fetched: %s", error)
        else:
            self._fetched_at = self._clock()
        finally:
            self._tried_at = self._clock()

    def _take(self, headers: Mapping[str, str], body: bytes, now: int) -> None:
        """Verify the answer with what it contains: decrypting it proved who wrote it."""
        try:
            found = read_certificates(json.loads(body), self._key)
        except (ValueError, RecursionError):
            raise BodyError("the answer is no JSON") from None
        if not found and not self._held:
            raise BodyError(
                "the merchant has no platform certificates: set WeChat Pay's public key"
            )
        keys = PlatformKeys({**self._held, **found}, preferred=self._preferred)
        verifier = RSAVerifier(keys)
        verifier.verify(headers, body, now=now)
        self._verifier = verifier
