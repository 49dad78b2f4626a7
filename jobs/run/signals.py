"""Signals while pairs are asked about: the first one halts, the second one leaves at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.errors import Exit
from jobs.sweep.cancel import CancelReason, CancelToken
from palm.commands.runner import termination_signals

__all__ = ["halted_by_signals", "signals_ignored"]


def _exits() -> dict[signal.Signals, Exit]:
    """Return the signals that end asking, and what the command then ends with."""
    ending = dict.fromkeys(termination_signals(), Exit.TERMINATED)
    return {signal.SIGINT: Exit.INTERRUPTED, **ending}


@contextmanager
def halted_by_signals(cancel: CancelToken) -> Iterator[list[Exit]]:
    """Halt at the first signal, leave at once at the second; yield what those caught end with."""
    caught: list[Exit] = []
    exits = _exits()

    def on_signal(number: signal.Signals) -> None:
        caught.append(exits[number])
        if len(caught) > 1:
            os._exit(exits[number])
        cancel.set(CancelReason.SIGNAL)

    if threading.current_thread() is not threading.main_thread():
        yield caught  # only the main thread may listen to signals
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in exits if number != signal.SIGINT}
    for number in exits:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield caught
    finally:
        for number in exits:
            loop.remove_signal_handler(number)
        for number, handler in before.items():  # SIGINT raises KeyboardInterrupt again by itself
            signal.signal(number, handler)


@contextmanager
def signals_ignored() -> Iterator[None]:
    """Ignore them: what the block does is short, and must not be done by half."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _exits()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
