"""Signatures made in threads: the same ones, and nobody waits, leaks or hangs."""

from __future__ import annotations

import asyncio
import gc
import pickle
import subprocess
import sys
import textwrap
import threading

import pytest

from palm.crypto import thread_signer
from palm.crypto.signer_calls import SignerCalls
from palm.crypto.signing import RSASigner, sign_message
from palm.crypto.thread_signer import ThreadSigner
from palm.errors import ClosedError, LocalResourceError, SettingsError


def signing_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "palm-signer"}


@pytest.fixture
def signer(keys):
    with ThreadSigner(keys.merchant(), threads=2) as made:
        yield made


async def test_it_signs_as_the_signer_without_threads_does(keys, signer):
    other = RSASigner(keys.merchant())
    messages = [b"%d" % number for number in range(50)]
    made = await asyncio.gather(*map(signer.sign, messages))
    assert made == [other.sign(message) for message in messages]
    assert (signer.mchid, signer.serial_no) == (other.mchid, other.serial_no)


async def test_the_threads_sign_at_the_same_time_while_the_event_loop_goes_on(signer, monkeypatch):
    meeting = threading.Barrier(3)

    def sign(key, message):
        meeting.wait(5)
        return sign_message(key, message)

    monkeypatch.setattr(thread_signer, "sign_message", sign)
    futures = [signer.sign(b"1"), signer.sign(b"2")]
    await asyncio.to_thread(meeting.wait, 5)
    assert len(await asyncio.gather(*futures)) == 2


async def test_a_client_calls_it_directly(signer):
    """A thread of the client's own for each call would only wait for the other threads."""
    calls = SignerCalls(signer)
    before = set(threading.enumerate())
    made = await calls.sign(b"message")
    assert {thread.name for thread in set(threading.enumerate()) - before} == {"palm-signer"}
    assert made == (signer.mchid, signer.serial_no, await signer.sign(b"message"))


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 2), (5, 4), (64, 4)])
async def test_one_core_is_left_to_the_event_loop(keys, monkeypatch, cores, threads):
    monkeypatch.setattr(thread_signer, "usable_cores", lambda: cores)
    before = signing_threads()
    with ThreadSigner(keys.merchant()) as signer:
        await signer.sign(b"message")
        assert len(signing_threads() - before) == threads


