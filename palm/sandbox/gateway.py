"""The gateway: which response a request gets, signed as WeChat Pay signs it.

A request is checked in this order, and the first check that fails determines the response:

1. ``User-Agent`` and ``Accept``: 400, unsigned.
2. Path, then method: 404 and 405, empty.
3. Authentication (``checks.authenticate``): 401, unsigned. All responses from here on are signed.
4. ``Wechatpay-Serial`` of the request: 400.
5. Parameters: 400.
6. The quota of queries: 429. Other requests have other quotas, which are never exceeded here.
7. A fault, if one is drawn for the request; else the answer: 200, or the 404 of a merchant without
   platform certificates.

The order was derived from documented texts and from what was observed without credentials; no page
states it as a whole.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, NoReturn

from aiohttp import web

from palm.sandbox.counts import Statistics
from palm.sandbox.credentials.keyring import KeyMode, SandboxKeys
from palm.sandbox.faults import (
    ABOUT_STATES,
    EARLIEST_COPY_S,
    LATEST_COPY_S,
    Fault,
    Faults,
    chance,
)
from palm.sandbox.people.population import CHINA, Population
from palm.sandbox.requests import rejections
from palm.sandbox.requests.checks import (
    Certificate,
    Received,
    authenticate,
    check_headers,
    check_key_id,
)
from palm.sandbox.requests.limiter import SlidingWindow
from palm.sandbox.requests.questions import AnswerContext, Question
from palm.sandbox.requests.rejections import Rejection
from palm.sandbox.responses import (
    IDLE_S,
    NGINX_502,
    ResponsePlan,
    json_response,
    rejection_response,
    response_headers,
    signed_body,
    with_fault,
)
from palm.sandbox.routes import find_route
from palm.sandbox.serving import LoopbackServer, hang_up, send, send_again

__all__ = ["SandboxGateway"]


class _Decision(NamedTuple):
    """How a request is answered.

    Attributes:
        response: What the response will consist of.
        number: The number of the authenticated request; 0 if it is not authenticated.
        fault: The fault that it meets, or None.
    """

    response: ResponsePlan
    number: int = 0
    fault: Fault | None = None


class SandboxGateway(LoopbackServer):
    """WeChat Pay's gateway on a port of this machine, while the context is open.

    Attributes may be changed while it runs; the new value holds from the next request on.

    Attributes:
        keys: The keys of both sides. The merchant's remain those that the gateway was made with.
        population: Who has authorized whom.
        date: The business date at which the population is shown; None: today in China.
        latency_s: The delay of each response to an authenticated request, in seconds.
        faults: What goes wrong, and how often.
        echo: Share of the answers that name openid and organization_id, which the documentation
            calls optional.
        rotation_share: After a rotation, the share of the answers signed with a certificate that
            the newest one signs; the one before signs the others.
        stats: Counts of requests and responses.

    Args:
        keys: Keys made by ``SandboxKeys.generate()``.
        population: As the attribute; default one with seed 0.
        date: As the attribute.
        mode: Which key signs responses; also an attribute.
        limit: Queries per second; None: any number. Also an attribute.
        latency_s: As the attribute.
        faults: As the attribute; default none.
        echo: As the attribute.
        port: The port to listen on; 0: any free one.
        clock: Returns Unix seconds.
        record_pairs: Whether ``stats.asked`` is kept, which needs memory for each pair.
        record_times: Whether ``stats.times`` is kept, which needs memory for each request.
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
        super().__init__(port, idle_s=IDLE_S)
        self.keys = keys
        self.population = population or Population()
        self.date = date
        self.mode = mode
        self.latency_s = latency_s
        self.faults = faults or Faults()
        self.echo = echo
        self.rotation_share = 1.0
        self.stats = Statistics()
        self._merchant = Certificate(
            keys.mchid, keys.merchant_serial, keys.merchant_key.public_key()
        )
        self._limiter = SlidingWindow(limit)
        self._clock = clock
        self._record_pairs = record_pairs
        self._record_times = record_times

    @property
    def mode(self) -> KeyMode:
        """Which key signs responses."""
        return self._mode

    @mode.setter
    def mode(self, mode: KeyMode | str) -> None:
        self._mode = KeyMode(mode)

    @property
    def limit(self) -> int | None:
        """Queries per second; None: any number."""
        return self._limiter.limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        self._limiter.limit = limit

    def rotate(self) -> str:
        """Make a new platform certificate, which signs from then on; return its serial number.

        ``GET /v3/certificates`` lists it together with the earlier ones, which requests may still
        name in their ``Wechatpay-Serial``.

        Source: https://developers.weixin.qq.com/community/pay/doc/00026671bd88a855f7613ba9467813
        """
        self.keys = self.keys.rotate()
        return self.keys.platform_serial

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._record_times:
            self.stats.times.append(time.monotonic())
        body = await request.read() if request.body_exists else b""
        received = Received(request.method, request.raw_path, request.headers, body)
        now = int(self._clock())
        decision = self._decide(received, now)
        if self.latency_s and decision.number:
            await self._pause(self.latency_s)
        if decision.fault is Fault.DROP:
            await hang_up(request)
        head = response_headers(decision.response, received.language, keep_alive=request.keep_alive)
        body = decision.response.body
        if decision.response.signed:
            key_id = self._key_id(received, decision.number)
            body, signature = signed_body(body, self.keys, key_id, now=now, fault=decision.fault)
            head |= signature
        if decision.fault is Fault.STALL:
            await self._stall(request, decision, body, head)
        self.stats.statuses[decision.response.status] += 1
        response = web.Response(status=decision.response.status, body=body, headers=head)
        if decision.fault is Fault.DUPLICATE:
            await send(request, response)
            later = chance(self.faults.seed, decision.number, "later")
            await self._pause(EARLIEST_COPY_S + later * (LATEST_COPY_S - EARLIEST_COPY_S))
            send_again(request, response, body)
        return response

    def _decide(self, received: Received, now: int) -> _Decision:
        """Decide how a request is answered, and count it; the steps are those of the module."""
        self.stats.requests += 1
        try:
            check_headers(received)  # 1.
            route, call = find_route(received.method, received.target, received.body)  # 2.
            nonce_str = authenticate(received, self._merchant, now=now)  # 3.
        except Rejection as rejection:
            self.stats.rejected += 1
            return _Decision(rejection_response(rejection, received.language, signed=False))
        number = self.stats.authenticated
        self.stats.note_nonce(nonce_str)
        self.stats.routes[str(route)] += 1
        try:
            check_key_id(received, self.keys.key_ids)  # 4.
            question = route.read(call)  # 5.
            if self._record_pairs and question.pair:
                self.stats.asked[question.pair] += 1
            if question.pair and not self._limiter.allow():  # 6.
                self.stats.throttled += 1
                raise Rejection(rejections.FREQUENT)  # noqa: TRY301 - one way to reject
        except Rejection as rejection:
            return _Decision(rejection_response(rejection, received.language, signed=True), number)
        fault = self.faults.draw(number)  # 7.
        if fault in ABOUT_STATES and not question.pair:
            fault = None
        response = self._respond(question, number, fault, received.language)
        if fault is not None:
            self.stats.faults[fault] += 1
        if fault in {None, Fault.DUPLICATE} and response.status == HTTPStatus.OK:
            self.stats.answered += 1
        return _Decision(response, number, fault)

    def _respond(
        self, question: Question, number: int, fault: Fault | None, language: str
    ) -> ResponsePlan:
        """Return the response to a question that passed all checks."""
        if fault is Fault.THROTTLE:
            signed = chance(self.faults.seed, number, "signed") < 0.5  # noqa: PLR2004 - a coin
            return rejection_response(rejections.FREQUENT, language, signed=signed)
        if fault is Fault.SYSTEM_ERROR:
            return rejection_response(rejections.BUSY, language, signed=True)
        if fault is Fault.BAD_GATEWAY:
            return NGINX_502
        today = self.date or dt.datetime.fromtimestamp(self._clock(), CHINA).date()
        echo = self.echo >= 1 or chance(self.faults.seed, number, "echo") < self.echo
        context = AnswerContext(self.population, today, echo, self.keys, self._mode)
        try:
            members = question.answer(context)
        except Rejection as rejection:
            return rejection_response(rejection, language, signed=True)
        asked = question.pair[1] if question.pair else ""
        return json_response(with_fault(members, fault, asked), signed=True)

    def _key_id(self, received: Received, number: int) -> str:
        """Return the id of the key that signs the response."""
        named = received.headers.get("Wechatpay-Serial")
        wants_public = self._mode is KeyMode.GREY and named == self.keys.public_key_id
        if self._mode is KeyMode.PUBLIC_KEY or wants_public:
            return self.keys.public_key_id
        *before, newest = self.keys.platform
        if before and chance(self.faults.seed, number, "rotation") >= self.rotation_share:
            return before[-1].serial_no
        return newest.serial_no

    async def _stall(
        self, request: web.BaseRequest, decision: _Decision, body: bytes, head: dict[str, str]
    ) -> NoReturn:
        """Send nothing, or half of the body; then close the connection after ``stall_s``."""
        if chance(self.faults.seed, decision.number, "half") < 0.5:  # noqa: PLR2004 - a coin
            head |= {"Content-Length": str(len(body))}
            response = web.StreamResponse(status=decision.response.status, headers=head)
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
        await self._pause(self.faults.stall_s)
        await hang_up(request)
