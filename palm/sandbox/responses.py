"""Responses as they are sent: body, headers, signature, and the faults in them.

Sources: which responses are signed, and over what,
https://pay.weixin.qq.com/doc/v3/merchant/4013053420; the signature probe
https://pay.weixin.qq.com/doc/v3/merchant/4013053249; the errors' body
https://pay.weixin.qq.com/doc/v3/merchant/4012081709. The set of headers is the one seen on real
responses.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from palm.crypto.signing import PROBE_PREFIX, SCHEME, message
from palm.sandbox.credentials.keyring import SandboxKeys
from palm.sandbox.faults import Fault
from palm.sandbox.requests.rejections import Rejection, RejectionReason

__all__ = [
    "IDLE_S",
    "NGINX_502",
    "ResponsePlan",
    "json_response",
    "rejection_response",
    "response_headers",
    "signed_body",
    "with_fault",
]

IDLE_S: Final = 8
"""Seconds without a request after which a connection is closed, as ``Keep-Alive`` says."""

_STALE_S: Final = 600
_LEFT_OUT: Final = (("openid",), ("organization_id",), ("openid", "organization_id"))
"""What the fault ``unnamed`` leaves out; the openid that was asked about decides."""
_JSON: Final = "application/json; charset=utf-8"
_HTML: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    b"</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class ResponsePlan:
    """What a response will consist of.

    Attributes:
        status: HTTP status.
        body: The body, before any fault.
        content_type: The body's media type.
        inner_code: The number behind the dash of ``Request-ID``; None: the response comes from the
            edge and lacks that header.
        signed: Whether the response will carry a signature.
    """

    status: int
    body: bytes = b""
    content_type: str = _JSON
    inner_code: int | None = 0
    signed: bool = False


NGINX_502: Final = ResponsePlan(502, _HTML, "text/html", inner_code=None)


def json_response(
    members: Mapping[str, object], *, signed: bool, status: int = 200
) -> ResponsePlan:
    """Return a response whose body is ``members`` as compact JSON."""
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    # An openid may hold anything that UTF-8 can carry.
    return ResponsePlan(status, text.encode(), signed=signed)


def rejection_response(
    rejection: Rejection | RejectionReason, language: str, *, signed: bool
) -> ResponsePlan:
    """Return the response to a rejected request; some reasons have an empty body."""
    reason = rejection.reason if isinstance(rejection, Rejection) else rejection
    if reason.code is None:
        return ResponsePlan(reason.status)
    members: dict[str, object] = {"code": reason.code}
    if isinstance(rejection, Rejection) and rejection.detail is not None:
        members["detail"] = rejection.detail
    members["message"] = reason.english if language == "en" else reason.chinese
    response = json_response(members, signed=signed, status=reason.status)
    return replace(response, inner_code=reason.inner_code)


def with_fault(members: Mapping[str, object], fault: Fault | None, asked: str) -> dict[str, object]:
    """Return the members with a fault that is made *before* signing.

    Args:
        members: The members of the true answer.
        fault: A fault; most do not change the members.
        asked: The openid that was asked about.
    """
    changed = dict(members)
    if fault is Fault.NOSTATE:
        changed.pop("state", None)
    elif fault is Fault.NEWSTATE and "state" in changed:
        changed["state"] = "AUTHORIZATION_STATE_FROZEN"
    elif fault is Fault.OTHER and "state" in changed:
        digest = hashlib.blake2b(asked.encode(), digest_size=20).digest()
        other = "o" + base64.urlsafe_b64encode(digest).decode()[:27]
        was_on = changed["state"] == "AUTHORIZATION_STATE_ON"
        changed = {"openid": other} | changed | {"openid": other}
        changed["state"] = "AUTHORIZATION_STATE_OFF" if was_on else "AUTHORIZATION_STATE_ON"
    elif fault is Fault.UNNAMED:
        chosen = hashlib.blake2b(asked.encode(), digest_size=1).digest()[0] % len(_LEFT_OUT)
        changed = {name: value for name, value in changed.items() if name not in _LEFT_OUT[chosen]}
    return changed


def response_headers(plan: ResponsePlan, language: str, *, keep_alive: bool) -> dict[str, str]:
    """Return the headers that every response has, signed or not."""
    common = {"Server": "nginx"}
    if plan.body:
        common["Content-Type"] = plan.content_type
    if keep_alive:
        common |= {"Connection": "keep-alive", "Keep-Alive": f"timeout={IDLE_S}"}
    else:
        common["Connection"] = "close"
    if plan.inner_code is not None:
        common |= {
            "Cache-Control": "no-cache, must-revalidate",
            "X-Content-Type-Options": "nosniff",
            "Request-ID": f"08{secrets.token_hex(15).upper()}-{plan.inner_code}",
            "Content-Language": language,
        }
    return common


def signed_body(
    body: bytes, keys: SandboxKeys, key_id: str, *, now: int, fault: Fault | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return the body to send and the headers of its signature, with a fault in them.

    Args:
        body: The body to sign.
        keys: The keys of the platform.
        key_id: The id of the key to sign with.
        now: Unix seconds.
        fault: A fault of the body's bytes or of the signature; others change nothing.
    """
    if fault is Fault.TRUNCATED:
        body = body[: len(body) // 2]
    timestamp = str(now - _STALE_S if fault is Fault.STALE else now)
    nonce = secrets.token_hex(16)
    signature = base64.b64encode(keys.sign(key_id, message(timestamp, nonce, body))).decode()
    if fault is Fault.ALTERED:
        body = _alter(body)
    elif fault is Fault.PROBE:
        # One character more than a multiple of four: no decoder can make sense of it.
        signature = (PROBE_PREFIX + signature)[: len(signature) - 3]
    elif fault is Fault.SERIAL:
        key_id = "7" + secrets.token_hex(20).upper()[1:]
    if fault is Fault.MISSING:
        return body, {}
    return body, {
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": signature,
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Serial": key_id,
        "Wechatpay-Signature-Type": SCHEME,
    }


def _alter(body: bytes) -> bytes:
    """Return the body with the last character of its last text changed: 18:00 becomes 18:01."""
    position = max(body.rfind(b'"') - 1, 0)
    return body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
