"""The connections of the HTTP client: who may write to one, when, and who may use it next.

The HTTP library's own rules are not enough, because an answer need not name its question. The
library reuses a connection on which a response came unasked, and takes a connection back before
the response is verified. This was read in aiohttp 3.14 (``client_proto.py``, ``connector.py``);
``tests/unit/palm/http/test_connections.py`` fails with a version that behaves otherwise.
"""

from __future__ import annotations

import asyncio
import functools
import select
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler

from palm.errors import DisconnectedError
from palm.http.request_timer import RequestTimer

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace
    from multidict import CIMultiDict

__all__ = [
    "Connections",
    "HeaderSigner",
    "OutgoingRequest",
    "RawResponse",
    "WritePermit",
    "current_request",
]


class HeaderSigner(Protocol):
    """Signs the headers of one request, as often as needed."""

    async def headers(self) -> Mapping[str, str]:
        """Return the headers, signed now."""

    def has_expired(self) -> bool:
        """Return True if the signature is too old for the request to be written with it."""


class WritePermit(Protocol):
    """Permission to write one request, checked when its connection is ready."""

    def use(self) -> bool:
        """Record that the request is written now; return False if it must wait: :meth:`renew`."""

    async def renew(self) -> None:
        """Wait until the request may be written."""


