"""The palm service's interfaces for code that is not asynchronous."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from palm.client import AsyncPalm
from palm.errors import EventLoopError
from palm.models import PalmAuthorization
from palm.pairs import Pair, check_concurrency
from palm.palmservice import Outcome
from palm.sync.loop_thread import LoopThread

__all__ = ["SyncAuthorizations"]

T = TypeVar("T")

_FORKED: Final = (
    "get_many was begun in the process that this one was forked from: call it again here"
)


class SyncAuthorizations:
    """Which persons have authorized which organizations; see ``palm.Authorizations``."""

    __slots__ = ("_authorizations", "_thread")

    def __init__(self, palm: AsyncPalm, thread: LoopThread) -> None:
        self._authorizations = palm.authorizations
        self._thread = thread

    def get(
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
        get = partial(self._authorizations.get, keep_signed=keep_signed)
        return self._thread.call(get, openid, organization_id)

    def get_many(
        self,
        pairs: Iterable[Pair | tuple[str, str]],
        *,
        concurrency: int = 32,
        keep_signed: bool = False,
    ) -> Generator[Outcome, None, None]:
        """Yield the result of each pair as it arrives; memory does not grow with their number.

        Args:
            pairs: ``(openid, organization_id)``; taken from the iterable one by one, when needed,
                in the caller's own thread, as database cursors require.
            concurrency: How many queries run at the same time, at most.
            keep_signed: Whether to return what WeChat Pay signed, too, as :meth:`get`.

        Yields:
            The pair, and its authorization or its error.

        Raises:
            ArgumentError: ``concurrency`` is not a whole number above 0.
            TypeError: An item is not a pair.
            ClosedError: The client is closed.
            EventLoopError: The process was forked in the meantime.

        Source: https://pay.weixin.qq.com/doc/v3/partner/4014482017, which knows no query of many
        """
        check_concurrency(concurrency)
        source = iter(pairs)
        ahead = deque(islice(source, concurrency + 1))
        outcomes = self._authorizations.get_many(
            _taken(ahead), concurrency=concurrency, keep_signed=keep_signed
        )
        process = os.getpid()
        try:
            while (outcome := self._thread.call(anext, outcomes, None)) is not None:
                yield outcome
                if os.getpid() != process:
                    raise EventLoopError(_FORKED)
                ahead.extend(islice(source, 1))
        finally:
            if os.getpid() == process:
                with suppress(RuntimeError):  # closed, or still being cancelled
                    self._thread.call(outcomes.aclose)

    def preauthorize(
        self,
        openid: str,
        *,
        organization_id: str | None = None,
        preauthorize_session_id: str | None = None,
    ) -> str:
        """Return a ``permission_token`` with which a person may authorize in the mini-program.

        Exactly one of the two ids is required. The request is never sent again, because it is not a
        query. The answer names nobody: only the connection proves that it belongs to this request.

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
        ask = partial(
            self._authorizations.preauthorize,
            organization_id=organization_id,
            preauthorize_session_id=preauthorize_session_id,
        )
        return self._thread.call(ask, openid)


def _taken(ahead: deque[T]) -> Iterator[T]:
    """Yield the items of a queue, and those added in the meantime, until it is empty."""
    while ahead:
        yield ahead.popleft()
