"""Decides which response a request gets; knows no connections.

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
from collections import deque
from http import HTTPStatus
from typing import NamedTuple

from palm.clock import Clock
from palm.sandbox.counts import Statistics
from palm.sandbox.credentials.keyring import KeyMode, SandboxKeys
from palm.sandbox.faults import ABOUT_STATES, Fault, Faults, chance
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
    NGINX_502,
    ResponsePlan,
    json_response,
    rejection_response,
    with_fault,
)
from palm.sandbox.routes import find_route

__all__ = ["Decision", "RequestDecider"]


class Decision(NamedTuple):
    """How a request is answered.

    Attributes:
        response: What the response will consist of.
        number: The number of the authenticated request; 0 if it is not authenticated.
        fault: The fault that it meets, or None.
    """

    response: ResponsePlan
    number: int = 0
    fault: Fault | None = None


class RequestDecider:
    """Decides how requests are answered, and counts them.

    Its attributes and arguments are those of :class:`palm.sandbox.SandboxGateway`.
    """

    def __init__(
        self,
        keys: SandboxKeys,
        population: Population | None,
        *,
        date: dt.date | None,
        mode: KeyMode | str,
        limit: int | None,
        faults: Faults | None,
        echo: float,
        clock: Clock,
        record_pairs: bool,
    ) -> None:
        self.keys: SandboxKeys = keys
        self.population: Population = population or Population()
        self.date = date
        self.mode = mode
        self.faults: Faults = faults or Faults()
        self.echo = echo
        self.next_faults: deque[Fault | None] = deque()
        self.rotation_share: float = 1.0
        self.stats: Statistics = Statistics()
        self._merchant = Certificate(
            keys.mchid, keys.merchant_serial, keys.merchant_key.public_key()
        )
        self._clock = clock
        self._limiter = SlidingWindow(limit, clock=self._clock)
        self._record_pairs = record_pairs

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

    def _decide(self, received: Received, now: int) -> Decision:
        """Decide how a request is answered, and count it; the steps are those of the module."""
        self.stats.requests += 1
        try:
            check_headers(received)  # 1.
            route, call = find_route(received.method, received.target, received.body)  # 2.
            nonce_str = authenticate(received, self._merchant, now=now)  # 3.
        except Rejection as rejection:
            self.stats.rejected += 1
            return Decision(rejection_response(rejection, received.language, signed=False))
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
            return Decision(rejection_response(rejection, received.language, signed=True), number)
        fault = self._next_fault(number)  # 7.
        if fault in ABOUT_STATES and not question.pair:
            fault = None
        response = self._respond(question, number, fault, received.language)
        if fault is not None:
            self.stats.faults[fault] += 1
        if fault in {None, Fault.DUPLICATE} and response.status == HTTPStatus.OK:
            self.stats.answered += 1
        return Decision(response, number, fault)

    def _next_fault(self, number: int) -> Fault | None:
        """Return the fault that was chosen for this request, else the one that is drawn for it."""
        return self.next_faults.popleft() if self.next_faults else self.faults.draw(number)

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
        today = self.date or dt.datetime.fromtimestamp(self._clock.wall(), CHINA).date()
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
