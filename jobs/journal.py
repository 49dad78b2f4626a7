"""Answers so far, on disk, so that a killed run goes on where it stopped.

A SQLite file beside the report, one row per pair under the pair's number. A thread of its own
writes what has come in every 30 ms in one transaction, so that an answer is safe within 100 ms and
the event loop never waits for the disk. What the answers are answers *to* is written in first: the
pairs in their order, the run date, the merchant, the gateway. A journal of anything else is not
gone on with.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Final, Self

import pandas as pd

from jobs.answers import Row
from jobs.exits import Exit, Stop
from jobs.report import Gateway

__all__ = ["Binding", "Journal", "pairs_sha256", "remove_journals", "rows_of", "unfinished"]

SCHEMA: Final = 1
_EVERY_S: Final = 0.03
_YOUNG_S: Final = 20 * 3600.0
_COLUMNS: Final = (
    "place", "state", "reason", "authorize_ms", "answered_ms", "http_status", "attempts",
    "error_code", "request_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Binding:
    """What the answers are answers to.

    Attributes:
        pairs: sha256 over the parsed pairs in their order.
        run_date: ISO date.
        gateway: ``kind`` of the gateway.
        mchid: Who asks.
        schema: Of the journal itself.
    """

    pairs: str
    run_date: str
    gateway: str
    mchid: str
    schema: int = SCHEMA

    @classmethod
    def of(cls, pairs: pd.DataFrame, run_date: date, gateway: Gateway) -> Binding:
        """Return the binding of a run."""
        return cls(pairs_sha256(pairs), run_date.isoformat(), gateway.kind, gateway.mchid)


def pairs_sha256(pairs: pd.DataFrame) -> str:
    """Return the sha256 over organization and openid of each pair, in order."""
    digest = hashlib.sha256()
    for start in range(0, len(pairs), 65_536):
        part = pairs.iloc[start : start + 65_536]
        keys = zip(part["organization_id"].tolist(), part["openid"].tolist(), strict=True)
        digest.update("".join(f"{o}\0{i}\n" for o, i in keys).encode())
    return digest.hexdigest()


class Journal:
    """One run's answers on disk. Use :meth:`open`, as a context manager.

    Attributes:
        path: Its file.
        found: Rows of an earlier, unfinished run of the same.
        said: What became of a journal that was there, one line; None: nothing to say.
    """

    def __init__(self, path: Path, found: list[Row], said: str | None) -> None:
        self.path = path
        self.found = found
        self.said = said
        self._queue: SimpleQueue[Row | None] = SimpleQueue()
        self._error: Exception | None = None
        self._empty = not found
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)

    @classmethod
    def open(cls, path: Path, binding: Binding, *, fresh: bool = False) -> Journal:
        """Open the journal at ``path``, or begin one.

        Args:
            path: Its file; begins with a dot.
            binding: What this run's answers will be answers to.
            fresh: Start over, whatever is there.

        Raises:
            Stop: It cannot be written (73).
        """
        found: list[Row] = []
        said = None
        if path.exists():
            if fresh:
                _remove(path)
            else:
                found, said = _read(path, binding)
        try:
            if not path.exists():
                path.touch(mode=0o600)
            with closing(_connect(path)) as base, base:
                base.execute("CREATE TABLE IF NOT EXISTS about (json TEXT NOT NULL)")
                base.execute(
                    "CREATE TABLE IF NOT EXISTS answers (place INTEGER PRIMARY KEY, state, reason,"
                    " authorize_ms, answered_ms, http_status, attempts, error_code, request_id)"
                )
                if not base.execute("SELECT 1 FROM about").fetchone():
                    about = {**asdict(binding), "started": time.time()}
                    base.execute("INSERT INTO about VALUES (?)", (json.dumps(about),))
        except (sqlite3.Error, OSError) as error:
            raise _unwritable(path, error) from None
        return cls(path, found, said)

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
        """Hand over an answer; it is on disk within 100 ms.

        Raises:
            Stop: An earlier one could not be written (73).
        """
        self.check()
        self._queue.put(row)
        self._empty = False

    def close(self) -> None:
        """Write what is left, and end the thread; a journal that holds nothing is removed."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        if self._empty:
            _remove(self.path)

    def check(self) -> None:
        """Raise Stop (73) where something could not be written."""
        if self._error is not None:
            raise _unwritable(self.path, self._error)

    def remove(self) -> None:
        """Delete it: what it holds is published."""
        self.close()
        _remove(self.path)

    def _write_all(self) -> None:
        try:
            with closing(_connect(self.path)) as base:
                marks = ",".join("?" * len(_COLUMNS))
                insert = f"INSERT OR REPLACE INTO answers VALUES ({marks})"  # noqa: S608 - ours
                for batch in self._batches():
                    with base:
                        base.executemany(insert, batch)
        except sqlite3.Error as error:
            self._error = error

    def _batches(self) -> Iterator[list[Row]]:
        """Yield what has come in, every 30 ms, until the end."""
        while (first := self._queue.get()) is not None:
            time.sleep(_EVERY_S)
            batch = [first]
            with suppress(Empty):
                while (row := self._queue.get_nowait()) is not None:
                    batch.append(row)
                yield batch
                return
            yield batch


