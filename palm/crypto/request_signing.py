"""The headers that sign a request, made anew for every attempt.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012365342
"""

from __future__ import annotations

import asyncio
import os
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from palm.clock import Clock, Expiry
from palm.crypto.signer_calls import SignerCalls
from palm.crypto.signing import Signer, Verifier, authorization, message
from palm.errors import SettingsError
from palm.errors.values import shown_kind

__all__ = ["RequestSigner", "Signing", "random_nonce"]

_NONCE: Final = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""Matches what can stand in the header without being quoted: letters, digits, base64."""
_VALID_S: Final = 60.0
"""The gateway accepts a signature for five minutes; its clock may be minutes ahead of ours."""


def random_nonce() -> str:
    """Return a new random text: 32 characters, as the documentation's examples have."""
    return os.urandom(16).hex()


class RequestSigner:
    """Signs the requests of one client.

    Args:
        signer: Signs.
        verifier: Knows the key id that requests name in ``Wechatpay-Serial``.
        clock: The time.
        nonce: Returns a new random text for every request.

    Attributes:
        clock: The time.
    """

    def __init__(
        self, signer: Signer, verifier: Verifier, clock: Clock, nonce: Callable[[], str]
    ) -> None:
        self._calls = SignerCalls(signer)
        self._verifier = verifier
        self.clock = clock
        self._nonce = nonce

    async def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """Return a request's headers, signed now.

        Raises:
            SignerError: The signer failed.
            SettingsError: ``nonce`` failed, or returned what cannot stand in a header.
        """
        timestamp, nonce = str(int(self.clock.wall())), self._new_nonce()
        signature = await self._calls.sign(message(method, target, timestamp, nonce, body))
        # Tasks that are ready at the same time all sign first and then all send: a signature evicts
        # everything else from the processor's caches, which cost a tenth of a request's time.
        await asyncio.sleep(0)
        headers = {
            "Authorization": authorization(
                signature.mchid,
                signature.serial_no,
                b64encode(signature.raw).decode(),
                timestamp=timestamp,
                nonce_str=nonce,
            )
        }
        if preferred := self._verifier.preferred:
            headers["Wechatpay-Serial"] = preferred
        if body:
            headers["Content-Type"] = "application/json"
        return headers

    def _new_nonce(self) -> str:
        try:
            nonce: object = self._nonce()
        except Exception as error:  # noqa: BLE001 - the caller's own code
            failure = f"it raised {type(error).__name__}"
        else:
            if isinstance(nonce, str) and _NONCE.fullmatch(nonce):
                return nonce
            failure = f"it returned {shown_kind(nonce)}"
        raise SettingsError(f"nonce must return a random text of letters and digits: {failure}")


class Signing:
    """The signatures of one request: one, and another after a second wait for the quota.

    A process may be stopped, or its machine may sleep, between a signature and the moment at which
    the request is written. The request is then signed anew, because its timestamp is too old.

    Args:
        signer: Signs it.
        method: HTTP method, upper case.
        target: Path and query, percent-encoded.
        body: The body.
        own: Headers in addition to those that are signed, or instead of them.

    Attributes:
        is_running: Whether the signer has been called and has not returned.
    """

    __slots__ = ("_expiry", "_own", "_request", "_signer", "is_running")

    def __init__(
        self,
        signer: RequestSigner,
        method: str,
        target: str,
        body: bytes,
        own: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._signer = signer
        self._request = method, target, body
        self._own = own
        self._expiry: Expiry | None = None
        self.is_running: bool = False

    async def headers(self) -> dict[str, str]:
        """Return the request's headers, signed now."""
        self.is_running = True
        clock = self._signer.clock
        began_at, expiry = clock.monotonic(), Expiry.after(_VALID_S, clock)
        headers = await self._signer.headers(*self._request)
        self.is_running = False
        took = clock.monotonic() - began_at  # a signer that is always slow is not called forever
        self._expiry = Expiry(expiry.elapsed + took, expiry.wall + took)
        headers.update(self._own)
        return headers

    def has_expired(self) -> bool:
        """Return True if the signature is too old for the request to be written with it."""
        return self._expiry is not None and self._expiry.has_passed(self._signer.clock)
