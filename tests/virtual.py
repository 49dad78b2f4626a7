"""Virtual time: an event loop in which waiting takes no time, and a gateway for it."""

from __future__ import annotations

import asyncio
import heapq
import json
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from palm import AsyncPalm, Clock, PalmError
from palm.http.answer import Answer

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is to do."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0].cancelled():  # as the base class drops them
            heapq.heappop(self._scheduled)._scheduled = False
            self._timer_cancelled_count -= 1
        if not self._ready and self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
        super()._run_once()


def run(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Run it in virtual time; return its result and how many seconds it took."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        found = runner.run(work)
        return found, runner.get_loop().time()


def loop_clock() -> Clock:
    """Return the time of the running loop."""
    return Clock(monotonic=asyncio.get_running_loop().time, sleep=asyncio.sleep)


class VirtualGateway:
    """Answers after ``latency_s``, or throttles or fails as ``trouble`` says.

    ``trouble(openid, seconds)`` returns the error of a request, or None.

    Attributes:
        asked: How often each openid was asked about.
    """

    def __init__(
        self, trouble: Callable[[str, float], PalmError | None], *, latency_s: float = 0.1
    ) -> None:
        self._trouble = trouble
        self._latency_s = latency_s
        self.asked: Counter[str] = Counter()

    def bind_loop(self) -> None:
        """Work in any event loop."""

    async def ask(
        self, _method: str, target: str, read: Any, *_: Any, permit: Any, **__: Any
    ) -> Any:
        """Return what an exchange returns, without signatures."""
        while not permit.use():
            await permit.renew()
        url = urlsplit(target)
        openid = unquote(url.path.rpartition("/")[2])
        self.asked[openid] += 1
        loop = asyncio.get_running_loop()
        error = self._trouble(openid, loop.time())
        await asyncio.sleep(self._latency_s)
        if error is not None:
            raise error
        body = {
            "openid": openid,
            "organization_id": parse_qs(url.query)["organization_id"][0],
            "state": "AUTHORIZATION_STATE_ON",
        }
        return read(Answer(200, {}, json.dumps(body).encode(), "PUB_KEY_ID_1"))

    async def close(self) -> None:
        """Nothing is open."""

    def client(self, **options: Any) -> AsyncPalm:
        """Return a client of this gateway, in the running loop's time."""
        palm = AsyncPalm(
            merchant=_NobodySigns(),
            keys=_NobodyVerifies(),
            base_url="http://127.0.0.1:9",
            clock=loop_clock(),
            **options,
        )
        palm._queries = replace(palm._queries, transport=self)  # nothing goes over the network
        return palm


class _NobodySigns:
    mchid, serial_no = "0000000000", "0"

    def sign(self, message: bytes) -> bytes:
        raise AssertionError(message)


class _NobodyVerifies:
    preferred = ""

    def verify(self, headers: Any, body: bytes, *, now: int) -> str:
        raise AssertionError(headers, body, now)
