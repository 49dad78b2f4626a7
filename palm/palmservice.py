"""The palm service's two interfaces, typed: query an authorization, and prepare a new one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from itertools import islice
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from palm.errors import ArgumentError, BodyError, ClosedError, EventLoopError, PalmError
from palm.http.answer import Answer, check_typed
from palm.http.template import encode_text
from palm.models import PalmAuthorization, read_authorization
from palm.pairs import Pair, check_concurrency, checked_pair

T = TypeVar("T")

__all__ = ["Authorizations", "Outcome", "query_target"]

_QUERY: Final = "/v3/palmservice/authorization/openid/"
_QUERY_ROUTE: Final = f"{_QUERY}{{openid}}"
_PREAUTHORIZE: Final = "/v3/palmservice/authorization/preauthorize"
_OPENID_LENGTH: Final = 128
_ORGANIZATION_LENGTH: Final = 64
"""Most characters in a query: https://pay.weixin.qq.com/doc/v3/partner/4014482017"""
_PREAUTHORIZE_LENGTH: Final = 128
"""Most characters of each id: https://pay.weixin.qq.com/doc/v3/partner/4014481990"""


def query_target(openid: str, organization_id: str) -> str:
    """Return path and query of the request about one pair, percent-encoded.

    Raises:
        ArgumentError: The openid or the organization id cannot be put into a request.
    """
    path = f"{_QUERY}{encode_text('openid', openid, _OPENID_LENGTH)}"
    organization = encode_text("organization_id", organization_id, _ORGANIZATION_LENGTH)
    return f"{path}?organization_id={organization}"


Outcome: TypeAlias = tuple[Pair, PalmAuthorization | PalmError]
"""A pair and its result: the authorization, or the error as a value."""


class Client(Protocol):
    """Sends the requests of the interfaces: an ``AsyncPalm``.

    Attributes:
        accept_unnamed: Whether an answer that does not name the pair is accepted.
    """

    accept_unnamed: bool

    async def ask(
        self,
        method: str,
        target: str,
        read: Callable[[Answer], T],
        *,
        body: bytes = b"",
        private: tuple[str, ...] = (),
        route: str | None = None,
    ) -> T:
        """Return what ``read`` makes of the verified answer."""


