"""Checks whether a request is the merchant's. Pure: raises a Rejection if it is not.

Sources: the message and the header https://pay.weixin.qq.com/doc/v3/merchant/4012365342, what is
refused https://pay.weixin.qq.com/doc/v3/merchant/4012072670, and the request's ``Wechatpay-Serial``
https://pay.weixin.qq.com/doc/v3/merchant/4013053279
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from palm.crypto.signing import MAX_SKEW_S, SCHEME, message
from palm.sandbox.requests import rejections
from palm.sandbox.requests.rejections import Rejection

__all__ = ["Certificate", "Received", "authenticate", "check_headers", "check_key_id"]

_PADDING: Final = PKCS1v15()
_HASH: Final = SHA256()
_FIELDS: Final = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
_FIELD: Final = r'([a-z_]+)="([^"]+)"'
_AUTHORIZATION: Final = re.compile(rf"([!-~]+) ({_FIELD}(?:,{_FIELD})*)")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SHOWN_OF_BODY: Final = 8


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it was received.

    Attributes:
        method: The HTTP method.
        target: The request target, byte for byte (bytes outside of UTF-8 as surrogates).
        headers: The headers; the mapping must ignore case.
        body: The raw body.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def language(self) -> str:
        """The language of messages: ``en`` if English is asked for, else ``zh-CN``.

        The traditional variants, which WeChat Pay has, too, get simplified characters here.
        """
        wanted = self.headers.get("Accept-Language", "")
        return "en" if re.match(r"en\b", wanted.strip(), re.IGNORECASE) else "zh-CN"


@dataclass(frozen=True, slots=True)
class Certificate:
    """The merchant's certificate, as the gateway holds it."""

    mchid: str
    serial_no: str
    public_key: RSAPublicKey


def check_headers(received: Received) -> None:
    """Reject a request without ``User-Agent`` or ``Accept``.

    Raises:
        Rejection: 400.
    """
    if not (received.headers.get("User-Agent") and received.headers.get("Accept")):
        raise Rejection(rejections.NO_ACCEPT)


def authenticate(received: Received, merchant: Certificate, *, now: int) -> str:
    """Return the ``nonce_str`` of a request that the merchant signed; raise otherwise.

    1. The header ``Authorization`` has the five fields, in any order, each once, and no other.
    2. Its scheme is the RSA one.
    3. The timestamp lies within five minutes of ``now``.
    4. The merchant exists, and the certificate is its own.
    5. The signature verifies over the raw request target and the raw body.

    No page says what happens with blanks around the commas, or with a serial number in lower case.
    The blanks are rejected, because no SDK sends them. The lower case is accepted, because the npm
    client wechatpay-node-v3 sends it.

    Args:
        received: The request.
        merchant: The only merchant of this gateway.
        now: Unix seconds.

    Raises:
        Rejection: 401.
    """
    # 1.
    value = received.headers.get("Authorization", "")
    match = _AUTHORIZATION.fullmatch(value)
    if not match:
        raise Rejection(rejections.BAD_FORMAT)
    pairs = re.findall(_FIELD, match[2])
    fields: dict[str, str] = dict(pairs)
    if len(pairs) != len(_FIELDS) or fields.keys() != _FIELDS:
        raise Rejection(rejections.BAD_FORMAT)
    if not _TIMESTAMP.fullmatch(fields["timestamp"]):
        raise Rejection(rejections.BAD_FORMAT)
    # 2.
    if match[1] != SCHEME:
        raise Rejection(rejections.BAD_SCHEME)
    # 3.
    if abs(now - int(fields["timestamp"])) > MAX_SKEW_S:
        raise Rejection(rejections.BAD_TIMESTAMP)
    # 4.
    if fields["mchid"] != merchant.mchid:
        raise Rejection(rejections.UNKNOWN_MERCHANT)
    if fields["serial_no"].upper() != merchant.serial_no:
        raise Rejection(rejections.UNKNOWN_SERIAL)
    # 5.
    head = (
        received.method,
        _bytes(received.target),
        fields["timestamp"],
        _bytes(fields["nonce_str"]),
    )
    try:
        signature = base64.b64decode(fields["signature"], validate=True)
        merchant.public_key.verify(signature, message(*head, received.body), _PADDING, _HASH)
    except (binascii.Error, ValueError, InvalidSignature):
        raise Rejection(rejections.BAD_SIGNATURE, _hint(received, head)) from None
    return fields["nonce_str"]


def check_key_id(received: Received, known: Collection[str]) -> None:
    """Reject a request whose ``Wechatpay-Serial``, if it has one, is not one of ``known``.

    Raises:
        Rejection: 400.
    """
    key_id = received.headers.get("Wechatpay-Serial")
    if key_id is not None and key_id not in known:
        raise Rejection(rejections.BAD_KEY_ID)


def _hint(received: Received, head: tuple[str | bytes, ...]) -> dict[str, object]:
    """Return the ``detail`` of a wrong signature: the message to sign, with its body cut short."""
    shown = message(*head, received.body[:_SHOWN_OF_BODY]).decode("utf-8", "replace")
    return {
        "detail": {"issue": "sign not match"},
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": received.method,
            "sign_message_length": len(message(*head, received.body)),
            "truncated_sign_message": shown,
            "url": _bytes(received.target).decode("utf-8", "replace"),
        },
    }


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")
