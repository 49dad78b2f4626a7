"""What the gateway says, in a form that cannot hold a person's openid.

Everything in an answer may repeat the question: the openid as it was asked, percent-encoded, cut,
in upper case. So each kind of value is shown only where it has the form that such values have, and
what is left is searched for the openid and its parts without regard to case and encoding.

Sources of the forms: request ids and error codes https://pay.weixin.qq.com/doc/v3/merchant/4012081717,
key ids https://pay.weixin.qq.com/doc/v3/merchant/4012154180, states
https://pay.weixin.qq.com/doc/v3/partner/4014482017
"""

from __future__ import annotations

import re
import unicodedata
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from palm.text.printable import printable

__all__ = [
    "GAP",
    "scrub",
    "shown_code",
    "shown_key_id",
    "shown_message",
    "shown_request_id",
    "shown_state",
    "shown_url",
]

GAP: Final = "…"
"""Stands where something was taken out."""
_RUN: Final = 8
"""So many characters in a row of a private text are a part that may tell who it is."""
_SHORTEST: Final = 6
"""Shorter texts tell nobody, and would tear holes into numbers and words."""
_BASE64_RUN: Final = 10
"""Base64 characters that eight bytes certainly fill, however they are aligned."""
_ROUNDS: Final = 4
"""A text may be encoded so many times over."""
_LONGEST: Final = 4096
"""Longer texts are cut before they are searched."""
_LONGEST_MESSAGE: Final = 200
_LONGEST_REQUEST_ID: Final = 100
_LONGEST_CODE: Final = 64
_NOT_IN_REQUEST_ID: Final = re.compile(r"[^0-9A-Za-z.-]+")
_NOT_IN_CODE: Final = re.compile(r"[^A-Z_]+")
_USUAL_REQUEST_ID: Final = re.compile(r"[0-9A-F]{1,64}-[0-9]{1,12}")
_HEX_RUN: Final = re.compile(rf"[0-9A-Fa-f-]{{{_RUN}}}")
_NO_LETTERS: Final = re.compile(r"[^0-9A-Za-z]+")
_HEX_OF_ASCII: Final = re.compile(rf"(?:[2-7][0-9A-F]){{{_RUN}}}")
_MARKS: Final = ("%", "\\", "&")
"""What every escape begins with."""
_KEY_ID: Final = re.compile(r"[0-9A-Fa-f]{1,40}|PUB_KEY_ID_[0-9]{1,40}")
_STATE: Final = re.compile(r"AUTHORIZATION_STATE_[A-Z_]{1,40}")
_LIKE_OPENID: Final = re.compile(
    r"(?<![0-9A-Za-z_-])o[0-9A-Za-z_-]{27}(?![0-9A-Za-z_-])", re.IGNORECASE
)
"""An openid as WeChat makes them, whoever's it is."""
_ESCAPES: Final = re.compile(
    r"(?P<bytes>(?:%[0-9a-f]{2})+)"
    r"|(?:\\+u|%u|\\+x)\{?(?P<hex>(?<=x)[0-9a-f]{2}|(?<=u)[0-9a-f]{4}|(?<=\{)[0-9a-f]{1,6})\}?"
    r"|&\#x(?P<entity>[0-9a-f]{1,6});?"
    r"|&\#(?P<number>[0-9]{1,7});?",
    re.IGNORECASE,
)


def shown_request_id(value: str | None, private: Iterable[str] = ()) -> str | None:
    """Return a ``Request-ID`` as it may be shown, None where there is none.

    What such an id does not consist of is taken out: it has letters, digits, points and hyphens.

    Args:
        value: The header, as it came.
        private: Texts no part of which may be in it.
    """
    if value is None:
        return None
    if _USUAL_REQUEST_ID.fullmatch(value) and not _hex_may_hold(value, private):
        return value  # that is every answer's, so it has to be quick
    return _NOT_IN_REQUEST_ID.sub(GAP, scrub(value, private))[:_LONGEST_REQUEST_ID]


def shown_code(value: object, private: Iterable[str] = ()) -> str | None:
    """Return an error code as it may be shown, None where there is none.

    What such a code does not consist of is taken out: it has upper-case letters and underscores.
    """
    if not isinstance(value, str) or not value:
        return None
    return _NOT_IN_CODE.sub(GAP, scrub(value, private))[:_LONGEST_CODE]


def shown_message(value: object, private: Iterable[str] = ()) -> str | None:
    """Return an error's text that may be shown, on one line; None where it is none."""
    if not isinstance(value, str):
        return None
    return printable(scrub(value, private)[:_LONGEST_MESSAGE])


def shown_key_id(value: str | None) -> str | None:
    """Return the id of a platform key that may be shown; None where it has another form."""
    return value if value is not None and _KEY_ID.fullmatch(value) else None


def shown_state(value: str) -> str | None:
    """Return a state that may be shown; None where it has another form."""
    return value if _STATE.fullmatch(value) else None


