"""Signs in threads, so that the event loop sends and verifies while other cores sign."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread, current_thread
from types import TracebackType
from typing import Final, NamedTuple, Self, TypeAlias

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from palm.crypto.keys import Merchant
from palm.crypto.signing import sign_message
from palm.errors import ClosedError, LocalResourceError
from palm.errors.values import check_value, is_whole_number
from palm.forks import BoundToProcess, reset_in_child

__all__ = ["ThreadSigner", "usable_cores"]

_MOST_THREADS: Final = 4
"""They sign faster than one event loop can send."""


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ThreadSigner(BoundToProcess):
    """Signs with a private key in memory, in threads of its own.

    A signature takes half of the processor time of a request. ``cryptography`` releases the
    interpreter's lock while it computes one, so threads compute it on other cores, and a client can
    send more requests a second. At a low rate, or where no other core is idle, threads only cost
    processor time: pass the ``Merchant`` itself.

    Several clients, also of several event loops, can share one. The threads start with the first
    signature; a forked process starts its own. They end when it is closed, when nothing refers to
    it any more, or when the program ends.

    Args:
        merchant: The merchant and its key.
        threads: How many threads sign; None: one less than the process has cores, but at least 1
            and at most 4.

    Attributes:
        merchant: The merchant that signs.

    Raises:
        SettingsError: An argument is wrong.
    """

    def __init__(self, merchant: Merchant, *, threads: int | None = None) -> None:
        is_merchant = isinstance(merchant, Merchant)
        check_value("merchant", merchant, "a Merchant, with its key", is_right=is_merchant)
        is_count = threads is None or is_whole_number(threads)
        check_value("threads", threads, "a whole number above 0, or None", is_right=is_count)
        self.merchant: Merchant = merchant
        self._count = threads or min(_MOST_THREADS, max(1, usable_cores() - 1))
        self._is_closed = False
        self._starting = Lock()
        self._threads: _Threads | None = None
        self._outbox: _Outbox | None = None
        self._end: weakref.finalize[[], ThreadSigner] | None = None
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the parent's threads."""
        self._starting, self._threads, self._outbox = Lock(), None, None
        if self._end is not None:
            self._end.detach()

    @property
    def mchid(self) -> str:
        """The merchant that signs."""
        return self.merchant.mchid

    @property
    def serial_no(self) -> str:
        """Serial number of the merchant's API certificate."""
        return self.merchant.serial_no

    def sign(self, message: bytes, /) -> asyncio.Future[bytes]:
        """Return a future of the raw signature of ``message``, in the running event loop.

        Raises:
            ClosedError: It was closed.
            LocalResourceError: No thread can be started.
            RuntimeError: No event loop runs in this thread.
        """
        loop = asyncio.get_running_loop()
        outbox = self._outbox
        if outbox is None or outbox.loop is not loop:
            outbox = self._outbox = _Outbox(loop)
        future: asyncio.Future[bytes] = loop.create_future()
        threads = self._threads or self._start()
        threads.inbox.put(_Request(message, future, outbox))
        return future

    def _start(self) -> _Threads:
        with self._starting:
            if self._is_closed:
                raise ClosedError("the ThreadSigner is closed")
            if self._threads is None:
                self._threads = _Threads(self.merchant.private_key, self._count)
                self._end = weakref.finalize(self, self._threads.end)
            return self._threads

    def close(self) -> None:
        """End the threads; what clients ask to be signed from now on is a ClosedError."""
        with self._starting:
            self._is_closed = True
            self._threads = None
            if self._end is not None:
                self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Outbox:
    """Gives signatures to the futures of one event loop: as many at a time as there are."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._ready: deque[tuple[asyncio.Future[bytes], bytes | Exception]] = deque()
        self._is_scheduled = False

    def put(self, future: asyncio.Future[bytes], result: bytes | Exception) -> None:
        """Set the result of a future; called in any thread."""
        self._ready.append((future, result))
        if not self._is_scheduled:
            self._is_scheduled = True
            with suppress(RuntimeError):  # the loop was closed in the meantime
                self.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_scheduled = False  # before what is ready is taken: what comes later asks again
        while self._ready:
            future, result = self._ready.popleft()
            if future.done():  # it was cancelled
                continue
            if isinstance(result, bytes):
                future.set_result(result)
            else:
                future.set_exception(result)


class _Request(NamedTuple):
    """A message to sign, and where its signature goes."""

    message: bytes
    future: asyncio.Future[bytes]
    outbox: _Outbox


_Inbox: TypeAlias = SimpleQueue[_Request | None]


class _Threads:
    """The threads of one process.

    Args:
        key: The private key.
        count: How many threads; fewer where no more can be started.

    Attributes:
        inbox: What is to be signed; None ends a thread.

    Raises:
        LocalResourceError: No thread can be started.
    """

    def __init__(self, key: RSAPrivateKey, count: int) -> None:
        self.inbox: _Inbox = SimpleQueue()
        self._running: list[Thread] = []
        for _ in range(count):
            # A key of its own for each thread: OpenSSL locks a key at moments while it signs, and a
            # process that is forked at one of them would have the lock, but not who releases it.
            own = key.private_numbers().private_key(unsafe_skip_rsa_key_validation=True)
            thread = Thread(target=_work, args=(self.inbox, own), name="palm-signer", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                break
            self._running.append(thread)
        if not self._running:
            raise LocalResourceError("no thread can be started for the signer")

    def end(self) -> None:
        """End the threads after what has been asked for, and wait for them."""
        for _ in self._running:
            self.inbox.put(None)
        for thread in self._running:
            if thread is not current_thread():  # where the last reference was
                thread.join()


def _work(inbox: _Inbox, key: RSAPrivateKey) -> None:
    """Sign until the inbox says to end; while it waits, it refers to no request."""
    while (request := inbox.get()) is not None:
        _sign(request, key)
        del request


def _sign(request: _Request, key: RSAPrivateKey) -> None:
    if request.future.cancelled():
        return
    try:
        result: bytes | Exception = sign_message(key, request.message)
    except Exception as error:  # noqa: BLE001 - the waiting task has to learn of it
        result = error
    request.outbox.put(request.future, result)