class CheckedConnection(ResponseHandler):
    """One connection, which is closed if data arrives that nobody asked for.

    Attributes:
        is_idle: Whether the connection is in the pool, where no data is expected.
        is_awaiting: Whether a request was written to it whose response is not complete.
        pool_key: Its key in the pool while the verification of its last response is pending; None
            otherwise.
        pool: The pool to which it returns after that verification.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.is_idle: bool = False
        self.is_awaiting: bool = False
        self.pool_key: ConnectionKey | None = None
        self.pool: Connections | None = None
        self._poll: select.poll | None = None

    def data_received(self, data: bytes) -> None:
        """Take data that belongs to a response; on any other data, close the connection."""
        if data and (self.is_idle or self.pool_key is not None):
            self.force_close()
            if self.transport is not None:
                self.transport.abort()
            return
        super().data_received(data)

    def enter_pool(self) -> None:
        """Become idle: no data is expected until the next request."""
        self.is_awaiting, self.is_idle = False, True
        if self._poll is None and self.transport is not None:
            self._poll = select.poll()
            self._poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)

    def is_silent(self) -> bool:
        """Return True if the socket holds nothing that the event loop has not read, nor its end."""
        return self._poll is None or not self._poll.poll(0)

    async def is_unused(self) -> bool:
        """Return True if the connection is open and no data came that nobody asked for."""
        await asyncio.sleep(0)  # the event loop polls in its next round, and reads in the same
        await asyncio.sleep(0)
        return self.is_connected() and not self.should_close and self.is_silent()


class OutgoingRequest:
    """A request from the moment it asks for a connection until its response is verified.

    Args:
        permit: Permission to write it; None: it may be written at once.
        timer: Its timer, which starts again after a wait for permission.
        signer: Signs its headers; None: they are not signed.

    Attributes:
        permit: Permission to write it; None: it may be written at once.
        connection: The connection that it was written to; None before, and after verification.
    """

    __slots__ = ("_signer", "_timer", "connection", "permit")

    def __init__(
        self,
        permit: WritePermit | None,
        timer: RequestTimer,
        signer: HeaderSigner | None = None,
    ) -> None:
        self.permit: WritePermit | None = permit
        self._timer = timer
        self._signer = signer
        self.connection: CheckedConnection | None = None

    def release(self, *, verified: bool) -> None:
        """Let others use the connection if the response was verified; else close it. Once only."""
        connection, self.connection = self.connection, None
        if connection is not None and connection.pool is not None:
            connection.pool.take_back(connection, verified=verified)

    def may_be_written(self) -> bool:
        """Return True if it is to be written now; otherwise it must :meth:`wait`."""
        if self._signer is not None and self._signer.has_expired():
            return False
        return self.permit is None or self.permit.use()

    async def wait(self, headers: CIMultiDict[str]) -> None:
        """Wait for permission, which counts for no timeout; then sign the request anew."""
        if self.permit is not None:
            self._timer.pause()
            try:
                await self.permit.renew()
            finally:
                self._timer.restart()
        if self._signer is not None:
            headers.update(await self._signer.headers())


class RawResponse:
    """A response as it came, not verified; its connection waits for the verification.

    It is a context manager. Unless :meth:`keep_connection` was called before the block ends, the
    connection is closed, because what comes next on it may be the response to another request.

    Attributes:
        status: HTTP status.
        headers: Looked up without regard to case.
        content: The raw body.
        host: The host that responded; empty until the caller sets it.
    """

    __slots__ = ("_request", "content", "headers", "host", "status")

    def __init__(
        self, status: int, headers: Mapping[str, str], content: bytes, request: OutgoingRequest
    ) -> None:
        self.status: int = status
        self.headers: Mapping[str, str] = headers
        self.content: bytes = content
        self.host: str = ""
        self._request = request

    def keep_connection(self) -> None:
        """Let the connection serve the next request: the response was verified."""
        self._request.release(verified=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._request.connection is not None:
            self._request.release(verified=False)


current_request: ContextVar[OutgoingRequest | None] = ContextVar("current_request", default=None)
"""The request that asks for a connection."""


class Connections(aiohttp.TCPConnector):
    """A pool that hands a connection to a request only when the request may be written.

    When :meth:`connect` returns, the request is written before anything else happens. The
    connection of a response is handed to nobody until :meth:`take_back`, after the verification.

    Args:
        idle_s: A connection that was idle for so many seconds is not used again.
        tls: Which certificates to trust; True: those of the system.
    """

    def __init__(self, *, idle_s: float, tls: ssl.SSLContext | bool) -> None:
        super().__init__(limit=0, keepalive_timeout=idle_s, ttl_dns_cache=300, ssl=tls)
        self._factory = functools.partial(CheckedConnection, self._loop)  # type: ignore[assignment]

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the library's
    ) -> Connection:
        """Return a connection to which the request may be written now.

        Raises:
            DisconnectedError: Data came on a new connection before anything was asked; or the
                request was written already, and the library would send it once more.
            aiohttp.ClientError: No connection could be made.
        """
        request = current_request.get()
        if request is None:
            return await super().connect(req, traces, timeout)
        if request.connection is not None:
            raise DisconnectedError("the connection broke: no response came")
        has_waited = False
        while True:
            leased = await super().connect(req, traces, timeout)
            connection = leased.protocol
            if not isinstance(connection, CheckedConnection):
                leased.close()
                raise TypeError("the HTTP library does not use our connections")
            was_idle = connection.is_idle
            try:
                is_unused = connection.is_silent() if was_idle else await connection.is_unused()
                while is_unused:
                    if request.may_be_written():
                        connection.is_idle, connection.is_awaiting = False, True
                        connection.pool = self
                        request.connection = connection
                        return leased
                    has_waited = True
                    await request.wait(req.headers)
                    is_unused = await connection.is_unused()
            except BaseException:
                leased.release()  # into the pool, if its state has not changed
                raise
            leased.close()
            if not was_idle and not has_waited:
                raise DisconnectedError("the connection broke: data came that nobody asked for")

    def abandon(self) -> None:
        """Forget all connections without closing them: another process uses them."""
        self._closed = True  # so that nothing is closed or logged when it is deleted

    def close_soon(self) -> None:
        """Close all connections of an event loop that does not run, when it runs again."""
        self._close()

    def take_back(self, connection: CheckedConnection, *, verified: bool) -> None:
        """Return a connection to the pool if its response was verified; else close it."""
        key, connection.pool_key = connection.pool_key, None
        connection.is_awaiting = False
        if not verified:
            connection.force_close()
            if connection.transport is not None:  # at once: TLS would still exchange a farewell
                connection.transport.abort()
        if key is not None:
            self._release(key, connection)
        elif not verified:
            connection.close()

    def _release(
        self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False
    ) -> None:
        """Take a connection back, which the library does as soon as a body is complete."""
        if isinstance(protocol, CheckedConnection) and not should_close:
            if protocol.is_awaiting:
                protocol.pool_key = key
                return
            if not protocol.should_close:
                protocol.enter_pool()
        super()._release(key, protocol, should_close=should_close)
