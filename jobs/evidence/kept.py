"""What was signed of a run's answers, from the moment each is believed until it is published."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.evidence.columns import EVIDENCE, evidence_table
from jobs.evidence.keys import EvidenceKey, keys_used
from jobs.partitions.file_names import partition_name
from jobs.partitions.hashing import partition_numbers
from jobs.store.staging.row_files import RowFiles
from palm import Pair, PlatformKeys, SignedMessage

__all__ = ["CollectedEvidence", "EvidenceCollector", "KeptEvidence", "PairIndex"]

_ROWS_PER_BATCH: Final = 4096
_Positions: TypeAlias = npt.NDArray[np.int64]


class PairIndex:
    """Finds the rows of pairs; of a pair with several rows the last one.

    It holds 24 bytes a row, and no pair: a keyed hash of 128 bits stands for each, of which nobody
    can make two the same.

    Args:
        organization_ids: Of each row.
        openids: Of each row.
    """

    def __init__(self, organization_ids: Iterable[str], openids: Iterable[str]) -> None:
        self._key = os.urandom(16)
        hashes = self._hashes(organization_ids, openids)
        self._order: _Positions = np.lexsort((hashes[:, 1], hashes[:, 0])).astype(np.int64)
        self._first = hashes[self._order, 0]
        self._second = hashes[self._order, 1]

    def find(self, organization_ids: Iterable[str], openids: Iterable[str]) -> _Positions:
        """Return the row of each pair; -1 where there is none."""
        wanted = self._hashes(organization_ids, openids)
        places = np.searchsorted(self._first, wanted[:, 0], side="right") - 1
        found = np.full(len(wanted), -1, np.int64)
        if not len(self._first):
            return found
        first, second = self._first[places], self._second[places]
        same = (places >= 0) & (first == wanted[:, 0]) & (second == wanted[:, 1])
        found[same] = self._order[places[same]]
        return found

    def _hashes(
        self, organization_ids: Iterable[str], openids: Iterable[str]
    ) -> npt.NDArray[np.uint64]:
        key, blake2b = self._key, hashlib.blake2b
        digests = b"".join(
            [
                blake2b(
                    f"{organization_id}\0{openid}".encode("utf-8", "surrogatepass"),
                    digest_size=16,
                    key=key,
                ).digest()
                for organization_id, openid in zip(organization_ids, openids, strict=True)
            ]
        )
        return np.frombuffer(digests, np.uint64).reshape(-1, 2)


class FoundEvidence(NamedTuple):
    """The evidence of some pairs.

    Attributes:
        has_evidence: Which of the pairs have any, one truth value each.
        rows: Theirs, in the order of the pairs, columns ``EVIDENCE``.
    """

    has_evidence: npt.NDArray[np.bool_]
    rows: pa.Table


class KeptEvidence:
    """What is kept, in the order in which it came, to be found by pair.

    Args:
        tables: Columns ``EVIDENCE``; of a pair with several rows the last one counts.
        keys: The keys that signed.

    Attributes:
        keys: The same.
    """

    def __init__(self, tables: Sequence[pa.Table], keys: Mapping[str, EvidenceKey]) -> None:
        self.keys: Mapping[str, EvidenceKey] = dict(keys)
        self._rows: pa.Table = (
            pa.concat_tables(tables).unify_dictionaries() if tables else EVIDENCE.empty_table()
        )
        self._index = PairIndex(*_pairs_of(self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, organization_ids: Iterable[str], openids: Iterable[str]) -> FoundEvidence:
        """Return the evidence of some pairs."""
        positions = self._index.find(organization_ids, openids)
        has_evidence = positions >= 0
        return FoundEvidence(has_evidence, self._rows.take(pa.array(positions[has_evidence])))


class EvidenceCollector:
    """Takes what was signed of each believed answer, and keeps it in files, one a partition.

    Args:
        keys: Returns the platform's keys as they are held now, if there are any. The key of an id
            is taken when its first answer comes, for certificates are exchanged during a run.
        folder: An empty folder for the files, 350 bytes an answer.
        bits: How many bits of a pair's hash are the number of its partition.

    Attributes:
        used: The keys that signed, by id; one is added before its first answer is.
    """

    def __init__(
        self, keys: Callable[[], PlatformKeys | None], folder: Path, bits: int = 0
    ) -> None:
        self._keys = keys
        self._files = RowFiles(folder)
        self._bits = bits
        self._waiting: dict[int, list[tuple[Pair, SignedMessage]]] = {}
        self._count = 0
        self.used: dict[str, EvidenceKey] = {}

    def add(self, number: int, pair: Pair, signed: SignedMessage) -> None:
        """Keep what was signed of the answer about a pair; a later one of the same pair counts.

        Args:
            number: The number of the pair's partition.
            pair: The pair.
            signed: What was signed.

        Raises:
            OSError: A file cannot be written.
        """
        if signed.key_id not in self.used:
            self.used.update(keys_used([signed.key_id], self._keys()))
        self._waiting.setdefault(number, []).append((pair, signed))
        self._count += 1
        if self._count >= _ROWS_PER_BATCH:
            self._write()

    def add_keys(self, keys: Mapping[str, EvidenceKey]) -> None:
        """Take the keys that signed the answers of an earlier run, by id."""
        self.used.update(keys)

    def add_rows(self, rows: pa.Table) -> None:
        """Take over evidence of a run whose answers this one takes over.

        Args:
            rows: Columns ``EVIDENCE``.

        Raises:
            OSError: A file cannot be written.
        """
        pairs = rows.select(["organization_id", "openid"]).to_pandas()
        organization_ids = pairs["organization_id"].astype("category")
        numbers = partition_numbers(organization_ids, pairs["openid"], self._bits)
        for number in np.unique(numbers).tolist():
            self._append(number, rows.filter(pa.array(numbers == number)))

    def finish(self) -> CollectedEvidence:
        """Return all that was kept; nothing can be added any more.

        Raises:
            OSError: A file cannot be written.
        """
        self._write()
        return CollectedEvidence(self._files, self._bits, dict(self.used))

    def _write(self) -> None:
        for number, waiting in self._waiting.items():
            self._append(number, evidence_table(waiting))
        self._waiting.clear()
        self._count = 0

    def _append(self, number: int, rows: pa.Table) -> None:
        self._files.append(partition_name(number), rows)


@dataclass(frozen=True, slots=True)
class CollectedEvidence:
    """What was kept of a run, in files, one a partition.

    Attributes:
        files: The rows, under the names of their partitions.
        bits: How many bits of a pair's hash are the number of its partition.
        keys: The keys that signed, by id.
    """

    files: RowFiles
    bits: int
    keys: Mapping[str, EvidenceKey]

    def of(self, *numbers: int) -> KeptEvidence:
        """Read the evidence of some partitions into memory.

        Raises:
            OSError: A file cannot be read.
        """
        names = map(partition_name, numbers)
        return KeptEvidence([rows for name in names for rows in self.files.read(name)], self.keys)


def _pairs_of(rows: pa.Table) -> tuple[list[str], list[str]]:
    return rows["organization_id"].to_pylist(), rows["openid"].to_pylist()
