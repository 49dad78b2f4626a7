"""The pairs of a frame by their position, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from palm import Pair

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PairLookup"]


class PairLookup:
    """Returns the pair at a position of a frame.

    It reads Arrow's texts and the category codes: reading one text from pandas costs ten times as
    much.

    Args:
        pairs: Columns ``PAIRS``.

    Attributes:
        codes: The organization of each pair, by its number among the categories.
    """

    def __init__(self, pairs: pd.DataFrame) -> None:
        import pyarrow as pa  # noqa: PLC0415 - importing it takes long

        self._openids = pa.array(pairs["openid"])
        self.codes: npt.NDArray[np.integer] = pairs["organization_id"].cat.codes.to_numpy()
        self._organizations: list[str] = pairs["organization_id"].cat.categories.tolist()

    def __len__(self) -> int:
        return len(self._openids)

    def __getitem__(self, index: int) -> Pair:
        return Pair(self._openids[index].as_py(), self.organization(index))

    def columns(self) -> tuple[pa.Array, pa.Array]:
        """Return the organization and the openid of each pair; the former is a dictionary."""
        import pyarrow as pa  # noqa: PLC0415 - importing it takes long

        codes = pa.array(self.codes, pa.int32())
        return pa.DictionaryArray.from_arrays(codes, pa.array(self._organizations)), self._openids

    def organization(self, index: int) -> str:
        """Return the organization of the pair at ``index``."""
        name: str = self._organizations[self.codes[index]]
        return name
