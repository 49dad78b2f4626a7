"""Objects encrypted under the merchant's APIv3 key: certificates and notifications.

Source: https://pay.weixin.qq.com/doc/global/v3/en/4012357152
"""

from __future__ import annotations

import base64
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["encrypted"]


def encrypted(plaintext: bytes, apiv3_key: str, *, associated_data: str) -> dict[str, object]:
    """Return the members of an encrypted object; each call makes a new nonce.

    Args:
        plaintext: What to encrypt.
        apiv3_key: 32 characters.
        associated_data: What is authenticated but not encrypted; may be empty.
    """
    nonce = secrets.token_hex(6)
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plaintext, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": nonce,
        "associated_data": associated_data,
        "ciphertext": base64.b64encode(sealed).decode(),
    }
