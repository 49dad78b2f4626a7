"""The server: loopback only, plain HTTP, answers signed as WeChat Pay signs them.

A request is checked in this order, and the first check that fails answers it:

1. ``User-Agent`` and ``Accept``: 400, unsigned.
2. Path, then method: 404 and 405, empty.
3. Authentication (``checks.authenticate``): 401, unsigned. Everything from here on is signed.
4. ``Wechatpay-Serial`` of the request: 400.
5. Parameters: 400.
6. The quota: 429.
7. A fault, if the request is to meet one; else the answer: 200.

The order was put together from documented texts and from what was seen without credentials; no
page gives it whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple, NoReturn, Self

from aiohttp import web
from aiohttp.http import HttpProcessingError

from palm.errors import SettingsError
from palm.sandbox import rejections
from palm.sandbox.answers import IDLE_S, NGINX_502, Answer, falsify, headers, refuse, seal, tell
from palm.sandbox.checks import Certificate, Received, authenticate, check_headers, check_key_id
from palm.sandbox.counts import Statistics
from palm.sandbox.faults import Fault, Faults, chance
from palm.sandbox.keyring import KeyMode, SandboxKeys
from palm.sandbox.limiter import SlidingWindow
from palm.sandbox.population import CHINA, Population
from palm.sandbox.rejections import Rejection
from palm.sandbox.routes import Question, World, find_route

__all__ = ["Gateway"]

_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 1024
_GRACE_S: Final = 1.0  # for answers under way when the gateway is closed

_log = logging.getLogger(__name__)
# What aiohttp says of a request that is no HTTP quotes it, and with it perhaps an openid.
_log.addFilter(
    lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
)


class _Outcome(NamedTuple):
    answer: Answer
    number: int = 0
    fault: Fault | None = None


class Gateway:
    """WeChat Pay's gateway on a port of this machine, while the context lasts.

    Attributes may be changed while it runs, and hold from the next request on.

    Attributes:
        keys: Both sides' keys.
        population: Who has authorized whom.
        date: The business date that the population is shown at; None: today in China.
        latency_s: How long each authenticated answer is held back, in seconds.
        faults: What goes wrong, and how often.
        echo: Share of the answers that name openid and organization_id, which the documentation
            calls optional.
        stats: What came in and went out.

    Args:
        keys: Of this run; ``SandboxKeys.generate()``.
        population: Default one with seed 0.
        date: As the attribute.
        mode: Which key signs; also an attribute.
        limit: Requests a second, strictly; None: any number. Also an attribute.
        latency_s: As the attribute.
        faults: As the attribute; default none.
        echo: As the attribute.
        port: 0: any that is free.
        clock: Unix seconds.
        record_pairs: Whether ``stats.asked`` is kept, which takes memory for each pair.
        record_times: Whether ``stats.times`` is kept, which takes memory for each request.
    """

    def __init__(
        self,
        keys: SandboxKeys,
        population: Population | None = None,
        *,
        date: dt.date | None = None,
        mode: KeyMode | str = KeyMode.PUBLIC_KEY,
        limit: int | None = None,
        latency_s: float = 0.0,
        faults: Faults | None = None,
        echo: float = 1.0,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        record_pairs: bool = True,
        record_times: bool = False,
    ) -> None:
        self.keys = keys
        self.population = population or Population()
        self.date = date
        self.mode = mode
        self.latency_s = latency_s
        self.faults = faults or Faults()
        self.echo = echo
        self.stats = Statistics()
        self._merchant = Certificate(
            keys.mchid, keys.merchant_serial, keys.merchant_key.public_key()
        )
        self._platform_serial = keys.platform_serial
        self._limiter = SlidingWindow(limit)
        self._port = port
        self._clock = clock
        self._record_pairs = record_pairs
        self._record_times = record_times
        self._base_url: str | None = None

    @property
    def base_url(self) -> str:
        """Where it listens, e.g. ``http://127.0.0.1:49152``; only while it runs."""
        if self._base_url is None:
            raise RuntimeError("the gateway is not running")
        return self._base_url

    @property
    def mode(self) -> KeyMode:
        """Which key signs."""
        return self._mode

    @mode.setter
    def mode(self, mode: KeyMode | str) -> None:
        self._mode = KeyMode(mode)

    @property
    def limit(self) -> int | None:
        """Requests a second, strictly; None: any number."""
        return self._limiter.limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        self._limiter.limit = limit

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            SettingsError: The port is taken, or not ours to open.
        """
        self._closing = asyncio.Event()
        # A client that leaves ends the handler of its request: nobody stalls for nobody.
        self._handlers = web.Server(
            self._handle,
            handler_cancellation=True,
            keepalive_timeout=IDLE_S,
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
        """Stop listening, let answers under way go out, close all connections."""
        self._base_url = None
        self._server.close()
        self._closing.set()
        open_ones = [c.transport for c in self._handlers.connections if c.transport is not None]
        self._handlers.pre_shutdown()
        await self._handlers.shutdown(_GRACE_S)
        for transport in open_ones:
            transport.abort()
        await asyncio.sleep(0)  # aborted transports close their sockets in the loop's next round

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._record_times:
            self.stats.times.append(time.monotonic())
        body = await request.read() if request.body_exists else b""
        received = Received(request.method, request.raw_path, request.headers, body)
        now = int(self._clock())
        outcome = self._decide(received, now)
        if self.latency_s and outcome.number:
            await self._pause(self.latency_s)
        if outcome.fault is Fault.DROP:
            await _hang_up(request)
        head = headers(outcome.answer, received.language, keep_alive=request.keep_alive)
        body = outcome.answer.body
        if outcome.answer.signed:
            key_id = self._key_id(received)
            body, signature = seal(body, self.keys, key_id, now=now, fault=outcome.fault)
            head |= signature
        if outcome.fault is Fault.STALL:
            await self._stall(request, outcome, body, head)
        self.stats.statuses[outcome.answer.status] += 1
        return web.Response(status=outcome.answer.status, body=body, headers=head)

    def _decide(self, received: Received, now: int) -> _Outcome:
        """Return what is to be answered, and count it; the steps are those of the module."""
        self.stats.requests += 1
        try:
            check_headers(received)  # 1.
            route, call = find_route(received.method, received.target, received.body)  # 2.
            nonce_str = authenticate(received, self._merchant, now=now)  # 3.
        except Rejection as rejection:
            self.stats.rejected += 1
            return _Outcome(refuse(rejection, received.language, signed=False))
        number = self.stats.authenticated
        self.stats.note_nonce(nonce_str)
        try:
            check_key_id(received, (self._platform_serial, self.keys.public_key_id))  # 4.
            question = route.read(call)  # 5.
            if self._record_pairs and question.pair:
                self.stats.asked[question.pair] += 1
            if not self._limiter.allow():  # 6.
                self.stats.throttled += 1
                raise Rejection(rejections.FREQUENT)  # noqa: TRY301 - one way to say no
        except Rejection as rejection:
            return _Outcome(refuse(rejection, received.language, signed=True), number)
        fault = self.faults.draw(number)  # 7.
        if fault is None:
            self.stats.answered += 1
        else:
            self.stats.faults[fault] += 1
        return _Outcome(self._answer(question, number, fault, received.language), number, fault)

    def _answer(
        self, question: Question, number: int, fault: Fault | None, language: str
    ) -> Answer:
        if fault is Fault.THROTTLE:
            signed = chance(self.faults.seed, number, "signed") < 0.5  # noqa: PLR2004 - a coin
            return refuse(rejections.FREQUENT, language, signed=signed)
        if fault is Fault.SYSTEM_ERROR:
            return refuse(rejections.BUSY, language, signed=True)
        if fault is Fault.BAD_GATEWAY:
            return NGINX_502
        today = self.date or dt.datetime.fromtimestamp(self._clock(), CHINA).date()
        echo = self.echo >= 1 or chance(self.faults.seed, number, "echo") < self.echo
        members = question.answer(World(self.population, today, echo))
        asked = question.pair[1] if question.pair else ""
        return tell(falsify(members, fault, asked), signed=True)

    def _key_id(self, received: Received) -> str:
        """Return the id of the key that signs this answer."""
        named = received.headers.get("Wechatpay-Serial")
        wants_public = self._mode is KeyMode.GREY and named == self.keys.public_key_id
        if self._mode is KeyMode.PUBLIC_KEY or wants_public:
            return self.keys.public_key_id
        return self._platform_serial

    async def _stall(
        self, request: web.BaseRequest, outcome: _Outcome, body: bytes, head: dict[str, str]
    ) -> NoReturn:
        if chance(self.faults.seed, outcome.number, "half") < 0.5:  # noqa: PLR2004 - a coin
            head |= {"Content-Length": str(len(body))}
            response = web.StreamResponse(status=outcome.answer.status, headers=head)
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
        await self._pause(self.faults.stall_s)
        await _hang_up(request)

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than the gateway is open."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()


async def _hang_up(request: web.BaseRequest) -> NoReturn:
    """Close the connection without another byte."""
    if request.transport is not None:
        request.transport.abort()
    # The server cancels the handler of a connection that is lost: there is no way back from here.
    await asyncio.get_running_loop().create_future()
    raise AssertionError  # pragma: no cover
