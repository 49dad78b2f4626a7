"""Each worker writes one part at a time; whoever fails gets no other one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jobs.cluster.dispatch import parts as parts_module
from jobs.cluster.dispatch.engine import SchedulerLostError
from jobs.cluster.dispatch.parts import WrittenByWorkers
from jobs.cluster.tasks.part_task import PartTask
from palm import Clock

TASKS = [PartTask(number, Path("source"), Path("rows")) for number in range(6)]


class Workers:
    """The workers that may be used, as a test says."""

    def __init__(self, *usable):
        self.usable = list(usable)
        self.is_lost = False
        self.looks = 0

    async def look(self):
        self.looks += 1
        if self.is_lost:
            raise SchedulerLostError("lost")


class Engine:
    """Writes a part as a test says, and remembers who has written what at the same time."""

    def __init__(self, write):
        self._write = write
        self.given: list[tuple[str, int]] = []
        self.busy: set[str] = set()

    async def write(self, task, worker):
        assert worker not in self.busy
        self.busy.add(worker)
        self.given.append((worker, task.number))
        try:
            await self._write(task, worker)
        finally:
            self.busy.discard(worker)
        return Path(f"{task.number}")


async def written(engine, workers, tasks=TASKS):
    """Return by number whether each part was written by a worker."""
    found = {}
    async for task, path in WrittenByWorkers(engine, workers, Clock()).write(tasks):
        assert task.number not in found
        assert path in {None, Path(f"{task.number}")}
        found[task.number] = path is not None
    return found


async def at_once(task, worker):
    await asyncio.sleep(0)


async def test_all_parts_are_written_by_all_workers_each_by_one():
    engine = Engine(at_once)
    found = await written(engine, Workers("a", "b", "c"))
    assert found == dict.fromkeys(range(6), True)
    assert sorted(number for _, number in engine.given) == list(range(6))
    assert {worker for worker, _ in engine.given} == {"a", "b", "c"}


async def test_who_fails_gets_no_other_part_and_its_own_is_left_to_others():
    async def write(task, worker):
        await asyncio.sleep(0.01)
        if worker == "b":
            raise MemoryError

    engine = Engine(write)
    found = await written(engine, Workers("a", "b"))
    assert found == {0: True, 1: False, 2: True, 3: True, 4: True, 5: True}
    assert [number for worker, number in engine.given if worker == "b"] == [1]


@pytest.mark.parametrize("usable", [(), ("a", "b")])
async def test_where_no_worker_is_left_all_is_left_to_others(usable):
    async def write(task, worker):
        raise FileNotFoundError

    found = await written(Engine(write), Workers(*usable))
    assert found == dict.fromkeys(range(6), False)


async def test_without_a_scheduler_nobody_is_asked_again():
    workers = Workers("a", "b")

    async def write(task, worker):
        if task.number >= 2:
            workers.is_lost = True
            raise SchedulerLostError("lost")

    engine = Engine(write)
    found = await written(engine, workers)
    assert [number for number, by_worker in found.items() if by_worker] == [0, 1]
    assert len(found) == 6
    assert len(engine.given) == 4
    assert workers.looks == 3


async def test_a_worker_that_joins_is_given_parts():
    workers = Workers("a")

    async def write(task, worker):
        await asyncio.sleep(0.01)
        if task.number == 1:
            workers.usable.append("b")

    engine = Engine(write)
    assert all((await written(engine, workers)).values())
    assert {worker for worker, number in engine.given if number > 2} == {"a", "b"}


async def test_a_part_that_takes_too_long_is_left_to_others(monkeypatch):
    monkeypatch.setattr(parts_module, "_LEAST_WAIT_S", 0.2)
    monkeypatch.setattr(parts_module, "_LOOK_EVERY_S", 0.02)
    cancelled = []

    async def write(task, worker):
        if worker == "b":
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(task.number)
                raise
        await asyncio.sleep(0.01)

    engine = Engine(write)
    found = await written(engine, Workers("a", "b"))
    assert found == {0: True, 1: False, 2: True, 3: True, 4: True, 5: True}
    assert cancelled == [1]
    assert not engine.busy


@pytest.mark.timeout(20)
@pytest.mark.parametrize("usable", [("a",), ("a", "b")])
async def test_where_all_workers_stall_or_are_gone_all_is_left_to_others(monkeypatch, usable):
    """A task of a worker that is gone waits at the scheduler for another one, without an end."""
    monkeypatch.setattr(parts_module, "_LEAST_WAIT_S", 0.2)
    monkeypatch.setattr(parts_module, "_LOOK_EVERY_S", 0.02)
    workers = Workers(*usable)

    async def write(task, worker):
        workers.usable = workers.usable[1:]
        await asyncio.sleep(60)

    engine = Engine(write)
    found = await written(engine, workers)
    assert found == dict.fromkeys(range(6), False)
    assert not engine.busy


async def test_a_reader_that_stops_leaves_nothing_running():
    async def write(task, worker):
        await asyncio.sleep(0.01 if task.number == 0 else 60)

    engine = Engine(write)
    parts = WrittenByWorkers(engine, Workers("a", "b"), Clock()).write(TASKS)
    assert (await anext(parts))[0].number == 0
    await parts.aclose()
    assert not engine.busy
