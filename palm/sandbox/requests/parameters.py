"""Reads parameters from path, query and body; one that is missing or too long is a 400.

Source of the error's ``detail``: https://pay.weixin.qq.com/doc/v3/merchant/4012081709
"""

from __future__ import annotations

import json
from urllib.parse import unquote_to_bytes

from palm.sandbox.requests import rejections
from palm.sandbox.requests.rejections import Rejection

__all__ = ["from_body", "from_path", "from_query", "wrong"]


def from_path(segment: str, field: str, *, longest: int) -> str:
    """Return the text of a percent-encoded segment.

    Raises:
        Rejection: 400; it is empty, too long or not UTF-8.
    """
    return _decode(segment, "url", field, longest)


def from_query(query: str, field: str, *, longest: int) -> str | None:
    """Return the text of a parameter of the query, or None if it is missing.

    Raises:
        Rejection: 400; it is repeated, empty, too long or not UTF-8.
    """
    values = [
        value.replace("+", " ")
        for name, _, value in (item.partition("=") for item in query.split("&"))
        if unquote_to_bytes(name.encode("utf-8", "surrogateescape")) == field.encode()
    ]
    if len(values) > 1:
        raise wrong("query", field, "repeated parameter")
    return _decode(values[0], "query", field, longest) if values else None


def from_body(body: bytes, *fields: str, longest: int) -> dict[str, str]:
    """Return the texts of the named members that a JSON object has.

    Raises:
        Rejection: 400; the body is not a JSON object, or a member is not text (``null`` is not),
            empty or too long.
    """
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise wrong("body", "", "not a JSON object")
    texts = {field: members[field] for field in fields if field in members}
    for field, text in texts.items():
        if not isinstance(text, str) or not _is_unicode(text):
            raise wrong("body", f"/{field}", "not a string")
        _measure(text, "body", f"/{field}", longest)
    return texts


def wrong(location: str, field: str, issue: str) -> Rejection:
    """Return the rejection of a wrong parameter."""
    detail = {"field": field, "issue": issue, "location": location}
    return Rejection(rejections.BAD_PARAMETER, detail)


def _decode(encoded: str, location: str, field: str, longest: int) -> str:
    try:
        text = unquote_to_bytes(encoded.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError:
        raise wrong(location, field, "not UTF-8") from None
    return _measure(text, location, field, longest)


def _is_unicode(text: str) -> bool:
    """Return True if a text holds no unpaired surrogate."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _measure(text: str, location: str, field: str, longest: int) -> str:
    if not 1 <= len(text) <= longest:
        issue = f"length {len(text)} is not between 1 and {longest}"
        raise wrong(location, field, issue)
    return text
