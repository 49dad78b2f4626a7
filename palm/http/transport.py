"""Sends bytes and receives bytes; knows aiohttp, as connections.py and failures.py do."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Mapping
from functools import lru_cache
from io import BytesIO
from typing import Final, TypedDict

import aiohttp
from yarl import URL

from palm import __version__
from palm.errors import (
    BodyError,
    ClosedError,
    EventLoopError,
    LocalResourceError,
    PalmError,
)
from palm.forks import reset_in_child
from palm.http.connections import (
    Connections,
    HeaderSigner,
    OutgoingRequest,
    RawResponse,
    WritePermit,
    current_request,
)
from palm.http.failures import translated
from palm.http.local_resources import missing_resource
from palm.http.request.options import MAX_BODY_BYTES
from palm.http.request.timeouts import Timeouts
from palm.http.request_timer import RequestTimer, TimerQueue
from palm.http.url import checked_base_url, checked_proxy, environment_proxy

__all__ = ["Timeouts", "Transport", "checked_base_url", "checked_proxy", "environment_proxy"]

_log: Final = logging.getLogger("palm")
_OTHER_LOOP: Final = (
    "this AsyncPalm already belongs to another event loop: make one for each loop, within it, or "
    "use one Palm, which any thread may call"
)
_LONGEST_BYTES: Final = 1024 * 1024


class _RequestOptions(TypedDict, total=False):
    """Arguments of the library's ``request``."""

    allow_redirects: bool
    data: bytes | BytesIO | None
    proxy: URL
    skip_auto_headers: tuple[str, ...]
    timeout: aiohttp.ClientTimeout


@lru_cache(maxsize=8)
def _proxy_url(proxy: str) -> URL:
    """Return a proxy's URL such that the library sends user and password in UTF-8, as curl does.

    The library encodes them in Latin-1, so each byte of the UTF-8 becomes a character of Latin-1.
    """
    url = URL(proxy)
    if url.raw_user is None and url.raw_password is None:
        return url
    user, password = ((part or "").encode().decode("latin-1") for part in (url.user, url.password))
    return url.with_user(user).with_password(password)


@lru_cache(maxsize=8)
def _client_timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    # RequestTimer limits the total: the library's timer would run while a request waits for quota.
    return aiohttp.ClientTimeout(total=None, connect=timeouts.connect_s)


