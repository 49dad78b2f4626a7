"""Path and query, percent-encoded once: these very bytes are signed and sent."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from urllib.parse import quote

from palm.errors import ArgumentError

__all__ = ["encode", "fill"]


def encode(name: str, value: str) -> str:
    """Return ``value`` with everything but RFC 3986's unreserved characters percent-encoded.

    Raises:
        ArgumentError: It is no text, empty, ``.`` or ``..`` (which would name another path), or
            holds a control character or half a surrogate pair.
    """
    if not isinstance(value, str):
        raise ArgumentError(f"{name} must be text, not {type(value).__name__}")
    if value.isascii() and value.replace("-", "a").replace("_", "a").isalnum():
        return value
    if value in {"", ".", ".."}:
        raise ArgumentError(f"{name} must not be {value!r}" if value else f"{name} is empty")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ArgumentError(f"{name} holds a control character")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise ArgumentError(f"{name} is no valid Unicode text") from None


def fill(path: str, variables: Mapping[str, str], query: Mapping[str, str]) -> str:
    """Return the request target: ``path`` with its ``{variables}`` filled, and the query behind it.

    Raises:
        ArgumentError: A value cannot be encoded.
    """
    filled = path.format_map({name: encode(name, value) for name, value in variables.items()})
    if not query:
        return filled
    pairs = (f"{encode('a parameter name', k)}={encode(k, v)}" for k, v in query.items())
    return f"{filled}?{'&'.join(pairs)}"
