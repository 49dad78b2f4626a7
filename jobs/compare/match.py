"""Matches two frames by organization and openid.

Pure. Texts are compared once, to number them; after that only integers are compared.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.errors import MergeError

from jobs.freed_memory import release_arrow_memory
from jobs.schema import Array

__all__ = ["Match", "match"]


class Match(NamedTuple):
    """The result of matching two frames.

    Attributes:
        organizations: Organizations of the first frame, then of the second, with shared categories.
        found: Position in the second frame of each pair of the first, -1 if it is not there.
        missing: Positions in the second frame of the pairs that the first lacks.
    """

    organizations: pd.Categorical
    found: Array
    missing: Array


def match(pairs: pd.DataFrame, others: pd.DataFrame) -> Match:
    """Find each pair in another frame.

    Args:
        pairs: Columns ``organization_id`` (a category) and ``openid``.
        others: A frame with the same columns.

    Raises:
        pandas.errors.MergeError: A frame repeats a pair.
    """
    organizations = _organizations(pairs, others)
    openids, distinct = pd.factorize(pd.concat([pairs["openid"], others["openid"]]))
    keys = organizations.codes.astype("int64") * len(distinct) + openids
    del openids, distinct
    release_arrow_memory()
    ours, theirs = pd.Index(keys[: len(pairs)]), pd.Index(keys[len(pairs) :])
    for what, index in (("input", ours), ("baseline", theirs)):
        if not index.is_unique:
            raise MergeError(f"the {what} holds a pair twice")
    found = theirs.get_indexer(ours)
    unmatched = np.ones(len(theirs), dtype=bool)
    unmatched[found[found >= 0]] = False
    return Match(organizations, found, np.flatnonzero(unmatched))


def _organizations(pairs: pd.DataFrame, others: pd.DataFrame) -> pd.Categorical:
    both = [frame["organization_id"].array for frame in (pairs, others)]
    ours, theirs = (part.categories.astype("str") for part in both)
    names = ours.union(theirs)
    shared = [
        np.append(names.get_indexer(own), -1)[part.codes]
        for own, part in zip((ours, theirs), both, strict=True)
    ]
    return pd.Categorical.from_codes(np.concatenate(shared), names)
