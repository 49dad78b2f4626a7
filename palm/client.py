"""The client for asynchronous code: signs, paces and repeats requests, and verifies responses."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from palm.chain import AsyncNode
from palm.clock import Clock, checked_clock
from palm.crypto.keys import Merchant, PlatformKeys
from palm.crypto.request_signing import random_nonce
from palm.crypto.signing import RSASigner, RSAVerifier
from palm.crypto.thread_signer import ThreadSigner
from palm.forks import BoundToProcess, shallow_copy
from palm.http.answer import Answer
from palm.http.query import QuerySender
from palm.http.request.attempts import AttemptReporter
from palm.http.request.options import PLAIN, RequestOptions
from palm.http.signed import SignedTransport
from palm.http.tls import tls_context
from palm.http.transport import Transport
from palm.http.url import checked_base_url, checked_proxy
from palm.notifications.parsing import Notifications
from palm.options.checks import (
    check_options,
    check_settings,
    check_unnamed,
    checked_path,
    checked_timeouts,
)
from palm.options.client_options import BASE_URLS, ClientOptions, CopyOptions, SettingsOptions
from palm.palmservice import Authorizations
from palm.resilience.adaptive_rate import Adaptation
from palm.resilience.admission import Admission
from palm.resilience.breaker import Breaker
from palm.resilience.connection_limit import ConnectionLimit
from palm.resilience.failover import Hosts
from palm.resilience.pacer import Pacer
from palm.resilience.retry import Retry

if TYPE_CHECKING:
    from palm.settings import Settings

__all__ = ["AsyncPalm"]

T = TypeVar("T")


class AsyncPalm(BoundToProcess):
    """A client of WeChat Pay's palm service that returns only what it has verified.

    Args:
        merchant: The merchant and its key; or a Signer of your own, for a key not in memory.
        keys: The platform's keys; or a CertificateStore; or a Verifier of your own.
        base_url: ``https://…``, or ``http://`` to this machine; or several: main, then backup.
        rate: Requests per second that WeChat Pay allows; None: requests are not paced.
        pacer: Instead of ``rate``, a pacer that several clients share, or a RateLimiter.
        retry: When a GET is sent again; other methods are sent once.
        timeout: Seconds for a whole attempt; or Timeouts.
        timeouts: For each attempt, instead of ``timeout``, or together with its number.
        adaptation: How the rate is lowered when requests are throttled; or, with the ``pacer``
            that it was made for, an Adaptation that several clients share.
        hosts: When to switch to the backup.
        breaker: When to stop asking while the gateway is down; or a Breaker that several clients
            share; None: never.
        proxy: URL of an HTTP proxy; None: the one that ``HTTPS_PROXY`` and ``NO_PROXY`` name.
        ca_file: Certificates in PEM that TLS trusts in addition to those of the system; see
            :func:`palm.http.tls.tls_context`.
        connections: How many requests are in flight at a time; others wait, and no timeout counts
            that wait. None: half of the files that the process may open.
        accept_unnamed: Whether to accept answers that do not name the pair. The signature does not
            cover the request, so nothing proves that such an answer belongs to it.
        require_echo: The default, kept for older programs; it contradicts ``accept_unnamed``.
        on_attempt: Called in the event loop with the result of every attempt; must not block.
        nonce: Returns a new random text for every request.
        clock: The time, for the client and all its parts.
        steady: Deprecated: use ``clock``.
        sleep: Deprecated: use ``clock``.

    Use it as an async context manager, within one event loop: that of its first request.

    Attributes:
        hosts: Chooses the host of the next request: main or backup.
        accept_unnamed: Whether an answer that does not name the pair is accepted.

    Raises:
        SettingsError: An option is missing, unknown or wrong: a base URL is not safe to send to,
            the platform's keys are the merchant's own, ``ca_file`` holds no certificates, or two
            options contradict each other.
    """

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        check_options(options, ClientOptions.__annotations__, required=("merchant", "keys"))
        merchant, keys = options["merchant"], options["keys"]
        own = merchant.merchant if isinstance(merchant, ThreadSigner) else merchant
        if isinstance(own, Merchant) and isinstance(keys, PlatformKeys):
            keys.check_against(own)
        base_url = options.get("base_url", BASE_URLS)
        urls = [base_url] if isinstance(base_url, str) else base_url
        clock = checked_clock(
            options.get("clock"),
            reading="wall",
            monotonic=options.get("steady"),
            sleep=options.get("sleep"),
        )
        timeouts = checked_timeouts(options.get("timeout"), options.get("timeouts"))
        tls = tls_context(checked_path("ca_file", options.get("ca_file")))
        proxy = options.get("proxy")
        self.hosts: Hosts = Hosts([checked_base_url(url) for url in urls], options.get("hosts"))
        self.accept_unnamed: bool = check_unnamed(
            accept_unnamed=options.get("accept_unnamed", False),
            require_echo=options.get("require_echo", False),
        )
        self._original: weakref.ref[AsyncPalm] | None = None
        self._queries = QuerySender(
            SignedTransport(
                RSASigner(merchant) if isinstance(merchant, Merchant) else merchant,
                RSAVerifier(keys) if isinstance(keys, PlatformKeys) else keys,
                self.hosts,
                Transport(timeouts, checked_proxy(proxy) if proxy else None, tls),
                clock=clock,
                nonce=options.get("nonce", random_nonce),
            ),
            Admission.of(
                rate=options.get("rate"),
                pacer=options.get("pacer"),
                adaptation=options.get("adaptation"),
                breaker=options.get("breaker"),
                clock=clock,
            ),
            options.get("retry") or Retry(),
            ConnectionLimit(options.get("connections")),
            timeouts,
            clock,
            AttemptReporter.of(options.get("on_attempt")),
        )

    @property
    def pacer(self) -> Pacer | None:
        """What spaces the requests; None without one, and with a RateLimiter of your own."""
        return self._queries.admission.pacer

    @property
    def adaptation(self) -> Adaptation | None:
        """What lowers and raises the pacer's rate; None if the client is not paced."""
        return self._queries.admission.adaptation

    @property
    def breaker(self) -> Breaker | None:
        """What holds requests back while the gateway is down; None if the client has none."""
        return self._queries.admission.breaker

    @classmethod
    def from_env(
        cls, config: str | PathLike[str] | None = None, **options: Unpack[SettingsOptions]
    ) -> Self:
        """Return a client with the settings in ``PALM_*`` variables, then in ``palm.toml``.

        Args:
            config: Path of ``palm.toml``; default: the one in the current folder, if there is one.
            options: Arguments of the class, which replace settings.

        Raises:
            SettingsError: A setting or an option is missing, unknown or wrong.
        """
        check_options(options, SettingsOptions.__annotations__)
        from palm.settings import load_settings, read_config  # noqa: PLC0415 - slow to import

        return cls.from_settings(
            load_settings(read_config(checked_path("config", config))), **options
        )

    @classmethod
    def from_settings(cls, settings: Settings, **options: Unpack[SettingsOptions]) -> Self:
        """Return a client with ``settings``.

        Args:
            settings: As :func:`palm.settings.load_settings` returns them.
            options: Arguments of the class, which replace settings.

        Raises:
            SettingsError: A setting or an option is missing, unknown or wrong.
        """
        check_options(options, SettingsOptions.__annotations__)
        check_settings(settings)
        clock = options.get("clock")
        arguments: ClientOptions = {
            "merchant": settings.merchant(),
            "keys": settings.verifying_keys(clock=clock if isinstance(clock, Clock) else None),
            "base_url": settings.base_url or BASE_URLS,
            "proxy": settings.proxy,
            "ca_file": settings.ca_file,
            "accept_unnamed": settings.accept_unnamed,
            "require_echo": settings.require_echo,
        }
        arguments.update(options)
        return cls(**arguments)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; of a copy with other options: if its original is gone."""
        if self._original is None or self._original() is None:
            await self._queries.transport.close()

    def with_options(self, **options: Unpack[CopyOptions]) -> Self:
        """Return a client with other options that shares this one's connections, pacer and keys.

        Args:
            timeout: Seconds for a whole attempt, or all timeouts; None: as in this client.
            retry: When a GET is sent again; None: as in this client.

        Raises:
            SettingsError: An option is unknown or wrong.
        """
        check_options(options, CopyOptions.__annotations__)
        queries = self._queries
        other = shallow_copy(self)
        other._original = self._original or weakref.ref(self)  # noqa: SLF001 - a copy of this client
        other._queries = replace(  # noqa: SLF001
            queries,
            timeouts=checked_timeouts(options.get("timeout"), queries.timeouts),
            retry=options.get("retry") or queries.retry,
        )
        return other

    __copy__ = with_options

    @property
    def authorizations(self) -> Authorizations:
        """The palm service's interfaces, typed."""
        return Authorizations(self)

    @property
    def notifications(self) -> Notifications:
        """Verifies, decrypts and reads what WeChat Pay sends to the merchant's own URL."""
        return Notifications(self._queries.transport)

    @property
    def v3(self) -> AsyncNode:
        """The first node of a chain: ``palm.v3.palmservice.…``."""
        return self.chain("v3")

    def chain(self, path: str) -> AsyncNode:
        """Return the node at ``path``, taken literally: ``palm.chain("v3/…/{openid}")``."""
        return AsyncNode("", self.send).chain(path)

    __getitem__ = chain
    __iter__ = None  # a client is not a sequence, though it takes keys

    async def send(  # noqa: PLR0917 - chains pass all by position
        self,
        method: str,
        target: str,
        body: bytes = b"",
        private: tuple[str, ...] = (),
        route: str | None = None,
        options: RequestOptions = PLAIN,
    ) -> Answer:
        """Return the verified answer to a request; see :meth:`ask`."""
        return await self._queries.send(
            method, target, lambda it: it, body, private=private, route=route, options=options
        )

    async def ask(
        self,
        method: str,
        target: str,
        read: Callable[[Answer], T],
        *,
        body: bytes = b"",
        private: tuple[str, ...] = (),
        route: str | None = None,
        options: RequestOptions = PLAIN,
    ) -> T:
        """Return what ``read`` makes of the verified answer; a GET is sent again if that may help.

        Args:
            method: HTTP method, upper case; only a GET is ever sent again.
            target: Path and query, percent-encoded; sent and signed as it is.
            read: Called with the verified answer. If it raises a TransientError, the attempt has
                failed.
            body: Sent and signed as it is.
            private: Texts that must not appear in errors.
            route: The path with names of variables instead of their values, for errors.
            options: Headers, content type, and the size of the largest answer.

        Raises:
            PalmError: As drawn in :mod:`palm.errors`.
        """
        return await self._queries.send(
            method, target, read, body, private=private, route=route, options=options
        )
