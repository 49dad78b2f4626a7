"""One attempt at a task: its pairs are asked about, and their outcomes are kept for the command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from jobs.cluster.joint.outcomes import OutcomeCounts
from jobs.cluster.tasks.job import Job
from jobs.cluster.tasks.task import AskTask, read_task, write_outcomes
from jobs.evidence.keys import EvidenceKey, keys_used
from jobs.input.lookup import PairLookup
from jobs.journal.journal import Journal
from jobs.journal.kept import KeptAnswers
from jobs.journal.paths import JournalPath, attempts
from jobs.journal.recovery import read_for_run
from jobs.journal.stored import StoredJournal
from jobs.partitions.partitioned import DerivedFrame
from jobs.schema import Array
from jobs.sweep.asking import PairAsker, Query
from jobs.sweep.blocks.block import Block, Slice
from jobs.sweep.blocks.feed import BlockFeed
from jobs.sweep.cancel import CancelToken
from jobs.sweep.final_outcomes import FinalOutcomes
from jobs.sweep.stats import RequestStats
from jobs.sweep.supervisor import Supervisor
from palm import CertificateStore, Clock, Pair, PalmError, PlatformKeys, SignedMessage
from palm.crypto.certificate_store import held_keys

__all__ = ["Attempt", "WorkerJudge"]

_CHECK_EVERY_S: Final = 0.5


class WorkerJudge:
    """Counts outcomes for the command, which judges those of all workers together.

    Attributes:
        counts: The outcomes so far.
        has_good_answer: Whether the run has a good answer.
    """

    def __init__(self) -> None:
        self.counts: OutcomeCounts = OutcomeCounts()
        self.has_good_answer: bool = False

    def answered(self, organization: str) -> None:
        """Count a pair with a good answer."""
        self.has_good_answer = True
        self.counts.answered(organization)

    def failed(self, pair: Pair, error: PalmError) -> None:
        """Count a pair without one."""
        self.counts.failed(pair.organization_id, error)

    def check_named(self, unnamed: int, answers: int) -> None:
        """Do nothing: the command does."""


class _SigningKeys:
    """Knows the keys that signed, for the journal."""

    def __init__(self, keys: PlatformKeys | CertificateStore) -> None:
        self._keys = keys
        self.used: dict[str, EvidenceKey] = {}

    def add(self, number: int, pair: Pair, signed: SignedMessage) -> None:  # noqa: ARG002
        """Take the key that signed an answer."""
        if signed.key_id not in self.used:
            self.used.update(keys_used([signed.key_id], held_keys(self._keys)))


class _Pairs:
    """The pairs of a task by partition, in their order, with the outcomes of earlier attempts."""

    def __init__(self, task: AskTask) -> None:
        self.frame, self.answers = read_task(task.path)
        self.frame["before"] = self.answers.reasons()
        numbers = self.frame["number"].to_numpy()
        self.numbers, starts = np.unique(numbers, return_index=True)
        self.starts: dict[int, int] = dict(zip(self.numbers.tolist(), starts.tolist(), strict=True))
        self.rows: dict[int, int] = dict(
            zip(self.numbers.tolist(), np.bincount(numbers)[self.numbers].tolist(), strict=True)
        )

    def of(self, number: int) -> pd.DataFrame:
        """Return the pairs of a partition."""
        start = self.starts[number]
        return self.frame.iloc[start : start + self.rows[number]].reset_index(drop=True)

    def by_partition(self, bits: int) -> DerivedFrame:
        """Return the pairs as frames, those of all other partitions empty."""
        counts = [self.rows.get(number, 0) for number in range(1 << bits)]
        return DerivedFrame(bits, ["organization_id", "openid"], counts, self.of)

    def block(self) -> Block:
        """Return the block of all pairs."""
        positions = self.frame["position"].to_numpy()
        slices = [
            Slice(number, positions[start : start + self.rows[number]])
            for number, start in self.starts.items()
        ]
        return Block(slices, PairLookup(self.frame), self.answers, is_whole=False)


class _OneBlock:
    """The outcomes of a task: one block in memory, which is written at the end."""

    def __init__(self, block: Block) -> None:
        self._block = block

    def load(self, slices: Sequence[Slice], *, again: bool) -> Block:  # noqa: ARG002
        """Return the block."""
        return self._block

    def save(self, block: Block) -> None:
        """Do nothing: it is written once the attempt ends."""


class Attempt:
    """Asks about the pairs of a task in this process.

    Args:
        job: The run.
        task: The task.
        label: Which attempt it is; no other one ever has it.

    Attributes:
        cancel: Once it is set, no further pair is asked.
    """

    def __init__(self, job: Job, task: AskTask, label: str) -> None:
        self._job, self._task = job, task
        self._label = f"{task.label(job.id)}-{label}"
        self.cancel: CancelToken = CancelToken()
        self._block: Block | None = None

    @property
    def waiting(self) -> int:
        """How many pairs nobody has begun to ask about yet."""
        return self._block.is_done.count(0) if self._block is not None else self._task.pairs

    async def ask(
        self,
        query: Query,
        query_throttled: Query,
        *,
        stats: RequestStats,
        judge: WorkerJudge,
        keys: PlatformKeys | CertificateStore,
        clock: Clock,
        only_wait: Callable[[], bool],
    ) -> Path:
        """Ask about the pairs that no earlier attempt has a final outcome of.

        Args:
            query: Asks about one pair.
            query_throttled: Asks in the last round about a pair that was throttled before.
            stats: The counts of this process.
            judge: Counts the outcomes.
            keys: The keys that answers are verified with.
            clock: The time.
            only_wait: Returns True if none of the queries of this process is in flight.

        Returns:
            The file of the outcomes.

        Raises:
            OutputError: A journal cannot be read or written.
            OSError: The pairs cannot be read, or the outcomes cannot be written.
        """
        job, task = self._job, self._task
        pairs = await asyncio.to_thread(_Pairs, task)
        block = pairs.block()
        await asyncio.to_thread(self._restore, pairs, block)
        self._block = block
        judge.has_good_answer |= task.has_good_answer
        journal = Journal.of_attempt(
            job.journals, self._label, job.bits, run_date=job.run_date, gateway=job.gateway,
            collector=_SigningKeys(keys) if job.keep_signed else None,
        )  # fmt: skip
        with journal:
            asker = PairAsker(
                query, query_throttled, stats=stats, judge=judge,
                final=FinalOutcomes(journal.put, judge), cancel=self.cancel, clock=clock,
            )  # fmt: skip
            await self._ask(asker, block, only_wait)
        journal.check()
        return await asyncio.to_thread(self._write, pairs, block)

    async def _ask(self, asker: PairAsker, block: Block, only_wait: Callable[[], bool]) -> None:
        supervisor = Supervisor(
            lambda: None, self.cancel,
            check_every_s=_CHECK_EVERY_S, finish_s=self._job.finish_s, only_wait=only_wait,
        )  # fmt: skip
        again = self._task.again
        pairs = len(block.pairs)  # all of them are one block
        feed = BlockFeed(_OneBlock(block), block.slices, least=pairs, again=again, in_threads=False)
        count = max(1, min(self._job.in_flight, pairs))
        async with feed:
            await supervisor.run([asker.work(feed, again=again) for _ in range(count)])

    def _restore(self, pairs: _Pairs, block: Block) -> None:
        """Take over the final outcomes that earlier attempts at this task left in journals."""
        job, task = self._job, self._task
        paths = attempts(job.journals, task.label(job.id))
        if not paths:
            return
        kept = KeptAnswers(paths, partial(_read, job))
        for number, _, rows in kept.by_partition(pairs.by_partition(job.bits)):
            for row in rows:
                index = pairs.starts[number] + row.pair_index
                block.answers.restore(row._replace(pair_index=index))
                block.is_done[index] = 1
        block.turn = (index for index in range(len(block.pairs)) if not block.is_done[index])

    def _write(self, pairs: _Pairs, block: Block) -> Path:
        done: Array = np.flatnonzero(np.frombuffer(block.is_done, dtype=np.uint8))
        path = self._task.path.with_name(f"{self._task.path.stem}.{self._label}.outcomes")
        write_outcomes(path, pairs.frame, block.answers, done)
        return path


def _read(job: Job, path: JournalPath) -> StoredJournal | None:
    return read_for_run(path, job.run_date, job.gateway, [])
