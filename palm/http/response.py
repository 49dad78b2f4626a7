"""An answer as it came, and what its status means.

Sources: statuses and codes https://pay.weixin.qq.com/doc/v3/merchant/4012081717, the error body
https://pay.weixin.qq.com/doc/v3/merchant/4012081709
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from palm.errors import (
    APIError,
    BodyError,
    ForbiddenError,
    PalmError,
    PendingError,
    RefusedError,
    ServerError,
    ThrottledError,
    UnauthorizedError,
)
from palm.strict_json import parse_json
from palm.text.redact import shown_code, shown_message, shown_request_id

__all__ = ["TYPED", "Response", "check_typed", "error_of", "request_id_of"]

ANY_CALL: Final = frozenset({200, 201, 204})
TYPED: Final = frozenset({200})
"""The statuses of answers: to any call, and to those whose interface says that it is 200.

Any other 2xx means that it is not the gateway's whole answer (203, 206, 226), or nothing that
WeChat Pay documents.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012081717
"""

_FREQUENCY: Final = re.compile(
    r"FRE(QUENCY|QENCY)|RATE_?LIMIT|TOO_?MANY|too (many|frequent)|频率|频繁|过快", re.IGNORECASE
)
"""How the codes and messages of throttling are spelled; 429 itself needs none of them."""

_REFUSED: Final[dict[int, type[RefusedError]]] = {401: UnauthorizedError, 403: ForbiddenError}
_ACCEPTED: Final = 202
_LONGEST_RETRY_AFTER_S: Final = 120.0
"""One header, perhaps unsigned, must not put a whole night to sleep."""


@dataclass(frozen=True, slots=True)
class Response:
    """A verified answer.

    What is proved: WeChat Pay signed ``content`` at most five minutes before or after it came, and
    this client accepted no answer with the same signature before. What is not: neither ``status``
    nor the question is signed, so only what ``content`` itself names ties it to a question.

    Attributes:
        status: HTTP status: 200, 201 or 204.
        headers: Looked up without regard to case.
        content: The raw bytes that were signed.
        verified_by: Id of the platform key that signed them.
        attempts: Requests it took, at least 1.
        private: Texts that must not appear in what is shown of it.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    verified_by: str
    attempts: int = 1
    private: tuple[str, ...] = field(default=(), repr=False)

    @property
    def request_id(self) -> str | None:
        """What WeChat Pay's support asks for."""
        return request_id_of(self.headers, self.private)

    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        """Return the body's JSON.

        Raises:
            BodyError: It is none, or an object in it has a member twice.
        """
        return parse_json(self.content)


def error_of(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    verified: bool,
    private: Iterable[str] = (),
    accepted: Collection[int] = ANY_CALL,
) -> PalmError | None:
    """Return the error that a status means, None for an answer that may be read.

    Args:
        status: HTTP status.
        headers: Looked up without regard to case.
        content: The raw body.
        verified: Whether a signature over it verified.
        private: Texts no part of which may appear in the error, e.g. the openid asked about.
        accepted: The statuses of answers that may be read.
    """
    if status in accepted:
        return None
    request_id = request_id_of(headers, private)
    if status < 400 and status != _ACCEPTED:  # noqa: PLR2004 - HTTP's own number
        body_error = _no_answer(status)
        body_error.status = status
        body_error.request_id = request_id
        return body_error
    code, message, kind = _told(status, content, private)
    return kind(
        status,
        code,
        message,
        request_id=request_id,
        verified=verified,
        retry_after_s=_seconds(headers.get("Retry-After")),
    )


def check_typed(response: Response) -> None:
    """Refuse an answer to a call whose interface documents 200, if it has another status.

    Raises:
        BodyError: It has.
    """
    if response.status not in TYPED:
        raise _no_answer(response.status)


def _no_answer(status: int) -> BodyError:
    return BodyError(f"HTTP {status} is not an answer of WeChat Pay: perhaps a proxy answers")


def _kind(status: int, code: object, message: object) -> type[APIError]:
    if status == _ACCEPTED:
        return PendingError
    if status >= 500:  # noqa: PLR2004
        return ServerError
    if status == 429 or _FREQUENCY.search(f"{code} {message}"):  # noqa: PLR2004
        return ThrottledError
    return _REFUSED.get(status, RefusedError)


def request_id_of(headers: Mapping[str, str], private: Iterable[str] = ()) -> str | None:
    """Return what WeChat Pay's support asks for, None where the answer does not say.

    Args:
        headers: Looked up without regard to case.
        private: Texts no part of which may appear in it.
    """
    return shown_request_id(headers.get("Request-ID"), private)


def _told(
    status: int, content: bytes, private: Iterable[str]
) -> tuple[str | None, str | None, type[APIError]]:
    """Return code and message of an error body, as they may be shown, and what they mean.

    The body may be empty, HTML, or anything else. One with a member twice says nothing.
    """
    try:
        members = parse_json(content)
    except BodyError:
        members = None
    if not isinstance(members, dict):
        members = {}
    code, message = members.get("code"), members.get("message")
    shown = shown_code(code, private), shown_message(message, private)
    return *shown, _kind(status, code, message)


def _seconds(header: str | None) -> float | None:
    if header and header.isascii() and header.strip().isdecimal():
        return min(float(header), _LONGEST_RETRY_AFTER_S)
    return None
