"""The outcomes that the journals of a run date hold for the pairs of an input.

The pairs are those of the input's partitions; the journals may be of a run with more partitions, or
with fewer, or of one without. A journal of fewer partitions is in memory while the partitions that
it overlaps are read, any other one only while its own is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from jobs.evidence.kept import EvidenceCollector
from jobs.input.lookup import PairLookup
from jobs.journal.format.header import JournalRun
from jobs.journal.format.record import parse_record, parse_row, parse_signed
from jobs.journal.paths import JournalPath
from jobs.journal.stored import StoredJournal
from jobs.partitions.hashing import partition_numbers
from jobs.partitions.partitioned import PartitionedFrame
from jobs.schema import Array
from jobs.sweep.answers import Row, is_good

__all__ = ["KeptAnswers"]


class KeptAnswers:
    """Reads the journals of a run date, one partition of the input after the other.

    Args:
        paths: The journals.
        read: Returns a journal, or None if none of its answers is to be used.
        collector: Takes what was signed of the answers; None: it is not kept.
        only_signed: Whether good answers of which nothing signed is kept are left out.
        answered_ms: Returns when each answer about a partition's pairs was received that the report
            has, see ``Row``; only those are found. None: the latest outcome of each pair is.

    Attributes:
        runs: The header of each journal that was read.
        imperfect: Journals with a damaged part or an incomplete last record.
        stored: How many outcomes the journals hold that were read.
        found: How many of them are about pairs of the input.
        unsigned: How many of these were left out.
    """

    def __init__(
        self,
        paths: Sequence[JournalPath],
        read: Callable[[JournalPath], StoredJournal | None],
        *,
        collector: EvidenceCollector | None = None,
        only_signed: bool = False,
        answered_ms: Callable[[int], Array] | None = None,
    ) -> None:
        self._paths = paths
        self._read = read
        self._collector, self._only_signed = collector, only_signed
        self._answered_ms = answered_ms
        self._open: dict[JournalPath, StoredJournal | None] = {}
        self.runs: dict[JournalPath, JournalRun] = {}
        self.imperfect: list[JournalPath] = []
        self.stored = self.found = self.unsigned = 0

    @property
    def is_of_this_input(self) -> bool:
        """Return True if at least half of the outcomes are about pairs of the input."""
        return 2 * self.found >= self.stored

    def by_partition(
        self, pairs: PartitionedFrame
    ) -> Iterator[tuple[int, pd.DataFrame, list[Row]]]:
        """Yield each partition that has outcomes: its number, its pairs, the outcomes.

        Args:
            pairs: Columns ``PAIRS``.

        Raises:
            OSError: A partition cannot be read.
            RunError: A journal cannot be read, or is not to be used by this run.
        """
        for number in range(1 << pairs.bits):
            wanted = [each for each in self._paths if each.overlaps(pairs.bits, number)]
            self._open = {
                each: self._open[each] if each in self._open else self._read_once(each)
                for each in wanted
            }
            journals = {
                path: journal
                for path, journal in self._open.items()
                if journal is not None and journal.scan.answers
            }
            if journals:
                frame = pairs.frame(number)
                yield number, frame, self._rows(journals, frame, pairs.bits, number)
        self._open = {}

    def _read_once(self, path: JournalPath) -> StoredJournal | None:
        journal = self._read(path)
        if journal is not None:
            scan = journal.scan
            self.runs[path] = journal.run
            self.stored += len(scan.answers)
            if scan.damaged or scan.is_incomplete:
                self.imperfect.append(path)
        return journal

    def _rows(
        self,
        journals: dict[JournalPath, StoredJournal],
        pairs: pd.DataFrame,
        bits: int,
        number: int,
    ) -> list[Row]:
        """Return the outcome of each pair that counts, in the order of the pairs."""
        found: dict[int, tuple[bytes, int]] = {}
        noted: Array = np.zeros(len(pairs), dtype=np.int64)
        answered = self._answered_ms(number) if self._answered_ms is not None else None
        for path, journal in journals.items():
            positions = _positions(pairs, path) if path.bits > bits else np.arange(len(pairs))
            chosen = pairs.iloc[positions] if path.bits > bits else pairs
            for at, body in journal.find(chosen):
                self.found += 1
                position = int(positions[at])
                record = parse_record(journal.content, body)
                if answered is not None and record.answered_ms != answered[position]:
                    continue
                if record.noted_ms >= noted[position]:
                    noted[position] = record.noted_ms
                    found[position] = journal.content, body
        if self._collector is not None:
            for journal in journals.values():
                self._collector.add_keys(journal.keys())
        lookup = PairLookup(pairs)
        rows = [
            (parse_row(*found[position], position), found[position]) for position in sorted(found)
        ]
        return [row for row, at in rows if self._is_used(row, at, number, lookup)]

    def _is_used(self, row: Row, at: tuple[bytes, int], number: int, lookup: PairLookup) -> bool:
        """Hand on what was signed of an answer; return False if the answer is left out."""
        if not is_good(row) or (self._collector is None and not self._only_signed):
            return True
        signed = parse_signed(*at)
        if signed is None:
            self.unsigned += self._only_signed
            return not self._only_signed
        if self._collector is not None:
            self._collector.add(number, lookup[row.pair_index], signed)
        return True


def _positions(pairs: pd.DataFrame, path: JournalPath) -> Array:
    """Return which pairs of a frame a journal of more partitions may hold."""
    numbers = partition_numbers(pairs["organization_id"], pairs["openid"], path.bits)
    return np.flatnonzero(numbers == path.number)
