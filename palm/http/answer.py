"""Verified answers, and the errors that the status of a response means.

Sources: statuses and codes https://pay.weixin.qq.com/doc/v3/merchant/4012081717, the error body
https://pay.weixin.qq.com/doc/v3/merchant/4012081709
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from palm.crypto.signing import SignedMessage
from palm.errors import (
    APIError,
    BodyError,
    ErrorDetail,
    ForbiddenError,
    PalmError,
    PendingError,
    RefusedError,
    ServerError,
    ThrottledError,
    UnauthorizedError,
)
from palm.strict_json import parse_json
from palm.text.redact import shown_code, shown_detail, shown_message, shown_request_id

__all__ = ["TYPED", "Answer", "check_typed", "error_of", "request_id_of"]

ANY_CALL: Final = frozenset({200, 201, 204})
TYPED: Final = frozenset({200})
"""The statuses of answers: to any call, and to calls whose interface documents 200 only.

Any other 2xx means that it is not the gateway's whole answer (203, 206, 226), or it is not
documented by WeChat Pay.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012081717
"""

_FREQUENCY: Final = re.compile(
    r"FRE(QUENCY|QENCY)|RATE_?LIMIT|TOO_?MANY|too (many|frequent)|频率|频繁|过快", re.IGNORECASE
)
"""Matches the codes and messages of throttling, for statuses other than 429."""

_REFUSED: Final[dict[int, type[RefusedError]]] = {401: UnauthorizedError, 403: ForbiddenError}
_ACCEPTED: Final = 202
_MAX_RETRY_AFTER_S: Final = 120.0
"""The limit keeps one header, which may be unsigned, from stopping a run for hours."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified answer.

    What is proved: WeChat Pay signed ``content`` at most five minutes before or after it came, and
    this client accepted no answer with the same signature before. What is not proved: neither
    ``status`` nor the request is signed, so only what ``content`` itself names connects it with a
    request.

    Attributes:
        status: HTTP status: 200, 201 or 204.
        headers: Looked up without regard to case.
        content: The raw bytes that were signed.
        verified_by: Id of the platform key that signed the content.
        attempts: How many requests were sent until this answer came, at least 1.
        private: Texts that must not appear in anything shown of the answer.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    verified_by: str
    attempts: int = 1
    private: tuple[str, ...] = field(default=(), repr=False)

    @property
    def request_id(self) -> str | None:
        """The ``Request-ID``, which WeChat Pay's support asks for; None if there is none."""
        return request_id_of(self.headers, self.private)

    @property
    def signed(self) -> SignedMessage:
        """What WeChat Pay signed, to be kept as evidence; it proves what the class describes."""
        return SignedMessage.of(self.headers, self.content)

    def json(self) -> Any:  # noqa: ANN401 - the caller knows which members it asks for
        """Return the body's JSON.

        Raises:
            BodyError: It is not JSON, or an object in it has a member twice.
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
    """Return the error that a status means, or None if the body may be read.

    Args:
        status: HTTP status.
        headers: Looked up without regard to case.
        content: The raw body.
        verified: Whether the response's signature verified.
        private: Texts no part of which may appear in the error, e.g. the openid of the request.
        accepted: The statuses with which a body may be read.
    """
    if status in accepted:
        return None
    request_id = request_id_of(headers, private)
    if status < 400 and status != _ACCEPTED:  # noqa: PLR2004 - HTTP's own number
        body_error = _undocumented_status(status)
        body_error.status = status
        body_error.request_id = request_id
        return body_error
    code, message, detail, kind = _error_details(status, content, private)
    return kind(
        status,
        code,
        message,
        request_id=request_id,
        verified=verified,
        retry_after_s=_seconds(headers.get("Retry-After")),
        detail=detail,
    )


def check_typed(answer: Answer) -> None:
    """Check the status of an answer to a call whose interface documents 200 only.

    Raises:
        BodyError: The status is not 200.
    """
    if answer.status not in TYPED:
        raise _undocumented_status(answer.status)


def _undocumented_status(status: int) -> BodyError:
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
    """Return the ``Request-ID``, which WeChat Pay's support asks for, or None if there is none.

    Args:
        headers: Looked up without regard to case.
        private: Texts no part of which may appear in it.
    """
    return shown_request_id(headers.get("Request-ID"), private)


def _error_details(
    status: int, content: bytes, private: Iterable[str]
) -> tuple[str | None, str | None, ErrorDetail | None, type[APIError]]:
    """Return code, message and detail of an error body, as they may be shown, and its class.

    The body may be empty, HTML, or anything else. A body with a member twice is ignored.
    """
    try:
        members = parse_json(content)
    except BodyError:
        members = None
    if not isinstance(members, dict):
        members = {}
    code, message = members.get("code"), members.get("message")
    shown = shown_code(code, private), shown_message(message, private)
    return *shown, _detail(members.get("detail"), private), _kind(status, code, message)


def _detail(detail: object, private: Iterable[str]) -> ErrorDetail | None:
    """Return the described parameter; its ``value`` is left out, because it may be a person's."""
    if not isinstance(detail, dict):
        return None
    names = ("field", "issue", "location")
    texts = [shown_detail(detail.get(name), private) for name in names]
    return ErrorDetail(*texts) if any(texts) else None


def _seconds(header: str | None) -> float | None:
    if header and header.isascii() and header.strip().isdecimal():
        return min(float(header), _MAX_RETRY_AFTER_S)
    return None
