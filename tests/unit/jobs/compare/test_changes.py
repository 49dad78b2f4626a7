"""Each class, each time rule and each way to be forgotten, by hand."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.errors import MergeError

from jobs.compare.changes import classify
from jobs.schema import ANSWERS, PAIRS, ROWS, conform

DAY = dt.timedelta(days=1)
FIRST = dt.date(2026, 11, 1)
EMPTY = conform(pd.DataFrame(), ROWS)


def at(text):
    return pd.Timestamp(text, tz="UTC")


def pairs_of(*openids, **carried):
    frame = pd.DataFrame(
        {
            "organization_id": pd.Categorical(["007"] * len(openids)),
            "openid": list(openids),
            "input_line": range(2, len(openids) + 2),
            "input_duplicates": 0,
        }
        | carried
    )
    return conform(frame, PAIRS)


def answers_of(*heard, answered_at, index=None):
    """Answers as (state, authorize_time or None); state UNKNOWN timed out."""
    frame = pd.DataFrame(
        {
            "state": [state for state, _ in heard],
            "authorize_time": [t and at(t) for _, t in heard],
            "answered_at": answered_at,
            "unknown_reason": ["TIMEOUT" if state == "UNKNOWN" else None for state, _ in heard],
            "error_code": ["SYSTEM_ERROR" if state == "UNKNOWN" else None for state, _ in heard],
            "http_status": 200,
            "attempts": 2,
            "request_id": [f"req-{n}" for n in range(len(heard))],
        },
        index=index,
    )
    return conform(frame, ANSWERS)


class Nights:
    """Runs that follow each other, each report the next one's baseline."""

    def __init__(self, *, forget_after_days=90):
        self.forget_after_days = forget_after_days
        self.rows, self.last, self.date = EMPTY, None, FIRST

    def run(self, heard, *, days=1):
        """Run ``days`` later over openid -> (state, authorize_time); return rows by openid."""
        if self.last is not None:
            self.date = self.last + days * DAY
        self.rows = classify(
            pairs_of(*heard),
            answers_of(*heard.values(), answered_at=at(str(self.date))),
            self.rows,
            run_date=self.date,
            baseline_run_date=self.last,
            forget_after_days=self.forget_after_days,
        )
        self.last = self.date
        return self.rows.set_index("openid")

    def change(self, state, authorize_time=None, *, days=1):
        """Run over the one pair "p" and return its change; ``state`` None: not in the input."""
        heard = {} if state is None else {"p": (state, authorize_time)}
        return self.run(heard, days=days)["change"].to_dict().get("p")


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (None, ("ON", "2026-10-01"), "FIRST_SEEN"),
        (None, ("NONE", None), "FIRST_SEEN"),
        (None, ("UNKNOWN", None), "UNKNOWN"),
        (("ON", None), ("UNKNOWN", None), "UNKNOWN"),
        (("ON", None), None, "DROPPED"),
        (("UNKNOWN", None), None, "DROPPED"),
        (("NONE", None), ("ON", "2026-11-01"), "OPENED"),
        (("OFF", "2026-10-01"), ("ON", "2026-11-01"), "REOPENED"),
        (("OFF", "2026-10-01"), ("ON", "2026-10-01"), "REOPENED"),
        (("ON", "2026-10-01"), ("ON", "2026-11-01"), "REAUTHORIZED"),
        (("ON", "2026-10-01"), ("OFF", "2026-10-01"), "CLOSED"),
        (("ON", "2026-10-01"), ("OFF", "2026-11-01"), "CLOSED"),
        (("ON", "2026-10-01"), ("OFF", "2026-09-01"), "CLOSED"),
        (("NONE", None), ("OFF", "2026-11-01"), "CYCLED"),
        (("OFF", "2026-10-01"), ("OFF", "2026-11-01"), "CYCLED"),
        (("NONE", "2026-10-01"), ("NONE", "2026-11-01"), "CYCLED"),
        (("ON", "2026-10-01"), ("NONE", None), "CLEARED"),
        (("OFF", "2026-10-01"), ("NONE", None), "CLEARED"),
        (("ON", "2026-10-01"), ("ON", "2026-09-01"), "ANOMALY"),
        (("OFF", "2026-10-01"), ("OFF", "2026-09-01"), "ANOMALY"),
        (("ON", None), ("ON", "2026-11-03"), "ANOMALY"),
        (("ON", "2026-10-01"), ("ON", "2026-10-01"), "UNCHANGED"),
        (("ON", "2026-10-01"), ("ON", None), "UNCHANGED"),
        (("ON", None), ("ON", "2026-10-01"), "UNCHANGED"),
        (("NONE", None), ("NONE", None), "UNCHANGED"),
    ],
)
def test_each_class_by_what_was_known_and_what_is_answered(before, now, change):
    nights = Nights()
    nights.run({"p": before} if before else {})
    assert nights.change(*(now or (None,))) == change


