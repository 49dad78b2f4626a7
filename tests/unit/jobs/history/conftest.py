"""Nights of a few pairs, given as the counts of many nights take them."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.history.night_rows import NightRows
from jobs.schema import Change, State

_STATES, _CHANGES = list(State), list(Change)
_NEVER_MS = np.iinfo(np.int64).max


def _night(day, *, first_seen_ms=None, organizations=None, **pairs):
    words = [told.split() for told in pairs.values()]
    names = list(pairs)
    state = np.array([_STATES.index(each[0]) if each[0] != "-" else -1 for each in words])
    change = np.array([_CHANGES.index(each[1]) for each in words])
    from_on = np.array([each[2:] == ["ON"] for each in words], dtype=bool)
    closed, cleared = (change == _CHANGES.index(each) for each in ("CLOSED", "CLEARED"))
    on = state == _STATES.index("ON")
    seen, of = first_seen_ms or {}, organizations or {}
    return NightRows(
        day=day,
        pairs=np.array([ord(name) - ord("a") for name in names]),
        organizations=np.array([of.get(name, 0) for name in names]),
        here=state >= 0,
        answered=(state >= 0) & (state != _STATES.index("UNKNOWN")),
        on=on,
        known_on=on,
        change=change,
        lost=closed | (cleared & from_on),
        first_seen_ms=np.array([seen.get(name, _NEVER_MS) for name in names]),
    )


@pytest.fixture(scope="session")
def night():
    """Return a function that makes a night's rows.

    ``night(3, a="ON OPENED", b="NONE CLEARED ON", c="- DROPPED")`` is the day 3 of the pairs 0, 1
    and 2: the state (``-``: not in the input), the change and, of a CLEARED, what it was before. A
    pair that is left out has no row. ``first_seen_ms`` and ``organizations`` are by pair.
    """
    return _night
