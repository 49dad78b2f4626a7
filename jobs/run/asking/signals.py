"""Signals during the sweep: the first one cancels it, the second one ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from jobs.errors import RunInterruptedError, RunTerminatedError
from jobs.sweep.cancel import CancelReason, CancelToken
from palm.commands.runner import termination_signals

__all__ = ["halted_by_signals", "signals_ignored"]


_SIGNALLED: Final = 128
"""What a shell adds to the number of the signal that ended a command."""


def _errors() -> dict[signal.Signals, type[RunInterruptedError]]:
    """Return the signals that end asking, and the error that the run then ends with."""
    ending = dict.fromkeys(termination_signals(), RunTerminatedError)
    return {signal.SIGINT: RunInterruptedError, **ending}


@contextmanager
def halted_by_signals(cancel: CancelToken) -> Iterator[list[type[RunInterruptedError]]]:
    """Cancel at the first signal, exit at the second; yield the errors of the signals caught."""
    caught: list[type[RunInterruptedError]] = []
    errors = _errors()

    def on_signal(number: signal.Signals) -> None:
        caught.append(errors[number])
        if len(caught) > 1:
            os._exit(_SIGNALLED + errors[number].signal)
        cancel.set(CancelReason.SIGNAL)

    if threading.current_thread() is not threading.main_thread():
        yield caught  # only the main thread may listen to signals
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in errors if number != signal.SIGINT}
    for number in errors:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield caught
    finally:
        for number in errors:
            loop.remove_signal_handler(number)
        for number, handler in before.items():  # SIGINT raises KeyboardInterrupt again by itself
            signal.signal(number, handler)


@contextmanager
def signals_ignored() -> Iterator[None]:
    """Ignore signals: the block is short, and must not be interrupted halfway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _errors()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
