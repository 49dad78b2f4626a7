"""A process that checks rows: ``python -m jobs.evidence.verify.worker``.

Verifying a signature holds the interpreter's lock, so threads would not use a second core. The
process reads pickled messages of the process that started it from standard input, and writes one
answer to each to standard output. It ends when standard input does.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from jobs.errors import InputError
from jobs.evidence.read import EvidenceFiles
from jobs.evidence.verify.rows import Claims, Period, RowChecker, RowsChecked
from jobs.evidence.verify.trust import Trust

__all__ = ["Unit", "check_units"]

_FEW_ROWS: Final = 20_000
"""So many rows are checked in half a second; a process takes as long to start."""
_AHEAD: Final = 2
"""Units that wait for each process, so that none is idle."""


class Unit(NamedTuple):
    """Rows that are checked at a time.

    Attributes:
        claims: What the report says of them.
        positions: Where their evidence is.
    """

    claims: Claims
    positions: npt.NDArray[np.int64]


class Setup(NamedTuple):
    """What a process needs to know before its first unit.

    Attributes:
        paths: The evidence files.
        trust: The keys that are trusted.
        period: When the answers can have been signed.
    """

    paths: tuple[Path, ...]
    trust: Trust
    period: Period


def check_units(
    units: Iterable[Unit], files: EvidenceFiles, trust: Trust, period: Period, *, processes: int
) -> Iterator[RowsChecked]:
    """Yield the outcomes of each unit, in their order.

    Args:
        units: Taken one by one, a few ahead.
        files: The evidence.
        trust: The keys that are trusted.
        period: When the answers can have been signed.
        processes: How many check at the same time; a small number of rows is checked in this one.

    Raises:
        InputError: The evidence cannot be read.
    """
    if processes <= 1 or len(files) < _FEW_ROWS:
        checker = RowChecker(files.keys, trust, period)
        yield from (checker.check(claims, files.take(at)) for claims, at in units)
        return
    with ExitStack() as stack:
        setup = Setup(files.paths, trust, period)
        idle: SimpleQueue[_Process] = SimpleQueue()
        for _ in range(processes):
            process = _Process(setup)
            stack.callback(process.end)
            idle.put(process)

        def check(unit: Unit) -> RowsChecked:
            process = idle.get()
            try:
                return process.check(unit)
            finally:
                idle.put(process)

        pool = stack.enter_context(ThreadPoolExecutor(processes, thread_name_prefix="palm-verify"))
        running: deque[Future[RowsChecked]] = deque()
        for unit in units:
            running.append(pool.submit(check, unit))
            if len(running) == processes * _AHEAD:
                yield running.popleft().result()
        yield from (future.result() for future in running)


class _Process:
    """One process, as the one that started it sees it."""

    def __init__(self, setup: Setup) -> None:
        command = [sys.executable, "-P", "-m", __name__]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl+C in a terminal is meant for the command
        )
        self._send(setup)

    def check(self, unit: Unit) -> RowsChecked:
        self._send(unit)
        answer = pickle.load(cast("IO[bytes]", self._process.stdout))  # noqa: S301 - our own
        if isinstance(answer, RowsChecked):
            return answer
        raise InputError(answer)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _send(self, message: object) -> None:
        pipe = cast("IO[bytes]", self._process.stdin)
        pickle.dump(message, pipe, pickle.HIGHEST_PROTOCOL)
        pipe.flush()


def _answer(source: IO[bytes], target: IO[bytes]) -> None:
    """Answer all units; the first message is the setup."""
    setup: Setup = pickle.load(source)  # noqa: S301 - of the process that started this one
    with EvidenceFiles(setup.paths) as files:
        checker = RowChecker(files.keys, setup.trust, setup.period)
        while (unit := _next_unit(source)) is not None:
            answer: RowsChecked | str
            try:
                answer = checker.check(unit.claims, files.take(unit.positions))
            except InputError as error:
                answer = str(error)
            pickle.dump(answer, target, pickle.HIGHEST_PROTOCOL)
            target.flush()


def _next_unit(source: IO[bytes]) -> Unit | None:
    """Return the next unit; None: there are no more."""
    try:
        unit: Unit = pickle.load(source)  # noqa: S301 - of the process that started this one
    except EOFError:
        return None
    return unit


if __name__ == "__main__":
    _answer(sys.stdin.buffer, sys.stdout.buffer)
