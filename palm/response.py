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

__all__ = ["Response", "error_of", "parse_json", "request_id_of"]

_FREQUENCY: Final = re.compile(
    r"FRE(QUENCY|QENCY)|RATE_?LIMIT|TOO_?MANY|too (many|frequent)|频率|频繁|过快", re.IGNORECASE
)
"""How the codes and messages of throttling are spelled; 429 itself needs none of them."""

_REFUSED: Final[dict[int, type[RefusedError]]] = {401: UnauthorizedError, 403: ForbiddenError}
_LONGEST_RETRY_AFTER_S: Final = 120.0
"""One header, perhaps unsigned, must not put a whole night to sleep."""
_SHORTEST_PRIVATE: Final = 6
"""Shorter texts tell nobody, and would tear holes into numbers and words."""


@dataclass(frozen=True, slots=True)
class Response:
    """A verified answer.

    Attributes:
        status: HTTP status.
        headers: Looked up without regard to case.
        content: The raw bytes that were signed.
        verified_by: Id of the platform key that signed them.
        attempts: Requests it took, at least 1.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    verified_by: str
    attempts: int = 1

    @property
    def request_id(self) -> str | None:
        """What WeChat Pay's support asks for."""
        return request_id_of(self.headers)

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
        private: Texts that must not appear in the error's message, e.g. the openid asked about.
    """
    request_id = request_id_of(headers)
    if 200 <= status < 300 and status != 202:  # noqa: PLR2004 - HTTP's own numbers
        return None
    if status < 400 and status != 202:  # noqa: PLR2004
        body_error = BodyError(f"HTTP {status} is no answer of WeChat Pay's: a proxy's, perhaps")
        body_error.status = status
        body_error.request_id = request_id
        return body_error
    code, message = _code_and_message(content, private)
    return _kind(status, code, message)(
        status,
        code,
        message,
        request_id=request_id,
        verified=verified,
        retry_after_s=_seconds(headers.get("Retry-After")),
    )


def _kind(status: int, code: str | None, message: str | None) -> type[APIError]:
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


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return what WeChat Pay's support asks for, None where the answer does not say."""
    return _shown(headers.get("Request-ID"), 128)


def _shown(value: object, longest: int, private: Iterable[str] = ()) -> str | None:
    """Return text from an answer as it may be shown and stored: half a character is no Unicode."""
    if not isinstance(value, str):
        return None
    for text in filter(None, private):  # before the text is cut, perhaps within one of them
        value = value.replace(text, "…")
    return value[:longest].encode("utf-8", "replace").decode()


def _code_and_message(content: bytes, private: Iterable[str]) -> tuple[str | None, str | None]:
    """Return the two members of an error body; it may be empty, HTML, or anything else."""
    try:
        members = json.loads(content)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(members, dict):
        return None, None
    return _shown(members.get("code"), 64, private), _shown(members.get("message"), 200, private)


def _seconds(header: str | None) -> float | None:
    if header and header.isascii() and header.strip().isdecimal():
        return min(float(header), _LONGEST_RETRY_AFTER_S)
    return None
