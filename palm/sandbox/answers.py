"""Answers as they go out: body, headers, signature, and the faults that lie in them.

Sources: which answers are signed, and over what,
https://pay.weixin.qq.com/doc/v3/merchant/4013053420; the signature probe
https://pay.weixin.qq.com/doc/v3/merchant/4013053249; the errors' body
https://pay.weixin.qq.com/doc/v3/merchant/4012081709. The set of headers is the one seen on real
answers.
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
from palm.sandbox.requests.rejections import Refusal, Rejection

__all__ = ["IDLE_S", "NGINX_502", "Answer", "falsify", "headers", "refuse", "seal", "tell"]

IDLE_S: Final = 8
"""After so many seconds without a request a connection is closed, as ``Keep-Alive`` says."""

_STALE_S: Final = 600
_LEFT_OUT: Final = (("openid",), ("organization_id",), ("openid", "organization_id"))
"""What the fault ``unnamed`` leaves out, by whom was asked about."""
_JSON: Final = "application/json; charset=utf-8"
_HTML: Final = (
    b"<html>\r\n<head><title>502 Bad SandboxGateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad SandboxGateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    b"</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be said, before it is signed.

    Attributes:
        inner_code: Behind the dash of ``Request-ID``; None: from the edge, without the header.
        signed: Whether the signature's headers go with it.
    """

    status: int
    body: bytes = b""
    content_type: str = _JSON
    inner_code: int | None = 0
    signed: bool = False


NGINX_502: Final = Answer(502, _HTML, "text/html", inner_code=None)


def tell(members: Mapping[str, object], *, signed: bool, status: int = 200) -> Answer:
    """Return an answer whose body is ``members`` as compact JSON."""
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    # An openid may hold anything that UTF-8 can carry.
    return Answer(status, text.encode(), signed=signed)


def refuse(rejection: Rejection | Refusal, language: str, *, signed: bool) -> Answer:
    """Return the answer that says no; 404 and 405 have an empty body."""
    refusal = rejection.refusal if isinstance(rejection, Rejection) else rejection
    if refusal.code is None:
        return Answer(refusal.status)
    members: dict[str, object] = {"code": refusal.code}
    if isinstance(rejection, Rejection) and rejection.detail is not None:
        members["detail"] = rejection.detail
    members["message"] = refusal.english if language == "en" else refusal.chinese
    told = tell(members, signed=signed, status=refusal.status)
    return replace(told, inner_code=refusal.inner_code)


def falsify(members: Mapping[str, object], fault: Fault | None, asked: str) -> dict[str, object]:
    """Return the members as the faults have it that lie *before* the signature.

    Args:
        members: The true answer.
        fault: Any; most leave the members alone.
        asked: The openid that was asked about.
    """
    told = dict(members)
    if fault is Fault.NOSTATE:
        told.pop("state", None)
    elif fault is Fault.NEWSTATE and "state" in told:
        told["state"] = "AUTHORIZATION_STATE_FROZEN"
    elif fault is Fault.OTHER and "state" in told:
        digest = hashlib.blake2b(asked.encode(), digest_size=20).digest()
        other = "o" + base64.urlsafe_b64encode(digest).decode()[:27]
        was_on = told["state"] == "AUTHORIZATION_STATE_ON"
        told = {"openid": other} | told | {"openid": other}
        told["state"] = "AUTHORIZATION_STATE_OFF" if was_on else "AUTHORIZATION_STATE_ON"
    elif fault is Fault.UNNAMED:
        chosen = hashlib.blake2b(asked.encode(), digest_size=1).digest()[0] % len(_LEFT_OUT)
        told = {name: value for name, value in told.items() if name not in _LEFT_OUT[chosen]}
    return told


def headers(answer: Answer, language: str, *, keep_alive: bool) -> dict[str, str]:
    """Return the headers that any answer has, signed or not."""
    common = {"Server": "nginx"}
    if answer.body:
        common["Content-Type"] = answer.content_type
    if keep_alive:
        common |= {"Connection": "keep-alive", "Keep-Alive": f"timeout={IDLE_S}"}
    else:
        common["Connection"] = "close"
    if answer.inner_code is not None:
        common |= {
            "Cache-Control": "no-cache, must-revalidate",
            "X-Content-Type-Options": "nosniff",
            "Request-ID": f"08{secrets.token_hex(15).upper()}-{answer.inner_code}",
            "Content-Language": language,
        }
    return common


def seal(
    body: bytes, keys: SandboxKeys, key_id: str, *, now: int, fault: Fault | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return the body to send and its signature's headers, as the fault has it.

    Args:
        body: What is to be signed.
        keys: The platform's.
        key_id: The one to sign with.
        now: Unix seconds.
        fault: One that lies in the body's bytes or in the signature; others change nothing.
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
    """Change the last character of the last text: 18:00 becomes 18:01, and JSON stays JSON."""
    where = max(body.rfind(b'"') - 1, 0)
    return body[:where] + bytes([body[where] ^ 1]) + body[where + 1 :]