def shown_url(text: str) -> str:
    """Return scheme, host and port of a URL; user part and path may be secret."""
    try:
        from urllib.parse import urlsplit  # noqa: PLC0415 - slow, and not needed for --help

        url = urlsplit(text)
        port = f":{url.port}" if url.port else ""
    except ValueError:
        return "…"
    host = url.hostname or "…"
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def scrub(text: str, private: Iterable[str]) -> str:
    """Return ``text`` without the private texts and their parts, and without any usual openid.

    What is taken out: each run of eight and more characters of one of ``private``, in upper or
    lower case, with or without what stands between letters and digits, percent-encoded (also more
    than once), escaped as in JSON, Python or HTML, in hexadecimal or base64.

    Args:
        text: Cut where it is longer than 4,096 characters.
        private: Texts of six characters or more; shorter ones tell nobody.
    """
    text = _LIKE_OPENID.sub(GAP, text[:_LONGEST])
    texts = [each for each in private if len(each) >= _SHORTEST]
    if not any(map(_may_hold(text), texts)):
        return text
    view = _decoded(text)
    hidden = bytearray(len(text))
    for each in texts:
        for form in _forms(each):
            for start, end in _found(view, form):
                hidden[start:end] = b"\1" * (end - start)
    return "".join(_gaps(text, hidden)) if any(hidden) else text


def _hex_may_hold(value: str, private: Iterable[str]) -> bool:
    """Return False only where a request id of the usual form holds no run of a private text.

    Such an id has one hyphen, so a run in it has at most one, and one fewer letters and digits.
    """
    if _HEX_OF_ASCII.search(value):
        return True
    letters = value.replace("-", "").lower()
    for text in private:
        if not text.isascii():
            return True
        if len(text) < _RUN or _HEX_RUN.search(text):
            own = _NO_LETTERS.sub("", text).lower()
            size = _RUN // 2 if len(own) >= _RUN else _SHORTEST // 2
            for at in range(0, len(own) - size + 1, size):
                if own[at : at + size] in letters:
                    return True
    return False


def _may_hold(text: str) -> Callable[[str], bool]:
    """Return what says False only of private texts that ``text`` holds no run of."""
    if any(mark in text for mark in _MARKS):
        return lambda _: True
    folded = "".join(map(_folded, text))
    letters = "".join(filter(str.isalnum, folded))
    return lambda private: any(
        anchor in (letters if form.letters_only else folded)
        for form in _forms(private)
        for anchor in form.anchors
    )


@dataclass(frozen=True, slots=True)
class _Form:
    """A way to write a private text.

    Attributes:
        text: Folded.
        run: So many characters in a row of it are a part that counts.
        letters_only: Only letters and digits are compared; all else may stand between them.
        anchors: Pieces, one of which is in every such part.
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
    """Return the ways to write a private text."""
    folded = "".join(map(_folded, private))
    letters = "".join(filter(str.isalnum, folded))
    content = private.encode("utf-8", "replace")
    forms = [_Form(folded, min(_RUN, len(folded)))]
    if len(letters) >= _SHORTEST:
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
    """A character that a text stands for, and where in the text it does."""

    text: str
    start: int
    end: int


def _decoded(text: str) -> list[_Character]:
    """Return what a text stands for once every escape in it is resolved, folded."""
    view = [_Character(character, at, at + 1) for at, character in enumerate(text)]
    for _ in range(_ROUNDS):
        resolved = list(_resolved(view))
        if len(resolved) == len(view):
            break
        view = resolved
    return [
        _Character(unit, start, end)
        for character, start, end in view
        for unit in _folded(character)
    ]


def _resolved(view: list[_Character]) -> Iterator[_Character]:
    """Yield the characters with one level of escapes resolved."""
    text = "".join(character.text for character in view)
    at = 0
    for match in _ESCAPES.finditer(text):
        yield from view[at : match.start()]
        at = match.end()
        yield from _meant(match, view)
    yield from view[at:]


def _meant(match: re.Match[str], view: list[_Character]) -> Iterator[_Character]:
    """Yield the characters that one escape, or a row of percent-encoded bytes, stands for."""
    start, end = match.span()
    if (encoded := match["bytes"]) is not None:
        at = start
        for character in bytes.fromhex(encoded.replace("%", "")).decode("utf-8", "surrogateescape"):
            length = 3 * len(character.encode("utf-8", "surrogateescape"))
            yield _Character(character, view[at].start, view[at + length - 1].end)
            at += length
        return
    number = int(match["number"]) if match["number"] else int(match["hex"] or match["entity"], 16)
    known = number <= 0x10FFFF  # noqa: PLR2004 - the last there is
    yield _Character(chr(number) if known else "?", view[start].start, view[end - 1].end)


def _folded(character: str) -> str:
    """Return a character without case and width, as UTF-16 has it: one unit or two."""
    if character.isascii():
        return character.lower()
    folded = unicodedata.normalize("NFKC", character).upper().casefold()
    return "".join(
        unit if ord(unit) <= 0xFFFF else _surrogates(unit)  # noqa: PLR2004 - the last of one unit
        for unit in folded
    )


def _surrogates(character: str) -> str:
    number = ord(character) - 0x10000
    return chr(0xD800 + (number >> 10)) + chr(0xDC00 + (number & 0x3FF))


def _found(view: list[_Character], form: _Form) -> Iterator[tuple[int, int]]:
    """Yield where in the text a part of a private text stands, in the form."""
    characters = [each for each in view if not form.letters_only or each.text.isalnum()]
    text = "".join(character.text for character in characters)
    parts = {form.text[at : at + form.run] for at in range(len(form.text) - form.run + 1)}
    for part in parts:
        at = text.find(part)
        while at >= 0:
            yield characters[at].start, characters[at + form.run - 1].end
            at = text.find(part, at + 1)


def _gaps(text: str, hidden: bytearray) -> Iterator[str]:
    """Yield the text's characters, and a gap for each run of hidden ones."""
    for at, character in enumerate(text):
        if not hidden[at]:
            yield character
        elif not at or not hidden[at - 1]:
            yield GAP
