"""Removes private texts, and their parts, from a text that may repeat them in another encoding."""

from __future__ import annotations

import re
import unicodedata
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["GAP", "hex_may_hold", "scrub"]

GAP: Final = "…"
"""Replaces what was removed."""
_RUN: Final = 8
"""A part of a private text with so many characters may identify a person."""
_MIN_LENGTH: Final = 6
"""Shorter texts identify nobody, and removing them would damage numbers and words."""
_BASE64_RUN: Final = 10
"""How many base64 characters depend on nothing but eight bytes, in any alignment."""
_MAX_DECODINGS: Final = 4
"""How many times a text may have been encoded."""
_MAX_LENGTH: Final = 4096
"""Longer texts are cut before they are searched."""
_HEX_RUN: Final = re.compile(rf"[0-9A-Fa-f-]{{{_RUN}}}")
_NOT_ALPHANUMERIC: Final = re.compile(r"[^0-9A-Za-z]+")
_HEX_OF_ASCII: Final = re.compile(rf"(?:[2-7][0-9A-F]){{{_RUN}}}")
_ESCAPE_STARTS: Final = ("%", "\\", "&")
"""The first characters of all escapes."""
_LIKE_OPENID: Final = re.compile(
    r"(?<![0-9A-Za-z_-])o[0-9A-Za-z_-]{27}(?![0-9A-Za-z_-])", re.IGNORECASE
)
"""Matches an openid of the usual form, whosever it is."""
_ESCAPES: Final = re.compile(
    r"(?P<bytes>(?:%[0-9a-f]{2})+)"
    r"|(?:\\+u|%u|\\+x)\{?(?P<hex>(?<=x)[0-9a-f]{2}|(?<=u)[0-9a-f]{4}|(?<=\{)[0-9a-f]{1,6})\}?"
    r"|&\#x(?P<entity>[0-9a-f]{1,6});?"
    r"|&\#(?P<number>[0-9]{1,7});?",
    re.IGNORECASE,
)


def scrub(text: str, private: Iterable[str]) -> str:
    """Return ``text`` without the private texts and their parts, and without any usual openid.

    A part is each run of at least eight characters of one of ``private``. It is removed in upper
    and lower case, with or without the characters between its letters and digits, percent-encoded
    (also several times), escaped as in JSON, Python or HTML, in hexadecimal, and in base64.

    Args:
        text: Cut after 4,096 characters.
        private: Texts of at least six characters; shorter ones identify nobody and are ignored.
    """
    text = _LIKE_OPENID.sub(GAP, text[:_MAX_LENGTH])
    texts = [each for each in private if len(each) >= _MIN_LENGTH]
    if not any(map(_may_hold(text), texts)):
        return text
    view = _decoded(text)
    hidden = bytearray(len(text))
    for each in texts:
        for form in _forms(each):
            for start, end in _occurrences(view, form):
                hidden[start:end] = b"\1" * (end - start)
    return "".join(_with_gaps(text, hidden)) if any(hidden) else text


def hex_may_hold(value: str, private: Iterable[str]) -> bool:
    """Return False only if a request id of the usual form holds no part of a private text.

    Such an id has one hyphen, so a part in it has at most one hyphen and at least seven letters and
    digits.
    """
    if _HEX_OF_ASCII.search(value):
        return True
    letters = value.replace("-", "").lower()
    for text in private:
        if not text.isascii():
            return True
        if len(text) < _RUN or _HEX_RUN.search(text):
            own = _NOT_ALPHANUMERIC.sub("", text).lower()
            size = _RUN // 2 if len(own) >= _RUN else _MIN_LENGTH // 2
            for at in range(0, len(own) - size + 1, size):
                if own[at : at + size] in letters:
                    return True
    return False


def _may_hold(text: str) -> Callable[[str], bool]:
    """Return a function that returns False only for private texts of which ``text`` has no part."""
    if any(mark in text for mark in _ESCAPE_STARTS):
        return lambda _: True
    normalized = "".join(map(_normalized, text))
    letters = "".join(filter(str.isalnum, normalized))
    return lambda private: any(
        anchor in (letters if form.letters_only else normalized)
        for form in _forms(private)
        for anchor in form.anchors
    )


