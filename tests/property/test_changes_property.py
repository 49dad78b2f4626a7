"""The change rules against a slow, plain reading of them, one pair at a time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from itertools import product

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.compare.changes import classify
from jobs.compare.controls.check import check
from jobs.compare.controls.recount import recount
from jobs.compare.summary import summarize
from jobs.schema import ANSWERS, PAIRS, ROWS, conform
from tests.examples import examples_of, some_or_all, try_examples

FIRST_DAY = dt.date(2026, 1, 1)
FORGET_AFTER = 90
MINUTE = dt.timedelta(minutes=1)
GOOD = ("ON", "OFF", "NONE")
NO_REPORT = conform(pd.DataFrame(), ROWS)


# The oracle: section 6 of the design, for one pair, in plain Python.


@dataclass(frozen=True)
class Answer:
    """What a run heard of a pair; ``state`` None: it was not asked."""

    state: str | None
    authorize_time: dt.datetime | None = None


@dataclass(frozen=True)
class Memory:
    """All that one needs to remember of a pair from one run to the next."""

    in_input: bool = False
    last_in_input: dt.date | None = None
    known: str | None = None
    known_at: dt.datetime | None = None
    first_seen_at: dt.datetime | None = None
    last_changed_at: dt.datetime | None = None
    time: dt.datetime | None = None  # to compare with
    last_time: dt.datetime | None = None
    unknown_runs: int = 0


def change_of(k, c, t, q, answered_at, *, in_input=True, was_in_input=True):  # noqa: C901, PLR0911
    """The table of section 6, from the top."""
    if not in_input:
        return "DROPPED" if was_in_input else "ABSENT"
    if c is None:
        return "UNKNOWN"
    if k is None:
        return "FIRST_SEEN"
    later = t is not None and q is not None and t > q
    earlier = t is not None and q is not None and t < q
    ahead = t is not None and t != q and t > answered_at + 5 * MINUTE
    if k == c and (earlier or ahead):
        return "ANOMALY"
    match k, c:
        case "NONE", "ON":
            return "OPENED"
        case "OFF", "ON":
            return "REOPENED"
        case "ON", "ON" if later:
            return "REAUTHORIZED"
        case "ON", "OFF":
            return "CLOSED"
        case "NONE", "OFF":
            return "CYCLED"
        case ("OFF", "OFF") | ("NONE", "NONE") if later:
            return "CYCLED"
        case (("ON" | "OFF"), "NONE"):
            return "CLEARED"
    return "UNCHANGED"


def night_of_one_pair(memory, answer, run_date, answered_at):
    """Return the pair's row, or None where it is in no report, and what to remember of it."""
    before = memory or Memory()
    c = answer.state if answer and answer.state in GOOD else None
    told = answer.authorize_time if c else None
    t = told if told is not None and 2000 <= told.year < 2100 else None
    q = t if t is not None and t == before.last_time else before.time
    change = change_of(
        before.known, c, t, q, answered_at,
        in_input=answer is not None, was_in_input=before.in_input,
    )  # fmt: skip
    if change == "ABSENT":
        too_old = (run_date - before.last_in_input).days > FORGET_AFTER
        if before.known is None or too_old:
            return None, None
    moved = change in {"OPENED", "REOPENED", "REAUTHORIZED", "CLOSED", "CYCLED", "CLEARED"}
    unknown = answer is not None and not c
    after = replace(
        before,
        in_input=answer is not None,
        last_in_input=run_date if answer is not None else before.last_in_input,
        known=c or before.known,
        known_at=answered_at if c else before.known_at,
        first_seen_at=before.first_seen_at or (answered_at if c else None),
        last_changed_at=answered_at if moved else before.last_changed_at,
        time=q if change == "ANOMALY" or not believable(t, q, answered_at) else latest(t, q),
        last_time=t or before.last_time,
        unknown_runs=0 if c else before.unknown_runs + unknown,
    )
    row = {
        "state": (c or "UNKNOWN") if answer else None,
        "known_state": after.known,
        "previous_state": before.known,
        "change": change,
        "authorize_time": told,
        "previous_authorize_time": q,
        "unconfirmed_authorize_time": None if after.last_time == after.time else after.last_time,
        "answered_at": answered_at if answer and answer.state else None,
        "known_at": after.known_at,
        "first_seen_at": after.first_seen_at,
        "last_changed_at": after.last_changed_at,
        "last_in_input": before.last_in_input,
        "unknown_reason": (None if c else "TIMEOUT" if answer.state else "NOT_ASKED")
        if answer
        else None,
        "unknown_runs": after.unknown_runs,
        "attempts": (1 if answer.state else 0) if answer else None,
    }
    return row, after


