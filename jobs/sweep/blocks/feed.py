"""Hands out the blocks of a round one after the other, and keeps the outcomes of settled ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Final, ParamSpec, Protocol, Self, TypeVar

from jobs.sweep.blocks.block import Block, Slice, grouped

__all__ = ["BlockFeed", "BlockStore"]

P = ParamSpec("P")
T = TypeVar("T")
_MOST_ALIVE: Final = 3
"""Blocks in memory at most: one whose last queries are in flight, the current one, the next."""


class BlockStore(Protocol):
    """Where blocks come from, and where their outcomes go."""

    def load(self, slices: Sequence[Slice], *, again: bool) -> Block:
        """Return the pairs of slices with their outcomes; ``again``: they have some already."""

    def save(self, block: Block) -> None:
        """Keep the outcomes of the pairs of a block that were asked; it is not used any more."""


class BlockFeed:
    """The blocks of one round; use it as an async context manager.

    The current block is the one whose pairs are asked about next. When all of them have been taken,
    the next block becomes the current one, while queries about pairs of the one before may still be
    in flight. Blocks on disk are read and written in a thread, the next one ahead of time.

    Args:
        outcomes: Loads and saves the blocks.
        slices: The pairs to ask about, in their order; read in the thread.
        least: A block has at least so many pairs, but for the last one.
        again: Whether the pairs have an outcome already.
        in_threads: Whether there are several blocks, on disk.

    Attributes:
        current: The current block, or None while it is loaded and after the last one.
    """

    def __init__(
        self,
        outcomes: BlockStore,
        slices: Iterable[Slice],
        *,
        least: int,
        again: bool,
        in_threads: bool,
    ) -> None:
        self._outcomes = outcomes
        self._groups = grouped(slices, least)
        self._again = again
        self._in_threads = in_threads
        self._room = asyncio.Semaphore(_MOST_ALIVE)
        self._next: asyncio.Task[Block | None] | None = None
        self._saving: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._is_over = False
        self.current: Block | None = None

    async def __aenter__(self) -> Self:
        self._make_current(await self._load())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        tasks = {*self._saving, *([self._next] if self._next else [])}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def enter(self) -> Block | None:
        """Return the block to take pairs from, or None if there is no further one.

        The caller must :meth:`leave` the block.

        Raises:
            OSError: A block cannot be read or written.
        """
        while self.current is None and not self._is_over:
            await self._turn_to_next()
        if self.current is not None:
            self.current.workers += 1
        return self.current

    def exhausted(self, block: Block) -> None:
        """Note that all pairs of a block have been taken; the next one becomes the current one."""
        block.is_exhausted = True
        if self.current is block:
            self.current = None

    def leave(self, block: Block) -> None:
        """Take no further pair from a block; the last worker to leave it begins to save it."""
        block.workers -= 1
        if self._in_threads and block.is_exhausted and not block.workers:
            task = asyncio.ensure_future(self._save(block))
            self._saving.add(task)
            task.add_done_callback(self._saved)

    async def finish(self) -> None:
        """Save the outcomes of the blocks that are still in memory.

        Raises:
            OSError: They cannot be written.
        """
        if self._saving:
            await asyncio.gather(*self._saving)
        self._check()
        block, self.current = self.current, None
        if block is not None:
            await self._work(self._outcomes.save, block)

    async def _turn_to_next(self) -> None:
        """Make the next block the current one; several workers may wait for it."""
        self._check()
        if (ahead := self._next) is None:
            self._make_current(await self._load())
            return
        await asyncio.wait([ahead, *self._saving], return_when=asyncio.FIRST_COMPLETED)
        if self._next is ahead and ahead.done():
            self._make_current(ahead.result())

    def _make_current(self, block: Block | None) -> None:
        self.current = block
        self._is_over = block is None
        read_ahead = self._in_threads and not self._is_over
        self._next = asyncio.ensure_future(self._load()) if read_ahead else None

    async def _load(self) -> Block | None:
        await self._room.acquire()
        return await self._work(self._load_now)

    def _load_now(self) -> Block | None:
        group = next(self._groups, None)
        return self._outcomes.load(group, again=self._again) if group else None

    async def _save(self, block: Block) -> None:
        await self._work(self._outcomes.save, block)
        self._room.release()

    def _saved(self, task: asyncio.Task[None]) -> None:
        self._saving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = error

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    async def _work(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        if not self._in_threads:
            return work(*arguments, **named)
        return await asyncio.to_thread(work, *arguments, **named)
