"""The gateway: serves requests on a port, and signs the responses as WeChat Pay signs them.

Which response a request gets is decided in :mod:`palm.sandbox.decision`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import NoReturn

from aiohttp import web

from palm.clock import Clock, checked_clock
from palm.sandbox.credentials.keyring import KeyMode, SandboxKeys
from palm.sandbox.decision import Decision, RequestDecider
from palm.sandbox.faults import EARLIEST_COPY_S, LATEST_COPY_S, Fault, Faults, chance
from palm.sandbox.people.population import Population
from palm.sandbox.requests.checks import Received
from palm.sandbox.responses import IDLE_S, response_headers, signed_body
from palm.sandbox.serving import LoopbackServer, hang_up, send, send_again

__all__ = ["SandboxGateway"]


class SandboxGateway(RequestDecider, LoopbackServer):
    """WeChat Pay's gateway on a port of this machine, while the context is open.

    Attributes may be changed while it runs; the new value holds from the next request on.

    Attributes:
        keys: The keys of both sides. The merchant's remain those that the gateway was made with.
        population: Who has authorized whom.
        date: The business date at which the population is shown; None: today in China.
        latency_s: The delay of each response to an authenticated request, in seconds.
        faults: What goes wrong, and how often.
        next_faults: Faults of the next requests, one each, before any other fault; None: no fault.
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
        clock: The time; the wall clock dates the answers.
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
        clock: Clock | Callable[[], float] | None = None,
        record_pairs: bool = True,
        record_times: bool = False,
    ) -> None:
        clock = checked_clock(clock, reading="wall")
        LoopbackServer.__init__(self, port, idle_s=IDLE_S)
        RequestDecider.__init__(
            self,
            keys,
            population,
            date=date,
            mode=mode,
            limit=limit,
            faults=faults,
            echo=echo,
            clock=clock,
            record_pairs=record_pairs,
        )
        self.latency_s = latency_s
        self._record_times = record_times

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._record_times:
            self.stats.times.append(self._clock.monotonic())
        body = await request.read() if request.body_exists else b""
        received = Received(request.method, request.raw_path, request.headers, body)
        now = int(self._clock.wall())
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

    async def _stall(
        self, request: web.BaseRequest, decision: Decision, body: bytes, head: dict[str, str]
    ) -> NoReturn:
        """Send nothing, or half of the body; then close the connection after ``stall_s``."""
        if chance(self.faults.seed, decision.number, "half") < 0.5:  # noqa: PLR2004 - a coin
            head |= {"Content-Length": str(len(body))}
            response = web.StreamResponse(status=decision.response.status, headers=head)
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
        await self._pause(self.faults.stall_s)
        await hang_up(request)
