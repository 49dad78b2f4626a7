"""Appends to the journals of a run, one for each partition, with few files open at a time."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final, TypeAlias

from jobs.evidence.keys import EvidenceKey
from jobs.journal.file import sync, sync_folder, write
from jobs.journal.format.header import JournalRun, header_frame
from jobs.journal.format.record import pair_hash, record_frame
from jobs.journal.format.signing_key import key_frame
from jobs.journal.paths import JournalPath
from jobs.report.model import GatewayId
from jobs.store.locations import PRIVATE_MODE
from jobs.sweep.answers import Row
from palm import Pair, SignedMessage

__all__ = ["JournalWriter", "Outcome"]

Outcome: TypeAlias = tuple[int, Pair, Row, SignedMessage | None]
"""The number of the pair's partition, the pair, its outcome, and what was signed of it."""
_MOST_OPEN: Final = 16
_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK


class JournalWriter:
    """Appends outcomes to the journals of the partitions, and begins those that do not exist.

    Args:
        path_of: Returns the journal of a partition.
        run_date: Of this run.
        gateway: The gateway that is asked, and the merchant that asks.
        runs: The headers of the journals that are continued.
        keys: The keys that sign answers, by id; one that signs the first answer is added before.

    Attributes:
        path: The journal that was used last.
    """

    def __init__(
        self,
        path_of: Callable[[int], JournalPath],
        run_date: date,
        gateway: GatewayId,
        runs: Mapping[JournalPath, JournalRun],
        keys: Mapping[str, EvidenceKey],
    ) -> None:
        self._path_of = path_of
        self._run_date = run_date
        self._gateway = gateway
        self._continued = runs
        self._keys = keys
        self._keys_written: set[tuple[int, str]] = set()
        self._runs: dict[int, JournalRun] = {}
        self._open: dict[int, int] = {}
        self._written: set[int] = set()
        self._new: set[Path] = set()
        self.path = self._path_of(0).path

    def begin(self, number: int) -> None:
        """Write the header of a partition's journal, and create the file if there is none.

        Raises:
            OSError: It cannot be written.
        """
        path = self._path_of(number)
        self.path = path.path
        run = self._continued.get(path) or self._new_run()
        self._runs[number] = run
        times = 1 if path in self._continued else 2
        self._append(number, header_frame(run) * times, os.O_CREAT)
        self._new.add(path.path.parent)

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Append outcomes, each to the journal of its partition.

        Raises:
            OSError: They cannot be written.
        """
        noted_ms = time.time_ns() // 1_000_000
        by_number: dict[int, list[bytes]] = {}
        for number, pair, row, signed in outcomes:
            if number not in self._runs:
                self.begin(number)
            run = self._runs[number]
            frames = by_number.setdefault(number, [])
            if signed is not None:
                frames += self._key(number, run, signed.key_id)
            frames.append(record_frame(run.seed, pair_hash(run.salt, pair), row, noted_ms, signed))
        for number, records in by_number.items():
            self._append(number, b"".join(records))

    def _key(self, number: int, run: JournalRun, key_id: str) -> list[bytes]:
        """Return the frame of a key, if this journal does not have it from this run yet."""
        if (number, key_id) in self._keys_written or key_id not in self._keys:
            return []
        self._keys_written.add((number, key_id))
        return [key_frame(run.seed, key_id, self._keys[key_id])]

    def sync(self) -> None:
        """Make what was written survive a crash of the machine.

        Raises:
            OSError: It cannot be synced.
        """
        for number in self._written:
            self.path = self._path_of(number).path
            sync(self._open[number])
        self._written.clear()
        for folder in self._new:
            sync_folder(folder)
        self._new.clear()

    def close(self) -> None:
        """Close the files."""
        for file in self._open.values():
            os.close(file)
        self._open.clear()
        self._written.clear()

    def remove_first(self) -> None:
        """Remove the journal of the first partition, which holds no answer.

        Raises:
            OSError: It cannot be removed.
        """
        self._path_of(0).path.unlink(missing_ok=True)

    def _append(self, number: int, content: bytes, flags: int = 0) -> None:
        if len(self._open) >= _MOST_OPEN and number not in self._open:
            self.sync()
            self.close()
        self.path = self._path_of(number).path
        if number not in self._open:
            self._open[number] = os.open(self.path, _APPEND | flags, PRIVATE_MODE)
        write(self._open[number], content)
        self._written.add(number)

    def _new_run(self) -> JournalRun:
        started_ms, salt = time.time_ns() // 1_000_000, secrets.token_hex(16)
        gateway, day = self._gateway, self._run_date.isoformat()
        return JournalRun(day, gateway.kind, gateway.mchid, started_ms, salt)
