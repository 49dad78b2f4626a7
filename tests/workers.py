"""A Dask scheduler and workers as processes of their own, as an operator starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jobs.cluster.options import ClusterOptions

__all__ = ["Cluster", "running_cluster"]

_PATIENCE_S = 60.0


@dataclass
class Cluster:
    """A scheduler and its workers.

    Attributes:
        address: Of the scheduler.
        scheduler: Its process.
        workers: The processes of the workers.
    """

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def options(self) -> ClusterOptions:
        """The options of a run that is asked by these workers."""
        return ClusterOptions(target=self.address, address=self.address)


@contextmanager
def running_cluster(
    folder: Path,
    workers: int = 2,
    *,
    host: str = "tcp://127.0.0.1",
    env: Mapping[str, str] | None = None,
    scheduler: Cluster | None = None,
    preload: str | None = None,
) -> Iterator[Cluster]:
    """Run a scheduler and workers while the context is open.

    Args:
        folder: Takes what they write.
        workers: How many.
        host: Protocol and address on which all of them listen.
        env: Variables of all processes.
        scheduler: Whose scheduler the workers are of; None: one is started.
        preload: A module that each worker imports first.
    """
    with ExitStack() as stack:
        place = folder / "scheduler.json"
        given = {**os.environ, **(env or {})}
        said = folder / "said.log"
        log = stack.enter_context(said.open("ab"))

        def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
            process = subprocess.Popen(command, env=given, cwd=folder, stdout=log, stderr=log)
            stack.callback(_end, process)
            return process

        if scheduler is None:
            process = start(
                "dask_scheduler", "--host", host, "--port", "0", "--no-dashboard",
                "--scheduler-file", str(place),
            )  # fmt: skip
            _wait(place.exists, process)
            cluster = Cluster(json.loads(place.read_text())["address"], process)
        else:
            cluster = Cluster(scheduler.address, scheduler.scheduler)
        for _ in range(workers):
            options = ["--nthreads", "2", "--no-dashboard", "--no-nanny", "--memory-limit", "0"]
            options += ["--host", host, "--local-directory", str(folder)]
            options += ["--preload", preload] if preload else []
            cluster.workers.append(start("dask_worker", cluster.address, *options))
        _wait(lambda: said.read_text().count("Registered to") >= workers, cluster.scheduler)
        yield cluster


def _wait(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
