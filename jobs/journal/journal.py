"""The answers so far, on disk, so that a killed run can be resumed.

Append-only files, one for each partition, with one record per outcome
(:mod:`jobs.journal.format.record`). A separate thread writes what has come in every 30 ms, so that
an answer survives a crash of the process within 100 ms, and syncs every 250 ms, so that it survives
a crash of the machine; the event loop never waits for the disk. Records are identified by a hash of
their pair, so the input may change between two runs, and so may the number of partitions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Protocol, Self

from jobs.evidence.kept import EvidenceCollector
from jobs.evidence.keys import EvidenceKey
from jobs.journal.file import unwritable
from jobs.journal.paths import attempt_path, existing_journals, journal_path
from jobs.journal.recovery import Resumed, forget, resume, unwritable_at
from jobs.journal.writer import JournalWriter, Outcome
from jobs.partitions.partitioned import PartitionedFrame
from jobs.report.model import GatewayId
from jobs.store.locations import Sidecars
from jobs.sweep.answers import Row
from jobs.sweep.blocks.restored import Restored
from palm import Pair, SignedMessage

__all__ = ["Journal"]

_WRITE_EVERY_S: Final = 0.03
_SYNC_EVERY_S: Final = 0.25


class SignedAnswers(Protocol):
    """Takes what was signed of answers, and knows the keys that signed."""

    @property
    def used(self) -> Mapping[str, EvidenceKey]:
        """The keys that signed, by id; one is added before its first answer is."""

    def add(self, number: int, pair: Pair, signed: SignedMessage) -> None:
        """Take what was signed of the answer about a pair of a partition."""


class Journal:
    """One run's answers on disk. Use :meth:`open`, as a context manager.

    Attributes:
        messages: What was done with journals that already existed, one line each.
        resumed_ms: When the first of the runs began that this one resumes, Unix milliseconds; None:
            it resumes none.
    """

    def __init__(
        self,
        writer: JournalWriter,
        resumed: Resumed,
        collector: SignedAnswers | None,
        *,
        is_begun: bool,
    ) -> None:
        self._collector = collector
        self._writer = writer
        self.messages = resumed.messages
        starts = (each.started_ms for each in resumed.runs.values())
        self.resumed_ms: int | None = min(starts, default=None)
        self._is_empty = is_begun and not resumed.found
        self._queue: SimpleQueue[Outcome | None] = SimpleQueue()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)

    @classmethod
    def open(
        cls,
        files: Sidecars,
        run_date: date,
        gateway: GatewayId,
        pairs: PartitionedFrame,
        restored: Restored,
        *,
        folder: Path | None = None,
        fresh: bool = False,
        collector: EvidenceCollector | None = None,
        only_signed: bool = False,
    ) -> Journal:
        """Open the journals of a run date; that of the first partition is created if needed.

        Args:
            files: Names the files beside the report.
            run_date: Of this run.
            gateway: The gateway that is asked, and the merchant that asks.
            pairs: Columns ``PAIRS``.
            restored: Takes the outcomes of an earlier, unfinished run of the same date.
            folder: Takes the journals of several partitions; None: there is one, whose journal is
                beside the report.
            fresh: Remove existing journals first.
            collector: Takes what was signed of the answers, those of an earlier run too, and has
                the keys; None: nothing signed is kept.
            only_signed: Whether good answers of which nothing signed is kept are left out.

        Raises:
            OutputError: A journal cannot be read or written.
            UsageError: An existing one is of another merchant or gateway.
            OSError: A partition cannot be read, or the restored outcomes cannot be kept.
        """
        paths = existing_journals(files, run_date)
        if fresh:
            forget(paths, run_date, gateway)
            paths = []
        resumed = Resumed()
        if paths:
            resumed = resume(
                paths, run_date, gateway, pairs, restored,
                collector=collector, only_signed=only_signed,
            )  # fmt: skip
        path_of = partial(journal_path, files, run_date, folder, pairs.bits)
        keys = {} if collector is None else collector.used
        writer = JournalWriter(path_of, run_date, gateway, resumed.runs, keys)
        with unwritable_at(path_of(0)):
            writer.begin(0)
            writer.sync()
            writer.close()
        return cls(writer, resumed, collector, is_begun=True)

    @classmethod
    def of_attempt(
        cls,
        folder: Path,
        label: str,
        bits: int,
        *,
        run_date: date,
        gateway: GatewayId,
        collector: SignedAnswers | None = None,
    ) -> Journal:
        """Return the journal of one attempt at a task, to which no other process writes.

        The file of a partition is made with the first outcome of its pairs.

        Args:
            folder: The folder for the journals of the run date.
            label: Which attempt it is; no other one ever has it.
            bits: How many bits of a pair's hash are the number of its partition.
            run_date: Of the run.
            gateway: The gateway that is asked, and the merchant that asks.
            collector: Knows the keys that signed the answers; None: nothing signed is kept.
        """
        path_of = partial(attempt_path, folder, label, bits)
        keys = {} if collector is None else collector.used
        writer = JournalWriter(path_of, run_date, gateway, {}, keys)
        return cls(writer, Resumed(), collector, is_begun=False)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def put(
        self, number: int, pair: Pair, row: Row, signed: SignedMessage | None = None, /
    ) -> None:
        """Store an outcome; it survives a crash of this process within 100 ms.

        Args:
            number: The number of the pair's partition.
            pair: The pair.
            row: The outcome.
            signed: What was signed of a good answer; None: it is not kept.

        Raises:
            OutputError: An earlier one could not be written.
            OSError: What was signed cannot be kept.
        """
        self.check()
        if self._collector is not None and signed is not None:
            self._collector.add(number, pair, signed)  # first, for the record needs its key
        self._queue.put((number, pair, row, signed))
        self._is_empty = False

    def close(self) -> None:
        """Write what is left, and end the thread; remove a journal that is empty."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._writer.close()
        if self._is_empty:
            self._writer.remove_first()

    def check(self) -> None:
        """Raise OutputError if an outcome could not be written."""
        if self._error is not None:
            raise unwritable(self._writer.path, self._error)

    def _write_all(self) -> None:
        try:
            synced = time.monotonic()
            for batch in self._batches():
                self._writer.write(batch)
                if time.monotonic() - synced >= _SYNC_EVERY_S:
                    self._writer.sync()
                    synced = time.monotonic()
            self._writer.sync()
        except OSError as error:
            self._error = error

    def _batches(self) -> Iterator[list[Outcome]]:
        """Yield what has come in, every 30 ms; an empty list when only syncing is left to do."""
        unsynced = False
        while True:
            try:
                first = self._queue.get(timeout=_SYNC_EVERY_S if unsynced else None)
            except Empty:
                unsynced = False
                yield []
                continue
            if first is None:
                return
            time.sleep(_WRITE_EVERY_S)
            batch, ended = [first], False
            with suppress(Empty):
                while not ended:
                    outcome = self._queue.get_nowait()
                    ended = outcome is None
                    batch += [outcome] if outcome is not None else []
            unsynced = True
            yield batch
            if ended:
                return
