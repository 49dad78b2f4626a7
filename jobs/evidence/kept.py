"""What was signed of a run's answers, from the moment each is believed until it is published."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from jobs.evidence.columns import EVIDENCE, evidence_table
from jobs.evidence.keys import EvidenceKey, keys_used
from palm import Pair, SignedMessage

__all__ = ["EvidenceCollector", "KeptEvidence", "PairIndex"]

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
    """Takes what was signed of each believed answer, and keeps it in a file or in memory.

    Args:
        keys: Returns the platform's keys as they are held now. The key of an id is taken when its
            first answer comes, for certificates are exchanged during a run.
        file: Where the answers are kept until they are published, 350 bytes each; None: in memory.

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(self, keys: Callable[[], Mapping[str, RSAPublicKey]], file: Path | None) -> None:
        self._keys = keys
        self._file = file
        self._buffer = pa.BufferOutputStream() if file is None else pa.OSFile(str(file), "wb")
        self._writer = pa.ipc.new_stream(self._buffer, EVIDENCE)
        self._waiting: list[tuple[Pair, SignedMessage]] = []
        self._used: dict[str, EvidenceKey] = {}

    def add(self, pair: Pair, signed: SignedMessage) -> None:
        """Keep what was signed of the answer about a pair; a later one of the same pair counts.

        Raises:
            OSError: The file cannot be written.
        """
        self._waiting.append((pair, signed))
        if signed.key_id not in self._used:
            self._used |= keys_used([signed.key_id], self._keys())
        if len(self._waiting) == _ROWS_PER_BATCH:
            self._write()

    def finish(self, earlier: KeptEvidence | None = None) -> KeptEvidence:
        """Return all that was kept; nothing can be added any more.

        Args:
            earlier: The evidence of a run whose answers this one takes over; a later answer about a
                pair counts.

        Raises:
            OSError: The file cannot be written, or read back.
        """
        self._write()
        self._writer.close()
        if self._file is None:
            source = pa.BufferReader(self._buffer.getvalue())
        else:
            self._buffer.close()
            source = pa.memory_map(str(self._file))
        table = pa.ipc.open_stream(source).read_all()
        if earlier is None:
            return KeptEvidence([table], self._used)
        return KeptEvidence([earlier._rows, table], {**earlier.keys, **self._used})  # noqa: SLF001

    def _write(self) -> None:
        if self._waiting:
            self._writer.write_table(evidence_table(self._waiting))
            self._waiting.clear()


def _pairs_of(rows: pa.Table) -> tuple[list[str], list[str]]:
    return rows["organization_id"].to_pylist(), rows["openid"].to_pylist()
