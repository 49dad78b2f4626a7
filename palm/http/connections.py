"""Which connection a request is written to, when, and who may use it next.

The HTTP library's own rules are not enough where an answer need not name its question: it reuses a
connection on which an answer came unasked, and takes one back before its answer is verified. Read
in aiohttp 3.14 (``client_proto.py``, ``connector.py``);
``tests/unit/palm/http/test_connections.py`` fails where another version does it otherwise.
"""

from __future__ import annotations

import asyncio
import functools
import select
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler

from palm.errors import DisconnectedError
from palm.http.deadlines import Deadline

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace
    from multidict import CIMultiDict

__all__ = ["Answer", "Attempt", "Connections", "Turn", "current"]


class Turn(Protocol):
    """Whether a request may be written, and with which headers."""

    def use(self) -> bool:
        """Note that the request is written now; False: it must not be before :meth:`renew`."""

    async def renew(self) -> Mapping[str, str]:
        """Wait until it may be written; return the headers that it then has, signed anew."""


class Wire(ResponseHandler):
    """One connection, its bytes and whose turn it is.

    Attributes:
        idle: Whether it lies in the pool, where nothing is expected on it.
        asked: Whether a request was written whose answer is not complete.
        held: Its key in the pool while the verdict on its last answer is awaited.
        lender: Whom it goes back to then.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.idle = False
        self.asked = False
        self.held: ConnectionKey | None = None
        self.lender: Connections | None = None
        self._waiting: select.poll | None = None

    def data_received(self, data: bytes) -> None:
        """Take bytes, unless nobody asked for any: then the connection is not used any more."""
        if data and (self.idle or self.held is not None):
            self.force_close()
            if self.transport is not None:
                self.transport.abort()
            return
        super().data_received(data)

    def rest(self) -> None:
        """Go into the pool."""
        self.asked, self.idle = False, True
        if self._waiting is None and self.transport is not None:
            self._waiting = select.poll()
            self._waiting.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)

    def silent(self) -> bool:
        """Say whether nothing came that the event loop has not read yet, nor its end."""
        return self._waiting is None or not self._waiting.poll(0)

    async def untouched(self) -> bool:
        """Return whether it is open and nothing came on it that was not asked for."""
        await asyncio.sleep(0)  # the event loop looks in its next round, and reads in the same
        await asyncio.sleep(0)
        return self.is_connected() and not self.should_close and self.silent()


class Attempt:
    """One request on its way.

    Args:
        turn: Whether it may be written; None: it may.
        deadline: Its time, which begins anew when it has waited for its turn.

    Attributes:
        wire: The connection that it was written to, until the verdict.
    """

    __slots__ = ("_deadline", "turn", "wire")

    def __init__(self, turn: Turn | None, deadline: Deadline) -> None:
        self.turn = turn
        self._deadline = deadline
        self.wire: Wire | None = None

    def settle(self, *, believed: bool) -> None:
        """Let others use its connection if its answer is believed; else close it. Once only."""
        wire, self.wire = self.wire, None
        if wire is not None and wire.lender is not None:
            wire.lender.settle(wire, believed=believed)

    async def wait(self, headers: CIMultiDict[str]) -> None:
        """Wait until the request may be written, and sign it anew, at the expense of no timeout."""
        if self.turn is None:
            return
        self._deadline.pause()
        try:
            headers.update(await self.turn.renew())
        finally:
            self._deadline.restart()


class Answer:
    """An answer as it came, whose connection waits for the verdict.

    To be used as a context manager: where the block ends without :meth:`keep`, the connection is
    closed, because what comes next on it may be somebody else's answer.

    Attributes:
        status: HTTP status.
        headers: Looked up without regard to case.
        content: The raw body.
    """

    __slots__ = ("_attempt", "content", "headers", "status")

    def __init__(
        self, status: int, headers: Mapping[str, str], content: bytes, attempt: Attempt
    ) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self._attempt = attempt

    def keep(self) -> None:
        """Say that the answer is believed: its connection serves the next request."""
        self._attempt.settle(believed=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._attempt.wire is not None:
            self._attempt.settle(believed=False)


current: ContextVar[Attempt | None] = ContextVar("current", default=None)
"""The attempt that asks for a connection."""


class Connections(aiohttp.TCPConnector):
    """Lends connections to requests whose turn it is.

    When :meth:`connect` returns, the request is written before anything else happens. What its
    answer came on is lent to nobody until the verdict: :meth:`settle`.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as the library's
        super().__init__(**options)
        self._factory = functools.partial(Wire, self._loop)  # type: ignore[assignment]

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the library's
    ) -> Connection:
        """Return a connection to which the request may be written now.

        Raises:
            DisconnectedError: Something came on a new connection before anything was asked; or the
                request was written already, and the library would send it once more.
            aiohttp.ClientError: No connection could be made.
        """
        attempt = current.get()
        if attempt is None:
            return await super().connect(req, traces, timeout)
        if attempt.wire is not None:
            raise DisconnectedError("the connection broke: no answer came")
        waited = False
        while True:
            connection = await super().connect(req, traces, timeout)
            wire = connection.protocol
            if not isinstance(wire, Wire):
                connection.close()
                raise TypeError("the HTTP library does not use our connections")
            pooled = wire.idle
            try:
                untouched = wire.silent() if pooled else await wire.untouched()
                while untouched:
                    if attempt.turn is None or attempt.turn.use():
                        wire.idle, wire.asked, wire.lender = False, True, self
                        attempt.wire = wire
                        return connection
                    waited = True
                    await attempt.wait(req.headers)
                    untouched = await wire.untouched()
            except BaseException:
                connection.release()  # into the pool, if it is as it was
                raise
            connection.close()
            if not pooled and not waited:
                raise DisconnectedError("the connection broke: something came on it unasked")

    def settle(self, wire: Wire, *, believed: bool) -> None:
        """Lend a connection again if the answer that came on it is believed; else close it."""
        key, wire.held = wire.held, None
        wire.asked = False
        if not believed:
            wire.force_close()
            if wire.transport is not None:  # at once: TLS would still say goodbye to the other side
                wire.transport.abort()
        if key is not None:
            self._release(key, wire)
        elif not believed:
            wire.close()

    def _release(
        self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False
    ) -> None:
        """Take a connection back, which the library does as soon as a body is complete."""
        if isinstance(protocol, Wire) and not should_close:
            if protocol.asked:
                protocol.held = key
                return
            if not protocol.should_close:
                protocol.rest()
        super()._release(key, protocol, should_close=should_close)
