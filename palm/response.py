"""An answer as it came, and what its status means.

Sources: statuses and codes https://pay.weixin.qq.com/doc/v3/merchant/4012081717, the error body
https://pay.weixin.qq.com/doc/v3/merchant/4012081709
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
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
from palm.scrub import shown_code, shown_message, shown_request_id

__all__ = ["Response", "error_of", "parse_json", "request_id_of"]

_FREQUENCY: Final = re.compile(
    r"FRE(QUENCY|QENCY)|RATE_?LIMIT|TOO_?MANY|too (many|frequent)|频率|频繁|过快", re.IGNORECASE
)
"""How the codes and messages of throttling are spelled; 429 itself needs none of them."""

_REFUSED: Final[dict[int, type[RefusedError]]] = {401: UnauthorizedError, 403: ForbiddenError}
_LONGEST_RETRY_AFTER_S: Final = 120.0
"""One header, perhaps unsigned, must not put a whole night to sleep."""


@dataclass(frozen=True, slots=True)
class Response:
    """A verified answer.

    Attributes:
        status: HTTP status.
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
            BodyError: It is none.
        """
        return parse_json(self.content)


def error_of(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    verified: bool,
    private: Iterable[str] = (),
) -> PalmError | None:
    """Return the error that a status means, None for a 2xx that may be read.

    Args:
        status: HTTP status.
        headers: Looked up without regard to case.
        content: The raw body.
        verified: Whether a signature over it verified.
        private: Texts no part of which may appear in the error, e.g. the openid asked about.
    """
    if 200 <= status < 300 and status != 202:  # noqa: PLR2004 - HTTP's own numbers
        return None
    request_id = request_id_of(headers, private)
    if status < 400 and status != 202:  # noqa: PLR2004
        body_error = BodyError(f"HTTP {status} is no answer of WeChat Pay's: a proxy's, perhaps")
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


def _kind(status: int, code: object, message: object) -> type[APIError]:
    if status == 202:  # noqa: PLR2004
        return PendingError
    if status >= 500:  # noqa: PLR2004
        return ServerError
    if status == 429 or _FREQUENCY.search(f"{code} {message}"):  # noqa: PLR2004
        return ThrottledError
    return _REFUSED.get(status, RefusedError)


def parse_json(content: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Return the JSON in a body.

    Raises:
        BodyError: There is none.
    """
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(content.decode())
    # Out here, because the parser's error holds the whole body and would hang on as the context.
    raise BodyError("the answer is no JSON")


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

    The body may be empty, HTML, or anything else.
    """
    try:
        members = json.loads(content)
    except (ValueError, RecursionError):
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