def _unwritable(path: Path, error: Exception) -> Stop:
    return Stop(
        Exit.OUTPUT,
        f"the journal {path} cannot be written: {error}; the answers that it holds are kept",
    )


def unfinished(paths: Iterable[Path], binding: Binding, *, now: float) -> date | None:
    """Return the run date of a young journal of the same pairs, merchant and gateway.

    A run that was killed before midnight and goes on after it keeps its date.

    Args:
        paths: Journals beside the report.
        binding: Of this run; its date does not count.
        now: Unix seconds.
    """
    for path in sorted(paths, reverse=True):
        about = _about(path)
        if about is None or now - about.pop("started", 0) > _YOUNG_S:
            continue
        if about == {**asdict(binding), "run_date": about.get("run_date")}:
            return date.fromisoformat(about["run_date"])
    return None


def rows_of(path: Path, binding: Binding) -> list[Row]:
    """Return the rows of a journal of the same run; none where there is no such journal."""
    if not path.exists():
        return []
    about = _about(path) or {}
    about.pop("started", None)
    if about != asdict(binding):
        return []
    with suppress(sqlite3.Error), closing(_connect(path)) as base:
        return base.execute("SELECT * FROM answers").fetchall()
    return []


def remove_journals(paths: Iterable[Path], run_date: date) -> None:
    """Remove the journals of a date and of those before: the report that is published is later."""
    for path in list(paths):
        with suppress(ValueError):
            if date.fromisoformat(path.name.rsplit(".", 2)[-2]) <= run_date:
                _remove(path)


def _read(path: Path, binding: Binding) -> tuple[list[Row], str | None]:
    """Return the rows of an unfinished run of the same; what is there otherwise is set aside."""
    about = _about(path)
    if about is not None:
        about.pop("started", None)
    if about == asdict(binding):
        with suppress(sqlite3.Error), closing(_connect(path)) as base:
            return base.execute("SELECT * FROM answers").fetchall(), None
        about = None
    aside = path.with_name(f"{path.name}.aside")
    for old in _files(path):
        with suppress(FileNotFoundError):
            old.replace(aside.with_name(old.name.replace(path.name, aside.name)))
    why = "is damaged" if about is None else "is of another input, merchant or gateway"
    return [], f"the journal {path.name} {why}; it is set aside as {aside.name}, starting over"


def _about(path: Path) -> dict[str, Any] | None:
    try:
        with closing(_connect(path)) as base:
            row = base.execute("SELECT json FROM about").fetchone()
        about = json.loads(row[0]) if row else None
    except (sqlite3.Error, ValueError, TypeError):
        return None
    return about if isinstance(about, dict) else None


def _connect(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=5)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    return base


def _files(path: Path) -> list[Path]:
    return [path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")]


def _remove(path: Path) -> None:
    for file in _files(path):
        file.unlink(missing_ok=True)
