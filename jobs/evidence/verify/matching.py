"""Finds the evidence of each row of a report.

Both stand in the same order, so that usually the next rows of the evidence are those of the next
rows of the report. Where they are not (the report was filtered, sorted or edited, or evidence is
missing), every further row is sought by its pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.evidence.columns import PAIR
from jobs.evidence.kept import PairIndex
from jobs.evidence.options import EvidenceScope
from jobs.evidence.read import EvidenceFiles
from jobs.evidence.write import has_state, is_kept

__all__ = ["Matched", "Matcher"]


class Matched(NamedTuple):
    """Rows of a report, and where their evidence is.

    Attributes:
        rows: Those of the rows that have a state, with the columns of the report.
        positions: The number of each one's evidence among all rows of it; -1: there is none.
        is_kept: Whether evidence of each was to be kept.
    """

    rows: pd.DataFrame
    positions: npt.NDArray[np.int64]
    is_kept: npt.NDArray[np.bool_]


class Matcher:
    """Finds the evidence of a report's rows, chunk by chunk.

    Args:
        files: The evidence.
        scope: Whose evidence was kept.

    Attributes:
        unused: After the last chunk: how many rows of evidence belong to no row of the report.
    """

    def __init__(self, files: EvidenceFiles, scope: EvidenceScope) -> None:
        self._files, self._scope = files, scope
        self._pairs = files.pairs()
        self._ahead: list[pa.Table] = []
        self._next = 0
        self._index: PairIndex | None = None
        self.unused: int = len(files)

    def match(self, chunks: Iterable[pd.DataFrame]) -> Iterator[Matched]:
        """Yield what :class:`Matched` describes for each chunk of the report's rows.

        Raises:
            InputError: The evidence cannot be read.
        """
        for chunk in chunks:
            rows = chunk.loc[has_state(chunk)]
            kept = is_kept(rows, self._scope).to_numpy(bool)
            positions = np.full(len(rows), -1, np.int64)
            count = int(np.count_nonzero(kept))
            if self._index is None and self._follows(rows.loc[kept]):
                positions[kept] = np.arange(self._next, self._next + count)
                self._next += count
            else:
                positions[:] = self._found(rows)
            self.unused -= len(np.unique(positions[positions >= 0]))
            yield Matched(rows, positions, kept)

    def _follows(self, rows: pd.DataFrame) -> bool:
        """Return True if the next rows of the evidence are those of the rows, in their order."""
        while sum(map(len, self._ahead)) < len(rows):
            group = next(self._pairs, None)
            if group is None:
                return False
            self._ahead.append(group)
        if not len(rows):
            return True
        ahead = pa.concat_tables(self._ahead)
        for name in PAIR:
            own = pa.array(rows[name].astype(str).to_numpy(object), pa.string())
            if not pc.all(pc.equal(ahead[name].slice(0, len(rows)).cast(pa.string()), own)).as_py():
                return False
        self._ahead = [ahead.slice(len(rows))]
        return True

    def _found(self, rows: pd.DataFrame) -> npt.NDArray[np.int64]:
        if self._index is None:
            pairs = [group.to_pydict() for group in self._files.pairs()]
            self._index = PairIndex(
                *([value for group in pairs for value in group[name]] for name in PAIR)
            )
        return self._index.find(*(rows[name].tolist() for name in PAIR))
