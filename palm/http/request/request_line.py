"""What every request has: method, target and body, checked before it is signed."""

from __future__ import annotations

import re
from typing import Final

from palm.errors import ArgumentError
from palm.errors.values import shown_kind

__all__ = ["check_request"]

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""The methods of the documented interfaces."""
_TARGET: Final = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
"""Matches path and query of RFC 3986: no blank, no line break, no fragment, ASCII only."""


def check_request(method: object, target: object, body: object) -> None:
    """Raise an error unless a request can be signed and sent as it is.

    Args:
        method: HTTP method, upper case.
        target: Path and query, percent-encoded.
        body: The bytes of the body.

    Raises:
        ArgumentError: The method is another one than GET, POST, PUT, PATCH and DELETE; the target
            does not begin with a slash, or must be percent-encoded; the body is not bytes.
    """
    if not isinstance(method, str) or method not in _METHODS:
        raise ArgumentError(f"the method must be one of {', '.join(sorted(_METHODS))}, upper case")
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise ArgumentError(
            "the target must be path and query, percent-encoded, as /v3/certificates"
        )
    if not isinstance(body, bytes):
        raise ArgumentError(f"the body must be bytes, not {shown_kind(body)}")
