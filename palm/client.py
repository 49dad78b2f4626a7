"""The client for asynchronous code: paced, persistent, and in the documentation's own words."""

from __future__ import annotations

import asyncio
import copy
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from palm.chain import Node
from palm.crypto.keys import Merchant, PlatformKeys
from palm.crypto.signing import RSASigner, RSAVerifier, Signer, Verifier
from palm.errors import PalmError, ThrottledError, TransientError
from palm.http.attempt import Attempt
from palm.http.response import Response
from palm.http.signed import SignedTransport
from palm.http.tls import tls_context
from palm.http.transport import Timeouts, Transport
from palm.http.url import checked_base_url, checked_proxy
from palm.palmservice import Authorizations
from palm.resilience.adaptive_rate import Adaptation, AdaptationRules
from palm.resilience.breaker import Breaker, BreakerRules
from palm.resilience.failover import HostRules, Hosts
from palm.resilience.pacer import Pacer, Permit
from palm.resilience.retry import Retry, call_with_retry
from palm.settings import Settings, check_unnamed, load_settings, read_config

__all__ = ["BASE_URLS", "AsyncPalm"]

BASE_URLS: Final = ("https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com")
"""Main, then backup: https://pay.weixin.qq.com/doc/v3/partner/4014482017"""

T = TypeVar("T")


@dataclass(slots=True)
class _Answers:
    """How many questions were answered, shared by a client and those made of it."""

    count: int = 0


