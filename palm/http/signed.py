"""One question on the wire: signed, sent to the host that can be reached, and verified."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from palm.clock import Clock
from palm.crypto.certificate_store import CertificateStore
from palm.crypto.certificates import CERTIFICATES
from palm.crypto.replay import ReplayMemory
from palm.crypto.signing import Signer, Verifier, authorization, message
from palm.errors import (
    APIError,
    CertificateRefusedError,
    PalmError,
    SignatureError,
    SignatureReason,
    StateError,
    TransportError,
)
from palm.http.connections import Answer
from palm.http.response import TYPED, Response, error_of, request_id_of
from palm.http.transport import Timeouts, Transport
from palm.resilience.failover import Hosts
from palm.resilience.pacer import Permit

__all__ = ["SignedTransport"]

T = TypeVar("T")


class SignedTransport:
    """Sends requests and returns what can be believed.

    An answer whose signature was accepted before, whatever its status and whoever verifies, is not
    believed a second time.

    Args:
        signer: Who asks.
        verifier: Whom to believe.
        hosts: Where to ask.
        transport: How.
        clock: The time.
        nonce: Returns a new random text for every request.
    """

    def __init__(
        self,
        signer: Signer,
        verifier: Verifier,
        hosts: Hosts,
        transport: Transport,
        *,
        clock: Clock | None = None,
        nonce: Callable[[], str] = lambda: os.urandom(16).hex(),
    ) -> None:
        self.signer = signer
        self.verifier = verifier
        self.hosts = hosts
        self._replays = ReplayMemory(os.urandom(16))
        self._transport = transport
        self._clock = clock or Clock()
        self._nonce = nonce

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def ask(
        self,
        method: str,
        target: str,
        read: Callable[[Response], T],
        body: bytes = b"",
        *,
        private: tuple[str, ...] = (),
        timeouts: Timeouts | None = None,
        permit: Permit | None = None,
    ) -> T:
        """Send one request, signed anew, and return what ``read`` makes of its verified answer.

        The connection of an answer that is not believed, by its signature or by ``read``, is
        closed: what comes next on it might be the answer to another question.

        Args:
            method: HTTP method, upper case.
            target: Path and query, percent-encoded; sent and signed as it is.
            read: Reads a verified answer.
            body: Sent and signed as it is.
            private: Texts that must not appear in errors.
            timeouts: Instead of the transport's own.
            permit: Looked at again when the request is written.

        Raises:
            PalmError: As drawn in :mod:`palm.errors`.
        """
        if isinstance(self.verifier, CertificateStore) and self.verifier.needs_refresh():
            await self.verifier.refresh(
                self._fetch_certificates, now=self._clock.wall, accept=self._replays.accept
            )
        with await self.send(method, target, body, timeouts, permit) as answer:
            try:
                found = read(await self._believed(answer, private))
            except PalmError as error:
                if isinstance(error, StateError) or (
                    isinstance(error, APIError) and error.verified
                ):
                    answer.keep()
                raise
            answer.keep()
            return found

    async def _believed(self, answer: Answer, private: tuple[str, ...]) -> Response:
        """Return an answer that is verified, and no error."""
        status, headers, content = answer.status, answer.headers, answer.content
        unbelieved: SignatureError | None = None
        signed_by = ""
        try:
            signed_by = await self.verify(headers, content)
        except SignatureError as error:
            unbelieved = error
            if error.reason is SignatureReason.REPLAYED:  # what it says was said to another
                raise _told(error, status, headers) from None
        verified = unbelieved is None
        refused = error_of(status, headers, content, verified=verified, private=private)
        if refused is not None:
            raise refused
        if unbelieved is not None:
            raise _told(unbelieved, status, headers)
        return Response(status, headers, content, signed_by, private=private)

    async def verify(self, headers: Mapping[str, str], content: bytes) -> str:
        """Return the id of the key that signed an answer, and remember its signature.

        Raises:
            SignatureError: The answer is not believed, or was before.
        """
        now = int(self._clock.wall())
        signed_by = await self._verify(headers, content, now)
        self._replays.accept(headers, now=now)
        return signed_by

    async def _verify(self, headers: Mapping[str, str], content: bytes, now: int) -> str:
        """Verify an answer; a new key's id may need new certificates."""
        try:
            return self.verifier.verify(headers, content, now=now)
        except SignatureError as error:
            if error.reason is not SignatureReason.UNKNOWN_SERIAL or error.serial is None:
                raise
            if not isinstance(self.verifier, CertificateStore):
                raise
            if not await self.verifier.ensure(
                error.serial,
                self._fetch_certificates,
                now=self._clock.wall,
                accept=self._replays.accept,
            ):
                raise
        return self.verifier.verify(headers, content, now=now)

    async def _fetch_certificates(self) -> tuple[Mapping[str, str], bytes]:
        with await self.send("GET", CERTIFICATES) as answer:  # whoever asked decides later
            status, headers, content = answer.status, answer.headers, answer.content
        if error := error_of(status, headers, content, verified=False, accepted=TYPED):
            raise error
        return headers, content

    async def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        timeouts: Timeouts | None = None,
        permit: Permit | None = None,
    ) -> Answer:
        """Send one request, signed anew; return its answer, not yet verified.

        Raises:
            TransportError: There was no complete answer.
            LocalResourceError: This machine lacks what a connection takes.
            BodyError: It was longer than 64 KiB.
        """
        sign = partial(self._signed, method, target, body)
        headers = await sign()
        turn = None if permit is None else _Turn(permit, sign)
        host = self.hosts.choose(self._clock.monotonic())
        try:
            answer = await self._transport.send(
                method, host + target, headers, body, timeouts, turn=turn
            )
        except CertificateRefusedError as error:
            self.hosts.failed(host, self._clock.monotonic(), refused=True)
            error.everywhere = self.hosts.refused_everywhere
            raise
        except TransportError:
            self.hosts.failed(host, self._clock.monotonic())
            raise
        finally:
            if permit is not None:
                permit.return_slot()
        self.hosts.answered(host)
        return answer

    async def _signed(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """Return a request's headers, signed now."""
        timestamp, nonce = str(int(self._clock.wall())), self._nonce()
        signature = self.signer.sign(message(method, target, timestamp, nonce, body))
        if not isinstance(signature, bytes):
            signature = await signature
        # Those who are ready at the same time all sign, then all send: a signature pushes all else
        # out of the processor's caches, which was measured to cost a tenth of a request's time.
        await asyncio.sleep(0)
        headers = {
            "Authorization": authorization(
                self.signer.mchid,
                self.signer.serial_no,
                b64encode(signature).decode(),
                timestamp=timestamp,
                nonce_str=nonce,
            )
        }
        if preferred := self.verifier.preferred:
            headers["Wechatpay-Serial"] = preferred
        if body:
            headers["Content-Type"] = "application/json"
        return headers


class _Turn:
    """A permit whose second wait ends with a new signature."""

    __slots__ = ("_permit", "_sign", "use")

    def __init__(self, permit: Permit, sign: Callable[[], Awaitable[Mapping[str, str]]]) -> None:
        self._permit = permit
        self._sign = sign
        self.use = permit.use

    async def renew(self) -> Mapping[str, str]:
        await self._permit.renew()
        return await self._sign()


def _told(error: SignatureError, status: int, headers: Mapping[str, str]) -> SignatureError:
    """Let an error say which answer it was."""
    error.status, error.request_id = status, request_id_of(headers)
    return error
