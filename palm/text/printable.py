"""Makes foreign text safe to show and log: one line, no control characters, no keys."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Final, overload

__all__ = [
    "json_text",
    "printable",
    "printable_values",
    "shown_value",
    "without_keys",
    "without_long_words",
]

_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of control and format characters, surrogates, and line separators."""
_PEM: Final = re.compile(r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=]{40,}")
_USER_PART: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s'\"]*@")
_WORD: Final = re.compile(r"[A-Za-z0-9+/=_.~-]{16,}")
_MAX_WORD_LENGTH: Final = 40
_MAX_VALUE_LENGTH: Final = 64
_GAP: Final = "…"


def printable(text: str, *, keep: str = "") -> str:
    """Return text on one line that cannot control a terminal.

    Each character of Unicode's categories Cc, Cf, Cs, Zl and Zp becomes U+FFFD, except those in
    ``keep``.
    """
    if text.isprintable():
        return text
    return "".join("�" if unicodedata.category(c) in _UNSAFE and c not in keep else c for c in text)


@overload
def printable_values(value: Mapping[str, object]) -> dict[str, object]: ...
@overload
def printable_values(value: object) -> object: ...
def printable_values(value: object) -> object:
    """Return a JSON value, or a log event, with every text in it printable, names included."""
    if isinstance(value, str):
        return printable(without_keys(value))
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {printable_values(name): printable_values(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [printable_values(each) for each in value]
    return printable(without_keys(str(value)))


def without_keys(text: str) -> str:
    """Return text without keys in PEM, long base64, and the user and password of URLs.

    This is a second line of defence: text that may contain one of these should not be shown.
    """
    if "-----BEGIN" in text:
        text = _PEM.sub(_GAP, text)
    if "://" in text:
        text = _USER_PART.sub(rf"\1{_GAP}@", text)
    return _BASE64.sub(lambda match: _GAP if _is_base64(match[0]) else match[0], text)


def without_long_words(text: str) -> str:
    """Return text without words that look like a key, a token or an openid.

    Such words have at least sixteen characters, with letters and digits, or more than forty.
    """
    return _WORD.sub(lambda match: _GAP if _is_token(match[0]) else match[0], without_keys(text))


def shown_value(text: str) -> str:
    """Return a value that a user typed, in quotes, unless it looks like a secret."""
    if len(text) > _MAX_VALUE_LENGTH or without_long_words(text) != text:
        return "(a value that is not shown)"
    return repr(printable(text))


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return JSON in which unprintable characters are escaped, so that it is safe to show.

    Raises:
        ValueError: The value contains NaN or an infinity.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    if text.isprintable():
        return text
    return "".join(
        _escaped(c) if c != "\n" and unicodedata.category(c) in _UNSAFE else c for c in text
    )


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _is_base64(run: str) -> bool:
    """Return True if a run is not a path: it is long, with upper case, lower case and digits."""
    return any(
        len(part) >= 20  # noqa: PLR2004 - a line of base64 holds a slash every 64 characters
        and re.search("[A-Z]", part)
        and re.search("[a-z]", part)
        and re.search("[0-9]", part)
        for part in run.split("/")
    )


def _is_token(word: str) -> bool:
    if len(word) > _MAX_WORD_LENGTH:
        return True
    return bool(re.search("[A-Za-z]", word) and re.search("[0-9]", word))