def test_a_time_may_lie_five_minutes_after_the_answer_and_no_more():
    """The run of 2 November answers at midnight."""
    for t, change in (("00:05:00", "REAUTHORIZED"), ("00:05:00.001", "ANOMALY")):
        nights = Nights()
        nights.change("ON", "2026-10-01")
        assert nights.change("ON", f"2026-11-02 {t}") == change


@pytest.mark.parametrize("state", ["ON", "OFF", "NONE"])
@pytest.mark.parametrize(
    "zero",
    [
        "0001-01-01",
        "1970-01-01",
        "1999-12-31 23:59:59.999",
        "2100-01-01",
        "9999-12-31 23:59:59.999",
    ],
)
def test_a_time_outside_2000_to_2100_counts_as_none_and_is_kept(state, zero):
    """Neither the night that it comes, nor the next ones, make anything of it."""
    nights = Nights()
    nights.change(state, "2026-10-01")
    for _ in range(2):
        assert nights.change(state, zero) == "UNCHANGED"
        row = nights.rows.iloc[0]
        assert row["authorize_time"] == at(zero)
        assert row["previous_authorize_time"] == at("2026-10-01")
    assert nights.change(state, "2026-10-01") == "UNCHANGED"
    later = "REAUTHORIZED" if state == "ON" else "CYCLED"
    assert nights.change(state, "2026-11-02") == later


@pytest.mark.parametrize("zero", ["0001-01-01", "9999-12-31"])
def test_a_time_outside_2000_to_2100_in_an_old_report_is_compared_with_nothing(zero):
    nights = Nights()
    nights.change("ON", "2026-10-01")
    nights.rows["previous_authorize_time"] = nights.rows["authorize_time"] = pd.DatetimeIndex(
        [zero], tz="UTC"
    ).as_unit("ms")
    assert nights.change("ON", "2026-10-01") == "UNCHANGED"
    assert pd.isna(nights.rows.iloc[0]["previous_authorize_time"])


@pytest.mark.parametrize("usual", ["2000-01-01", "2099-12-31 23:59:59.999"])
def test_the_first_and_the_last_moment_of_2000_to_2100_are_times(usual):
    nights = Nights()
    nights.change("ON", "2026-10-01")
    assert nights.change("ON", usual) == "ANOMALY"


@pytest.mark.parametrize("odd", ["2026-09-01", "2027-01-01"])
def test_a_repeated_anomaly_is_taken_over_and_one_that_is_not_is_forgotten(odd):
    nights = Nights()
    nights.change("ON", "2026-10-01")
    assert nights.change("ON", odd) == "ANOMALY"
    assert nights.rows.loc[0, "previous_authorize_time"] == at("2026-10-01")
    assert nights.change("ON", odd) == "UNCHANGED"
    assert nights.rows.loc[0, "previous_authorize_time"] == at(odd)
    assert nights.change("ON", odd) == "UNCHANGED"
    assert nights.change("ON", "2026-08-01") == "ANOMALY"
    assert nights.change("ON", odd) == "UNCHANGED"


@pytest.mark.parametrize("odd", ["2026-09-01", "2027-01-01"])
@pytest.mark.parametrize("between", [("UNKNOWN",), ("UNKNOWN", "UNKNOWN"), (None, None), ("ON",)])
def test_an_anomaly_that_is_repeated_after_nights_without_a_time_is_taken_over(odd, between):
    """Without an answer, out of the input, or with an answer that has no time."""
    nights = Nights()
    nights.change("ON", "2026-10-01")
    assert nights.change("ON", odd) == "ANOMALY"
    for state in between:
        nights.change(state)
        assert nights.rows.loc[0, "previous_authorize_time"] == at("2026-10-01")
        assert nights.rows.loc[0, "unconfirmed_authorize_time"] == at(odd)
    assert nights.change("ON", odd) == "UNCHANGED"
    assert nights.rows.loc[0, "previous_authorize_time"] == at(odd)
    assert pd.isna(nights.rows.loc[0, "unconfirmed_authorize_time"])
    assert nights.change("ON", odd) == "UNCHANGED"


def test_a_change_with_an_earlier_time_is_no_anomaly_when_it_repeats_after_a_night_without_one():
    nights = Nights()
    nights.change("ON", "2026-10-01")
    assert nights.change("OFF", "2026-09-01") == "CLOSED"
    assert nights.change("UNKNOWN") == "UNKNOWN"
    assert nights.change("OFF", "2026-09-01") == "UNCHANGED"


