"""Keys and signatures of notifications, made with the primitives and not with this package."""

from __future__ import annotations

import base64
from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from palm import APIv3Key
from tests.notifications_by_hand import NOW


@pytest.fixture
def apiv3_key(keys) -> APIv3Key:
    return APIv3Key(keys.apiv3_key.encode())


@pytest.fixture
def sign(keys):
    """Return the headers of a body that the platform signs."""
    numbers = count(1)

    def made(body: bytes, *, at: int | str = NOW, key=None, serial: str | None = None):
        nonce = f"nonce{next(numbers)}"
        signed = f"{at}\n{nonce}\n".encode() + body + b"\n"
        raw = (key or keys.public_key_pair).sign(signed, PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": str(at),
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": base64.b64encode(raw).decode(),
            "Wechatpay-Serial": keys.public_key_id if serial is None else serial,
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    return made
