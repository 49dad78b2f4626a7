"""Numbers for pairs and for organizations that stay the same from night to night. Pure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from jobs.schema import Array

__all__ = ["PairNumbers", "grown"]


class PairNumbers:
    """Numbers every pair and every organization from 0, in the order in which they first appear."""

    def __init__(self) -> None:
        self._organizations: dict[str, int] = {}
        self._openids = pa.array([], pa.large_string())
        self._keys = pa.array([], pa.int64())

    def __len__(self) -> int:
        """How many pairs have a number."""
        return len(self._keys)

    @property
    def organizations(self) -> list[str]:
        """The organizations, by number."""
        return list(self._organizations)

    def number(self, rows: pd.DataFrame) -> tuple[Array, Array]:
        """Return the numbers of the pairs of these rows, and those of their organizations.

        Args:
            rows: Columns ``organization_id`` (a category) and ``openid``, neither with a missing
                value.
        """
        column = rows["organization_id"].array
        known = self._organizations
        places = np.array(
            [known.setdefault(str(name), len(known)) for name in column.categories], dtype=np.int64
        )
        organizations = places[column.codes] if len(places) else np.array([], dtype=np.int64)
        texts = pa.array(rows["openid"], pa.large_string())
        texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        openids, self._openids = _numbered(texts, self._openids)
        # Organizations are far fewer than 2**31, and so are openids.
        keys = pa.array((organizations << np.int64(32)) | openids)
        pairs, self._keys = _numbered(keys, self._keys)
        return pairs, organizations

    def names(self, pairs: Array) -> list[tuple[str, str]]:
        """Return organization and openid of pairs by their numbers."""
        keys = self._keys.take(pa.array(pairs, pa.int64())).to_numpy()
        openids = self._openids.take(pa.array(keys & np.int64(0xFFFFFFFF))).to_pylist()
        organizations = self.organizations
        return [
            (organizations[number], openid)
            for number, openid in zip((keys >> 32).tolist(), openids, strict=True)
        ]

    def organizations_of(self) -> Array:
        """Return each pair's organization, by number."""
        numbers: Array = self._keys.to_numpy() >> 32
        return numbers


def grown(values: Array, size: int, fill: int) -> Array:
    """Return an array made longer; itself where it is long enough."""
    if size <= len(values):
        return values
    return np.concatenate([values, np.full(size - len(values), fill, dtype=values.dtype)])


def _numbered(values: pa.Array, known: pa.Array) -> tuple[Array, pa.Array]:
    """Return each value's position among the known ones, and those with the new ones behind."""
    found = pc.index_in(values, value_set=known)
    if found.null_count:
        known = pa.concat_arrays([known, pc.unique(values.filter(found.is_null()))])
        found = pc.index_in(values, value_set=known)
    return found.to_numpy().astype(np.int64), known
