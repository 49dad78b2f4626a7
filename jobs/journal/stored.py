"""The journal at a path: read, and checked whose it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from itertools import starmap
from pathlib import Path
from typing import Final

import pandas as pd

from jobs.errors import UsageError
from jobs.evidence.keys import EvidenceKey
from jobs.journal.format.header import JournalRun
from jobs.journal.format.record import pair_hash
from jobs.journal.format.scan import Scan, scan
from jobs.journal.format.signing_key import parse_key
from jobs.report.model import GatewayId
from palm import Pair
from palm.files.regular import check_regular

__all__ = [
    "StoredJournal",
    "UnusableJournal",
    "check_owner",
    "read_journal",
    "read_own_journal",
]

_SQLITE: Final = b"SQLite format 3\0"
_CHUNK: Final = 65_536
"""Pairs that are Python objects at a time."""


class UnusableJournal(Enum):
    """Why no answer of a journal can be used."""

    DAMAGED = auto()
    EARLIER_VERSION = auto()


@dataclass(frozen=True, slots=True)
class StoredJournal:
    """A journal with a valid header.

    Attributes:
        path: Its file.
        run: The run whose answers it holds.
        scan: What is valid in it.
        content: Its bytes.
    """

    path: Path
    run: JournalRun
    scan: Scan
    content: bytes

    @property
    def run_date(self) -> date:
        """The run date of the run whose answers it holds."""
        return date.fromisoformat(self.run.run_date)

    @property
    def gateway(self) -> GatewayId:
        """The gateway that answered, and the merchant that asked."""
        return GatewayId(self.run.gateway, self.run.mchid)

    def keys(self) -> dict[str, EvidenceKey]:
        """Return the keys that signed answers, by id, as far as they are kept."""
        found = (parse_key(self.content, body) for body in self.scan.keys)
        return dict(each for each in found if each is not None)

    def find(self, pairs: pd.DataFrame) -> Iterator[tuple[int, int]]:
        """Yield which pairs of a frame it holds an outcome of.

        Args:
            pairs: Columns ``PAIRS``.

        Yields:
            The position of the pair, and where the body of its record begins.
        """
        stored, salt = self.scan.answers, self.run.salt
        for position, pair in enumerate(_each(pairs) if stored else ()):
            body = stored.get(pair_hash(salt, pair))
            if body is not None:
                yield position, body


def read_journal(path: Path) -> StoredJournal | UnusableJournal | None:
    """Return the journal at ``path``, or why it cannot be used, or None if there is none.

    Raises:
        OSError: It is not a regular file, or cannot be read.
    """
    try:
        check_regular(path.lstat().st_mode)  # opening a socket or a device does harm
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        check_regular(os.fstat(descriptor).st_mode)  # it may have been replaced meanwhile
        content = file.read()
    if not content:  # the process was killed before it wrote anything
        return None
    scanned = scan(content)
    if scanned.run is not None:
        return StoredJournal(path, scanned.run, scanned, content)
    if content.startswith(_SQLITE):
        return UnusableJournal.EARLIER_VERSION
    return UnusableJournal.DAMAGED


def read_own_journal(path: Path, run_date: date, gateway: GatewayId) -> StoredJournal | None:
    """Return the journal at ``path`` if it can be read and is of this date and gateway."""
    try:
        journal = read_journal(path)
    except OSError:
        return None
    if not isinstance(journal, StoredJournal):
        return None
    return journal if (journal.gateway, journal.run_date) == (gateway, run_date) else None


def check_owner(journal: StoredJournal, run_date: date, gateway: GatewayId) -> None:
    """Refuse the journal of another gateway or merchant, or of another date.

    Raises:
        UsageError: It is another one's.
    """
    if journal.gateway != gateway:
        raise UsageError(
            f"the journal {journal.path} is of an unfinished run of {journal.gateway}, this run is "
            f"of {gateway}: write to another file, or move it away",
        )
    if journal.run_date != run_date:
        raise UsageError(
            f"the journal {journal.path} is of a run of {journal.run_date}, not of {run_date}: "
            "give it its own name back, or move it away",
        )


def _each(pairs: pd.DataFrame) -> Iterator[Pair]:
    """Yield the pairs of a frame in order, without all of them in memory as objects."""
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs.iloc[start : start + _CHUNK]
        columns = chunk["openid"].tolist(), chunk["organization_id"].tolist()
        yield from starmap(Pair, zip(*columns, strict=True))