def believable(t, q, answered_at):
    return t is not None and (t == q or t <= answered_at + 5 * MINUTE)


def latest(t, q):
    return max(time for time in (t, q) if time is not None)


# Frames for the function under test.


def pairs_of(numbers):
    return conform(
        pd.DataFrame(
            {
                "organization_id": pd.Categorical([f"0{n % 3}" for n in numbers]),
                "openid": [f"o{n}" for n in numbers],
                "input_line": range(2, len(numbers) + 2),
                "input_duplicates": 0,
            }
        ),
        PAIRS,
    )


def answers_of(given_answers, answered_at):
    asked = {at: answer for at, answer in enumerate(given_answers) if answer.state}
    frame = pd.DataFrame(
        {
            "state": [answer.state for answer in asked.values()],
            "authorize_time": [answer.authorize_time for answer in asked.values()],
            "answered_at": answered_at,
            "unknown_reason": [
                None if answer.state in GOOD else "TIMEOUT" for answer in asked.values()
            ],
            "attempts": 1,
        },
        index=list(asked),
    )
    return conform(frame, ANSWERS)


def plain(rows):
    """Return the rows as dictionaries of Python values by openid, None for what is missing."""
    records = {}
    for record in rows.to_dict("records"):
        openid = record.pop("openid")
        records[openid] = {
            name: None if pd.isna(value) else _python(value) for name, value in record.items()
        }
    return records


def _python(value):
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime() if value.tzinfo else value.date()
    return value


def assert_rows_are(rows, expected):
    got = plain(rows)
    assert got.keys() == expected.keys()
    for openid, row in expected.items():
        assert {name: got[openid][name] for name in row} == row, openid


def time_of(offset, since):
    """Return the time so many minutes ``since``; an offset that is none is a time itself."""
    return since + offset * MINUTE if isinstance(offset, int) else offset


def midnight(day):
    return dt.datetime.combine(day, dt.time(), dt.UTC)


# The properties.


def test_each_combination_of_before_now_and_times_gets_the_change_that_the_table_says():
    """Every state before and now, in the input or not, with every order of the times."""
    run_date = FIRST_DAY + dt.timedelta(days=10)
    answered_at = midnight(run_date)
    old = answered_at - dt.timedelta(days=3)
    ahead = answered_at + 5 * MINUTE
    times = [None, old - MINUTE, old, old + MINUTE, ahead, ahead + dt.timedelta(milliseconds=1)]
    combinations = list(
        product([*GOOD, None], [True, False], ["gone", None, "UNKNOWN", *GOOD], [None, old],
                times, [True, False])
    )  # fmt: skip
    baseline, expected, present, answers = [], {}, [], []
    for n, (k, was_in_input, now, q, t, repeated) in enumerate(combinations):
        last = t if repeated else None
        baseline.append(
            {
                "organization_id": f"0{n % 3}",
                "openid": f"o{n}",
                "state": (k or "UNKNOWN") if was_in_input else None,
                "known_state": k,
                "change": "ANOMALY" if repeated else "UNCHANGED",
                "authorize_time": last,
                "previous_authorize_time": q,
                "answered_at": midnight(FIRST_DAY),
                "last_in_input": pd.Timestamp(FIRST_DAY),
                "unknown_runs": 0,
            }
        )
        if now != "gone":
            present.append(n)
            answers.append(Answer(now, t))
        good = now if now in GOOD else None
        compared = t if good and t is not None and t == last else q
        change = change_of(
            k, good, t, compared, answered_at,
            in_input=now != "gone", was_in_input=was_in_input,
        )  # fmt: skip
        if k or change != "ABSENT":
            expected[f"o{n}"] = {"change": change, "previous_authorize_time": compared}
    rows = classify(
        pairs_of(present),
        answers_of(answers, answered_at),
        conform(pd.DataFrame(baseline), ROWS),
        run_date=run_date,
        baseline_run_date=run_date - dt.timedelta(days=1),
    )
    assert {row["change"] for row in expected.values()} == set(ROWS["change"].categories)
    assert_rows_are(rows, expected)


