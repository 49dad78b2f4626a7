"""The palm service's two interfaces, typed: who has authorized whom, and the way to authorize."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterable
from itertools import islice
from typing import Final, NamedTuple, Protocol, TypeAlias, TypeVar

from palm.errors import ArgumentError, BodyError, PalmError
from palm.http.answer import Answer, check_typed
from palm.http.template import encode
from palm.models import PalmAuthorization, read_authorization

T = TypeVar("T")

__all__ = ["Authorizations", "Outcome", "Pair", "query_target"]

_QUERY: Final = "/v3/palmservice/authorization/openid/"
_PREAUTHORIZE: Final = "/v3/palmservice/authorization/preauthorize"


class Pair(NamedTuple):
    """A person and an organization, in the order of ``get``."""

    openid: str
    organization_id: str


def query_target(openid: str, organization_id: str) -> str:
    """Return path and query of the question about one pair, percent-encoded.

    Raises:
        ArgumentError: One of them cannot be asked about.
    """
    path = f"{_QUERY}{encode('openid', openid)}"
    return f"{path}?organization_id={encode('organization_id', organization_id)}"


Outcome: TypeAlias = tuple[Pair, PalmAuthorization | PalmError]
"""A pair and what came of asking about it: the answer, or the error as a value."""


class Client(Protocol):
    """What asks on behalf of the interfaces: an ``AsyncPalm``.

    Attributes:
        accept_unnamed: Whether an answer that does not name the pair is believed.
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
    ) -> T:
        """Return what ``read`` makes of the verified answer."""


class Authorizations:
    """Who has authorized whom."""

    __slots__ = ("_palm",)

    def __init__(self, palm: Client) -> None:
        self._palm = palm

    async def get(self, openid: str, organization_id: str) -> PalmAuthorization:
        """Return what WeChat Pay says about one person and one organization.

        What is proved of it, and what is not, says :class:`palm.PalmAuthorization`.

        Raises:
            UnnamedError: The answer names no openid or no organization_id, twice, and
                ``accept_unnamed`` was not given.
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
            )

        return await self._palm.ask(
            "GET", query_target(openid, organization_id), read, private=(openid,)
        )

    async def get_many(
        self, pairs: Iterable[Pair | tuple[str, str]], *, concurrency: int = 32
    ) -> AsyncGenerator[Outcome, None]:
        """Yield what came of each pair, as it comes; memory does not grow with their number.

        Args:
            pairs: ``(openid, organization_id)``; taken one by one, as they are needed.
            concurrency: Questions under way at most.

        Raises:
            ArgumentError: ``concurrency`` is below 1.
        """
        if concurrency < 1:
            raise ArgumentError(f"concurrency must be at least 1, not {concurrency}")
        source = (Pair(*pair) for pair in pairs)
        asking: set[asyncio.Task[Outcome]] = set()
        done: asyncio.Queue[asyncio.Task[Outcome]] = asyncio.Queue()

        def start(count: int) -> None:
            for pair in islice(source, count):
                task = asyncio.create_task(self._outcome(pair))
                asking.add(task)
                task.add_done_callback(done.put_nowait)

        try:
            start(concurrency)
            while asking:
                task = await done.get()
                asking.discard(task)
                start(1)
                yield task.result()
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _outcome(self, pair: Pair) -> Outcome:
        try:
            return pair, await self.get(*pair)
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

        Exactly one of the two must be given: ``preauthorize_session_id`` where the person comes
        from the palm mini-program, ``organization_id`` where the merchant starts. Asked once, never
        again: it is no query. The answer names nobody, so that it is the answer to this very
        question is not proved by its signature: only the connection ties the two.

        Raises:
            PalmError: As drawn in :mod:`palm.errors`.

        Source: https://pay.weixin.qq.com/doc/v3/partner/4014481990
        """
        if (organization_id is None) == (preauthorize_session_id is None):
            raise ArgumentError("give either organization_id or preauthorize_session_id")
        given = {"openid": openid}
        if organization_id is not None:
            given["organization_id"] = organization_id
        if preauthorize_session_id is not None:
            given["preauthorize_session_id"] = preauthorize_session_id
        for name, value in given.items():
            encode(name, value)  # the same texts are refused in a body as in a path
        body = json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode()
        private = tuple(given.values())
        return await self._palm.ask("POST", _PREAUTHORIZE, _read_token, body=body, private=private)


def _read_token(answer: Answer) -> str:
    check_typed(answer)
    members = answer.json()
    token = members.get("permission_token") if isinstance(members, dict) else None
    if not isinstance(token, str) or not token:
        raise BodyError("the answer has no permission_token")
    return token
