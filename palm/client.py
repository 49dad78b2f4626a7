"""The client: build, sign, send, verify, read; each attempt in a slot of its own."""

from __future__ import annotations

import asyncio
import secrets
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from palm.adaptation import Adaptation
from palm.authorization import PalmAuthorization, read_authorization
from palm.errors import PalmError, SignatureError, ThrottledError
from palm.keys import Merchant, PlatformKeys
from palm.pacer import Pacer
from palm.response import Response, error_of
from palm.retrying import Retry, persist
from palm.settings import load_settings, read_config
from palm.signing import RSASigner, RSAVerifier, Signer, Verifier, authorization, message
from palm.template import fill
from palm.transport import Timeouts, Transport, checked_base_url

__all__ = ["BASE_URL", "AsyncPalm", "Attempt", "Authorizations"]

BASE_URL: Final = "https://api.mch.weixin.qq.com"
_QUERY: Final = "/v3/palmservice/authorization/openid/{openid}"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request's fate, for those who count.

    Attributes:
        elapsed_s: From its slot to its verdict.
        error: None where it was answered and believed.
    """

    elapsed_s: float
    error: PalmError | None


class AsyncPalm:
    """A client of WeChat Pay's palm service that believes only what it has verified.

    Args:
        merchant: Who asks; or a Signer of your own, for a key that is not in memory.
        keys: The platform's keys; or a Verifier of your own.
        base_url: ``https://…``, or ``http://`` to this very machine.
        rate: Requests per second that WeChat Pay allows; None: not paced.
        retry: How persistently to ask.
        timeouts: For each attempt.
        require_echo: Refuse answers that do not name the pair that they are about.
        on_attempt: Told of every attempt.
        clock: Unix seconds.
        nonce: Returns a new random text for every request.
        sleep: Waits so many seconds.

    Use it as an async context manager, within one event loop.

    Raises:
        SettingsError: The base URL is not safe to send to, or the platform's keys are the
            merchant's own.
    """

    def __init__(
        self,
        *,
        merchant: Merchant | Signer,
        keys: PlatformKeys | Verifier,
        base_url: str = BASE_URL,
        rate: float | None = None,
        retry: Retry | None = None,
        timeouts: Timeouts | None = None,
        require_echo: bool = False,
        on_attempt: Callable[[Attempt], None] | None = None,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if isinstance(merchant, Merchant) and isinstance(keys, PlatformKeys):
            keys.check_against(merchant)
        self._signer: Signer = RSASigner(merchant) if isinstance(merchant, Merchant) else merchant
        self._verifier: Verifier = RSAVerifier(keys) if isinstance(keys, PlatformKeys) else keys
        self._transport = Transport(checked_base_url(base_url), timeouts or Timeouts())
        self._retry = retry or Retry()
        self._on_attempt = on_attempt
        self._clock = clock
        self._nonce = nonce
        self._sleep = sleep
        self.pacer = Pacer(rate) if rate is not None else None
        self.adaptation = Adaptation(self.pacer) if self.pacer else None
        self.authorizations = Authorizations(self, require_echo=require_echo)

    @classmethod
    def from_env(cls, config: Path | None = None, **options: Any) -> Self:  # noqa: ANN401
        """Return a client with the keys of ``PALM_*`` variables, then of ``palm.toml``.

        Args:
            config: Path of ``palm.toml``; default the current folder's, where there is one.
            options: As the class takes them, and instead of what the settings say.

        Raises:
            SettingsError: Something is missing or wrong.
        """
        settings = load_settings(read_config(config))
        found: dict[str, Any] = {
            "merchant": settings.merchant(),
            "keys": settings.platform_keys(),
            "base_url": settings.base_url or BASE_URL,
        }
        return cls(**{**found, **options})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def ask(
        self,
        method: str,
        target: str,
        read: Callable[[Response], T],
        *,
        body: bytes = b"",
        private: tuple[str, ...] = (),
    ) -> T:
        """Return what ``read`` makes of the verified answer, asking again where that may help.

        Args:
            method: HTTP method, upper case.
            target: Path and query, percent-encoded; sent and signed as it is.
            read: Reads a verified answer; a TransientError that it raises is a failed attempt.
            body: Sent and signed as it is.
            private: Texts that must not appear in errors.

        Raises:
            PalmError: As drawn in :mod:`palm.errors`.
        """
        sent = 0

        async def attempt() -> T:
            nonlocal sent
            if self.pacer is not None:
                await self.pacer.acquire()
            sent += 1
            started = time.monotonic()
            error: PalmError | None = None
            try:
                response = await self._exchange(method, target, body, private, sent)
                return read(response)
            except PalmError as failed:
                error = failed
                error.attempts = sent
                raise
            finally:
                self._note(started, error)

        return await persist(attempt, self._retry, sleep=self._sleep)

    def _note(self, started: float, error: PalmError | None) -> None:
        now = time.monotonic()
        if self.adaptation is not None:
            throttled = isinstance(error, ThrottledError)
            self.adaptation.answered(
                sent=started,
                now=now,
                throttled=throttled,
                retry_after_s=error.retry_after_s if isinstance(error, ThrottledError) else None,
            )
        if self._on_attempt is not None:
            self._on_attempt(Attempt(now - started, error))

    async def _exchange(
        self, method: str, target: str, body: bytes, private: tuple[str, ...], attempts: int
    ) -> Response:
        """Send one signed request and return its verified answer."""
        timestamp, nonce = str(int(self._clock())), self._nonce()
        signature = self._signer.sign(message(method, target, timestamp, nonce, body))
        if not isinstance(signature, bytes):
            signature = await signature
        sent = {
            "Authorization": authorization(
                self._signer.mchid,
                self._signer.serial_no,
                b64encode(signature).decode(),
                timestamp=timestamp,
                nonce_str=nonce,
            ),
            "Wechatpay-Serial": self._verifier.preferred,
        }
        if body:
            sent["Content-Type"] = "application/json"
        status, headers, content = await self._transport.send(method, target, sent, body)
        signed_by, unbelieved = self._verify(headers, content)
        verified = unbelieved is None
        if error := error_of(status, headers, content, verified=verified, private=private):
            raise error
        if unbelieved is not None:
            unbelieved.status, unbelieved.request_id = status, headers.get("Request-ID")
            raise unbelieved
        return Response(status, headers, content, signed_by, attempts)

    def _verify(
        self, headers: Mapping[str, str], content: bytes
    ) -> tuple[str, SignatureError | None]:
        try:
            return self._verifier.verify(headers, content, now=int(self._clock())), None
        except SignatureError as error:
            return "", error


class Authorizations:
    """Who has authorized whom."""

    def __init__(self, palm: AsyncPalm, *, require_echo: bool) -> None:
        self._palm = palm
        self._require_echo = require_echo

    async def get(self, openid: str, organization_id: str) -> PalmAuthorization:
        """Return what WeChat Pay says about one person and one organization.

        Raises:
            PalmError: As drawn in :mod:`palm.errors`.

        Source: https://pay.weixin.qq.com/doc/v3/partner/4014482017
        """
        target = fill(_QUERY, {"openid": openid}, {"organization_id": organization_id})

        def read(response: Response) -> PalmAuthorization:
            try:
                return read_authorization(
                    response.content,
                    openid=openid,
                    organization_id=organization_id,
                    request_id=response.request_id,
                    verified_by=response.verified_by,
                    require_echo=self._require_echo,
                    attempts=response.attempts,
                )
            except PalmError as error:
                error.status, error.request_id = response.status, response.request_id
                raise

        return await self._palm.ask("GET", target, read, private=(openid,))
