"""What came back for each pair: one slot a pair, whatever happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.schema import ANSWERS, UnknownReason, conform
from jobs.sweep.answers import AnswerTable, is_unnamed, reason_of, usable
from palm import (
    BodyError,
    CertificateRefusedError,
    ConnectError,
    DisconnectedError,
    ForbiddenError,
    LocalResourceError,
    MismatchError,
    NoStateError,
    PalmError,
    PendingError,
    RefusedError,
    ServerError,
    SettingsError,
    SignatureError,
    SignatureReason,
    ThrottledError,
    TimedOutError,
    UnauthorizedError,
    UnnamedError,
    UnrecognizedStateError,
)
from palm.errors import ArgumentError

AT_MS = 1_741_000_000_123
REASONS = [
    (ConnectError("x"), UnknownReason.NETWORK),
    (DisconnectedError("x"), UnknownReason.NETWORK),
    (CertificateRefusedError("gateway.example", "x", 20), UnknownReason.NETWORK),
    (TimedOutError("x"), UnknownReason.TIMEOUT),
    (LocalResourceError("x"), UnknownReason.LOCAL),
    (ThrottledError(429), UnknownReason.THROTTLED),
    (ServerError(502), UnknownReason.SERVER_ERROR),
    (PendingError(202), UnknownReason.SERVER_ERROR),
    (RefusedError(400, "PARAM_ERROR"), UnknownReason.REFUSED),
    (UnauthorizedError(401), UnknownReason.REFUSED),
    (ForbiddenError(403), UnknownReason.REFUSED),
    (ArgumentError("x"), UnknownReason.REFUSED),
    (SignatureError("x", SignatureReason.WRONG), UnknownReason.SIGNATURE),
    (MismatchError("x"), UnknownReason.MISMATCH),
    (UnnamedError("x"), UnknownReason.UNNAMED),
    (SignatureError("x", SignatureReason.REPLAYED), UnknownReason.REPLAYED),
    (BodyError("x"), UnknownReason.BAD_BODY),
    (NoStateError("x"), UnknownReason.NO_STATE),
    (UnrecognizedStateError("AUTHORIZATION_STATE_FROZEN"), UnknownReason.NEW_STATE),
]


def leaves(kind: type[Exception]) -> set[type[Exception]]:
    below = [leaf for child in kind.__subclasses__() for leaf in leaves(child)]
    return set(below) or {kind}


@pytest.mark.parametrize(("error", "reason"), REASONS, ids=lambda each: type(each).__name__)
def test_each_error_has_its_reason(error, reason):
    assert reason_of(error) is reason


def test_every_error_that_a_question_can_end_with_has_a_reason():
    known = {type(error) for error, _ in REASONS}
    assert {kind for kind in leaves(PalmError) if kind.__module__ == "palm.errors"} <= known | {
        SettingsError
    }


def test_an_error_that_is_about_no_pair_is_raised_again():
    with pytest.raises(SettingsError, match="wrong key"):
        AnswerTable(1).fail(0, SettingsError("wrong key"))


@pytest.mark.parametrize("pairs", [0, 1, 3])
def test_the_frame_has_the_columns_and_dtypes_of_answers_whatever_was_asked(pairs):
    frame = AnswerTable(pairs).frame(pd.RangeIndex(pairs))
    assert list(frame.columns) == list(ANSWERS)
    for name, dtype in conform(pd.DataFrame(), ANSWERS).dtypes.items():
        if name != "error_code":  # its categories are what was met
            assert frame[name].dtype == dtype, name
    assert isinstance(frame["error_code"].dtype, pd.CategoricalDtype)


def test_a_pair_that_was_not_asked_says_so():
    row = AnswerTable(1).frame(pd.RangeIndex(1)).iloc[0]
    assert (row["state"], row["unknown_reason"], row["attempts"]) == ("UNKNOWN", "NOT_ASKED", 0)
    assert (
        row[["authorize_time", "answered_at", "error_code", "http_status", "request_id"]]
        .isna()
        .all()
    )


def test_a_good_answer_stands_in_its_own_place_only(answer_of):
    answers = AnswerTable(3)
    answers.answer(1, answer_of("b", "A", "OFF", attempts=2), AT_MS)
    frame = answers.frame(pd.Index([10, 20, 30]))
    assert list(frame["state"]) == ["UNKNOWN", "OFF", "UNKNOWN"]
    row = frame.loc[20]
    assert row["authorize_time"] == pd.Timestamp("2025-01-02T03:04:05Z")
    assert row["answered_at"] == pd.Timestamp(AT_MS, unit="ms", tz="UTC")
    assert (row["http_status"], row["attempts"], row["request_id"]) == (200, 2, "request-b")
    assert pd.isna(row["unknown_reason"])


def test_a_good_answer_without_a_time_has_none(answer_of):
    answers = AnswerTable(1)
    answers.answer(0, answer_of("a", "A", "NONE", authorize_time=None), AT_MS)
    assert answers.frame(pd.RangeIndex(1))["authorize_time"].isna().all()


def test_a_failure_keeps_what_the_last_attempt_said():
    error = ServerError(500, "SYSTEM_ERROR", request_id="r1")
    error.attempts = 5
    answers = AnswerTable(1)
    assert answers.fail(0, error) is UnknownReason.SERVER_ERROR
    row = answers.frame(pd.RangeIndex(1)).iloc[0]
    assert list(row[["error_code", "http_status", "attempts", "request_id"]]) == [
        "SYSTEM_ERROR", 500, 5, "r1",
    ]  # fmt: skip


def test_a_later_failure_without_a_code_does_not_keep_the_earlier_ones():
    answers = AnswerTable(1)
    answers.fail(0, ServerError(500, "SYSTEM_ERROR", request_id="r1"))
    answers.fail(0, TimedOutError("x"))
    row = answers.frame(pd.RangeIndex(1)).iloc[0]
    assert row["unknown_reason"] == "TIMEOUT"
    assert row[["error_code", "http_status", "request_id"]].isna().all()


def test_an_answer_of_the_last_round_replaces_the_failure_and_counts_all_attempts(answer_of):
    error = ServerError(500, "SYSTEM_ERROR")
    error.attempts = 5
    answers = AnswerTable(1)
    answers.fail(0, error)
    answers.answer(0, answer_of("a", "A", attempts=2), AT_MS)
    row = answers.frame(pd.RangeIndex(1)).iloc[0]
    assert (row["state"], row["attempts"], row["http_status"]) == ("ON", 7, 200)
    assert row[["unknown_reason", "error_code"]].isna().all()


def test_attempts_beyond_what_the_column_holds_stay_at_its_highest(answer_of):
    answers = AnswerTable(1)
    answers.answer(0, answer_of("a", "A", attempts=70_000), AT_MS)
    answers.answer(0, answer_of("a", "A", attempts=70_000), AT_MS)
    assert answers.frame(pd.RangeIndex(1))["attempts"].iloc[0] == 2**15 - 1


def test_indexes_and_counts_are_by_reason(answer_of):
    answers = AnswerTable(4)
    answers.fail(0, TimedOutError("x"))
    answers.fail(2, ConnectError("x"))
    answers.answer(3, answer_of("d", "A"), AT_MS)
    assert list(answers.indexes(UnknownReason.TIMEOUT, UnknownReason.NETWORK)) == [0, 2]
    assert answers.count(UnknownReason.NOT_ASKED) == 1
    assert answers.count(UnknownReason.TIMEOUT, UnknownReason.NETWORK) == 2


@given(st.integers(0, 4_102_444_799_999))
def test_times_come_out_to_the_millisecond(answer_of, milliseconds):
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    answers = AnswerTable(1)
    answers.answer(0, answer_of("a", "A", authorize_time=time), milliseconds)
    frame = answers.frame(pd.RangeIndex(1))
    assert frame["authorize_time"].iloc[0] == time
    assert frame["answered_at"].iloc[0] == time


def test_a_state_that_names_nobody_is_told_apart_in_its_row_and_in_no_report(answer_of):
    """The journal keeps rows: a run that is gone on with must know which states are not tied."""
    answers, again = AnswerTable(2), AnswerTable(2)
    answers.answer(0, answer_of("a", "A", echoed=False), AT_MS)
    answers.answer(1, answer_of("b", "A"), AT_MS)
    rows = [answers.row(0), answers.row(1)]
    assert [is_unnamed(row) for row in rows] == [True, False]
    assert [row[0] for row in usable(rows, accept_unnamed=True)] == [0, 1]
    assert [row[0] for row in usable(rows, accept_unnamed=False)] == [1]
    assert [again.restore(row) for row in rows] == [None, None]
    assert [again.row(0), again.row(1)] == rows
    assert again.frame(pd.RangeIndex(2))["error_code"].isna().all()


def test_a_pair_that_was_refused_as_unnamed_is_no_state_that_names_nobody():
    answers = AnswerTable(1)
    answers.fail(0, UnnamedError("x"))
    assert not is_unnamed(answers.row(0))
