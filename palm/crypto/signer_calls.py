"""Calls a signer: the built-in one, or one that the caller wrote, which may block, hang or fail."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Final, NamedTuple

from palm.crypto.signing import RSASigner, Signer
from palm.crypto.thread_signer import ThreadSigner
from palm.errors import LocalResourceError, SignerError
from palm.forks import reset_in_child

__all__ = ["Signature", "SignerCalls"]

_MAX_THREADS: Final = 64
_BUILT_IN: Final = (RSASigner.sign, ThreadSigner.sign)
"""They neither block nor hang; a subclass with another ``sign`` may."""


class Signature(NamedTuple):
    """A signature, and who signed.

    Attributes:
        mchid: The merchant.
        serial_no: Serial number of its API certificate.
        raw: The signature itself.
    """

    mchid: str
    serial_no: str
    raw: bytes


class SignerCalls:
    """Calls one signer.

    The built-in ``RSASigner`` and ``ThreadSigner`` are called directly. An ``async def sign`` runs
    in a task of its own. Any other ``sign`` is called in a thread of its own, so that it may block;
    at most 64 run at the same time. An awaitable that it returns is awaited in the event loop.

    A call that is cancelled, because the attempt has timed out, is not waited for. Its thread ends
    when ``sign`` returns, and does not keep the program from ending.

    Args:
        signer: The signer.
    """

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self._is_built_in = getattr(type(signer), "sign", None) in _BUILT_IN
        self._slots = asyncio.Semaphore(_MAX_THREADS)
        self._plain_ids: tuple[str, str] | None = None
        """The last ids that could stand in a header."""
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the calls that run in threads of the parent."""
        self._slots = asyncio.Semaphore(_MAX_THREADS)

    async def sign(self, message: bytes) -> Signature:
        """Return the signature of ``message``.

        Raises:
            LocalResourceError: No thread can be started.
            SignerError: The signer raised an exception, of which only the class is told; or it
                returned something other than bytes, or its ids cannot stand in a header.
        """
        if self._is_built_in:
            signed: object = self.signer.sign(message)
            if isinstance(signed, asyncio.Future):
                signed = await signed
        else:
            signed = await self._call(message)
        if not isinstance(signed, bytes):
            raise SignerError(f"the signer returned {type(signed).__name__} instead of bytes")
        return Signature(*self._ids(), signed)

    def _ids(self) -> tuple[str, str]:
        failure = "has an mchid or serial_no that is not letters and digits"
        try:
            ids = self.signer.mchid, self.signer.serial_no
        except Exception as error:  # noqa: BLE001 - the caller's own code
            failure = f"raised {type(error).__name__}"
        else:
            if ids == self._plain_ids:
                return ids
            if all(map(_is_plain, ids)):
                self._plain_ids = ids
                return ids
        raise SignerError(f"the signer {failure}")

    async def _call(self, message: bytes) -> object:
        sign = _called(getattr, self.signer, "sign")
        if not callable(sign):
            raise SignerError("the signer has no function sign")
        if inspect.iscoroutinefunction(sign):
            signed = _called(sign, message)
        else:
            signed = await self._in_thread(sign, message)
        return await _awaited(signed) if inspect.isawaitable(signed) else signed

    async def _in_thread(self, sign: Callable[[bytes], object], message: bytes) -> object:
        await self._slots.acquire()
        loop, slots = asyncio.get_running_loop(), self._slots

        def release(_: Future[object]) -> None:
            with suppress(RuntimeError):  # the loop was closed in the meantime
                loop.call_soon_threadsafe(slots.release)

        future: Future[object] = Future()
        future.set_running_or_notify_cancel()  # it cannot be cancelled
        future.add_done_callback(release)
        call = contextvars.copy_context().run
        work = Thread(
            target=_work,
            args=(future, call, _called, sign, message),
            name="palm-signer",
            daemon=True,
        )
        try:
            work.start()
        except RuntimeError:
            future.set_exception(LocalResourceError("no thread can be started for the signer"))
        return await asyncio.wrap_future(future)


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isalnum()


def _work(future: Future[object], function: Callable[..., object], *args: object) -> None:
    """Call a function in a thread."""
    try:
        result = function(*args)
    except BaseException as error:  # noqa: BLE001 - the waiting task has to learn of it
        future.set_exception(error)
    else:
        future.set_result(result)


def _called(function: Callable[..., object], *args: object) -> object:
    """Return what a function of the signer returns; its exceptions become a SignerError."""
    try:
        return function(*args)
    except SignerError:
        raise
    except BaseException as error:  # noqa: BLE001 - the caller's own code, mostly in a thread
        name = type(error).__name__
    raise SignerError(f"the signer raised {name}")  # outside: the original may hold the request


async def _awaited(signing: Awaitable[object]) -> object:
    """Return what an awaitable returns; its exceptions become a SignerError.

    It runs in a task of its own: code that ignores its cancellation then holds up nobody.
    """
    task = asyncio.ensure_future(_result(signing))
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        task.add_done_callback(_ignore)
        raise
    if task.cancelled():
        raise SignerError("the signer was cancelled")
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, SignerError):
        raise error
    raise SignerError(f"the signer raised {type(error).__name__}")


async def _result(signing: Awaitable[object]) -> object:
    try:
        return await signing
    except (KeyboardInterrupt, SystemExit) as error:  # it would end the event loop
        name = type(error).__name__
    raise SignerError(f"the signer raised {name}")


def _ignore(task: asyncio.Task[object]) -> None:
    """Take a task's exception, which asyncio would log otherwise."""
    if not task.cancelled():
        task.exception()
