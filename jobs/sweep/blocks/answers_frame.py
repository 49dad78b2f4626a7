"""The frame of answers, from columns of plain numbers and texts. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from jobs.schema import ANSWERS, Array, categories, conform

__all__ = ["answers_frame"]


def answers_frame(
    index: pd.Index,
    numbers: Mapping[str, Array],
    codes: pd.Categorical,
    request_ids: ExtensionArray,
) -> pd.DataFrame:
    """Return columns ``ANSWERS``.

    Args:
        index: The index of the frame of pairs.
        numbers: Named and valued as the attributes of :class:`jobs.sweep.answers.Row`.
        codes: The error code of each pair, or a missing value.
        request_ids: WeChat Pay's id of the last request of each pair, or a missing value.
    """
    columns = {
        "state": pd.Categorical.from_codes(numbers["state"], dtype=categories("state")),
        "authorize_time": _times(numbers["authorize_ms"]),
        "answered_at": _times(numbers["answered_ms"]),
        "unknown_reason": pd.Categorical.from_codes(
            numbers["reason"], dtype=categories("unknown_reason")
        ),
        "error_code": codes,
        "http_status": pd.arrays.IntegerArray(numbers["status"], mask=numbers["status"] < 0),
        "attempts": pd.array(numbers["attempts"], dtype="Int16"),
        "request_id": request_ids,
    }
    return conform(pd.DataFrame(columns, index=index), ANSWERS)


def _times(milliseconds: Array) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(milliseconds).view("datetime64[ms]"), tz="UTC")
