"""One query of a caller: as many attempts as it takes, each paced, signed anew and verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from palm.clock import Clock
from palm.errors import ClosedError, PacerError, PalmError, ThrottledError
from palm.errors.remedies import add_advice
from palm.http.answer import Answer
from palm.http.request.attempts import Attempt, AttemptReporter, Exchange
from palm.http.request.options import PLAIN, RequestOptions
from palm.http.request.request_line import check_request
from palm.http.request.timeouts import Timeouts
from palm.http.signed import SignedTransport
from palm.resilience.admission import Admission
from palm.resilience.connection_limit import ConnectionLimit
from palm.resilience.permit import Permit
from palm.resilience.retry import Retry, call_with_retry
from palm.text.redact import shown_route

__all__ = ["QuerySender"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QuerySender:
    """Sends the queries of one client.

    Attributes:
        transport: Signs requests and verifies responses.
        admission: Decides when a request may be sent.
        retry: How often a query is sent again, and when.
        connections: How many requests are in flight at a time; shared by all copies of a client.
        timeouts: For each attempt.
        clock: The time, shared with the transport and the admission.
        reporter: Reports the result of every attempt; None: nobody wants to know.
    """

    transport: SignedTransport
    admission: Admission
    retry: Retry
    connections: ConnectionLimit
    timeouts: Timeouts
    clock: Clock
    reporter: AttemptReporter | None = None

    async def send(
        self,
        method: str,
        target: str,
        read: Callable[[Answer], T],
        body: bytes = b"",
        *,
        private: tuple[str, ...] = (),
        route: str | None = None,
        options: RequestOptions = PLAIN,
    ) -> T:
        """Return what ``read`` makes of the verified answer; see :meth:`palm.AsyncPalm.ask`."""
        check_request(method, target, body)
        self.transport.bind_loop()
        private += options.private
        began_at = self.clock.monotonic()
        query = _Query(self, method, target, read, body, private, route, options, began_at)
        admission = self.admission
        try:
            if method != "GET":
                return await query.attempt()
            return await call_with_retry(
                query.attempt,
                self.retry,
                answers=lambda: admission.answers,
                sleep=self.clock.sleep,
                elapsed=query.elapsed,
            )
        except PalmError as error:
            add_advice(error)
            raise


@dataclass(slots=True)
class _Query(Generic[T]):
    """One query.

    Attributes:
        sender: Sends it.
        method: HTTP method, upper case.
        target: Path and query, percent-encoded.
        read: Reads a verified answer.
        body: Sent and signed as it is.
        private: Texts that must not appear in errors.
        route: The path without values, for errors; None if it is unknown.
        options: What the caller set of the query's requests.
        began_at: When the caller asked, on the monotonic clock.
        sent: How many requests have been sent so far.
        throttles: How many of them were throttled.
    """

    sender: QuerySender
    method: str
    target: str
    read: Callable[[Answer], T]
    body: bytes
    private: tuple[str, ...]
    route: str | None
    options: RequestOptions
    began_at: float
    sent: int = 0
    throttles: int = 0

    async def attempt(self) -> T:
        """Send one request when it may be sent; return what ``read`` makes of its answer."""
        admission = self.sender.admission
        asked_at = self.sender.clock.monotonic()
        async with self.sender.connections:
            try:
                is_probe = await admission.enter()
            except PacerError as error:
                self._describe(error)
                raise
            try:
                return await self._request(asked_at)
            finally:
                if is_probe:
                    admission.leave()

    def elapsed(self) -> float:
        """Return the seconds since the caller asked."""
        return self.sender.clock.monotonic() - self.began_at

    async def _request(self, asked_at: float) -> T:
        sender = self.sender
        self.sent += 1
        permit = sender.admission.permit(sender.clock)
        exchange = Exchange()
        try:
            result = await sender.transport.ask(
                self.method,
                self.target,
                self._read_answer,
                self.body,
                private=self.private,
                timeouts=sender.timeouts,
                permit=permit,
                options=self.options,
                exchange=exchange,
            )
        except ClosedError:  # no result of a request
            raise
        except PalmError as error:
            self._describe(error)
            self._record(permit, error)
            self._report(permit, error, exchange, asked_at)
            raise
        # Not in a finally block: nothing is known about an attempt that was cancelled.
        self._record(permit, None)
        self._report(permit, None, exchange, asked_at)
        return result

    def _describe(self, error: PalmError) -> None:
        """Add to an error which request failed, and remove private texts from it."""
        error.attempts = self.sent
        error.method = self.method
        error.route = self._shown_route()
        error.elapsed_s = self.elapsed()
        error.take_out(self.private)

    def _read_answer(self, answer: Answer) -> T:
        """Return what ``read`` makes of a verified answer; its errors identify the answer."""
        if self.sent > 1:
            answer = replace(answer, attempts=self.sent)
        try:
            return self.read(answer)
        except PalmError as error:
            error.status, error.request_id = answer.status, answer.request_id
            raise

    def _record(self, permit: Permit, error: PalmError | None) -> None:
        sender = self.sender
        now = sender.clock.monotonic()
        adapts = True
        if isinstance(error, ThrottledError):
            self.throttles += 1
            adapts = self.throttles == 1 and sender.retry.adapts
        sender.admission.record(permit, error, now, adapts=adapts)

    def _report(
        self, permit: Permit, error: PalmError | None, exchange: Exchange, asked_at: float
    ) -> None:
        if self.sender.reporter is None:
            return
        now, granted_at = self.sender.clock.monotonic(), permit.granted_at
        self.sender.reporter.report(
            Attempt(
                elapsed_s=now - granted_at,
                error=error,
                number=self.sent,
                method=self.method,
                route=self._shown_route(),
                host=exchange.host,
                status=exchange.status,
                request_id=exchange.request_id(self.private),
                waited_s=granted_at - asked_at,
                sent_bytes=len(self.body),
                received_bytes=exchange.received_bytes,
            )
        )

    def _shown_route(self) -> str | None:
        return None if self.route is None else shown_route(self.route)