class Transport:
    """Sends requests as they are and returns responses as they came, not verified.

    Args:
        timeouts: For each request that has none of its own.
        proxy: URL of an HTTP proxy; None: the one that ``HTTPS_PROXY`` and ``NO_PROXY`` name.
        tls: Which certificates to trust; None: those of the system.
    """

    def __init__(
        self, timeouts: Timeouts, proxy: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._timeouts = timeouts
        self._proxy = proxy
        self._tls: ssl.SSLContext | bool = True if tls is None else tls
        self._logged: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None
        self._connections: Connections | None = None
        self._is_closed = False
        self._timer_queues: dict[float, TimerQueue] = {}
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the parent's event loop and connections."""
        if self._connections is not None:
            self._connections.abandon()
        self._loop = self._session = self._connections = None
        self._timer_queues = {}

    def bind_loop(self) -> None:
        """Belong to the running event loop from now on; it is that of the first request.

        Raises:
            ClosedError: The transport is closed.
            EventLoopError: The first request was sent in another event loop.
        """
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._is_closed:
            raise ClosedError
        if self._loop is not None:
            raise EventLoopError(_OTHER_LOOP)
        self._loop = loop

    async def close(self) -> None:
        """Close all connections; the transport cannot be used again."""
        self._is_closed = True
        loop, self._loop = self._loop, None
        if loop is None or loop is asyncio.get_running_loop() or loop.is_closed():
            await self._close()
        elif loop.is_running():
            closing = asyncio.run_coroutine_threadsafe(self._close(), loop)
            await asyncio.wrap_future(closing)
        elif self._connections is not None:
            self._connections.close_soon()

    async def _close(self) -> None:
        for queue in self._timer_queues.values():
            queue.close()
        if self._session is not None:
            await self._session.close()
        self._session = self._connections = None

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | HeaderSigner,
        body: bytes,
        timeouts: Timeouts | None = None,
        *,
        permit: WritePermit | None = None,
        max_body: int = MAX_BODY_BYTES,
    ) -> RawResponse:
        """Return the response, which keeps its connection until it is verified.

        Args:
            method: HTTP method, upper case.
            url: Sent as it is, so percent-encoded.
            headers: In addition to those that every request has; or what signs them.
            body: Sent as it is.
            timeouts: Instead of the transport's own.
            permit: Checked when the connection is ready; None: the request is written at once.
            max_body: The size of the longest body that is read, in bytes.

        Raises:
            TransportError: There was no complete response.
            LocalResourceError: This machine lacks a resource that a connection needs.
            BodyError: The response was longer than ``max_body``.
            SettingsError: The environment names a proxy whose URL is not valid.
            ClosedError: The transport is closed.
            EventLoopError: The first request was sent in another event loop.
        """
        timeouts = timeouts or self._timeouts
        options = self._options(method, url, body, timeouts)
        session = self._open()
        timer = RequestTimer(self._timer_queue(timeouts.total_s))
        signer, unsigned = (None, headers) if isinstance(headers, Mapping) else (headers, {})
        request = OutgoingRequest(permit, timer, signer)
        token = current_request.set(request)
        try:
            with timer:
                given = unsigned if signer is None else await signer.headers()
                return await _response(
                    session.request(method, URL(url, encoded=True), headers=given, **options),
                    request,
                    max_body,
                )
        except PalmError:  # some of them are also an OSError
            request.release(verified=False)
            raise
        except (aiohttp.ClientError, OSError) as error:
            request.release(verified=False)
            failure = self._translated(error)
        except BaseException:
            request.release(verified=False)
            raise
        finally:
            current_request.reset(token)
        raise failure  # outside the except block so that the library's error is not chained

    def _options(self, method: str, url: str, body: bytes, timeouts: Timeouts) -> _RequestOptions:
        options: _RequestOptions = {"allow_redirects": False}
        if timeouts is not self._timeouts:
            options["timeout"] = _client_timeout(timeouts)
        if proxy := self._proxy or environment_proxy(url):
            options["proxy"] = _proxy_url(proxy)
        if body or method != "GET":  # without a body, the library would still name a content type
            # The library warns of longer bytes; it reads a stream in pieces, and sends the same.
            options["data"] = BytesIO(body) if len(body) > _LONGEST_BYTES else body or None
            options["skip_auto_headers"] = ("Content-Type",)
        return options

    def _translated(self, error: aiohttp.ClientError | OSError) -> PalmError:
        """Return our own error for one of the library's; a missing resource is logged once."""
        if isinstance(error.__cause__, PalmError):  # the library wraps ours, if it is an OSError
            return error.__cause__
        if (resource := missing_resource(error)) is None:
            return translated(error)
        if resource not in self._logged:
            self._logged.add(resource)
            _log.warning("no connection: %s", resource)
        return LocalResourceError(f"no connection: {resource}")

    def _timer_queue(self, seconds: float) -> TimerQueue:
        queue = self._timer_queues.get(seconds)
        if queue is None:
            queue = self._timer_queues[seconds] = TimerQueue(seconds)
        return queue

    def _open(self) -> aiohttp.ClientSession:
        self.bind_loop()
        if self._session is None:
            self._connections = Connections(idle_s=self._timeouts.idle_s, tls=self._tls)
            self._session = aiohttp.ClientSession(
                connector=self._connections,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=_client_timeout(self._timeouts),
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"palm-reconcile/{__version__}",
                },
            )
            # The library would send a request again when a kept-alive connection broke: with the
            # same nonce and outside the pacer. Connections refuse that, too, without the cause.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session


async def _response(
    sending: Awaitable[aiohttp.ClientResponse], request: OutgoingRequest, max_body: int
) -> RawResponse:
    response = await sending
    try:
        content = await _read(response, max_body)
    finally:
        if not response.closed:  # it is closed once it has been read to its end
            response.release()
    headers = response.headers.copy()  # the library's own view of them cannot be pickled
    return RawResponse(response.status, headers, content, request)


async def _read(response: aiohttp.ClientResponse, max_body: int) -> bytes:
    if response.content.is_eof():  # it came with the headers: there is nothing to wait for
        body = response.content.read_nowait()
        if len(body) <= max_body:
            return body
        raise _too_long(max_body)
    if response.content_length is not None and response.content_length <= max_body:
        return await response.read()
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > max_body:
            response.close()
            raise _too_long(max_body)
    return b"".join(chunks)


def _too_long(max_body: int) -> BodyError:
    return BodyError(f"the response is longer than {max_body} bytes")