ZEROS = (dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, tzinfo=dt.UTC))
offsets = st.sampled_from([None, *ZEROS, -3000, -2000, -1000, 0, 5, 6, 1500, 3000])
answers_strategy = st.builds(
    lambda state, offset: (state, offset),
    st.sampled_from([*GOOD, *GOOD, "UNKNOWN", None]),
    offsets,
)
nights_strategy = st.lists(
    st.tuples(
        st.integers(1, 70),
        st.lists(
            st.tuples(st.integers(0, 19), answers_strategy), max_size=20, unique_by=lambda x: x[0]
        ),
    ),
    min_size=2,
    max_size=6,
)


@some_or_all(12, 100)
def test_any_sequence_of_nights_reads_as_the_plain_rules_do_and_balances(examples):
    try_examples(examples, assert_nights_read_as_the_plain_rules_do, nights_strategy)


def assert_nights_read_as_the_plain_rules_do(nights):
    """Each report is the next one's baseline; rows equal the oracle's, every control holds."""
    memories: dict[int, Memory | None] = {}
    baseline, baseline_date, closing = NO_REPORT, None, None
    run_date = FIRST_DAY
    for gap, heard in nights:
        run_date += dt.timedelta(days=gap)
        answered_at = midnight(run_date)
        told = {
            n: Answer(
                state,
                time_of(
                    offset, answered_at if offset in {5, 6} else midnight(FIRST_DAY) + 10 * MINUTE
                ),
            )
            for n, (state, offset) in heard
        }
        rows = classify(
            pairs_of(list(told)),
            answers_of(told.values(), answered_at),
            baseline,
            run_date=run_date,
            baseline_run_date=baseline_date,
        )
        expected = {}
        for n in memories.keys() | told.keys():
            if memories.get(n) is None and n not in told:
                continue
            row, memories[n] = night_of_one_pair(
                memories.get(n), told.get(n), run_date, answered_at
            )
            if row is not None:
                expected[f"o{n}"] = row
        assert_rows_are(rows, expected)
        assert list(rows["openid"][: len(told)]) == [f"o{n}" for n in told]

        summary = summarize(rows, baseline_run_date=baseline_date)
        controls = check(
            recount(rows, baseline_date),
            input_counts={"lines": len(told), "pairs": len(told), "duplicates": 0, "invalid": 0},
            summary=summary,
            baseline_closing=closing,
        )
        assert [control for control in controls if not control.holds] == []
        baseline, baseline_date = rows, run_date
        closing = {state: flow.closing for state, flow in summary.roll_forward.items()}


@settings(max_examples=examples_of(50), deadline=None)
@given(st.data())
def test_an_input_in_another_order_gives_the_same_rows_in_that_order(data):
    numbers = list(range(12))
    day = dt.timedelta(days=1)
    answered_at = midnight(FIRST_DAY)

    def drawn():
        heard = data.draw(st.lists(answers_strategy, min_size=12, max_size=12))
        return [Answer(state, time_of(offset, answered_at)) for state, offset in heard]

    baseline = classify(
        pairs_of(numbers), answers_of(drawn(), answered_at), NO_REPORT,
        run_date=FIRST_DAY, baseline_run_date=None,
    )  # fmt: skip
    pairs, answers = pairs_of(numbers), answers_of(drawn(), answered_at + day)
    order = data.draw(st.permutations(numbers))
    dates = {"run_date": FIRST_DAY + day, "baseline_run_date": FIRST_DAY}
    straight = classify(pairs, answers, baseline, **dates)
    permuted = classify(pairs.iloc[order], answers.iloc[::-1], baseline, **dates)
    pd.testing.assert_frame_equal(permuted, straight.iloc[order].reset_index(drop=True))
