"""The headers that sign a response or a notification, found among all its headers.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4013053249
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from multidict import CIMultiDictProxy

from palm.errors import SignatureError, SignatureReason

__all__ = ["MAX_SKEW_S", "PROBE_PREFIX", "Headers", "SignatureHeaders", "signature_headers"]

MAX_SKEW_S: Final = 300
PROBE_PREFIX: Final = "WECHATPAY/SIGNTEST/"

_NAMES: Final = (
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Wechatpay-Signature",
    "Wechatpay-Serial",
)
_MAX_TIMESTAMP_DIGITS: Final = 12
_NOT_IN_A_HEADER: Final = re.compile("[\0\r\n\ud800-\udc7f\udd00-\udfff]")
"""What no HTTP header can contain. A line end in the nonce would let it take over the begin of the
body, because line ends alone divide the parts of what is signed."""

_SPELLINGS: Final = {
    spelling: name
    for name in _NAMES
    for spelling in (name.lower(), f"http_{name.lower().replace('-', '_')}")
}
"""Names in lower case, as HTTP has them, and as WSGI and Django's ``META`` have them."""


class Headers(Protocol):
    """Headers: any mapping of names to texts, whether or not it ignores case."""

    def items(self) -> Iterable[tuple[str, object]]:
        """Return names and values; a name may come more than once."""


def signature_headers(headers: Headers) -> dict[str, str]:
    """Return those of the four signature headers that are there, by their documented names.

    The case of names is ignored, and ``HTTP_WECHATPAY_SIGNATURE`` (WSGI, Django's ``META``) is
    accepted for ``Wechatpay-Signature``.

    Args:
        headers: All headers; other ones are ignored, whatever their values are.

    Raises:
        SignatureError: One of the four comes twice with different values, or its value is not text
            (``MALFORMED``): two readers might take different ones.
    """
    if type(headers) is _Found:
        return headers
    if type(headers) is CIMultiDictProxy and (once := _each_once(headers)):
        return once
    found = _Found()
    for spelling, value in headers.items():
        name = _documented(spelling)
        if name is None:
            continue
        if not isinstance(value, str):
            raise SignatureError(f"the response's {name} is not text", SignatureReason.MALFORMED)
        if found.setdefault(name, value) != value:
            raise SignatureError(
                f"the response has several {name} that differ", SignatureReason.MALFORMED
            )
    return found


class _Found(dict[str, str]):
    """Signature headers that were found, and need not be looked for again."""


def _each_once(headers: CIMultiDictProxy[str]) -> _Found | None:
    """Return the four of a response as aiohttp read it; None: not each of them is there once.

    To look them up takes a quarter of the time of reading all headers.
    """
    found = _Found()
    for name in _NAMES:
        values = headers.getall(name, ())
        if len(values) != 1:
            return None
        found[name] = values[0]
    return found


@lru_cache(maxsize=64)
def _documented(spelling: object) -> str | None:
    """Return the documented name of a signature header; None: it is another header."""
    return _SPELLINGS.get(spelling.lower()) if isinstance(spelling, str) else None


class SignatureHeaders(NamedTuple):
    """The four headers that sign a response or a notification.

    Attributes:
        timestamp: Unix seconds, as text.
        nonce: A random text.
        signature: Base64 of the signature.
        serial: Id of the key that signed.
    """

    timestamp: str
    nonce: str
    signature: str
    serial: str

    @classmethod
    def of(cls, headers: Headers) -> SignatureHeaders:
        """Return the signature headers among all headers.

        Raises:
            SignatureError: One is missing (``MISSING``), or :func:`signature_headers` refuses them.
        """
        found = signature_headers(headers)
        values = [found.get(name) for name in _NAMES]
        timestamp, nonce, signature, serial = values
        if timestamp and nonce and signature and serial:
            made = cls(timestamp, nonce, signature, serial)
            if not nonce.isprintable() and _NOT_IN_A_HEADER.search(nonce):
                raise made.error("the response's nonce is malformed", SignatureReason.MALFORMED)
            return made
        missing = ", ".join(n for n, v in zip(_NAMES, values, strict=True) if not v)
        raise SignatureError(
            f"the response has no {missing}",
            SignatureReason.MISSING,
            serial=serial,
            probe=_is_probe(signature),
        )

    def check_timestamp(self, now: int) -> None:
        """Check that the timestamp is at most five minutes from ``now`` (Unix seconds).

        Raises:
            SignatureError: It is further away (``STALE``), or not a number (``MALFORMED``).
        """
        timestamp = self.timestamp
        if not (
            timestamp.isascii()
            and timestamp.isdecimal()
            and len(timestamp) <= _MAX_TIMESTAMP_DIGITS  # far beyond any clock
        ):
            raise self.error("the response's timestamp is not a number", SignatureReason.MALFORMED)
        skew = int(timestamp) - now
        if abs(skew) > MAX_SKEW_S:
            raise self.error(
                f"the response's timestamp is {abs(skew)} s {'after' if skew > 0 else 'before'} "
                f"this machine's clock; at most {MAX_SKEW_S} s are allowed",
                SignatureReason.STALE,
                skew_s=skew,
            )

    def error(self, text: str, reason: SignatureReason, *, skew_s: int = 0) -> SignatureError:
        """Return the error of a response with these headers."""
        return SignatureError(
            text, reason, serial=self.serial, probe=_is_probe(self.signature), skew_s=skew_s
        )


def _is_probe(signature: str | None) -> bool:
    return signature is not None and signature.startswith(PROBE_PREFIX)
