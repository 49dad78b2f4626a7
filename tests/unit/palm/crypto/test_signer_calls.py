"""Signers of the caller's own: they block, hang, fail and lie, and harm only their own request."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from types import SimpleNamespace

import pytest

from palm.crypto import signer_calls
from palm.crypto.signer_calls import SignerCalls
from palm.crypto.signing import RSASigner
from palm.errors import ClosedError, LocalResourceError, SignerError

REQUEST = contextvars.ContextVar("REQUEST", default="")


def signer(sign, **ids):
    """Return a signer with that function."""
    given = {"mchid": "1900000001", "serial_no": "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"}
    return SimpleNamespace(sign=sign, **given | ids)


async def signed(sign, **ids):
    return await SignerCalls(signer(sign, **ids)).sign(b"message")


async def refusal(sign, **ids) -> SignerError:
    with pytest.raises(SignerError) as caught:
        await signed(sign, **ids)
    return caught.value


def here() -> bytes:
    return str(threading.get_ident()).encode()


def _returned(function, message):
    """Return what a function returns, which may be a coroutine."""
    return function(message)


# --- where it runs


async def test_the_built_in_signer_needs_no_thread(keys, monkeypatch):
    monkeypatch.setattr(signer_calls, "Thread", None)
    own = RSASigner(keys.merchant())
    made = await SignerCalls(own).sign(b"message")
    assert made == (own.mchid, own.serial_no, own.sign(b"message"))


async def test_an_asynchronous_signer_runs_in_the_event_loop():
    async def sign(_):
        await asyncio.sleep(0)
        return here()

    assert (await signed(sign)).raw == here()


async def test_any_other_signer_runs_in_a_thread_which_the_program_does_not_wait_for(keys):
    class Traced(RSASigner):
        def sign(self, _):
            return f"{threading.get_ident()} {threading.current_thread().daemon}".encode()

    for made in (
        await SignerCalls(Traced(keys.merchant())).sign(b"message"),
        await signed(lambda _: f"{here().decode()} {threading.current_thread().daemon}".encode()),
    ):
        thread, is_daemon = made.raw.decode().split()
        assert thread != here().decode()
        assert is_daemon == "True"


async def test_blocking_signers_run_at_the_same_time_and_hold_up_nobody():
    meeting = threading.Barrier(3)

    def sign(message):
        meeting.wait(timeout=5)
        return message

    calls = SignerCalls(signer(sign))
    tasks = [asyncio.create_task(calls.sign(b"message")) for _ in range(3)]
    assert [made.raw for made in await asyncio.gather(*tasks)] == [b"message"] * 3


async def test_a_blocking_signer_sees_the_context_of_its_request():
    REQUEST.set("request 7")
    assert (await signed(lambda _: REQUEST.get().encode())).raw == b"request 7"


async def test_a_function_may_return_an_awaitable():
    async def later(message):
        await asyncio.sleep(0)
        return message + here()

    assert (await signed(functools.partial(_returned, later))).raw == b"message" + here()


async def test_only_so_many_threads_run_and_the_others_wait(monkeypatch):
    monkeypatch.setattr(signer_calls, "_MAX_THREADS", 2)
    running, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def sign(message):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        go.wait(5)
        with lock:
            running -= 1
        return message

    calls = SignerCalls(signer(sign))
    tasks = [asyncio.create_task(calls.sign(b"message")) for _ in range(7)]
    for _ in range(20):
        await asyncio.sleep(0)
    go.set()
    assert len(await asyncio.gather(*tasks)) == 7
    assert most == 2


# --- one that hangs


async def test_a_blocked_thread_is_left_alone_when_its_call_is_cancelled(monkeypatch):
    monkeypatch.setattr(signer_calls, "_MAX_THREADS", 1)
    go, entered = threading.Event(), threading.Event()

    def sign(message):
        entered.set()
        go.wait(5)
        return message

    calls = SignerCalls(signer(sign))
    task = asyncio.create_task(calls.sign(b"message"))
    await asyncio.to_thread(entered.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    waiting = asyncio.create_task(calls.sign(b"message"))
    await asyncio.sleep(0)
    assert not waiting.done()
    go.set()
    assert (await waiting).raw == b"message"


async def test_a_signer_that_ignores_its_cancellation_holds_up_nobody():
    entered, go = asyncio.Event(), asyncio.Event()

    async def sign(message):
        entered.set()
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue
        raise RuntimeError(message)

    task = asyncio.create_task(signed(sign))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert len(others) == 1
    await asyncio.wait(others)


def test_a_thread_that_ends_after_its_event_loop_says_nothing(caplog):
    go, threads = threading.Event(), []

    def sign(message):
        threads.append(threading.current_thread())
        go.wait(5)
        return message

    async def give_up():
        task = asyncio.create_task(signed(sign))
        while not threads:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(give_up())
    go.set()
    threads[0].join(5)
    assert not threads[0].is_alive()
    assert caplog.messages == []


def test_a_forked_process_does_not_wait_for_the_parents_threads(monkeypatch):
    monkeypatch.setattr(signer_calls, "_MAX_THREADS", 1)
    calls = SignerCalls(signer(lambda message: message))

    async def used_up():
        await calls._slots.acquire()

    asyncio.run(used_up())
    calls.after_fork()
    assert asyncio.run(calls.sign(b"message")).raw == b"message"


# --- one that fails


@pytest.mark.parametrize("kind", ["function", "coroutine", "awaitable"])
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("token=secret"),
        KeyError("secret"),
        StopIteration("secret"),
        StopAsyncIteration("secret"),
        TimeoutError("secret"),
        OSError(5, "secret"),
        ClosedError("secret"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_only_the_class_of_its_exception_is_told(kind, error, everything_said_by):
    def fail(_):
        raise error

    async def fail_later(_):
        await asyncio.sleep(0)
        raise error

    sign = {
        "function": fail,
        "coroutine": fail_later,
        "awaitable": functools.partial(_returned, fail_later),
    }[kind]
    failure = await refusal(sign)
    name = type(error).__name__
    if kind != "function" and name == "StopIteration":
        name = "RuntimeError"  # that is what Python makes of it in a coroutine
    assert str(failure) == f"the signer raised {name}"
    assert "secret" not in everything_said_by(failure)


async def test_an_exit_in_a_thread_ends_only_the_call():
    def leave(_):
        raise SystemExit(3)

    assert str(await refusal(leave)) == "the signer raised SystemExit"


async def test_an_exit_in_a_task_ends_only_the_call():
    async def leave(_):
        raise SystemExit(3)

    assert str(await refusal(leave)) == "the signer raised SystemExit"


async def test_its_own_cancellation_is_not_the_callers():
    async def cancelled(_):
        raise asyncio.CancelledError

    assert str(await refusal(cancelled)) == "the signer was cancelled"
    assert str(await refusal(functools.partial(_returned, cancelled))) == "the signer was cancelled"


async def test_a_signer_error_of_its_own_says_what_it_says():
    def fail(_):
        raise SignerError("the key is locked")

    async def fail_later(_):
        fail(_)

    assert str(await refusal(fail)) == "the key is locked"
    assert str(await refusal(fail_later)) == "the key is locked"


@pytest.mark.parametrize("result", [None, "text", bytearray(b"x"), memoryview(b"x"), 7])
async def test_what_is_not_bytes_is_refused(result):
    async def later(_):
        return result

    expected = f"the signer returned {type(result).__name__} instead of bytes"
    assert str(await refusal(lambda _: result)) == expected
    assert str(await refusal(later)) == expected


@pytest.mark.parametrize("name", ["mchid", "serial_no"])
@pytest.mark.parametrize("value", ["", '1",nonce_str="2', "1\r\nX: y", "１９", 1900000001, None])
async def test_ids_that_cannot_stand_in_the_header_are_refused(name, value):
    failure = await refusal(lambda message: message, **{name: value})
    assert str(failure) == "the signer has an mchid or serial_no that is not letters and digits"


async def test_ids_that_cannot_be_read_are_refused():
    class Locked:
        mchid = "1900000001"

        @property
        def serial_no(self):
            raise LookupError("secret")

        async def sign(self, message):
            return message

    with pytest.raises(SignerError, match="^the signer raised LookupError$"):
        await SignerCalls(Locked()).sign(b"message")


async def test_a_function_that_cannot_be_read_or_is_none_is_refused():
    class Locked:
        mchid, serial_no = "1900000001", "40"

        @property
        def sign(self):
            raise LookupError("secret")

    for wrong, text in (
        (Locked(), "the signer raised LookupError"),
        (SimpleNamespace(mchid="1", serial_no="2"), "the signer raised AttributeError"),
        (signer(None), "the signer has no function sign"),
    ):
        with pytest.raises(SignerError, match=f"^{text}$"):
            await SignerCalls(wrong).sign(b"message")


async def test_a_thread_that_cannot_be_started_is_the_machines_fault(monkeypatch):
    class Unstartable(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(signer_calls, "_MAX_THREADS", 1)
    calls = SignerCalls(signer(lambda message: message))
    with monkeypatch.context() as patch:
        patch.setattr(signer_calls, "Thread", Unstartable)
        for _ in range(2):
            with pytest.raises(LocalResourceError, match="no thread can be started"):
                await calls.sign(b"message")
    assert (await calls.sign(b"message")).raw == b"message"
