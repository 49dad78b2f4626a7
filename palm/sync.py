"""The client for code that is not asynchronous: it runs the asynchronous one in a thread."""

from __future__ import annotations

import copy
import os
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, suppress
from functools import partial
from itertools import islice
from os import PathLike
from threading import Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar, Unpack

from anyio import CancelScope, run
from anyio.from_thread import BlockingPortal

from palm.chain import Node
from palm.client import AsyncPalm
from palm.errors import ClosedError, EventLoopError
from palm.forks import reset_in_child
from palm.http.answer import Answer
from palm.models import PalmAuthorization
from palm.notifications.parsing import SyncNotifications
from palm.options.client_options import ClientOptions, CopyOptions, SettingsOptions
from palm.palmservice import Outcome, Pair

if TYPE_CHECKING:
    from palm.settings import Settings

__all__ = ["Palm", "SyncAuthorizations"]

T = TypeVar("T")

_FORKED: Final = (
    "get_many was begun in the process that this one was forked from: call it again here"
)


class Palm:
    """A client of WeChat Pay's palm service that returns only what it has verified.

    It takes the arguments of :class:`palm.AsyncPalm`. It works in scripts, from several threads at
    once, and where an event loop is already running (a notebook): it has a thread with an event
    loop, from the first request until it is closed, or until the program ends. A process that was
    forked may use it, too (gunicorn with ``preload_app``): there it makes its own thread and
    connections.

    Raises:
        SettingsError: As :class:`palm.AsyncPalm`.
    """

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        self._open(AsyncPalm(**options))

    @classmethod
    def from_env(
        cls, config: str | PathLike[str] | None = None, **options: Unpack[SettingsOptions]
    ) -> Self:
        """Return a client with the settings in ``PALM_*`` variables, then in ``palm.toml``.

        Args:
            config: Path of ``palm.toml``; default: the one in the current folder, if there is one.
            options: Arguments of the class, which replace settings.

        Raises:
            SettingsError: A setting or an option is missing, unknown or wrong.
        """
        palm = cls.__new__(cls)
        palm._open(AsyncPalm.from_env(config, **options))  # noqa: SLF001 - ourselves
        return palm

    @classmethod
    def from_settings(cls, settings: Settings, **options: Unpack[SettingsOptions]) -> Self:
        """Return a client with ``settings``; see :meth:`from_env`."""
        palm = cls.__new__(cls)
        palm._open(AsyncPalm.from_settings(settings, **options))  # noqa: SLF001 - ourselves
        return palm

    def _open(self, palm: AsyncPalm) -> None:
        self._palm = palm
        self._thread = _Thread(palm)
        self._original: weakref.ref[Palm] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel all requests, close all connections and end the thread, permanently.

        Of a copy with other options: only if its original is gone.
        """
        if self._original is None or self._original() is None:
            self._thread.close()

    def with_options(self, **options: Unpack[CopyOptions]) -> Self:
        """Return a client with other options that shares this one's connections, pacer and keys.

        Args:
            timeout: Seconds for a whole attempt, or all timeouts; None: as in this client.
            retry: When a GET is sent again; None: as in this client.

        Raises:
            SettingsError: An option is unknown or wrong.
        """
        other = copy.copy(self)
        other._original = self._original or weakref.ref(self)  # noqa: SLF001 - ourselves
        other._palm = self._palm.with_options(**options)  # noqa: SLF001
        return other

    @property
    def authorizations(self) -> SyncAuthorizations:
        """The palm service's interfaces, typed."""
        return SyncAuthorizations(self._palm, self._thread)

    @property
    def notifications(self) -> SyncNotifications:
        """Verifies, decrypts and reads what WeChat Pay sends to the merchant's own URL."""
        return SyncNotifications(self._palm.notifications, self._thread.call)

    @property
    def v3(self) -> Node[Answer]:
        """The first node of a chain: ``palm.v3.palmservice.…``."""
        return self.chain("v3")

    def chain(self, path: str) -> Node[Answer]:
        """Return the node at ``path``, taken literally: ``palm.chain("v3/…/{openid}")``."""
        send: Callable[..., Answer] = partial(self._thread.call, self._palm.send)
        return Node("", send).chain(path)

    __getitem__ = chain
    __iter__ = None  # a client is not a sequence, though it takes keys


