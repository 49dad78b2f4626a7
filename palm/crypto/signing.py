"""What both sides sign, and the check of what the other side signed.

Sources: requests https://pay.weixin.qq.com/doc/v3/merchant/4012365342, responses
https://pay.weixin.qq.com/doc/v3/merchant/4013053420
"""

from __future__ import annotations

import binascii
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from palm.crypto.keys import Merchant, PlatformKeys
from palm.crypto.signature_headers import (
    MAX_SKEW_S,
    PROBE_PREFIX,
    Headers,
    SignatureHeaders,
)
from palm.errors import SignatureReason
from palm.text.redact import shown_key_id

__all__ = [
    "MAX_SKEW_S",
    "PROBE_PREFIX",
    "SCHEME",
    "RSASigner",
    "RSAVerifier",
    "SignedMessage",
    "Signer",
    "Verifier",
    "authorization",
    "message",
    "sign_message",
    "signature_matches",
]

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"

_PADDING: Final = PKCS1v15()
_HASH: Final = SHA256()


def message(*parts: str | bytes) -> bytes:
    """Join what is signed: each part on its own line, the last line ended too."""
    return b"\n".join([p.encode() if isinstance(p, str) else p for p in parts]) + b"\n"


def authorization(
    mchid: str, serial_no: str, signature: str, *, timestamp: str, nonce_str: str
) -> str:
    """Return the value of the ``Authorization`` header.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4012365342
    """
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{nonce_str}",signature="{signature}",'
        f'timestamp="{timestamp}",serial_no="{serial_no}"'
    )


def sign_message(private_key: RSAPrivateKey, message: bytes) -> bytes:
    """Return the RSASSA-PKCS1-v1_5 signature over SHA-256 of ``message``, raw."""
    return private_key.sign(message, _PADDING, _HASH)


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """What the platform signed: enough to verify an answer again, at any time, without a network.

    Attributes:
        timestamp: When it was signed, Unix seconds, as text.
        nonce: A random text, as bytes.
        body: The body, as received.
        signature: The raw signature of :attr:`message`.
        key_id: Id of the key that signed.
    """

    timestamp: str
    nonce: bytes = field(repr=False)
    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    key_id: str

    @property
    def message(self) -> bytes:
        """The bytes that were signed."""
        return message(self.timestamp, self.nonce, self.body)

    @classmethod
    def of(cls, headers: Headers, body: bytes) -> SignedMessage:
        """Return what the headers of a *verified* answer sign.

        Args:
            headers: The answer's; looked up without regard to case.
            body: Raw bytes, as received.

        Raises:
            SignatureError: A signature header is missing, or is not as WeChat Pay writes it.
        """
        signed = SignatureHeaders.of(headers)
        raw = _raw_signature(signed)
        return cls(signed.timestamp, _bytes(signed.nonce), body, raw, signed.serial)


