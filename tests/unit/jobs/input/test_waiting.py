"""An input that is long in coming keeps no signal waiting."""

from __future__ import annotations

import io
import os
import select
import signal
import threading

import pytest

from jobs.input.content.source import read_stored


class StoppedError(Exception):
    """A signal came."""


@pytest.fixture
def pipe():
    """Return a pipe's two ends, open as files."""
    to_read, to_write = os.pipe()
    with os.fdopen(to_read, "rb") as reader, os.fdopen(to_write, "wb", buffering=0) as writer:
        yield reader, writer


@pytest.fixture
def signalled():
    """Let SIGUSR1 raise StoppedError, and interrupt no call of this thread."""

    def on_signal(*_):
        raise StoppedError

    before = signal.signal(signal.SIGUSR1, on_signal)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_that_interrupts_no_call_ends_the_wait_for_the_rest_of_a_pipe(pipe, signalled):
    """As one that arrives just before the call; here because another thread takes it."""
    reader, writer = pipe
    writer.write(b"openid\n")  # and no more, while this end stays open

    def send():
        while select.select([reader], [], [], 0)[0]:
            pass  # until what there is has been read
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    thread = threading.Thread(target=send)
    with pytest.raises(StoppedError):
        thread.start()
        read_stored("-", reader)
    thread.join()


def test_a_pipe_is_read_to_its_end(pipe):
    reader, writer = pipe
    writer.write(b"a" * 50_000)
    writer.close()
    assert read_stored("-", reader).content.data == b"a" * 50_000


def test_what_is_in_memory_is_read_as_it_is():
    assert read_stored("-", io.BytesIO(b"abc")).content.data == b"abc"
