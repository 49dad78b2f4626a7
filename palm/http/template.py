"""Path and query, percent-encoded once: these very bytes are signed and sent.

Templates are RFC 6570's of level 1: ``{name}``, with everything but unreserved characters
percent-encoded, and no operators.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from palm.errors import ArgumentError

__all__ = ["encode", "encode_text", "fill", "query_string"]

_EXPRESSION: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
"""Matches text that needs no encoding, as openids do not."""
_PATH: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
"""The characters allowed in a path outside the variables: RFC 3986's pchar, and the slash."""


def encode(name: str, value: object) -> str:
    """Return ``value`` with everything but RFC 3986's unreserved characters percent-encoded.

    Args:
        name: The name of the value in errors.
        value: Text, or an integer, which is written in decimal.

    Raises:
        ArgumentError: It is neither, is empty, ``.`` or ``..`` (which would name another path), or
            holds a control character or half a surrogate pair.
    """
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    if value in (".", ".."):  # a tuple: the value may be a list, which has no hash
        raise ArgumentError(f"{name} must not be {value!r}")
    text = _encode(name, value)
    if not text:
        raise ArgumentError(f"{name} is empty")
    return text


def encode_text(name: str, value: object, most: int | None = None) -> str:
    """Return a text as :func:`encode` does; a number is refused, because ids have leading zeros.

    Args:
        name: The name of the value in errors.
        value: The text.
        most: How many characters the interface allows; None: any number.

    Raises:
        ArgumentError: It is not text, is longer, or cannot be encoded.
    """
    if not isinstance(value, str):
        raise ArgumentError(f"{name} must be text, not {type(value).__name__}")
    if most is not None and len(value) > most:
        raise ArgumentError(f"{name} has {len(value)} characters; at most {most} are allowed")
    return encode(name, value)


def fill(path: str, variables: Mapping[str, object]) -> str:
    """Return ``path`` with each ``{name}`` replaced by its variable, percent-encoded.

    Raises:
        ArgumentError: A variable is missing, cannot be encoded, or has no place in the path; or the
            path holds an operator or what cannot stand in a path.
    """
    used: set[str] = set()

    def value_of(expression: re.Match[str]) -> str:
        name = expression[1]
        if not _NAME.fullmatch(name):
            raise ArgumentError(f"{{{name}}} is not a plain variable; operators are not supported")
        if variables.get(name) is None:
            raise ArgumentError(f"{name} is missing")
        used.add(name)
        return encode(name, variables[name])

    between = _EXPRESSION.sub("", path)
    if "{" in between or "}" in between:
        raise ArgumentError("a brace is left open in the path")
    if "://" in between:
        raise ArgumentError("the path must begin with v3/, without scheme and host")
    if not _PATH.fullmatch(between):
        raise ArgumentError("the path holds what must be percent-encoded")
    if any(segment in {".", ".."} for segment in path.split("/")):
        raise ArgumentError("the path must not hold the segment '.' or '..'")
    filled = _EXPRESSION.sub(value_of, path)
    if unknown := sorted(variables.keys() - used):
        raise ArgumentError(f"{unknown[0]} has no place in the path")
    return filled


def query_string(parameters: Mapping[str, object]) -> str:
    """Return ``?name=value&…``, percent-encoded, in order; empty if there are none.

    Raises:
        ArgumentError: A value is neither text nor integer, or a name is empty.
    """
    pairs: Iterable[str] = (
        f"{encode('a parameter name', name)}={_encode(name, value)}"
        for name, value in parameters.items()
    )
    joined = "&".join(pairs)
    return f"?{joined}" if joined else ""


def _encode(name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ArgumentError(f"{name} must be text, not {type(value).__name__}")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ArgumentError(f"{name} holds a control character")
    with contextlib.suppress(UnicodeEncodeError):
        return quote(value, safe="")
    # Raised outside the with block so that the original, which has the value, is not chained.
    raise ArgumentError(f"{name} is not valid Unicode text")