def signature_matches(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    """Return True if ``signature``, raw, is that of ``message`` by the holder of a key."""
    try:
        key.verify(signature, message, _PADDING, _HASH)
    except InvalidSignature:
        return False
    return True


class Signer(Protocol):
    """Signs for a merchant. A key that lives elsewhere (KMS, HSM) implements this.

    ``async def sign`` runs in the client's event loop. ``def sign`` may block: it is called in a
    thread of its own, so several calls may run at the same time. Either is part of the attempt: it
    must return within its timeout, and what it raises is a :class:`palm.SignerError`.
    """

    @property
    def mchid(self) -> str:
        """The merchant that signs."""

    @property
    def serial_no(self) -> str:
        """Serial number of the merchant's API certificate."""

    def sign(self, message: bytes, /) -> bytes | Awaitable[bytes]:
        """Return the RSASSA-PKCS1-v1_5 signature over SHA-256 of ``message``, raw, or a promise."""


class RSASigner:
    """Signs with a private key in memory."""

    __slots__ = ("_merchant",)

    def __init__(self, merchant: Merchant) -> None:
        self._merchant = merchant

    @property
    def mchid(self) -> str:
        """The merchant that signs."""
        return self._merchant.mchid

    @property
    def serial_no(self) -> str:
        """Serial number of the merchant's API certificate."""
        return self._merchant.serial_no

    def sign(self, message: bytes, /) -> bytes:
        """Return the raw signature of ``message``."""
        return sign_message(self._merchant.private_key, message)


class Verifier(Protocol):
    """Decides whether an answer, or a notification, is WeChat Pay's.

    An answer's headers ignore case. Of a notification, whose headers may be in any mapping, it gets
    the signature headers alone, in a plain dictionary with their documented names.
    """

    @property
    def preferred(self) -> str:
        """Key id that the request names in ``Wechatpay-Serial``."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: int) -> str:
        """Return the id of the key that signed ``body``; raise SignatureError otherwise."""


class RSAVerifier:
    """Verifies with the public keys in memory, those of certificates and plain ones alike."""

    __slots__ = ("keys",)

    def __init__(self, keys: PlatformKeys) -> None:
        self.keys: PlatformKeys = keys

    @property
    def preferred(self) -> str:
        """Key id that the request names in ``Wechatpay-Serial``."""
        return self.keys.preferred

    def verify(self, headers: Headers, body: bytes, *, now: int) -> str:
        """Return the id of the key that signed ``body``; raise otherwise.

        1. All four signature headers are there.
        2. The timestamp lies within five minutes of ``now`` (Unix seconds).
        3. The serial names a key that we hold and that, if it is a certificate's, is valid now.
        4. The signature verifies over the raw bytes.

        Args:
            headers: The answer's, as in any mapping: the case of names is ignored, and Django's
                ``META`` is read, too.
            body: Raw bytes, as received.
            now: Unix seconds.

        Raises:
            SignatureError: A step failed; ``reason`` says which.

        Source: https://pay.weixin.qq.com/doc/v3/merchant/4013053420
        """
        signed = SignatureHeaders.of(headers)  # 1.
        signed.check_timestamp(now)  # 2.
        key = self._key(signed, now)  # 3.
        _check_signature(signed, key, body)  # 4.
        return signed.serial

    def _key(self, signed: SignatureHeaders, now: int) -> RSAPublicKey:
        key = self.keys.get(signed.serial)
        if key is None:
            shown = shown_key_id(signed.serial)
            raise signed.error(
                f"the response is signed with key {shown!r}, which is not among the platform keys"
                if shown
                else "the response is signed with a key whose id does not look like WeChat Pay's",
                SignatureReason.UNKNOWN_SERIAL,
            )
        if not self.keys.valid(signed.serial, now):
            raise signed.error(
                f"the response is signed with certificate {signed.serial}, which is not valid now",
                SignatureReason.UNKNOWN_SERIAL,
            )
        return key


def _check_signature(signed: SignatureHeaders, key: RSAPublicKey, body: bytes) -> None:
    raw = _raw_signature(signed)
    if not signature_matches(key, raw, message(signed.timestamp, _bytes(signed.nonce), body)):
        raise signed.error(
            "the response's signature does not match its body", SignatureReason.WRONG
        )


def _raw_signature(signed: SignatureHeaders) -> bytes:
    try:
        return _decoded(signed.signature)
    except (binascii.Error, ValueError):
        raise signed.error(
            "the response's signature is not base64", SignatureReason.MALFORMED
        ) from None


def _decoded(signature: str) -> bytes:
    raw = binascii.a2b_base64(signature, strict_mode=True)
    # The last character holds four bits that no decoder reads: only one of its spellings is right.
    if binascii.b2a_base64(raw, newline=False).decode() != signature:
        raise ValueError("not as base64 is written")
    return raw


def _bytes(header: str) -> bytes:
    """Return a header's bytes as they came: HTTP libraries keep undecodable ones as surrogates."""
    return header.encode("utf-8", "surrogateescape")