def test_an_anomaly_is_forgotten_once_another_time_is_answered():
    nights = Nights()
    nights.change("ON", "2026-10-01")
    assert nights.change("ON", "2026-09-01") == "ANOMALY"
    nights.change("UNKNOWN")
    assert nights.change("ON", "2026-10-01") == "UNCHANGED"
    assert pd.isna(nights.rows.loc[0, "unconfirmed_authorize_time"])
    nights.change("UNKNOWN")
    assert nights.change("ON", "2026-09-01") == "ANOMALY"


def test_after_an_anomaly_the_time_before_it_is_compared_with():
    nights = Nights()
    nights.change("ON", "2026-10-01")
    assert nights.change("ON", "2026-09-01") == "ANOMALY"
    assert nights.change("ON", "2026-09-15") == "ANOMALY"
    assert nights.change("ON", "2026-10-01") == "UNCHANGED"
    assert nights.change("ON", "2026-10-02") == "REAUTHORIZED"


def test_an_implausible_time_is_not_taken_over_whatever_the_change():
    """CLOSED with a time of next year: the reopening is not earlier than anything."""
    nights = Nights()
    nights.change("ON", "2026-10-01")
    assert nights.change("OFF", "2027-01-01") == "CLOSED"
    assert nights.change("OFF", "2026-10-01") == "UNCHANGED"
    assert nights.rows.loc[0, "previous_authorize_time"] == at("2026-10-01")


def test_an_earlier_time_does_not_replace_a_later_one():
    nights = Nights()
    nights.change("ON", "2026-10-01")
    assert nights.change("OFF", "2026-09-01") == "CLOSED"
    assert nights.change("ON", "2026-10-01") == "REOPENED"
    assert nights.rows.loc[0, "previous_authorize_time"] == at("2026-10-01")


def test_the_time_to_compare_with_is_carried_over_answers_without_one():
    nights = Nights()
    nights.change("ON", "2026-10-01")
    nights.change("ON")
    nights.change("UNKNOWN")
    nights.change(None)
    assert nights.rows.loc[0, "previous_authorize_time"] == at("2026-10-01")
    assert nights.change("ON", "2026-10-02") == "REAUTHORIZED"


def test_nights_of_errors_neither_lose_a_closing_nor_invent_an_opening():
    nights = Nights()
    nights.run({"closes": ("ON", None), "stays": ("ON", None)})
    nights.run({"closes": ("UNKNOWN", None), "stays": ("UNKNOWN", None)})
    rows = nights.run({"closes": ("UNKNOWN", None), "stays": ("UNKNOWN", None)})
    assert rows["unknown_runs"].to_list() == [2, 2]
    assert rows["known_state"].to_list() == ["ON", "ON"]
    rows = nights.run({"closes": ("OFF", None), "stays": ("ON", None)})
    assert rows["change"].to_dict() == {"closes": "CLOSED", "stays": "UNCHANGED"}
    assert rows["unknown_runs"].to_list() == [0, 0]


def test_a_pair_is_dropped_once_then_absent_then_forgotten_and_new_when_it_returns():
    nights = Nights(forget_after_days=10)
    nights.change("ON", "2026-10-01")
    assert nights.change(None) == "DROPPED"
    assert nights.change(None) == "ABSENT"
    assert nights.change(None, days=8) == "ABSENT"  # the tenth day since it was in an input
    assert nights.change(None) is None
    assert nights.change("OFF") == "FIRST_SEEN"


def test_a_pair_that_returns_in_time_is_compared_with_what_was_last_known():
    nights = Nights()
    nights.change("ON", "2026-10-01")
    nights.change(None)
    nights.change(None)
    assert nights.change("OFF") == "CLOSED"
    row = nights.rows.loc[0]
    assert row["previous_state"] == "ON"
    assert row["last_in_input"] == pd.Timestamp("2026-11-01")


def test_a_pair_that_was_never_known_is_dropped_and_not_kept():
    nights = Nights()
    nights.change("UNKNOWN")
    assert nights.change(None) == "DROPPED"
    assert nights.change(None) is None


def test_a_dropped_pair_is_listed_once_however_long_ago_the_last_report_was():
    nights = Nights(forget_after_days=1)
    nights.change("ON")
    assert nights.change(None, days=30) == "DROPPED"


