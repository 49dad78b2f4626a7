"""Whatever happened, and whichever nights are missing: a history's numbers are DuckDB's."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from jobs.history.kaplan_meier import kaplan_meier, median
from jobs.history.read import read_history
from jobs.store.days import dated_reports
from tests.examples import examples_of
from tests.history_sql import Judge
from tests.many_nights import People, write_nights

LENGTHS = st.dictionaries(st.integers(0, 60), st.integers(1, 40), max_size=12)


@settings(max_examples=examples_of(12), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_number_is_the_one_that_duckdb_finds(data):
    nights = data.draw(st.integers(1, 12), label="nights")
    some = st.sets(st.integers(1, 12), max_size=4)
    people = People.of(
        data.draw(st.integers(1, 60), label="pairs"),
        data.draw(st.integers(1, 5), label="organizations"),
        seed=data.draw(st.integers(0, 10**6), label="seed"),
        away=data.draw(st.sampled_from([0.0, 0.1, 0.5]), label="away"),
        unknown=data.draw(st.sampled_from([0.0, 0.05, 0.4]), label="unknown"),
        moves=data.draw(st.sampled_from([0.02, 0.2, 0.5]), label="moves"),
        carried={0: ("class",), 4: ("class", "grade"), 7: ()},
    )
    without, deleted = data.draw(some, label="without"), data.draw(some, label="deleted")
    with TemporaryDirectory() as made:
        folder = Path(made)
        written = write_nights(folder, people, nights, without=without, bad=data.draw(some))
        for night in deleted & set(range(1, len(written))):
            written[night].unlink()
            written[night].parent.rmdir()
        history = read_history(dated_reports(folder))
        judge = Judge(folder)
        judge.agrees(history)
        ended, censored = judge.lengths()
        assert history.durations.median_days == median_of_scipy(ended, censored)


@given(ended=LENGTHS, censored=LENGTHS)
def test_the_estimate_is_that_of_scipy(ended, censored):
    lengths = [np.repeat(list(each), list(each.values())).tolist() for each in (ended, censored)]
    assert median(ended, censored) == median_of_scipy(*lengths)
    steps = kaplan_meier(ended, censored)
    assert [step.days for step in steps] == sorted(ended)
    if ended or censored:
        left = stats.ecdf(stats.CensoredData(uncensored=lengths[0], right=lengths[1])).sf
        assert [step.left for step in steps] == pytest.approx(left.evaluate(sorted(ended)).tolist())


def median_of_scipy(ended, censored):
    """Return the first length at which the estimate is at most a half; None where it never is."""
    if not ended:
        return None
    sf = stats.ecdf(stats.CensoredData(uncensored=ended, right=censored)).sf
    half = sf.quantiles[sf.probabilities <= 0.5 + 1e-12]
    return int(half[0]) if len(half) else None