class AsyncPalm:
    """A client of WeChat Pay's palm service that believes only what it has verified.

    Args:
        merchant: Who asks; or a Signer of your own, for a key that is not in memory.
        keys: The platform's keys; or CertificateStore; or a Verifier of your own.
        base_url: ``https://…``, or ``http://`` to this very machine; or several: main, then backup.
        rate: Requests per second that WeChat Pay allows; None: not paced.
        retry: How persistently to ask; GET only, all else is sent once.
        timeouts: For each attempt.
        adaptation: How the pace answers to throttles.
        hosts: When to use the backup.
        breaker: When to stop asking while the gateway is down; None: never.
        proxy: URL of an HTTP proxy; None: the one that ``HTTPS_PROXY`` and ``NO_PROXY`` say.
        ca_file: Certificates in PEM that TLS trusts besides the system's; see
            :func:`palm.http.tls.tls_context`.
        accept_unnamed: Believe answers that do not name the pair that they are about, too. The
            signature does not cover the question, so nothing ties such an answer to it.
        require_echo: The default, kept for programs that say it; not together with
            ``accept_unnamed``.
        on_attempt: Told of every attempt.
        clock: Unix seconds.
        nonce: Returns a new random text for every request.
        steady: Seconds on a clock that never goes back.
        sleep: Waits so many seconds.

    Use it as an async context manager, within one event loop.

    Attributes:
        pacer: Sets the pace; None where ``rate`` is.
        adaptation: Lowers and raises it; None where ``rate`` is.
        breaker: Holds requests back in an outage; None where it was not asked for.
        hosts: Which host is asked now.
        accept_unnamed: As given.

    Raises:
        SettingsError: A base URL is not safe to send to, the platform's keys are the merchant's
            own, ``ca_file`` holds no certificates, or ``require_echo`` and ``accept_unnamed`` are
            both given.
    """

    def __init__(
        self,
        *,
        merchant: Merchant | Signer,
        keys: PlatformKeys | Verifier,
        base_url: str | Sequence[str] = BASE_URLS,
        rate: float | None = None,
        retry: Retry | None = None,
        timeouts: Timeouts | None = None,
        adaptation: AdaptationRules | None = None,
        hosts: HostRules | None = None,
        breaker: BreakerRules | None = None,
        proxy: str | None = None,
        ca_file: Path | None = None,
        accept_unnamed: bool = False,
        require_echo: bool = False,
        on_attempt: Callable[[Attempt], None] | None = None,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: os.urandom(16).hex(),
        steady: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if isinstance(merchant, Merchant) and isinstance(keys, PlatformKeys):
            keys.check_against(merchant)
        urls = [base_url] if isinstance(base_url, str) else base_url
        self.hosts = Hosts([checked_base_url(url) for url in urls], hosts)
        self._timeouts = timeouts or Timeouts()
        self._exchange = SignedTransport(
            RSASigner(merchant) if isinstance(merchant, Merchant) else merchant,
            RSAVerifier(keys) if isinstance(keys, PlatformKeys) else keys,
            self.hosts,
            Transport(
                self._timeouts, checked_proxy(proxy) if proxy else None, tls_context(ca_file)
            ),
            clock=clock,
            nonce=nonce,
        )
        self._retry = retry or Retry()
        self._answers = _Answers()
        self._on_attempt = on_attempt
        self._steady = steady
        self._sleep = sleep
        self.accept_unnamed = check_unnamed(
            accept_unnamed=accept_unnamed, require_echo=require_echo
        )
        self.breaker = Breaker(breaker) if breaker is not None else None
        self.pacer = Pacer(rate, clock=steady) if rate is not None else None
        self.adaptation = Adaptation(self.pacer, adaptation) if self.pacer else None

    @classmethod
    def from_env(cls, config: Path | None = None, **options: Any) -> Self:  # noqa: ANN401
        """Return a client with the keys of ``PALM_*`` variables, then of ``palm.toml``.

        Args:
            config: Path of ``palm.toml``; default the current folder's, where there is one.
            options: As the class takes them, and instead of what the settings say.

        Raises:
            SettingsError: Something is missing or wrong.
        """
        return cls.from_settings(load_settings(read_config(config)), **options)

    @classmethod
    def from_settings(cls, settings: Settings, **options: Any) -> Self:  # noqa: ANN401
        """Return a client with the keys that ``settings`` name; see :meth:`from_env`."""
        found: dict[str, Any] = {
            "merchant": settings.merchant(),
            "keys": settings.verifying_keys(),
            "base_url": settings.base_url or BASE_URLS,
            "proxy": settings.proxy,
            "ca_file": settings.ca_file,
            "accept_unnamed": settings.accept_unnamed,
            "require_echo": settings.require_echo,
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
        await self._exchange.close()

    def with_options(
        self, *, timeout: float | Timeouts | None = None, retry: Retry | None = None
    ) -> Self:
        """Return this client with other options; it shares connections, pace and keys.

        Args:
            timeout: Seconds for a whole attempt, or all timeouts.
            retry: How persistently to ask.
        """
        other = copy.copy(self)
        if isinstance(timeout, Timeouts):
            other._timeouts = timeout  # noqa: SLF001 - a copy of ourselves
        elif timeout is not None:
            other._timeouts = replace(self._timeouts, total_s=timeout)  # noqa: SLF001
        other._retry = retry or self._retry  # noqa: SLF001
        return other

    @property
    def authorizations(self) -> Authorizations:
        """The palm service's interfaces, typed."""
        return Authorizations(self)

    @property
    def v3(self) -> Node[Awaitable[Response]]:
        """Where a chain begins: ``palm.v3.palmservice.…``."""
        return self.chain("v3")

    def chain(self, path: str) -> Node[Awaitable[Response]]:
        """Return the node at ``path``, taken literally: ``palm.chain("v3/…/{openid}")``."""
        send: Callable[..., Awaitable[Response]] = self.send
        return Node("", send).chain(path)

    __getitem__ = chain
    __iter__ = None  # a client is no sequence, though it takes keys

    async def send(
        self, method: str, target: str, body: bytes = b"", private: tuple[str, ...] = ()
    ) -> Response:
        """Return the verified answer to a request; see :meth:`ask`."""
        return await self.ask(method, target, lambda answer: answer, body=body, private=private)

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
            method: HTTP method, upper case; only a GET is ever sent again.
            target: Path and query, percent-encoded; sent and signed as it is.
            read: Reads a verified answer; a TransientError that it raises is a failed attempt.
            body: Sent and signed as it is.
            private: Texts that must not appear in errors.

        Raises:
            PalmError: As drawn in :mod:`palm.errors`.
        """
        sent = throttles = 0

        async def attempt() -> T:
            probe = await self._enter()
            try:
                return await once()
            finally:
                if probe and self.breaker is not None:
                    self.breaker.leave()

        def believed(response: Response) -> T:
            return _read(read, replace(response, attempts=sent) if sent > 1 else response)

        async def once() -> T:
            nonlocal sent, throttles
            sent += 1
            permit = Permit(self.pacer, clock=self._steady)
            try:
                answer = await self._exchange.ask(
                    method,
                    target,
                    believed,
                    body,
                    private=private,
                    timeouts=self._timeouts,
                    permit=permit,
                )
            except PalmError as error:
                error.take_out(private)
                error.attempts = sent
                throttles += isinstance(error, ThrottledError)
                self._note(permit, error, number=sent, throttles=throttles)
                raise
            # Not where the attempt was cancelled: nothing is known then.
            self._note(permit, None, number=sent)
            return answer

        if method != "GET":
            return await attempt()
        return await call_with_retry(
            attempt, self._retry, answers=lambda: self._answers.count, sleep=self._sleep
        )

    async def _enter(self) -> bool:
        """Wait for a slot while the gateway is up; say whether it is a probe while it is not."""
        while True:
            probe = self.breaker is not None and await self.breaker.enter()
            if self.pacer is not None:
                try:
                    await self.pacer.acquire()
                except asyncio.CancelledError:
                    if probe and self.breaker is not None:
                        self.breaker.leave()
                    raise
            if probe or self.breaker is None or not self.breaker.is_open:
                return probe

    def _note(
        self, permit: Permit, error: PalmError | None, *, number: int, throttles: int = 0
    ) -> None:
        """Tell all that listen how an attempt ended; ``throttles``: of its question so far."""
        now = self._steady()
        if not isinstance(error, TransientError):
            self._answers.count += 1
        throttle = error if isinstance(error, ThrottledError) else None
        counts = throttle is None or (throttles == 1 and self._retry.adapts)
        if self.adaptation is not None and permit.written_at is not None and counts:
            self.adaptation.answered(
                sent=permit.written_at,
                now=now,
                throttled=throttle is not None,
                retry_after_s=throttle.retry_after_s if throttle else None,
            )
        if self.breaker is not None:
            self.breaker.note(error)
        if self._on_attempt is not None:
            self._on_attempt(Attempt(now - permit.given_at, error, number))


def _read(read: Callable[[Response], T], response: Response) -> T:
    """Return what ``read`` makes of an answer; its errors learn which answer it was."""
    try:
        return read(response)
    except PalmError as error:
        error.status, error.request_id = response.status, response.request_id
        raise