def test_a_dropped_row_keeps_what_was_known_and_says_nothing_of_this_run():
    nights = Nights()
    nights.change("NONE")
    nights.change("ON", "2026-11-02")
    nights.change("UNKNOWN")
    nights.change(None)
    row = nights.rows.loc[0]
    here = ["state", "authorize_time", "answered_at", "unknown_reason", "error_code",
            "http_status", "attempts", "request_id", "input_line", "input_duplicates"]  # fmt: skip
    assert row[here].isna().all()
    assert row["known_state"] == row["previous_state"] == "ON"
    assert row["known_at"] == row["last_changed_at"] == at("2026-11-02")
    assert row["first_seen_at"] == at("2026-11-01")
    assert row["last_in_input"] == pd.Timestamp("2026-11-03")
    assert row["unknown_runs"] == 1


def test_times_say_when_a_pair_was_known_first_seen_and_last_changed():
    nights = Nights()
    nights.change("UNKNOWN")
    assert nights.rows["first_seen_at"].isna().all()
    nights.change("NONE")
    assert nights.rows["last_changed_at"].isna().all()
    nights.change("ON", "2026-11-03")
    nights.change("ON", "2026-11-03")
    nights.change("UNKNOWN")
    row = nights.rows.loc[0]
    assert row["first_seen_at"] == at("2026-11-02")
    assert row["last_changed_at"] == at("2026-11-03")
    assert row["known_at"] == at("2026-11-04")


def test_last_in_input_is_missing_for_a_new_pair_and_else_the_last_earlier_run():
    nights = Nights()
    assert nights.run({"p": ("ON", None)})["last_in_input"].isna().all()
    rows = nights.run({"p": ("ON", None), "new": ("ON", None)})
    assert rows.loc["p", "last_in_input"] == pd.Timestamp("2026-11-01")
    assert pd.isna(rows.loc["new", "last_in_input"])


def test_a_pair_without_an_answer_was_not_asked():
    rows = classify(
        pairs_of("asked", "left"),
        answers_of(("UNKNOWN", None), answered_at=at("2026-11-01")),
        EMPTY,
        run_date=FIRST,
        baseline_run_date=None,
    )
    assert rows["state"].to_list() == ["UNKNOWN", "UNKNOWN"]
    assert rows["unknown_reason"].to_list() == ["TIMEOUT", "NOT_ASKED"]
    assert rows["attempts"].to_list() == [2, 0]
    assert rows["error_code"].to_list()[0] == "SYSTEM_ERROR"
    assert rows["unknown_runs"].to_list() == [1, 1]


def test_an_authorize_time_without_a_good_state_is_not_believed():
    nights = Nights()
    nights.change("UNKNOWN", "2026-10-01")
    assert nights.rows["authorize_time"].isna().all()
    nights.change("ON", "2026-09-01")
    assert nights.rows["previous_authorize_time"].isna().all()


def test_request_ids_are_kept_where_a_row_is_not_unchanged():
    nights = Nights()
    nights.run({"stays": ("ON", None), "closes": ("ON", None)})
    rows = nights.run({"stays": ("ON", None), "closes": ("OFF", None)})
    assert pd.isna(rows.loc["stays", "request_id"])
    assert rows.loc["closes", "request_id"] == "req-1"


def test_rows_stand_in_input_order_then_in_the_baselines():
    nights = Nights()
    nights.run(dict.fromkeys(("a", "b", "c", "d"), ("ON", None)))
    rows = nights.run(dict.fromkeys(("new", "d", "b"), ("ON", None)))
    assert rows.index.to_list() == ["new", "d", "b", "a", "c"]
    assert nights.rows.index.equals(pd.RangeIndex(5))


def test_a_slice_of_the_pairs_keeps_its_numbers():
    """Answers find their pairs by number, whatever number a slice begins with."""
    rows = classify(
        pairs_of("a", "b", "c").iloc[1:],
        answers_of(("OFF", None), ("ON", None), answered_at=at("2026-11-01"), index=[2, 1]),
        EMPTY,
        run_date=FIRST,
        baseline_run_date=None,
    )
    assert rows.set_index("openid")["state"].to_dict() == {"b": "ON", "c": "OFF"}
    assert rows["input_line"].to_list() == [3, 4]


def test_one_openid_in_two_organizations_is_two_pairs():
    pairs = pairs_of("p", "p")
    pairs["organization_id"] = pd.Categorical(["7", "007"])
    runs = {"run_date": FIRST, "baseline_run_date": None}
    answers = answers_of(("ON", None), ("OFF", None), answered_at=at("2026-11-01"))
    first = classify(pairs, answers, EMPTY, **runs)
    pairs = pairs.iloc[[1]].assign(organization_id=pd.Categorical(["007"]))
    answers = answers_of(("OFF", None), answered_at=at("2026-11-02"), index=[1])
    runs = {"run_date": FIRST + DAY, "baseline_run_date": FIRST}
    rows = classify(pairs, answers, first, **runs)
    assert rows["organization_id"].to_list() == ["007", "7"]
    assert rows["change"].to_list() == ["UNCHANGED", "DROPPED"]


