"""Pairs go to a worker in a file, and their outcomes come back in another, without a loss."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jobs.errors
from jobs.cluster.dispatch.task_files import TaskFiles, most_pairs
from jobs.cluster.tasks.task import read_outcomes, read_task, write_outcomes
from jobs.errors import RunError
from jobs.schema import PAIRS, UnknownReason, conform
from jobs.sweep.answers import Row
from jobs.sweep.blocks.outcome_files import OutcomesOnDisk
from palm import SettingsError
from tests.partitioned import split

THROTTLED = list(UnknownReason).index(UnknownReason.THROTTLED)


def pairs_of(count):
    """Return pairs of a few organizations, one with a name that is not ASCII."""
    frame = pd.DataFrame(
        {
            "organization_id": [("0042", "学校", "=5")[number % 3] for number in range(count)],
            "openid": [f"o{number:027}" for number in range(count)],
        }
    )
    return conform(frame, PAIRS)


def unknown(position, code=None):
    return Row(position, 3, THROTTLED, np.iinfo(np.int64).min, np.iinfo(np.int64).min,
               429, 8, code, f"request-{position}")  # fmt: skip


@pytest.fixture
def outcomes(tmp_path):
    def outcomes(pairs):
        (tmp_path / "outcomes").mkdir(exist_ok=True)
        return OutcomesOnDisk(pairs, tmp_path / "outcomes")

    return outcomes


def tasks_of(tmp_path, pairs, kept, *, most=40, again=False):
    (tmp_path / "tasks").mkdir(exist_ok=True)
    slices = kept.slices(UnknownReason.THROTTLED) if again else kept.slices(UnknownReason.NOT_ASKED)
    files = TaskFiles(tmp_path / "tasks", pairs, kept)
    return list(files.tasks(slices, most=most, again=again, has_good_answer=lambda: True))


def test_every_pair_is_in_one_task_and_comes_back_to_its_place(tmp_path, outcomes):
    pairs = split(pairs_of(500), 3)
    kept = outcomes(pairs)
    seen = 0
    for task in tasks_of(tmp_path, pairs, kept):
        frame, answers = read_task(task.path)
        assert len(frame) == task.pairs
        frame["before"] = answers.reasons()
        assert sorted(frame["number"].unique()) == list(task.parts)
        for index, pair in enumerate(frame.itertuples()):
            own = pairs.frame(pair.number).iloc[pair.position]
            assert (own["organization_id"], own["openid"]) == (pair.organization_id, pair.openid)
            answers.restore(unknown(index, pair.openid))
        done = np.arange(len(frame))
        write_outcomes(tmp_path / "back", frame, answers, done)
        for number, table, before in read_outcomes(tmp_path / "back"):
            kept.add(number, table, before)
        seen += len(frame)
    assert seen == 500
    assert kept.count(UnknownReason.NOT_ASKED) == 0
    assert kept.count(UnknownReason.THROTTLED) == 500
    for number in range(8):
        found = kept.frames().frame(number)
        own = pairs.frame(number)
        assert list(found["error_code"]) == list(own["openid"])  # each pair has its own outcome


def test_what_is_asked_again_has_the_outcome_of_before(tmp_path, outcomes):
    pairs = split(pairs_of(120), 2)
    kept = outcomes(pairs)
    for number in range(4):
        kept.restore(number, [unknown(at, "CODE") for at in range(0, pairs.rows_of(number), 2)])
    asked = kept.count(UnknownReason.THROTTLED)
    tasks = tasks_of(tmp_path, pairs, kept, again=True)
    assert sum(task.pairs for task in tasks) == asked
    for task in tasks:
        frame, answers = read_task(task.path)
        assert list(answers.reasons()) == [THROTTLED] * len(frame)
        assert {answers.row(index).attempts for index in range(len(frame))} == {8}
        assert {answers.row(index).code for index in range(len(frame))} == {"CODE"}


@given(st.integers(1, 10_000_000), st.integers(0, 1_000))
def test_a_task_is_neither_tiny_nor_large(pairs, workers):
    most = most_pairs(pairs, workers)
    assert 100 <= most <= 32_768
    assert most in {100, 32_768} or most * 8 * max(1, workers) >= pairs


@pytest.mark.parametrize("name", [*jobs.errors.__all__, "SettingsError"])
def test_an_error_of_a_worker_arrives_as_it_was_raised(name):
    kind = SettingsError if name == "SettingsError" else vars(jobs.errors)[name]
    error = kind("a line") if kind is SettingsError else kind("a line", again=True)
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - it is our own
    assert (type(back), str(back)) == (kind, "a line")
    if isinstance(error, RunError):
        assert back.again
