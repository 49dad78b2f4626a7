"""An HTTP server on the loopback interface, which keeps connections as the real gateway does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Final, NoReturn, Self

from aiohttp import web
from aiohttp.http import HttpProcessingError

from palm.errors import SettingsError

__all__ = ["LoopbackServer", "hang_up", "send", "send_again"]

_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 1024
_GRACE_S: Final = 1.0  # for responses that are being sent when the server is closed

_log = logging.getLogger(__name__)
# What aiohttp logs about a request that is not HTTP quotes it, and with it perhaps an openid.
_log.addFilter(
    lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
)


class LoopbackServer(ABC):
    """A server on a port of this machine, while the context is open.

    Args:
        port: The port to listen on; 0: any free one.
        idle_s: Seconds without a request after which a connection is closed.
    """

    def __init__(self, port: int, *, idle_s: float) -> None:
        self._port = port
        self._idle_s = idle_s
        self._base_url: str | None = None

    @property
    def base_url(self) -> str:
        """The server's URL, e.g. ``http://127.0.0.1:49152``; only while it runs."""
        if self._base_url is None:
            raise RuntimeError("the gateway is not running")
        return self._base_url

    @abstractmethod
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the response to a request."""

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            SettingsError: The port is in use, or this user may not open it.
        """
        self._closing = asyncio.Event()
        # The handler of a request ends when its client disconnects, also while it stalls.
        self._handlers = web.Server(
            self._handle,
            handler_cancellation=True,
            keepalive_timeout=self._idle_s,
            auto_decompress=False,
            access_log=None,
            logger=_log,
        )
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._handlers, _HOST, self._port, backlog=_BACKLOG
            )
        except OSError as error:
            raise SettingsError(f"cannot listen on port {self._port}: {error.strerror}") from None
        self._base_url = f"http://{_HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening, finish responses that are being sent, close all connections."""
        self._base_url = None
        self._server.close()
        self._closing.set()
        transports = [c.transport for c in self._handlers.connections if c.transport is not None]
        self._handlers.pre_shutdown()
        await self._handlers.shutdown(_GRACE_S)
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)  # aborted transports close their sockets in the loop's next round

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the closing of the server."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()


async def send(request: web.BaseRequest, response: web.Response) -> None:
    """Send a complete response before its handler ends; ignore a client that has disconnected."""
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await response.write_eof()


def send_again(request: web.BaseRequest, response: web.Response, body: bytes) -> None:
    """Send a response once more, byte by byte the same, as if to another request.

    Args:
        request: The request that was answered.
        response: The response as it was sent.
        body: The body of the response.
    """
    if request.transport is None:
        return
    major, minor = request.version
    lines = [f"HTTP/{major}.{minor} {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    request.transport.write("\r\n".join([*lines, "", ""]).encode() + body)


async def hang_up(request: web.BaseRequest) -> NoReturn:
    """Close the connection without another byte."""
    if request.transport is not None:
        request.transport.abort()
    # The server cancels the handler of a lost connection, so this never returns.
    await asyncio.get_running_loop().create_future()
    raise AssertionError  # pragma: no cover
