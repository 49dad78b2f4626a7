"""The unit that clients are measured in: one RSA-2048 signature and one verification."""

from __future__ import annotations

import time
from typing import Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

__all__ = ["crypto_us"]

_TEXT: Final = b"GET\n/v3/palmservice/authorization/openid/o?organization_id=1\n1\nn\n\n"


def crypto_us(key: RSAPrivateKey, times: int = 1500) -> float:
    """Return microseconds of CPU for one signature and one verification."""
    public = key.public_key()
    started = time.process_time()
    for _ in range(times):
        signature = key.sign(_TEXT, PKCS1v15(), SHA256())
        public.verify(signature, _TEXT, PKCS1v15(), SHA256())
    return (time.process_time() - started) / times * 1e6
