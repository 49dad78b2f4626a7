"""Rows of small reports, written down by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from jobs.schema import ROWS, conform

_NAMES = ["organization_id", "openid", "state", "previous_state", "change", "last_in_input"]


def _rows_of(report):
    frame = pd.DataFrame(report, columns=_NAMES)
    good = frame["state"].where(frame["state"].isin(["ON", "OFF", "NONE"]))
    unknown = frame["state"] == "UNKNOWN"
    return conform(
        frame.assign(
            known_state=good.fillna(frame["previous_state"]),
            unknown_reason=pd.Series("TIMEOUT", frame.index).where(unknown),
            last_in_input=pd.to_datetime(frame["last_in_input"]),
        ),
        ROWS,
    )


@pytest.fixture
def rows_of():
    """Return a function that makes rows, columns ``ROWS``, from tuples.

    They hold: organization, openid, state, previous state, change, and the date of the last earlier
    report with the pair in its input.
    """
    return _rows_of