class SyncAuthorizations:
    """Which persons have authorized which organizations; see ``palm.Authorizations``."""

    __slots__ = ("_authorizations", "_thread")

    def __init__(self, palm: AsyncPalm, thread: _Thread) -> None:
        self._authorizations = palm.authorizations
        self._thread = thread

    def get(self, openid: str, organization_id: str) -> PalmAuthorization:
        """Return the state of one person's authorization for one organization.

        Raises:
            PalmError: As drawn in :mod:`palm.errors`.
        """
        return self._thread.call(self._authorizations.get, openid, organization_id)

    def get_many(
        self, pairs: Iterable[Pair | tuple[str, str]], *, concurrency: int = 32
    ) -> Generator[Outcome, None, None]:
        """Yield the result of each pair as it arrives; memory does not grow with their number.

        Pairs are taken from the iterable in the caller's own thread, as database cursors require.

        Raises:
            ArgumentError: ``concurrency`` is below 1.
        """
        source = iter(pairs)
        ahead = deque(islice(source, max(concurrency, 0) + 1))
        outcomes = self._authorizations.get_many(_taken(ahead), concurrency=concurrency)
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

        Raises:
            PalmError: As drawn in :mod:`palm.errors`.
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


class _Thread:
    """An event loop in a separate thread, which starts when it is first needed.

    A process that was forked has a thread of its own: the parent's does not exist there.
    """

    def __init__(self, palm: AsyncPalm) -> None:
        self._palm = palm
        self._portal: BlockingPortal | None = None
        self._starting = Lock()
        self._stack = ExitStack()
        self._close = weakref.finalize(self, self._stack.close)
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the parent's thread, which cannot be ended from here."""
        is_closed = self._close.detach() is None
        self._portal, self._starting, self._stack = None, Lock(), ExitStack()
        self._close = weakref.finalize(self, self._stack.close)
        if is_closed:
            self._close()

    def close(self) -> None:
        """Cancel all requests, close all connections and end; later calls raise ClosedError."""
        with self._starting:
            self._close()

    def call(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Return what ``function(*args)`` returns, awaited in the thread.

        Raises:
            ClosedError: The client is closed, or was closed in the meantime.
        """
        with self._starting:
            if not self._close.alive:
                raise ClosedError
            if self._portal is None:
                self._portal = _start(self._stack)
                self._stack.callback(self._portal.call, _end, self._portal, self._palm)
        future = self._portal.start_task_soon(function, *args)
        try:
            return future.result()
        except CancelledError:
            raise ClosedError from None
        finally:
            future.cancel()  # if the wait was interrupted; otherwise it is done already


def _start(stack: ExitStack) -> BlockingPortal:
    """Start a thread with an event loop, which ``stack`` waits for when it is closed.

    anyio's own context manager would try to end the parent's thread when a forked process deletes
    it, and would wait for that without end.
    """
    started: Future[BlockingPortal] = Future()
    thread = Thread(target=run, args=(_serve, started), name="palm", daemon=True)
    thread.start()
    stack.callback(thread.join)
    return started.result()


async def _serve(started: Future[BlockingPortal]) -> None:
    async with BlockingPortal() as portal:
        started.set_result(portal)
        await portal.sleep_until_stopped()


async def _end(portal: BlockingPortal, palm: AsyncPalm) -> None:
    """Cancel all requests, then close all connections."""
    await portal.stop(cancel_remaining=True)
    with CancelScope(shield=True):
        await palm.close()
