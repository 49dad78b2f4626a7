"""What a caller may set of one request: headers, the type of its body, the size of its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from palm.errors import ArgumentError
from palm.errors.values import is_whole_number

__all__ = ["MAX_BODY_BYTES", "PLAIN", "RequestOptions"]

MAX_BODY_BYTES: Final = 64 * 1024
"""The size of the largest answer, unless the caller allows more."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Matches the name of a header: RFC 9110's token."""
_VALUE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
"""Matches visible ASCII with spaces between: neither a line break nor another control character."""
_CONTENT_TYPE: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(;.*)?")
_SET_BY_CLIENT: Final = frozenset({"Accept", "Authorization", "Content-Type", "User-Agent"})
_OF_CONNECTION: Final = frozenset(
    {
        "Accept-Encoding",  # what is signed is the body without any encoding
        "Connection",
        "Content-Encoding",
        "Content-Length",
        "Cookie",
        "Expect",
        "Host",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Range",  # a part of a body has no signature
        "Te",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    }
)
_KEY_ID: Final = "Wechatpay-Serial"


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What a caller may set of one request.

    Attributes:
        headers: Sent in addition to the client's own. ``Wechatpay-Serial`` is the exception: it
            replaces the client's, because it names the key with which fields are encrypted. Names
            are stored as ``Wechatpay-Serial``, whatever their case.
        content_type: The media type of the body; None: JSON, if there is a body.
        max_body: The size of the largest answer, in bytes.

    Raises:
        ArgumentError: A header is one that the client sets itself, or cannot be sent; the content
            type is not one, or is that of an upload; ``max_body`` is not a whole number above 0.

    Sources: the headers https://pay.weixin.qq.com/doc/v3/merchant/4012365342, encrypted fields and
    uploads https://github.com/wechatpay-apiv3/wechatpay-php
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content_type: str | None = None
    max_body: int = MAX_BODY_BYTES

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", dict(_checked_headers(self.headers)))
        if self.content_type is not None:
            _checked_content_type(self.content_type)
        _checked_size(self.max_body)

    @classmethod
    def of(cls, headers: object, content_type: object, max_body: object) -> RequestOptions:
        """Return the options that untyped arguments describe; None: not set.

        Raises:
            ArgumentError: As the class.
        """
        if headers is None and content_type is None and max_body is None:
            return PLAIN
        return cls(
            dict(_checked_headers(headers or {})),
            None if content_type is None else _checked_content_type(content_type),
            MAX_BODY_BYTES if max_body is None else _checked_size(max_body),
        )

    @property
    def own_headers(self) -> Mapping[str, str]:
        """What is sent in addition to the client's headers, or instead of them."""
        if self.content_type is None:
            return self.headers
        return {**self.headers, "Content-Type": self.content_type}

    @property
    def private(self) -> tuple[str, ...]:
        """The values that must not appear in errors: all but the id of a key."""
        return tuple(value for name, value in self.headers.items() if name != _KEY_ID)


def _checked_headers(headers: object) -> Iterator[tuple[str, str]]:
    """Yield headers that can be sent, with their names in one form."""
    if not isinstance(headers, Mapping):
        raise ArgumentError("headers must be a mapping of names to values")
    names = set()
    for name, value in headers.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ArgumentError("the name of a header is not letters, digits and hyphens")
        form = name.title()
        if form in _SET_BY_CLIENT:
            raise ArgumentError(f"the header {form} is set by the client{_instead(form)}")
        if form in _OF_CONNECTION:
            raise ArgumentError(
                f"the header {form} belongs to the connection, or to what is signed"
            )
        if form in names:
            raise ArgumentError(f"the header {form} was passed twice")
        if not isinstance(value, str):
            raise ArgumentError(f"the header {form} must be text, not {type(value).__name__}")
        if not _VALUE.fullmatch(value):
            raise ArgumentError(
                f"the header {form} is empty, or holds a control character, a space at its end, or "
                "a character that is not ASCII"
            )
        names.add(form)
        yield form, value


def _instead(name: str) -> str:
    return "; pass content_type with content" if name == "Content-Type" else ""


def _checked_content_type(value: object) -> str:
    if not isinstance(value, str):
        raise ArgumentError(f"content_type must be text, not {type(value).__name__}")
    if not _VALUE.fullmatch(value) or not _CONTENT_TYPE.fullmatch(value):
        raise ArgumentError("content_type must look like application/xml")
    if value.lower().startswith("multipart/"):
        raise ArgumentError(
            "uploads are not supported: their signature covers only the description of the file"
        )
    return value


def _checked_size(value: object) -> int:
    if not isinstance(value, int) or not is_whole_number(value):
        raise ArgumentError("max_body must be a whole number of bytes above 0")
    return value


PLAIN: Final = RequestOptions()
"""Nothing is set."""