def test_only_the_cores_that_this_process_may_use_count(monkeypatch):
    monkeypatch.setattr(thread_signer.os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    assert thread_signer.usable_cores() == 2


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_a_wrong_number_of_threads_is_refused(keys, threads):
    with pytest.raises(SettingsError, match="^threads must be a whole number above 0, or None"):
        ThreadSigner(keys.merchant(), threads=threads)


def test_only_a_merchant_with_its_key_is_accepted(keys):
    with pytest.raises(SettingsError, match="^merchant must be a Merchant, with its key"):
        ThreadSigner(RSASigner(keys.merchant()))


def test_no_thread_starts_before_the_first_signature(keys):
    before = signing_threads()
    ThreadSigner(keys.merchant())
    assert signing_threads() == before


def test_it_cannot_be_pickled_with_its_key(signer):
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(signer)


# --- waiting, and not waiting any more


async def test_what_is_cancelled_before_its_turn_is_not_signed(keys, monkeypatch):
    go, signed = threading.Event(), []

    def sign(_, message):
        go.wait(5)
        signed.append(message)
        return message

    monkeypatch.setattr(thread_signer, "sign_message", sign)
    with ThreadSigner(keys.merchant(), threads=1) as signer:
        first, second, third = (signer.sign(message) for message in (b"1", b"2", b"3"))
        second.cancel()
        go.set()
        assert [await first, await third] == [b"1", b"3"]
    assert signed == [b"1", b"3"]


async def test_what_is_cancelled_while_it_is_signed_disturbs_nothing(keys, monkeypatch, caplog):
    go, entered = threading.Event(), threading.Event()

    def sign(_, message):
        entered.set()
        go.wait(5)
        return message

    monkeypatch.setattr(thread_signer, "sign_message", sign)
    with ThreadSigner(keys.merchant(), threads=1) as signer:
        task = asyncio.create_task(SignerCalls(signer).sign(b"1"))
        await asyncio.to_thread(entered.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        later = signer.sign(b"2")
        go.set()
        assert await later == b"2"
    assert caplog.messages == []


async def test_an_error_reaches_the_caller_and_ends_no_thread(keys, monkeypatch):
    def sign(_, message):
        if message == b"1":
            raise MemoryError
        return message

    monkeypatch.setattr(thread_signer, "sign_message", sign)
    with ThreadSigner(keys.merchant(), threads=1) as signer:
        with pytest.raises(MemoryError):
            await signer.sign(b"1")
        assert await signer.sign(b"2") == b"2"


def test_several_event_loops_share_one(signer):
    made, failed = [], []

    async def sign_many():
        made.extend([(number, await signer.sign(b"%d" % number)) for number in range(100)])

    def run():
        try:
            asyncio.run(sign_many())
        except BaseException as error:  # noqa: BLE001 - asserted below
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert len(made) == 300
    assert len(set(made)) == 100


def test_an_event_loop_that_is_closed_meanwhile_gets_nothing(keys, monkeypatch, caplog):
    go = threading.Event()

    def sign(_, message):
        go.wait(5)
        return message

    monkeypatch.setattr(thread_signer, "sign_message", sign)
    with ThreadSigner(keys.merchant(), threads=1) as signer:

        async def give_up():
            signer.sign(b"1").cancel()
            signer.sign(b"2")

        async def go_on():
            return await signer.sign(b"3")

        asyncio.run(give_up())
        go.set()
        assert asyncio.run(go_on()) == b"3"
    assert caplog.messages == []


# --- its end


async def test_closing_it_ends_its_threads_after_what_was_asked_for(keys):
    before = signing_threads()
    signer = ThreadSigner(keys.merchant(), threads=2)
    futures = [signer.sign(b"message") for _ in range(20)]
    signer.close()
    assert signing_threads() == before
    assert len(set(await asyncio.gather(*futures))) == 1
    signer.close()
    with pytest.raises(ClosedError, match="^the ThreadSigner is closed$"):
        signer.sign(b"message")


async def test_its_threads_end_when_nothing_refers_to_it(keys):
    before = signing_threads()
    signer = ThreadSigner(keys.merchant(), threads=2)
    await signer.sign(b"message")
    assert len(signing_threads() - before) == 2
    del signer
    gc.collect()
    assert signing_threads() == before


async def test_fewer_threads_are_enough_but_none_is_the_machines_fault(keys, monkeypatch):
    started = []

    class Unstartable(threading.Thread):
        def start(self):
            if len(started) == most:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    monkeypatch.setattr(thread_signer, "Thread", Unstartable)
    with ThreadSigner(keys.merchant(), threads=3) as signer:
        most = 0
        with pytest.raises(LocalResourceError, match="no thread can be started for the signer"):
            signer.sign(b"message")
        most = 1
        assert await signer.sign(b"message")
        assert len(started) == 1


@pytest.mark.slow
def test_a_program_ends_at_once_and_says_nothing(keys, tmp_path):
    """Its threads wait for work, or are signing, when it ends."""
    keys.write(tmp_path / "keys", "http://127.0.0.1:1")
    script = """
        import asyncio, sys
        from pathlib import Path
        from palm import ThreadSigner
        from palm.settings import load_settings, read_config
        signer = ThreadSigner(load_settings(read_config(Path(sys.argv[1]))).merchant(), threads=2)
        async def main():
            for _ in range(50):
                signer.sign(b"message")
            await signer.sign(b"message")
        asyncio.run(main())
    """
    config = str(tmp_path / "keys" / "palm.toml")
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(script), config]
    ended = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
