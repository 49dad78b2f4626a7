"""Platform certificates by download: fetched, decrypted, checked, and fetched again.

Sources: the interface https://pay.weixin.qq.com/doc/v3/merchant/4012551764, and the decryption, the
twelve hours and the first download
https://wechatpay-api.gitbook.io/wechatpay-api-v3/jie-kou-wen-dang/ping-tai-zheng-shu
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from palm.errors import BodyError, SettingsError
from palm.keys import certificate_serial

__all__ = ["CERTIFICATES", "APIv3Key", "decrypt", "read_certificates"]

CERTIFICATES: Final = "/v3/certificates"
_KEY_BYTES: Final = 32
_ALGORITHM: Final = "AEAD_AES_256_GCM"


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

    Certificates of WeChat Pay's other kind (SM2, encrypted with SM4) are passed over.

    Raises:
        BodyError: It is not what the documentation describes, or does not decrypt.
    """
    try:
        readable = [
            each
            for each in members["data"]
            if each["encrypt_certificate"].get("algorithm", _ALGORITHM) == _ALGORITHM
        ]
        return dict(_read_certificate(each, key) for each in readable)
    except (KeyError, TypeError, AttributeError, ValueError, UnsupportedAlgorithm):
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
