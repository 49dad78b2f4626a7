"""The list of platform certificates, each encrypted under the merchant's APIv3 key.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012551764
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from palm.sandbox.credentials.credential import Credential
from palm.sandbox.people.population import CHINA

__all__ = ["list_certificates"]

_ASSOCIATED_DATA: Final = "certificate"


def list_certificates(credentials: Iterable[Credential], apiv3_key: str) -> dict[str, object]:
    """Return the members of an answer with these certificates; each call makes new nonces.

    Args:
        credentials: The certificates to list.
        apiv3_key: 32 characters.
    """
    return {"data": [_entry(each, apiv3_key) for each in credentials]}


def _entry(credential: Credential, apiv3_key: str) -> dict[str, object]:
    nonce = secrets.token_hex(6)
    sealed = AESGCM(apiv3_key.encode()).encrypt(
        nonce.encode(), credential.certificate_pem.encode(), _ASSOCIATED_DATA.encode()
    )
    return {
        "serial_no": credential.serial_no,
        "effective_time": _time(credential.certificate.not_valid_before_utc),
        "expire_time": _time(credential.certificate.not_valid_after_utc),
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": _ASSOCIATED_DATA,
            "ciphertext": base64.b64encode(sealed).decode(),
        },
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(CHINA).isoformat(timespec="seconds")
