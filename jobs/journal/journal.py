"""Answers so far, on disk, so that a killed run goes on where it stopped.

An append-only file beside the report, one record per outcome (:mod:`jobs.journal.format`). A thread
of its own writes what has come in every 30 ms, so that an answer survives the process within
100 ms, and syncs every 250 ms, so that it survives the machine; the event loop never waits for the
disk. Records are found again by a hash of their pair, so the input may change in between.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self

import pandas as pd

from jobs.journal.file import append, sync, sync_folder, unwritable, write
from jobs.journal.format import JournalRun, header_frame, pair_hash, record_frame
from jobs.journal.recovery import take_over
from jobs.journal.unfinished import Unfinished, check_whose, read_journal
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

    def __init__(
        self,
        path: Path,
        run: JournalRun,
        pairs: pd.DataFrame,
        resumed: list[Row],
        messages: list[str],
    ) -> None:
        self.path = path
        self.resumed = resumed
        self.messages = messages
        self._run = run
        self._hash_of = _hashes(run.salt, pairs)
        self._queue: SimpleQueue[Row | None] = SimpleQueue()
        self._error: OSError | None = None
        self._is_empty = not resumed
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
        """Open the journal of a run date, or begin one.

        Args:
            files: Names the files beside the report.
            run_date: Of this run.
            gateway: Who answers, and for whom.
            pairs: Columns ``PAIRS``: places in rows are positions in it.
            fresh: Start over, whatever is there.

        Raises:
            OutputError: It cannot be written.
            UsageError: Another merchant's or gateway's is there.
        """
        path = files.journal(run_date)
        try:
            there = read_journal(path)
            if isinstance(there, Unfinished):
                check_whose(there, run_date, gateway)
            if fresh:
                path.unlink(missing_ok=True)
                there = None
            kept, rows, messages = take_over(there, files, run_date, pairs)
            run = kept.run if kept else _new_run(run_date, gateway)
            append(path, header_frame(run) * (1 if kept else 2))
            sync_folder(path.parent)
        except OSError as error:
            raise unwritable(path, error) from None
        return cls(path, run, pairs, rows, messages)

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
        """Hand over an outcome; it survives this process within 100 ms.

        Raises:
            OutputError: An earlier one could not be written.
        """
        self.check()
        self._queue.put(row)
        self._is_empty = False

    def close(self) -> None:
        """Write what is left, and end the thread; a journal that holds nothing is removed."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        if self._is_empty:
            self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise OutputError if something could not be written."""
        if self._error is not None:
            raise unwritable(self.path, self._error)

    def remove(self) -> None:
        """Delete it: what it holds is published."""
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
                        record_frame(seed, self._hash_of(row[0]), row, noted_ms) for row in batch
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

    def _batches(self) -> Iterator[list[Row]]:
        """Yield what has come in, every 30 ms, until the end; nothing, where it must be synced."""
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


def _hashes(salt: str, pairs: pd.DataFrame) -> Callable[[int], bytes]:
    """Return the function that gives the hash of the pair at a place."""
    import pyarrow as pa  # noqa: PLC0415 - looking one text up in Arrow costs little

    openids = pa.array(pairs["openid"])
    codes = pairs["organization_id"].cat.codes.to_numpy()
    organizations: list[str] = pairs["organization_id"].cat.categories.tolist()
    return lambda place: pair_hash(salt, organizations[codes[place]], openids[place].as_py())
