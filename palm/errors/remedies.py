"""How to fix what an error says about keys, clock and permissions.

Source of the messages of a 401: https://pay.weixin.qq.com/doc/v3/merchant/4012072670
"""

from __future__ import annotations

from typing import Final

from palm.errors import (
    CertificateRefusedError,
    ForbiddenError,
    PacerError,
    PalmError,
    RefusedError,
    SignatureError,
    SignatureReason,
    SignerError,
    TransportError,
    UnauthorizedError,
)

__all__ = ["UNREACHABLE", "add_advice", "diagnose"]

UNREACHABLE: Final = "check DNS, firewall and proxy"

_CLOCK: Final = "this machine's clock is wrong: set it, e.g. with chrony or ntpd"
_SERIAL: Final = (
    "merchant_serial is not a serial number of this merchant's API certificates: take it from the "
    "merchant console, API security"
)
_KEY: Final = (
    "private_key does not belong to merchant_serial: download both again from the merchant console"
)

_HTTP_BAD_REQUEST: Final = 400
_REFUSED: Final = "check base_url, and that the palm service is open for this merchant"
_BAD_REQUEST: Final = (
    "if all requests are refused so, check public_key_id or the platform certificate: it must be "
    "the one that the merchant console shows; otherwise check the openids' appid and the "
    "organization ids"
)
"""A wrong Wechatpay-Serial is a 400: https://pay.weixin.qq.com/doc/v3/merchant/4013053279"""

_UNAUTHORIZED: Final = (
    ("5分钟", _CLOCK),
    ("five minutes", _CLOCK),
    ("序列号", _SERIAL),
    ("serial", _SERIAL),
    ("APIv3密钥", "the merchant has set no APIv3 key: set one in the merchant console"),
    ("过期", "the merchant's API certificate has expired: apply for a new one"),
    ("作废", "the merchant's API certificate was revoked: apply for a new one"),
    ("更换证书", "the merchant's API certificate was replaced: use the new one and its key"),
    ("格式错误", "the Authorization header arrives damaged: a proxy may rewrite it"),
    ("签名", _KEY),
    ("signature", _KEY),
)

_SIGNATURE: Final = {
    SignatureReason.MISSING: "answers carry no signature: a proxy may strip the Wechatpay-* "
    "headers, or this is not WeChat Pay's gateway: check base_url",
    SignatureReason.STALE: _CLOCK,
    SignatureReason.UNKNOWN_SERIAL: "no key is held for that id: download the platform's "
    "certificate or public key again from the merchant console",
    SignatureReason.MALFORMED: "answers carry something that is no signature: check base_url",
    SignatureReason.WRONG: "the key held under that id is not the platform's: download it again "
    "from this merchant's console",
    SignatureReason.REPLAYED: "the same answer came twice: a proxy may repeat answers",
}

_OWN_AUTHORITY: Final = (
    "if that is your own proxy's or gateway's, set ca_file (PALM_CA_FILE, --ca-file) to the "
    "certificate of the authority that issued it; otherwise somebody else answers"
)
_RENEW: Final = "whoever runs that host must renew it, or this machine's clock is wrong"
_OTHER_HOST: Final = "it is another host's: check base_url, DNS and proxy"
_VERIFY_CODES: Final = {9: _RENEW, 10: _RENEW, 62: _OTHER_HOST, 64: _OTHER_HOST}
"""X509_V_ERR_*, other than an untrusted issuer; OpenSSL never changes these numbers."""


def diagnose(error: PalmError) -> str:
    """Return one line: what was refused, and how to fix it."""
    remedy = _remedy(error)
    return f"{error}; {remedy}" if remedy else str(error)


def add_advice(error: PalmError) -> None:
    """Add a note with what ``palm check`` would advise, if it would advise anything.

    The notes are constant texts, so they hold nothing of the request.
    """
    remedy = _remedy(error)
    if remedy is None and isinstance(error, TransportError):
        remedy = UNREACHABLE
    elif isinstance(error, PacerError):
        remedy = "check the pacer, and the service that it asks"
    elif isinstance(error, SignerError):
        remedy = "check the Signer that was passed as merchant, and the service that holds its key"
    note = f"palm check advises: {remedy}"
    if remedy is not None and note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _remedy(error: PalmError) -> str | None:
    if isinstance(error, UnauthorizedError):
        message = error.message or ""
        remedies = (remedy for words, remedy in _UNAUTHORIZED if words in message)
        return next(remedies, "check mchid, merchant_serial and private_key")
    if isinstance(error, ForbiddenError):
        return "ask WeChat Pay to open the palm service for this merchant"
    if isinstance(error, RefusedError):
        return _BAD_REQUEST if error.status == _HTTP_BAD_REQUEST else _REFUSED
    if isinstance(error, CertificateRefusedError):
        return _VERIFY_CODES.get(error.verify_code, _OWN_AUTHORITY)
    return _SIGNATURE[error.reason] if isinstance(error, SignatureError) else None
