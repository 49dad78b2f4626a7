"""What the scheduler is told of a task: whose it is, and a name that nobody else gives."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from distributed import KilledWorker

from jobs.cluster import dask_engine
from jobs.cluster.dask_engine import DaskEngine, open_engine
from jobs.cluster.dispatch.engine import SchedulerLostError, TaskKilledError
from jobs.cluster.tasks.part_task import PartTask
from jobs.cluster.tasks.task import AskTask
from jobs.errors import NotNowError

ASK = AskTask(
    number=3, path=Path("task"), pairs=1, parts=(0,), again=False, has_good_answer=False
)  # fmt: skip
WRITE = PartTask(3, Path("source"), Path("rows"))


class Client:
    """Takes what is submitted, and answers as a test says."""

    status = "running"

    def __init__(self, error=None):
        self.error = error
        self.submitted: list[dict[str, object]] = []

    def submit(self, *_, **options):
        self.submitted.append(options)
        future = asyncio.get_running_loop().create_future()
        if self.error is None:
            future.set_result("done")
        else:
            future.set_exception(self.error)
        return future


async def test_a_task_is_its_workers_and_no_other_command_has_its_name():
    names = []
    for _ in range(2):  # two commands at one scheduler, which might have the same job by chance
        client = Client()
        engine = DaskEngine(client, local=False)
        for worker in ("tls://a:1", "tls://b:1"):
            assert await engine.ask(ASK, worker) == "done"
            assert await engine.write(WRITE, worker) == "done"
        workers = [options["workers"] for options in client.submitted]
        assert workers == [["tls://a:1"], ["tls://a:1"], ["tls://b:1"], ["tls://b:1"]]
        assert not any(options.get("allow_other_workers") for options in client.submitted)
        names += [options["key"] for options in client.submitted]
    assert len(set(names)) == 8


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (KilledWorker("task", "tls://a:1", []), TaskKilledError),
        (asyncio.CancelledError(), SchedulerLostError),
        (FileNotFoundError(2, "No such file"), FileNotFoundError),
    ],
)
async def test_how_a_task_ends_without_a_result(error, raised):
    with pytest.raises(raised):
        await DaskEngine(Client(error), local=False).write(WRITE, "tls://a:1")


async def test_dask_says_nothing_by_itself(monkeypatch):
    """A scheduler that dies made a line without a word, of level error."""
    monkeypatch.setattr(dask_engine, "_CONNECT_S", 0.1)
    levels = {name: logging.getLogger(name).level for name in ("distributed", "distributed.client")}
    try:
        with pytest.raises(NotNowError, match="no scheduler answers at tcp://127.0.0.1:9"):
            async with open_engine("tcp://127.0.0.1:9", 0):
                pass
        for name in levels:
            assert not logging.getLogger(name).isEnabledFor(logging.ERROR)
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
