"""The answers so far, on disk, so that a killed run can be resumed.

An append-only file beside the report, with one record per outcome (:mod:`jobs.journal.record`). A
separate thread writes what has come in every 30 ms, so that an answer survives a crash of the
process within 100 ms, and syncs every 250 ms, so that it survives a crash of the machine; the event
loop never waits for the disk. Records are identified by a hash of their pair, so the input may
change between two runs.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self

import pandas as pd

from jobs.input.lookup import PairLookup
from jobs.journal.file import append, sync, sync_folder, unwritable, write
from jobs.journal.header import JournalRun, header_frame
from jobs.journal.record import pair_hash, record_frame
from jobs.journal.recovery import Resumed, resume
from jobs.journal.stored import StoredJournal, check_owner, read_journal
from jobs.report.model import GatewayId
from jobs.store.locations import Sidecars
from jobs.sweep.answers import Row

__all__ = ["Journal"]

_WRITE_EVERY_S: Final = 0.03
_SYNC_EVERY_S: Final = 0.25


class Journal:
    """One run's answers on disk. Use :meth:`open`, as a context manager.

    Attributes:
        path: Its file.
        resumed: Outcomes of an earlier, unfinished run of the same date.
        messages: What was done with a journal that already existed, one line each.
    """

    def __init__(self, path: Path, run: JournalRun, pairs: pd.DataFrame, resumed: Resumed) -> None:
        self.path = path
        self.resumed = resumed.rows
        self.messages = resumed.messages
        self._run = run
        self._pairs = PairLookup(pairs)
        self._queue: SimpleQueue[Row | None] = SimpleQueue()
        self._error: OSError | None = None
        self._is_empty = not resumed.rows
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)

    @classmethod
    def open(
        cls,
        files: Sidecars,
        run_date: date,
        gateway: GatewayId,
        pairs: pd.DataFrame,
        *,
        fresh: bool = False,
    ) -> Journal:
        """Open the journal of a run date, or create one.

        Args:
            files: Names the files beside the report.
            run_date: Of this run.
            gateway: The gateway that is asked, and the merchant that asks.
            pairs: Columns ``PAIRS``; ``pair_index`` of the rows is the position in it.
            fresh: Remove an existing journal first.

        Raises:
            OutputError: It cannot be written.
            UsageError: The existing one is of another merchant or gateway.
        """
        path = files.journal(run_date)
        try:
            existing = read_journal(path)
            if isinstance(existing, StoredJournal):
                check_owner(existing, run_date, gateway)
            if fresh:
                path.unlink(missing_ok=True)
                existing = None
            resumed = resume(existing, files, run_date, pairs)
            run = resumed.journal.run if resumed.journal else _new_run(run_date, gateway)
            append(path, header_frame(run) * (1 if resumed.journal else 2))
            sync_folder(path.parent)
        except OSError as error:
            raise unwritable(path, error) from None
        return cls(path, run, pairs, resumed)

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

    def put(self, row: Row) -> None:
        """Store an outcome; it survives a crash of this process within 100 ms.

        Raises:
            OutputError: An earlier one could not be written.
        """
        self.check()
        self._queue.put(row)
        self._is_empty = False

    def close(self) -> None:
        """Write what is left, and end the thread; remove a journal that is empty."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        if self._is_empty:
            self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise OutputError if an outcome could not be written."""
        if self._error is not None:
            raise unwritable(self.path, self._error)

    def remove(self) -> None:
        """Close and delete it, once its answers are published."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _write_all(self) -> None:
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
            try:
                synced, seed = time.monotonic(), self._run.seed
                for batch in self._batches():
                    noted_ms = time.time_ns() // 1_000_000
                    frames = [
                        record_frame(seed, self._hash_of(row), row, noted_ms) for row in batch
                    ]
                    write(file, b"".join(frames))
                    if time.monotonic() - synced >= _SYNC_EVERY_S:
                        sync(file)
                        synced = time.monotonic()
                sync(file)
            finally:
                os.close(file)
        except OSError as error:
            self._error = error

    def _hash_of(self, row: Row) -> bytes:
        return pair_hash(self._run.salt, self._pairs[row.pair_index])

    def _batches(self) -> Iterator[list[Row]]:
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
                    row = self._queue.get_nowait()
                    ended = row is None
                    batch += [row] if row is not None else []
            unsynced = True
            yield batch
            if ended:
                return


def _new_run(run_date: date, gateway: GatewayId) -> JournalRun:
    started_ms = time.time_ns() // 1_000_000
    return JournalRun(
        run_date.isoformat(), gateway.kind, gateway.mchid, started_ms, secrets.token_hex(16)
    )
