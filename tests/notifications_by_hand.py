"""Notifications encrypted by hand, with the primitives and not with this package."""

from __future__ import annotations

import base64
import json

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

NOW = 1722850421
RESOURCE = {"out_trade_no": "1217752501201407033233368018", "payer": {"openid": "oSecretPerson01"}}


def encrypt(key: bytes, plaintext: bytes, *, nonce="fdasflkja484", associated="security"):
    """Return the members of an encrypted object: AES-256-GCM, the tag behind the ciphertext."""
    encryptor = Cipher(AES(key), GCM(nonce.encode())).encryptor()
    encryptor.authenticate_additional_data(associated.encode())
    sealed = encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag
    return {
        "original_type": "security",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "nonce": nonce,
        "associated_data": associated,
    }


def envelope(sealed, **changes) -> bytes:
    """Return the body of the notification that the documentation shows, with changes.

    Source: https://pay.weixin.qq.com/doc/v3/partner/4019605946
    """
    members = {
        "id": "EV-2018022511223320873",
        "create_time": "2015-05-20T13:29:35+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "SECURITY_ECHO.SUCCESS",
        "resource": sealed,
        "summary": "回调通知成功",
    } | changes
    kept = {name: value for name, value in members.items() if value is not ...}
    return json.dumps(kept, ensure_ascii=False).encode()
