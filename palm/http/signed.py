"""One request: signed, sent to a host that can be reached, and its response verified."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from palm.clock import Clock
from palm.crypto.certificate_store import CertificateStore
from palm.crypto.certificates import CERTIFICATES, APIv3Key
from palm.crypto.replay import ReplayMemory
from palm.crypto.request_signing import RequestSigner, Signing, random_nonce
from palm.crypto.signature_headers import Headers, SignatureHeaders, signature_headers
from palm.crypto.signing import RSAVerifier, Signer, Verifier
from palm.errors import (
    APIError,
    CertificateRefusedError,
    PalmError,
    SignatureError,
    SignatureReason,
    SignerError,
    SignerTimeoutError,
    StateError,
    TimedOutError,
    TransportError,
)
from palm.http.answer import TYPED, Answer, error_of, request_id_of
from palm.http.connections import RawResponse
from palm.http.request.attempts import Exchange
from palm.http.request.options import PLAIN, RequestOptions
from palm.http.request.timeouts import Timeouts
from palm.http.transport import Transport
from palm.resilience.failover import Hosts
from palm.resilience.permit import Permit
from palm.text.redact import safe_headers, shown_host

__all__ = ["SignedTransport"]

T = TypeVar("T")

_BUILT_IN: Final = (RSAVerifier, CertificateStore)
"""They read nothing but the four signature headers."""
_PAUSE_S: Final = 10.0
"""After a download that failed, notifications, which anybody can send, cause no other so soon."""


class SignedTransport:
    """Sends signed requests and returns verified answers.

    A response whose signature was accepted before is refused, whatever its status is and whatever
    the verifier is.

    Args:
        signer: Signs the requests.
        verifier: Verifies the responses.
        hosts: Chooses the host of each request.
        transport: Sends requests and receives responses.
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
        nonce: Callable[[], str] = random_nonce,
    ) -> None:
        self.signer = signer
        self.verifier = verifier
        self.hosts = hosts
        self._replays = ReplayMemory(os.urandom(16))
        self._transport = transport
        self._clock = clock or Clock()
        self._request_signer = RequestSigner(signer, verifier, self._clock, nonce)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    def bind_loop(self) -> None:
        """Belong to the running event loop; see :meth:`palm.http.transport.Transport.bind_loop`."""
        self._transport.bind_loop()

    async def ask(
        self,
        method: str,
        target: str,
        read: Callable[[Answer], T],
        body: bytes = b"",
        *,
        private: tuple[str, ...] = (),
        timeouts: Timeouts | None = None,
        permit: Permit | None = None,
        options: RequestOptions = PLAIN,
        exchange: Exchange | None = None,
    ) -> T:
        """Send one request, signed anew, and return what ``read`` makes of its verified answer.

        If the response is refused, because of its signature or by ``read``, its connection is
        closed: what comes next on it might be the response to another request.

        Args:
            method: HTTP method, upper case.
            target: Path and query, percent-encoded; sent and signed as it is.
            read: Reads a verified answer.
            body: Sent and signed as it is.
            private: Texts that must not appear in errors.
            timeouts: Instead of the transport's own.
            permit: Checked again when the request is written.
            options: What the caller set of this request.
            exchange: Filled in while the request is sent.

        Raises:
            PalmError: As drawn in :mod:`palm.errors`.
        """
        if isinstance(self.verifier, CertificateStore) and self.verifier.needs_refresh():
            await self._refresh(self.verifier)
        with await self.send(
            method, target, body, timeouts, permit, options=options, exchange=exchange
        ) as raw:
            try:
                result = read(await self._verified(raw, private))
            except PalmError as error:
                error.host = shown_host(raw.host)
                error.headers = safe_headers(raw.headers, private)
                if isinstance(error, StateError) or (
                    isinstance(error, APIError) and error.verified
                ):
                    raw.keep_connection()
                raise
            raw.keep_connection()
            return result

    async def _verified(self, raw: RawResponse, private: tuple[str, ...]) -> Answer:
        """Return the answer in a response; raise an error if it is not verified, or is an error."""
        status, headers, content = raw.status, raw.headers, raw.content
        signature_error: SignatureError | None = None
        signed_by = ""
        try:
            signed_by = await self.verify(headers, content)
        except SignatureError as error:
            signature_error = error
            if error.reason is SignatureReason.REPLAYED:  # it was the answer to another request
                raise _identified(error, status, headers) from None
        verified = signature_error is None
        status_error = error_of(status, headers, content, verified=verified, private=private)
        if status_error is not None:
            raise status_error
        if signature_error is not None:
            raise _identified(signature_error, status, headers)
        return Answer(status, headers, content, signed_by, private=private)

    async def verify(self, headers: Mapping[str, str], content: bytes) -> str:
        """Return the id of the key that signed a response, and remember its signature.

        Raises:
            SignatureError: The signature does not verify, or was accepted before.
        """
        now = int(self._clock.wall())
        signed = signature_headers(headers)
        read = signed if type(self.verifier) in _BUILT_IN else headers
        signed_by = await self._verify(read, content, now)
        self._replays.accept(signed, now=now)
        return signed_by

    @property
    def apiv3_key(self) -> APIv3Key | None:
        """The merchant's APIv3 key; None if the verifier does not know it."""
        return self.verifier.key if isinstance(self.verifier, CertificateStore) else None

    async def verify_notification(self, headers: Headers, body: bytes) -> str:
        """Return the id of the key that signed a notification, which may come more than once.

        The verifier gets the signature headers under their documented names.

        Raises:
            SignatureError: The signature does not verify.
            PalmError: The keys could not be downloaded.
        """
        self.bind_loop()
        now = int(self._clock.wall())
        signed = signature_headers(headers)
        if isinstance(self.verifier, CertificateStore) and self.verifier.needs_refresh():
            SignatureHeaders.of(signed).check_timestamp(now)  # anybody can send a notification
            await self._refresh(self.verifier, pause_s=_PAUSE_S)
        return await self._verify(signed, body, now)

    async def _verify(self, headers: Mapping[str, str], content: bytes, now: int) -> str:
        """Verify a response; the id of a new key may need a download of certificates."""
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

    async def _refresh(self, store: CertificateStore, *, pause_s: float = 0.0) -> None:
        await store.refresh(
            self._fetch_certificates,
            now=self._clock.wall,
            accept=self._replays.accept,
            pause_s=pause_s,
        )

    async def _fetch_certificates(self) -> tuple[Mapping[str, str], bytes]:
        with await self.send("GET", CERTIFICATES) as raw:  # the certificate store verifies it
            status, headers, content = raw.status, raw.headers, raw.content
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
        *,
        options: RequestOptions = PLAIN,
        exchange: Exchange | None = None,
    ) -> RawResponse:
        """Send one request, signed anew; return its response, not yet verified.

        Raises:
            TransportError: There was no complete response.
            SignerError: The signer failed, or did not return in time.
            LocalResourceError: This machine lacks a resource that a connection needs.
            BodyError: The response was longer than ``options`` allow.
        """
        signing = Signing(self._request_signer, method, target, body, options.own_headers)
        signer_is_slow = False
        host = self.hosts.choose(self._clock.monotonic())
        exchange = exchange or Exchange()
        exchange.base_url = host
        try:
            raw = await self._transport.send(
                method,
                host + target,
                signing,
                body,
                timeouts,
                permit=permit,
                max_body=options.max_body,
            )
        except CertificateRefusedError as error:  # its host may be a proxy's
            self.hosts.failed(host, self._clock.monotonic(), refused=True)
            error.everywhere = self.hosts.refused_everywhere
            raise
        except SignerError:
            raise
        except PalmError as error:
            signer_is_slow = signing.is_running and isinstance(error, TimedOutError)
            if not signer_is_slow:
                error.host = shown_host(host)
                if isinstance(error, TransportError):
                    self.hosts.failed(host, self._clock.monotonic())
                raise
        finally:
            if permit is not None:
                permit.return_slot()
        if signer_is_slow:
            raise SignerTimeoutError("the signer did not return in time")
        raw.host = host
        exchange.status, exchange.headers = raw.status, raw.headers
        exchange.received_bytes = len(raw.content)
        self.hosts.answered(host)
        return raw


def _identified(error: SignatureError, status: int, headers: Mapping[str, str]) -> SignatureError:
    """Return the error with status and request id of its response."""
    error.status, error.request_id = status, request_id_of(headers)
    return error
