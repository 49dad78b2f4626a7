"""Counts that are added up: whatever was counted in parts is what was counted at once."""

from collections import Counter
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from jobs.compare.freshness import NO_ANSWER_AGES, answer_ages
from jobs.compare.summary import Summary, summarize, summarize_part
from jobs.schema import ROWS, Change, State, UnknownReason, conform
from jobs.sweep.stats import _SUMS, Latency, RequestStats
from palm import (
    Attempt,
    CertificateRefusedError,
    RefusedError,
    ServerError,
    StateError,
    ThrottledError,
    TimedOutError,
)

GOOD = st.sampled_from(["ON", "OFF", "NONE", None])
DAYS = (date(2025, 3, 2), date(2025, 3, 3))
END = datetime(2025, 3, 4, 1, tzinfo=UTC)


def possible(*, state, change, **_):
    if change in {Change.DROPPED, Change.ABSENT}:
        return state is None
    return state is not None and (change != Change.FIRST_SEEN or state != State.UNKNOWN)


ROW = st.fixed_dictionaries(
    {
        "organization_id": st.sampled_from("ABC"),
        "state": st.sampled_from([*State, None]),
        "known_state": GOOD,
        "previous_state": GOOD,
        "change": st.sampled_from([*Change]),
        "unknown_reason": st.sampled_from([*UnknownReason, None]),
        "last_in_input": st.sampled_from([pd.Timestamp(day) for day in DAYS]),
    }
).filter(lambda row: possible(**row))
EVERYWHERE = CertificateRefusedError("backup", "expired", 10)
EVERYWHERE.everywhere = True
ERRORS = st.sampled_from(
    [
        None,
        TimedOutError("late"),
        ServerError(500),
        ThrottledError(429),
        StateError("no state"),
        RefusedError(400, code="PARAM_ERROR", message="one"),
        RefusedError(400, code="PARAM_ERROR", message="other"),
        RefusedError(403, code="NO_AUTH"),
        CertificateRefusedError("main", "expired", 10),
        EVERYWHERE,
    ]
)
ATTEMPTS = st.lists(
    st.builds(
        Attempt,
        number=st.integers(1, 3),
        elapsed_s=st.floats(0, 60),
        error=ERRORS,
    ),
    max_size=8,
)


def frame_of(rows: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[*ROWS])
    frame["openid"] = [f"o{at}" for at in range(len(frame))]
    return conform(frame, ROWS)


def counted(rows: list[dict]) -> Summary:
    return summarize(frame_of(rows), baseline_run_date=DAYS[0])


def counted_part(rows: list[dict]) -> Summary:
    return summarize_part(frame_of(rows), baseline_run_date=DAYS[0])


def asked(attempts: list[Attempt], *, pairs: int = 0) -> RequestStats:
    stats = RequestStats(pairs=pairs, answered=pairs // 2, without_echo=pairs // 3)
    for attempt in attempts:
        stats.attempted(attempt)
    return stats


ROW_LISTS = st.lists(ROW, min_size=1, max_size=5)


@given(ROW_LISTS, ROW_LISTS)
def test_the_counts_of_two_parts_are_those_of_the_whole(one, two):
    assert (counted_part(one) + counted_part(two)).listed() == counted(one + two)


@given(ROW_LISTS, ROW_LISTS)
def test_the_ages_of_the_answers_of_two_parts_are_those_of_the_whole(one, two):
    def ages(rows):
        return answer_ages(conform(pd.DataFrame(rows, columns=[*ROWS]), ROWS), END)

    one, two = (
        [row | {"known_at": END - timedelta(days=at)} for at, row in enumerate(rows)]
        for rows in (one, two)
    )
    assert ages(one) + ages(two) == ages(one + two) == NO_ANSWER_AGES + ages(one + two)


@given(ROW_LISTS, ROW_LISTS, ROW_LISTS)
def test_summaries_add_up_in_any_grouping_and_nothing_changes_nothing(one, two, three):
    a, b, c = counted(one), counted(two), counted(three)
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Summary.empty() == a == Summary.empty() + a
    assert list((a + b).by_organization) == sorted((a + b).by_organization)


@given(ATTEMPTS, ATTEMPTS)
def test_what_was_sent_in_two_parts_is_what_was_sent(one, two):
    assert asked(one) + asked(two) == asked(one + two)


@given(ATTEMPTS, ATTEMPTS, ATTEMPTS, st.integers(0, 9))
def test_requests_add_up_in_any_grouping_and_nothing_changes_nothing(one, two, three, pairs):
    a, b, c = asked(one, pairs=pairs), asked(two, pairs=2 * pairs), asked(three)
    assert (a + b) + c == a + (b + c)
    assert a + RequestStats() == a == RequestStats() + a


@given(st.lists(st.floats(0, 60)), st.lists(st.floats(0, 60)))
def test_times_in_two_parts_have_the_percentiles_of_all(one, two):
    def of(times):
        latency = Latency()
        for each in times:
            latency.add(each)
        return latency

    assert (of(one) + of(two)).percentiles_ms() == of(one + two).percentiles_ms()


def test_every_count_of_the_requests_is_added_up():
    special = {"refusals", "latest_error", "certificate_error", "certificates_refused"}
    assert {each.name for each in fields(RequestStats)} == {*_SUMS} | special
    more = RequestStats(
        outcomes=Counter(ok=1), refusals={(400, str(at)): None for at in range(900)}
    )
    other = RequestStats(refusals={(403, str(at)): None for at in range(900)})
    assert len((more + other).refusals) == 1_000
