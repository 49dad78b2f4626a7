"""Replaces the folder of a day, and kills itself at a call to the file system: a test starts it.

Arguments: the folder of the day, its work folder, the number of the call, and ``one`` for file
systems that exchange folders in one step, or ``two`` for others.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import jobs.store.staging.day_exchange as module

CALLS = ("rename", "unlink", "rmdir", "mkdir", "chmod", "fsync")


def main(day: Path, work: Path, at: int, steps: str) -> None:
    """Do it."""
    done = 0

    def counted(function: Callable) -> Callable:
        def call(*given, **named):
            nonlocal done
            done += 1
            if done == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*given, **named)

        return call

    def not_offered(*_: Path) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    module.exchange = counted(module.exchange if steps == "one" else not_offered)
    exchange = module.DayExchange(day, work)
    staged = exchange.begin()
    for number in (1, 0):
        (staged / f"part-0000{number}.parquet").write_text("new")
    misplaced = exchange.place("part-00000.parquet")
    sys.exit(misplaced is not None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