class Authorizations:
    """Which persons have authorized which organizations."""

    __slots__ = ("_palm",)

    def __init__(self, palm: Client) -> None:
        self._palm = palm

    async def get(
        self, openid: str, organization_id: str, *, keep_signed: bool = False
    ) -> PalmAuthorization:
        """Return the state of one person's authorization for one organization.

        :class:`palm.PalmAuthorization` describes what is proved about it, and what is not.

        Args:
            openid: The person, as the organization's app or mini-program knows it; at most 128
                characters.
            organization_id: The organization; text, because it may begin with zeros; at most 64
                characters.
            keep_signed: Whether to return what WeChat Pay signed, too: it proves the answer to
                others.

        Raises:
            ArgumentError: An argument is not text, or too long; nothing was sent.
            UnnamedError: Two answers did not name the openid or the organization_id, and
                ``accept_unnamed`` is not set.
            PalmError: As drawn in :mod:`palm.errors`.

        Source: https://pay.weixin.qq.com/doc/v3/partner/4014482017
        """

        def read(answer: Answer) -> PalmAuthorization:
            check_typed(answer)
            return read_authorization(
                answer.content,
                openid=openid,
                organization_id=organization_id,
                request_id=answer.request_id,
                verified_by=answer.verified_by,
                accept_unnamed=self._palm.accept_unnamed,
                attempts=answer.attempts,
                signed=answer.signed if keep_signed else None,
            )

        return await self._palm.ask(
            "GET",
            query_target(openid, organization_id),
            read,
            private=(openid,),
            route=_QUERY_ROUTE,
        )

    def get_many(
        self,
        pairs: Iterable[Pair | tuple[str, str]] | AsyncIterable[Pair | tuple[str, str]],
        *,
        concurrency: int = 32,
        keep_signed: bool = False,
    ) -> AsyncGenerator[Outcome, None]:
        """Yield the result of each pair as it arrives; memory does not grow with their number.

        Args:
            pairs: ``(openid, organization_id)``; taken from the iterable, which may be
                asynchronous, one by one, when needed.
            concurrency: How many queries run at the same time, at most.
            keep_signed: Whether to return what WeChat Pay signed, too, as :meth:`get`.

        Raises:
            ArgumentError: ``concurrency`` is not a whole number above 0.
            TypeError: An item is not a pair; raised while the results are taken.

        Source: https://pay.weixin.qq.com/doc/v3/partner/4014482017, which knows no query of many
        """
        check_concurrency(concurrency)
        if isinstance(pairs, AsyncIterable):
            return self._get_many_of_stream(aiter(pairs), concurrency, keep_signed=keep_signed)
        return self._get_many(
            (checked_pair(pair) for pair in pairs), concurrency, keep_signed=keep_signed
        )

    async def _get_many(
        self, pairs: Iterator[Pair], concurrency: int, *, keep_signed: bool
    ) -> AsyncGenerator[Outcome, None]:
        tasks: _Tasks[Outcome] = _Tasks()
        try:
            for pair in islice(pairs, concurrency):
                tasks.start(self._outcome(pair, keep_signed=keep_signed))
            while tasks.running:
                outcome = await tasks.next_result()
                for pair in islice(pairs, 1):
                    tasks.start(self._outcome(pair, keep_signed=keep_signed))
                yield outcome
        finally:
            await tasks.cancel()

    async def _get_many_of_stream(
        self,
        pairs: AsyncIterator[Pair | tuple[str, str]],
        concurrency: int,
        *,
        keep_signed: bool,
    ) -> AsyncGenerator[Outcome, None]:
        """Take pairs in a task of its own, so that outcomes are yielded while the source waits."""
        tasks: _Tasks[Outcome | Pair | None] = _Tasks()
        is_taking, has_ended = False, False
        try:
            while True:
                if not (is_taking or has_ended) and len(tasks.running) < concurrency:
                    tasks.start(_next_pair(pairs))
                    is_taking = True
                if not tasks.running:
                    return
                result = await tasks.next_result()
                if result is None:
                    is_taking, has_ended = False, True
                elif isinstance(result, Pair):
                    is_taking = False
                    tasks.start(self._outcome(result, keep_signed=keep_signed))
                else:
                    yield result
        finally:
            await tasks.cancel()

    async def _outcome(self, pair: Pair, *, keep_signed: bool) -> Outcome:
        try:
            return pair, await self.get(*pair, keep_signed=keep_signed)
        except (ClosedError, EventLoopError):
            raise
        except PalmError as error:
            return pair, error

    async def preauthorize(
        self,
        openid: str,
        *,
        organization_id: str | None = None,
        preauthorize_session_id: str | None = None,
    ) -> str:
        """Return a ``permission_token`` with which a person may authorize in the mini-program.

        Exactly one of the two ids is required: ``preauthorize_session_id`` if the person comes from
        the palm mini-program, ``organization_id`` if the merchant starts. The request is never sent
        again, because it is not a query. The answer names nobody, so its signature does not prove
        that it belongs to this request: only the connection does.

        Args:
            openid: The person; at most 128 characters.
            organization_id: The organization, if the merchant starts; at most 128 characters.
            preauthorize_session_id: What the palm mini-program passed, if the person comes from
                there; at most 128 characters.

        Raises:
            ArgumentError: An argument is not text, or too long, or there is not exactly one id;
                nothing was sent.
            PalmError: As drawn in :mod:`palm.errors`.

        Source: https://pay.weixin.qq.com/doc/v3/partner/4014481990
        """
        if (organization_id is None) == (preauthorize_session_id is None):
            raise ArgumentError(
                "exactly one of organization_id and preauthorize_session_id is required"
            )
        given = {"openid": openid}
        if organization_id is not None:
            given["organization_id"] = organization_id
        if preauthorize_session_id is not None:
            given["preauthorize_session_id"] = preauthorize_session_id
        for name, value in given.items():  # the same texts are refused in a body as in a path
            encode_text(name, value, _PREAUTHORIZE_LENGTH)
        body = json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode()
        private = tuple(given.values())
        return await self._palm.ask(
            "POST", _PREAUTHORIZE, _read_token, body=body, private=private, route=_PREAUTHORIZE
        )


class _Tasks(Generic[T]):
    """Tasks whose results are taken in the order in which they end.

    Attributes:
        running: The tasks whose results have not been taken.
    """

    def __init__(self) -> None:
        self.running: set[asyncio.Task[T]] = set()
        self._done: asyncio.Queue[asyncio.Task[T]] = asyncio.Queue()

    def start(self, work: Coroutine[object, object, T]) -> None:
        task = asyncio.create_task(work)
        self.running.add(task)
        task.add_done_callback(self._done.put_nowait)

    async def next_result(self) -> T:
        task = await self._done.get()
        self.running.discard(task)
        return task.result()

    async def cancel(self) -> None:
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)


async def _next_pair(stream: AsyncIterator[Pair | tuple[str, str]]) -> Pair | None:
    """Return the next pair; None: there are no more."""
    try:
        return checked_pair(await anext(stream))
    except StopAsyncIteration:
        return None


def _read_token(answer: Answer) -> str:
    check_typed(answer)
    members = answer.json()
    token = members.get("permission_token") if isinstance(members, dict) else None
    if not isinstance(token, str) or not token:
        raise BodyError("the answer has no permission_token")
    return token
