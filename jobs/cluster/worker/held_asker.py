"""The asker of a run in a worker process, from its first task on, and that process's signals."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from jobs.cluster.quota.messages import Reply
from jobs.cluster.tasks.job import Job
from jobs.cluster.worker.asker import Asker

__all__ = ["HeldAsker", "follow_the_command"]


class HeldAsker:
    """Makes the asker of a run when its first task comes.

    Args:
        job: The run.
        worker: The address of this process.
        send: Sends a report to the command; it must not block.
    """

    def __init__(self, job: Job, worker: str, send: Callable[[dict[str, Any]], None]) -> None:
        self._job, self._worker, self._send = job, worker, send
        self._asker: Asker | None = None

    def get(self) -> Asker:
        """Return the asker; the first call makes it."""
        if self._asker is None:
            self._asker = Asker(self._job, self._send, worker=self._worker)
        return self._asker

    def deliver(self, reply: Reply) -> None:
        """Hand a reply to the asker, if there is one."""
        if self._asker is not None:
            self._asker.deliver(reply)

    def close(self) -> None:
        """End the asker, if there is one."""
        asker, self._asker = self._asker, None
        if asker is not None:
            asker.close()


def follow_the_command() -> None:
    """Ignore signals that a command on this machine gets, too: it says when to stop."""
    logging.getLogger("palm").addHandler(logging.NullHandler())
    with suppress(ValueError):  # not in the main thread
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