def test_carried_columns_are_this_inputs_filled_from_the_baseline_where_it_has_them():
    heard = {"answered_at": at("2026-11-01")}
    first = classify(
        pairs_of("a", "gone", name=["A", "G"], old=["x", "y"]),
        answers_of(("ON", None), ("ON", None), **heard),
        EMPTY,
        run_date=FIRST,
        baseline_run_date=None,
    )
    rows = classify(
        pairs_of("a", name=["A2"], new=["n"]),
        answers_of(("ON", None), **heard),
        first,
        run_date=FIRST + DAY,
        baseline_run_date=FIRST,
    )
    assert list(rows.columns[:5]) == ["organization_id", "openid", "name", "new", "state"]
    assert rows["name"].to_list() == ["A2", "G"]
    assert rows["new"].isna().to_list() == [False, True]


def test_columns_and_dtypes_are_those_of_rows_even_when_there_is_nothing():
    nothing = conform(pd.DataFrame(), PAIRS), conform(pd.DataFrame(), ANSWERS)
    empty = classify(*nothing, EMPTY, run_date=FIRST, baseline_run_date=None)
    nights = Nights()
    nights.change("ON")
    for rows in (empty, nights.rows):
        pd.testing.assert_frame_equal(rows, conform(rows, ROWS))
    assert len(empty) == 0


def test_a_baseline_whose_categories_stand_in_another_order_means_the_same():
    """As a file may give them back."""
    nights = Nights()
    nights.run({"a": ("ON", "2026-10-01"), "b": ("NONE", None), "c": ("ON", "2026-10-01")})
    nights.run({"a": ("ON", "2026-09-01"), "b": ("NONE", None), "c": ("ON", "2026-10-01")})
    for name in ("state", "known_state", "previous_state", "change", "unknown_reason"):
        column = nights.rows[name].cat
        nights.rows[name] = column.set_categories(sorted(column.categories))
    rows = nights.run({"a": ("ON", "2026-10-01"), "b": ("ON", None)})
    assert rows["change"].to_dict() == {"a": "UNCHANGED", "b": "OPENED", "c": "DROPPED"}


def test_an_empty_input_drops_every_pair_of_the_baseline():
    nights = Nights()
    nights.run({"a": ("ON", None), "b": ("OFF", None)})
    assert nights.run({})["change"].to_dict() == {"a": "DROPPED", "b": "DROPPED"}


def test_the_frames_handed_in_are_left_as_they_are():
    nights = Nights()
    nights.change("ON", "2026-10-01")
    pairs = pairs_of("p", "new")
    answers = answers_of(("OFF", None), ("ON", None), answered_at=at("2026-11-02"))
    frames = pairs, answers, nights.rows
    copies = [frame.copy(deep=True) for frame in frames]
    rows = classify(*frames, run_date=FIRST + DAY, baseline_run_date=FIRST)
    rows["openid"] = "overwritten"
    for frame, copy in zip(frames, copies, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


@pytest.mark.parametrize("which", ["pairs", "baseline", "answers", "numbers", "stranger"])
def test_a_pair_that_stands_twice_or_an_answer_about_none_is_refused(which):
    pairs, baseline = pairs_of("a", "b"), EMPTY
    answers = answers_of(("ON", None), ("ON", None), answered_at=at("2026-11-01"))
    nights = Nights()
    nights.run({"a": ("ON", None), "b": ("ON", None)})
    match which:
        case "pairs":
            pairs["openid"] = "a"
        case "baseline":
            baseline = nights.rows.assign(openid="a")
        case "answers":
            answers.index = pd.Index([0, 0])
        case "numbers":
            pairs.index = pd.Index([0, 0])
        case "stranger":
            answers.index = pd.Index([0, 2])
    with pytest.raises(MergeError):
        classify(pairs, answers, baseline, run_date=FIRST + DAY, baseline_run_date=FIRST)


def test_a_baseline_with_rows_needs_its_run_date():
    nights = Nights()
    nights.change("ON")
    with pytest.raises(ValueError, match="run date"):
        classify(
            pairs_of("p"),
            answers_of(("ON", None), answered_at=at("2026-11-02")),
            nights.rows,
            run_date=FIRST + DAY,
            baseline_run_date=None,
        )
