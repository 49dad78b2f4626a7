"""Bytes out, bytes in: with :mod:`palm.http.connections` all that knows the HTTP client library."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import aiohttp
from yarl import URL

from palm import __version__
from palm.errors import (
    BodyError,
    CertificateRefusedError,
    ConnectError,
    DisconnectedError,
    LocalResourceError,
    TimedOutError,
    TransportError,
)
from palm.http.connections import Answer, Attempt, Connections, Turn, current
from palm.http.deadlines import Deadline, Deadlines
from palm.http.local_resources import lacking
from palm.http.url import checked_base_url, checked_proxy, environment_proxy

__all__ = ["Timeouts", "Transport", "checked_base_url", "checked_proxy", "environment_proxy"]

_LONGEST_BODY: Final = 64 * 1024
_log: Final = logging.getLogger("palm")
_TOO_LONG: Final = f"the answer is longer than {_LONGEST_BODY} bytes"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds.

    Attributes:
        connect_s: For a connection, name and TLS included.
        total_s: For a whole attempt; it begins anew after a second wait for the quota
            (:class:`palm.resilience.pacer.Permit`).
        idle_s: A connection that lay idle for so long is not used again; the gateway closes
            them after 8 s (its ``Keep-Alive: timeout=8``).
    """

    connect_s: float = 5.0
    total_s: float = 15.0
    idle_s: float = 7.0


@lru_cache(maxsize=8)
def _through(proxy: str) -> URL:
    """Return a proxy's URL whose user and password the library sends in UTF-8, as curl does.

    The library writes them in Latin-1, so each byte of the UTF-8 becomes a character of that.
    """
    url = URL(proxy)
    if url.raw_user is None and url.raw_password is None:
        return url
    user, password = ((part or "").encode().decode("latin-1") for part in (url.user, url.password))
    return url.with_user(user).with_password(password)


@lru_cache(maxsize=8)
def _client_timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    # The total is ours to keep: the library's would run on while a request waits for the quota.
    return aiohttp.ClientTimeout(total=None, connect=timeouts.connect_s)


class Transport:
    """Sends requests as they are given and returns answers as they came.

    Args:
        timeouts: For each request that brings none of its own.
        proxy: URL of an HTTP proxy; None: the one that ``HTTPS_PROXY`` and ``NO_PROXY`` say.
        tls: Whom to trust; None: whom the system trusts.
    """

    def __init__(
        self, timeouts: Timeouts, proxy: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._timeouts = timeouts
        self._proxy = proxy
        self._tls: ssl.SSLContext | bool = True if tls is None else tls
        self._lacked: set[str] = set()
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._deadlines: dict[float, Deadlines] = {}

    async def close(self) -> None:
        """Close all connections, for good."""
        self._closed = True
        for deadlines in self._deadlines.values():
            deadlines.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeouts: Timeouts | None = None,
        *,
        turn: Turn | None = None,
    ) -> Answer:
        """Return the answer, which says whether its connection may be used again.

        Args:
            method: HTTP method, upper case.
            url: Sent as it is, so percent-encoded.
            headers: Beyond those that every request has.
            body: Sent as it is.
            timeouts: Instead of the transport's own.
            turn: Looked at when there is a connection; None: the request is written at once.

        Raises:
            TransportError: There was no complete answer.
            LocalResourceError: This machine lacks what a connection takes.
            BodyError: It was longer than 64 KiB.
            SettingsError: The environment names a proxy that is none.
            RuntimeError: The transport is closed.
        """
        special: dict[str, Any] = {}
        timeouts = timeouts or self._timeouts
        if timeouts is not self._timeouts:
            special["timeout"] = _client_timeout(timeouts)
        if proxy := self._proxy or environment_proxy(url):
            special["proxy"] = _through(proxy)
        if body or method != "GET":  # the library would call a body that is none a stream of octets
            special |= {"data": body or None, "skip_auto_headers": ("Content-Type",)}
        session = self._open()
        deadline = Deadline(self._deadlines_of(timeouts.total_s))
        attempt = Attempt(turn, deadline)
        before = current.set(attempt)
        try:
            with deadline:
                response = await session.request(
                    method,
                    URL(url, encoded=True),
                    headers=headers,
                    allow_redirects=False,
                    **special,
                )
                try:
                    content = await _read(response)
                finally:
                    if not response.closed:  # it is, once it is read to its end
                        response.release()
                received = response.headers.copy()  # the client's own view cannot be pickled
                return Answer(response.status, received, content, attempt)
        except (aiohttp.ClientError, OSError) as error:
            attempt.settle(believed=False)
            failed = self._translated(error)
        except BaseException:
            attempt.settle(believed=False)
            raise
        finally:
            current.reset(before)
        raise failed  # out here, so that the library's error does not hang on as its context

    def _translated(
        self, error: aiohttp.ClientError | OSError
    ) -> TransportError | LocalResourceError:
        """Return our own error for one of the library's; what this machine lacks is logged once."""
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return _refused(error)
        if (lack := lacking(error)) is None:
            return _translated(error)
        if lack not in self._lacked:
            self._lacked.add(lack)
            _log.warning("no connection: %s", lack)
        return LocalResourceError(f"no connection: {lack}")

    def _deadlines_of(self, seconds: float) -> Deadlines:
        found = self._deadlines.get(seconds)
        if found is None:
            found = self._deadlines[seconds] = Deadlines(seconds)
        return found

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:  # a session that is opened now would never be closed
            raise RuntimeError("the client is closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=Connections(
                    limit=0,
                    keepalive_timeout=self._timeouts.idle_s,
                    ttl_dns_cache=300,
                    ssl=self._tls,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=_client_timeout(self._timeouts),
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"palm-reconcile/{__version__}",
                },
            )
            # It would send a request again by itself on a kept-alive connection that broke: with
            # the same nonce and outside the pacer. Connections refuse that too, but know no cause.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if response.content.is_eof():  # it came along with the headers: there is nothing to wait for
        body = response.content.read_nowait()
        if len(body) <= _LONGEST_BODY:
            return body
        raise BodyError(_TOO_LONG)
    if response.content_length is not None and response.content_length <= _LONGEST_BODY:
        return await response.read()
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > _LONGEST_BODY:
            response.close()
            raise BodyError(_TOO_LONG)
    return b"".join(chunks)


def _translated(error: aiohttp.ClientError | OSError) -> TransportError:
    """Return our own error for one of the library's, whose text may hold the URL."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ConnectError("no connection: it took too long to make one")
    if isinstance(error, TimeoutError):
        return TimedOutError("no complete answer in time")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ConnectError(f"no connection: the proxy answers HTTP {error.status}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectError(f"no connection: {_cause(error.os_error)}")
    if isinstance(error, aiohttp.ClientError):
        return DisconnectedError(f"the connection broke: {_cause(error)}")
    return ConnectError(f"no connection: {_cause(error)}")


def _refused(error: aiohttp.ClientConnectorCertificateError) -> CertificateRefusedError:
    cause = error.certificate_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return CertificateRefusedError(
            error.host, cause.verify_message.rstrip("."), cause.verify_code
        )
    return CertificateRefusedError(error.host, type(cause).__name__, 0)


def _cause(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.errno is not None:
        return error.strerror
    return type(error).__name__
