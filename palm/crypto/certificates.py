"""Platform certificates by download: fetched, decrypted, checked, and fetched again.

Sources: the interface https://pay.weixin.qq.com/doc/v3/merchant/4012551764, and the decryption, the
twelve hours and the first download
https://wechatpay-api.gitbook.io/wechatpay-api-v3/jie-kou-wen-dang/ping-tai-zheng-shu
"""

from __future__ import annotations

import base64
import binascii
import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from palm.crypto.pem import certificate_serial, out_of_date, rsa_key_of
from palm.crypto.trust_store import TrustStore
from palm.errors import BodyError, DecryptionError, SettingsError
from palm.errors.values import check_value
from palm.strict_json import JSONValue

__all__ = ["ALGORITHM", "CERTIFICATES", "APIv3Key", "decrypt", "read_certificates"]

CERTIFICATES: Final = "/v3/certificates"
_KEY_BYTES: Final = 32
ALGORITHM: Final = "AEAD_AES_256_GCM"
_LEAST_BITS: Final = 2048
_PROBLEMS_TOLD: Final = 3
_UNDOCUMENTED: Final = "is not as documented"
_log: Final = logging.getLogger("palm")


@dataclass(frozen=True, slots=True)
class APIv3Key:
    """The merchant's APIv3 key, which WeChat Pay encrypts with: 32 bytes.

    Raises:
        SettingsError: It is not bytes, or longer or shorter.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_value("secret", self.secret, "bytes", is_right=isinstance(self.secret, bytes))
        if len(self.secret) != _KEY_BYTES:
            raise SettingsError(
                f"an APIv3 key has {_KEY_BYTES} characters, this one has {len(self.secret)}; "
                "set one in the merchant console, API security"
            )


def decrypt(
    key: bytes, *, nonce: str, associated_data: str, ciphertext: str, what: str = "a certificate"
) -> bytes:
    """Return the plaintext of AEAD_AES_256_GCM: base64 of ciphertext and 16-byte tag.

    Args:
        key: The APIv3 key.
        nonce: Text, used as UTF-8.
        associated_data: Text, used as UTF-8; may be empty.
        ciphertext: Base64.
        what: What it is, for errors.

    Raises:
        DecryptionError: The ciphertext was encrypted with another key, or was altered.
        BodyError: The ciphertext is not base64, or the nonce has no possible length.
    """
    failure: BodyError
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(key).decrypt(nonce.encode(), sealed, associated_data.encode())
    except InvalidTag:
        failure = DecryptionError(f"{what} does not decrypt: is it this merchant's APIv3 key?")
    except (binascii.Error, ValueError):
        failure = BodyError(
            f"{what} does not decrypt: it is not base64, or its nonce is not as documented"
        )
    # Raised outside the except block so that the original, which may hold the text, is not chained.
    raise failure


def read_certificates(
    members: JSONValue,
    key: APIv3Key,
    *,
    now: datetime,
    trust: TrustStore | None = None,
) -> dict[str, x509.Certificate]:
    """Return the certificates in the JSON of ``GET /v3/certificates``, by serial number.

    Those of WeChat Pay's other kind (SM2, encrypted with SM4) are passed over. One that cannot be
    used is left out with a warning, as long as another one can be.

    Args:
        members: The body.
        key: What they are encrypted with.
        now: Aware; when they must be valid.
        trust: Roots that they must come from; None: who issued them is not looked at.

    Raises:
        BodyError: It is not what the documentation describes, or there are certificates and none
            of them can be used.
    """
    data = members.get("data") if isinstance(members, dict) else None
    if not isinstance(data, list):
        raise BodyError("the response holds no certificates as documented")
    entries = [each for each in data if _algorithm_of(each) == ALGORITHM]
    found: dict[str, x509.Certificate] = {}
    problems: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            certificate = _read_certificate(entry, key, now, trust)
        except _UnusableError as error:
            problems.append(f"certificate {number} of {len(entries)} {error}")
        else:
            found[certificate_serial(certificate)] = certificate
    told = "; ".join(problems[:_PROBLEMS_TOLD])
    if problems and not found:
        raise BodyError(f"no platform certificate can be used: {told}")
    if problems:
        _log.warning("%d platform certificates are not used: %s", len(problems), told)
    return found


class _UnusableError(ValueError):
    """A certificate cannot be used; says why, and holds nothing of what was sent."""


def _algorithm_of(entry: JSONValue) -> JSONValue:
    """Return the algorithm that an entry is encrypted with; of an invalid entry, the usual one."""
    sealed = entry.get("encrypt_certificate") if isinstance(entry, dict) else None
    return sealed.get("algorithm", ALGORITHM) if isinstance(sealed, dict) else ALGORITHM


def _read_certificate(
    entry: JSONValue, key: APIv3Key, now: datetime, trust: TrustStore | None
) -> x509.Certificate:
    certificate, named = _decrypted(entry, key)
    serial = certificate_serial(certificate)
    public_key = rsa_key_of(certificate)
    if public_key is None:
        raise _UnusableError(f"({serial}) holds no RSA key")
    if public_key.key_size < _LEAST_BITS:
        raise _UnusableError(
            f"({serial}) has {public_key.key_size} bits; at least {_LEAST_BITS} are required"
        )
    if named.upper() != serial:
        raise _UnusableError(f"({serial}) is listed under another serial number")
    if problem := out_of_date(certificate, now):
        raise _UnusableError(f"({serial}) {problem}")
    if trust is not None and not trust.believes(certificate, now):
        raise _UnusableError(f"({serial}) was not issued under a certificate in root_certificate")
    return certificate


def _decrypted(entry: JSONValue, key: APIv3Key) -> tuple[x509.Certificate, str]:
    """Return a certificate and the serial number under which it is listed."""
    sealed = entry.get("encrypt_certificate") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(sealed, dict):
        raise _UnusableError(_UNDOCUMENTED)
    nonce, ciphertext = sealed.get("nonce"), sealed.get("ciphertext")
    associated_data = sealed.get("associated_data") or ""
    if not (
        isinstance(nonce, str) and isinstance(ciphertext, str) and isinstance(associated_data, str)
    ):
        raise _UnusableError(_UNDOCUMENTED)
    try:
        pem = decrypt(
            key.secret, nonce=nonce, associated_data=associated_data, ciphertext=ciphertext
        )
        serial = entry.get("serial_no")
        if isinstance(serial, str):
            return x509.load_pem_x509_certificate(pem), serial
    except BodyError:
        raise _UnusableError("does not decrypt: is it this merchant's APIv3 key?") from None
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        pass
    raise _UnusableError(_UNDOCUMENTED)