@dataclass(frozen=True, slots=True)
class _Form:
    """One encoding of a private text.

    Attributes:
        text: The encoded text, without case and width.
        run: How many characters of it in a row are a part that is removed.
        letters_only: Whether only letters and digits are compared; others may stand between them.
        anchors: Pieces of the text; every part that is removed contains one of them.
    """

    text: str
    run: int
    letters_only: bool = False
    anchors: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        size = (self.run + 1) // 2
        starts = range(0, len(self.text) - size + 1, size)
        object.__setattr__(self, "anchors", tuple(self.text[at : at + size] for at in starts))


@lru_cache(maxsize=64)
def _forms(private: str) -> tuple[_Form, ...]:
    """Return the encodings of a private text."""
    normalized = "".join(map(_normalized, private))
    letters = "".join(filter(str.isalnum, normalized))
    content = private.encode("utf-8", "replace")
    forms = [_Form(normalized, min(_RUN, len(normalized)))]
    if len(letters) >= _MIN_LENGTH:
        forms.append(_Form(letters, min(_RUN, len(letters)), letters_only=True))
    if len(content) >= _RUN:
        forms.append(_Form(content.hex(), 2 * _RUN, letters_only=True))
        for shift in range(3):
            encoded = b2a_base64(b"\0" * shift + content).decode().rstrip("=\n").lower()
            plain = encoded[4 if shift else 0 :]
            urlsafe = plain.replace("+", "-").replace("/", "_")
            forms.extend(_Form(each, _BASE64_RUN) for each in {plain, urlsafe})
    return tuple(forms)


class _Character(NamedTuple):
    """A decoded character, and the range of the text that encodes it."""

    text: str
    start: int
    end: int


def _decoded(text: str) -> list[_Character]:
    """Return the characters of a text with all escapes resolved, without case and width."""
    view = [_Character(character, at, at + 1) for at, character in enumerate(text)]
    for _ in range(_MAX_DECODINGS):
        resolved = list(_resolved(view))
        if len(resolved) == len(view):
            break
        view = resolved
    return [
        _Character(unit, start, end)
        for character, start, end in view
        for unit in _normalized(character)
    ]


def _resolved(view: list[_Character]) -> Iterator[_Character]:
    """Yield the characters with one level of escapes resolved."""
    text = "".join(character.text for character in view)
    at = 0
    for match in _ESCAPES.finditer(text):
        yield from view[at : match.start()]
        at = match.end()
        yield from _unescaped(match, view)
    yield from view[at:]


def _unescaped(match: re.Match[str], view: list[_Character]) -> Iterator[_Character]:
    """Yield the characters that one escape, or a run of percent-encoded bytes, encodes."""
    start, end = match.span()
    if (encoded := match["bytes"]) is not None:
        at = start
        for character in bytes.fromhex(encoded.replace("%", "")).decode("utf-8", "surrogateescape"):
            length = 3 * len(character.encode("utf-8", "surrogateescape"))
            yield _Character(character, view[at].start, view[at + length - 1].end)
            at += length
        return
    number = int(match["number"]) if match["number"] else int(match["hex"] or match["entity"], 16)
    is_code_point = number <= 0x10FFFF  # noqa: PLR2004 - the last code point
    yield _Character(chr(number) if is_code_point else "?", view[start].start, view[end - 1].end)


def _normalized(character: str) -> str:
    """Return a character without case and width, as one or two UTF-16 units."""
    if character.isascii():
        return character.lower()
    normalized = unicodedata.normalize("NFKC", character).upper().casefold()
    return "".join(
        unit if ord(unit) <= 0xFFFF else _surrogates(unit)  # noqa: PLR2004 - the last with one unit
        for unit in normalized
    )


def _surrogates(character: str) -> str:
    number = ord(character) - 0x10000
    return chr(0xD800 + (number >> 10)) + chr(0xDC00 + (number & 0x3FF))


def _occurrences(view: list[_Character], form: _Form) -> Iterator[tuple[int, int]]:
    """Yield start and end of each part of a private text, in one encoding."""
    characters = [each for each in view if not form.letters_only or each.text.isalnum()]
    text = "".join(character.text for character in characters)
    parts = {form.text[at : at + form.run] for at in range(len(form.text) - form.run + 1)}
    for part in parts:
        at = text.find(part)
        while at >= 0:
            yield characters[at].start, characters[at + form.run - 1].end
            at = text.find(part, at + 1)


def _with_gaps(text: str, hidden: bytearray) -> Iterator[str]:
    """Yield the text's characters, and a gap for each run of hidden ones."""
    for at, character in enumerate(text):
        if not hidden[at]:
            yield character
        elif not at or not hidden[at - 1]:
            yield GAP
