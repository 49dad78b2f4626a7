"""Remembers accepted signatures, so that an answer that comes a second time is refused.

The signature of an answer covers its timestamp, its nonce and its body, but not the question. A
copy of an answer therefore verifies as well as the answer itself, for five minutes, whatever was
asked: https://pay.weixin.qq.com/doc/v3/merchant/4013053420
"""

from __future__ import annotations

import binascii
import hashlib
from array import array
from bisect import bisect_left
from typing import Final

from palm.crypto.signature_headers import MAX_SKEW_S, Headers, signature_headers
from palm.errors import SignatureError, SignatureReason

__all__ = ["ReplayMemory"]

_HASH_BYTES: Final = 8
_MAX_TIMESTAMP_DIGITS: Final = 12


class ReplayMemory:
    """Remembers the signatures that were accepted, for as long as they could be accepted again.

    Of each it keeps 8 bytes: a keyed hash, so that nobody can choose signatures that collide. The
    hashes are sorted by the second of the answer's timestamp, and a second is forgotten when it
    lies more than five minutes back; at 2,000 answers a second these are 600,000 hashes in about
    5 MB.

    Args:
        key: The key of the hash: random, secret, at most 64 bytes.
    """

    __slots__ = ("_begins", "_key", "_seconds")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._seconds: dict[int, array[int]] = {}
        self._begins = 0

    def __len__(self) -> int:
        """Return how many signatures are remembered."""
        return sum(map(len, self._seconds.values()))

    def accept(self, headers: Headers, *, now: int) -> None:
        """Remember the signature of an answer that verified; refuse it if it is remembered already.

        An answer without a signature, or with a timestamp that is invalid or more than five minutes
        away, is not checked: only a verifier that the caller wrote accepts one.

        Args:
            headers: The answer's, as :func:`palm.crypto.signature_headers.signature_headers` reads
                them.
            now: Unix seconds.

        Raises:
            SignatureError: It was accepted before (``REPLAYED``), or its timestamp is one of which
                nothing is remembered any more because the clock was set back; or the headers
                contradict each other (``MALFORMED``).
        """
        signed = signature_headers(headers)
        signature, timestamp = signed.get("Wechatpay-Signature"), signed.get("Wechatpay-Timestamp")
        serial = signed.get("Wechatpay-Serial")
        if not signature or not timestamp or not timestamp.isdecimal():
            return
        second = int(timestamp[:_MAX_TIMESTAMP_DIGITS])
        if abs(second - now) > MAX_SKEW_S:
            return
        if now - MAX_SKEW_S > self._begins:
            self._forget(now - MAX_SKEW_S)
        if second < self._begins:
            raise _replayed("the answer is older than what is remembered of others", serial)
        hashes = self._seconds.setdefault(second, array("Q"))
        found = self._hash(signature)
        place = bisect_left(hashes, found)
        if place < len(hashes) and hashes[place] == found:
            raise _replayed("the answer came before: its signature was accepted already", serial)
        hashes.insert(place, found)

    def _forget(self, begins: int) -> None:
        """Forget all seconds before ``begins``."""
        for second in [each for each in self._seconds if each < begins]:
            del self._seconds[second]
        self._begins = begins

    def _hash(self, signature: str) -> int:
        try:  # the bytes, because a verifier of the caller's own may allow several spellings
            raw = binascii.a2b_base64(signature)
        except (binascii.Error, ValueError):
            raw = signature.encode("utf-8", "surrogateescape")
        digest = hashlib.blake2b(raw, digest_size=_HASH_BYTES, key=self._key).digest()
        return int.from_bytes(digest)


def _replayed(text: str, serial: str | None) -> SignatureError:
    return SignatureError(text, SignatureReason.REPLAYED, serial=serial)
