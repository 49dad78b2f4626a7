"""Shows values that the gateway sent, in a form that cannot contain a person's openid.

Everything in a response may repeat the request: the openid as it was sent, percent-encoded, cut, in
upper case. So each kind of value is shown only if it has the form of such values, and the result is
searched for the openid and its parts without regard to case and encoding.

Sources of the forms: request ids and error codes https://pay.weixin.qq.com/doc/v3/merchant/4012081717,
key ids https://pay.weixin.qq.com/doc/v3/merchant/4012154180, states
https://pay.weixin.qq.com/doc/v3/partner/4014482017
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from palm.text.printable import printable
from palm.text.scrub import GAP, hex_may_hold, scrub

__all__ = [
    "safe_headers",
    "shown_code",
    "shown_detail",
    "shown_host",
    "shown_key_id",
    "shown_message",
    "shown_request_id",
    "shown_route",
    "shown_state",
    "shown_url",
]

_MAX_MESSAGE: Final = 200
_MAX_REQUEST_ID: Final = 100
_MAX_CODE: Final = 64
_NOT_IN_REQUEST_ID: Final = re.compile(r"[^0-9A-Za-z.-]+")
_NOT_IN_CODE: Final = re.compile(r"[^A-Z_]+")
_USUAL_REQUEST_ID: Final = re.compile(r"[0-9A-F]{1,64}-[0-9]{1,12}")
_KEY_ID: Final = re.compile(r"[0-9A-Fa-f]{1,40}|PUB_KEY_ID_[0-9]{1,40}")
_SEGMENT: Final = re.compile(r"\{[A-Za-z][A-Za-z0-9_]{0,39}\}|[a-z][a-z_-]{0,39}[0-9]{0,2}|")
"""Matches a segment of a documented path; a person's id, written into a path, does not match."""
_SAFE_HEADERS: Final = (
    "Request-ID",
    "Date",
    "Server",
    "Content-Type",
    "Content-Length",
    "Retry-After",
    "Wechatpay-Timestamp",
    "Wechatpay-Serial",
)
_STATE: Final = re.compile(r"AUTHORIZATION_STATE_[A-Z_]{1,40}")


def shown_request_id(value: str | None, private: Iterable[str] = ()) -> str | None:
    """Return a ``Request-ID`` as it may be shown, or None if there is none.

    Such an id has letters, digits, points and hyphens; other characters are removed.

    Args:
        value: The header, as it came.
        private: Texts no part of which may be shown.
    """
    if value is None:
        return None
    if _USUAL_REQUEST_ID.fullmatch(value) and not hex_may_hold(value, private):
        return value  # that is every answer's, so it has to be quick
    return _NOT_IN_REQUEST_ID.sub(GAP, scrub(value, private))[:_MAX_REQUEST_ID]


def shown_code(value: object, private: Iterable[str] = ()) -> str | None:
    """Return an error code as it may be shown, or None if there is none.

    Such a code has upper-case letters and underscores; other characters are removed.
    """
    if not isinstance(value, str) or not value:
        return None
    return _NOT_IN_CODE.sub(GAP, scrub(value, private))[:_MAX_CODE]


def shown_message(value: object, private: Iterable[str] = ()) -> str | None:
    """Return an error's text as it may be shown, on one line, or None if there is none."""
    if not isinstance(value, str):
        return None
    return printable(scrub(value, private)[:_MAX_MESSAGE])


def shown_detail(value: object, private: Iterable[str] = ()) -> str | None:
    """Return a part of an error's ``detail`` as it may be shown, or None if it is not a text."""
    return shown_message(value, private) or None


@lru_cache(maxsize=64)  # every attempt is reported with its route and host
def shown_route(path: str) -> str:
    """Return a path whose segments that do not look like those of a documented path are hidden."""
    return "/".join(part if _SEGMENT.fullmatch(part) else GAP for part in path.split("/"))


def safe_headers(headers: Mapping[str, str], private: Iterable[str] = ()) -> dict[str, str]:
    """Return the headers of a response that may be shown: neither signature, nonce nor cookie.

    Args:
        headers: Looked up without regard to case.
        private: Texts no part of which may be shown.
    """
    shown: dict[str, str] = {}
    for name in _SAFE_HEADERS:
        value = headers.get(name)
        if name == "Wechatpay-Serial":
            value = shown_key_id(value)
        elif name == "Request-ID":
            value = shown_request_id(value, private)
        elif value is not None:
            value = printable(scrub(value, private)[:_MAX_REQUEST_ID])
        if value is not None:
            shown[name] = value
    return shown


def shown_key_id(value: str | None) -> str | None:
    """Return the id of a platform key, or None if it does not have the form of such ids."""
    return value if value is not None and _KEY_ID.fullmatch(value) else None


def shown_state(value: str) -> str | None:
    """Return a state, or None if it does not have the form of states."""
    return value if _STATE.fullmatch(value) else None


@lru_cache(maxsize=16)
def shown_host(url: str) -> str:
    """Return host and port of a base URL."""
    return url.partition("://")[2].partition("/")[0]


def shown_url(text: str) -> str:
    """Return scheme, host and port of a URL: its user, password and path may be secret."""
    try:
        from urllib.parse import urlsplit  # noqa: PLC0415 - slow, and not needed for --help

        url = urlsplit(text)
        port = f":{url.port}" if url.port else ""
    except ValueError:
        return "…"
    host = url.hostname or "…"
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}"
