"""Any two nights compared, against a plain reading of what was answered in between."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.history.comparison import compare
from jobs.report.compose import baseline_info
from tests.examples import examples_of
from tests.several_nights import several_nights

GOOD = ("ON", "OFF", "NONE")
HERE = Path(__file__)
EXPECTED = {
    ("-", "ON"): {"FIRST_SEEN"},
    ("-", "OFF"): {"FIRST_SEEN"},
    ("-", "NONE"): {"FIRST_SEEN"},
    ("ON", "ON"): {"UNCHANGED", "REAUTHORIZED"},
    ("OFF", "OFF"): {"UNCHANGED", "CYCLED"},
    ("NONE", "NONE"): {"UNCHANGED"},
    ("NONE", "ON"): {"OPENED"},
    ("OFF", "ON"): {"REOPENED"},
    ("ON", "OFF"): {"CLOSED"},
    ("NONE", "OFF"): {"CYCLED"},
    ("ON", "NONE"): {"CLEARED"},
    ("OFF", "NONE"): {"CLEARED"},
    **{(was, "UNKNOWN"): {"UNKNOWN"} for was in ("-", *GOOD)},
}


def keys_of(rows):
    return list(zip(rows["organization_id"], rows["openid"], strict=True))


def text_of(column):
    return column.astype("object").where(column.notna(), "-")


def last_answers(nights):
    """Return the last state answered of each pair."""
    return {key: told[0] for night in nights for key, told in night.heard.items()}


@settings(max_examples=examples_of(10), deadline=None)
@given(
    seed=st.integers(0, 10**9),
    first=st.integers(0, 3),
    between=st.integers(1, 3),
    bad=st.sets(st.integers(0, 6), max_size=5),
)
def test_a_comparison_is_what_was_last_answered_before_against_what_was_last_answered_since(
    seed, first, between, bad
):
    nights = several_nights(seed, nights=first + between + 1, bad=bad)
    before, after = nights[first].report, nights[-1].report
    compared = compare(before, after, baseline=baseline_info(before, HERE))
    known, since = last_answers(nights[: first + 1]), last_answers(nights[first + 1 :])
    in_input = keys_of(after.rows[after.rows["state"].notna()])
    rows = compared.rows[compared.rows["state"].notna()]
    assert keys_of(rows) == in_input
    for key, state, was, change in zip(
        in_input, rows["state"], text_of(rows["previous_state"]), rows["change"], strict=True
    ):
        assert (was, state) == (known.get(key, "-"), since.get(key, "UNKNOWN"))
        assert change in EXPECTED[was, state]
    left = compared.rows[compared.rows["state"].isna()]
    were_here = set(keys_of(before.rows[before.rows["state"].notna()])) - set(in_input)
    assert set(keys_of(left[left["change"] == "DROPPED"])) == were_here
    assert all(control.holds for control in compared.controls), compared.controls


@settings(max_examples=examples_of(6), deadline=None)
@given(seed=st.integers(0, 10**9), bad=st.sets(st.integers(0, 5), max_size=4))
def test_its_closing_is_the_later_reports_own_and_its_opening_the_earlier_ones(seed, bad):
    nights = [each.report for each in several_nights(seed, nights=6, bad=bad)]
    for before in nights[:-1]:
        compared = compare(before, nights[-1], baseline=baseline_info(before, HERE))
        for state in GOOD:
            flow = compared.summary.roll_forward[state]
            assert flow.closing == nights[-1].summary.roll_forward[state].closing
            assert flow.opening == before.summary.roll_forward[state].closing
        assert compared.metadata.part.known_before_only == 0


@settings(max_examples=examples_of(6), deadline=None)
@given(seed=st.integers(0, 10**9))
def test_where_every_night_answered_all_the_net_change_is_that_of_the_people(seed):
    nights = several_nights(seed, nights=5, unanswered=0.0)
    before, after = nights[0], nights[-1]
    compared = compare(before.report, after.report, baseline=baseline_info(before.report, HERE))
    both = before.heard.keys() & after.heard.keys()
    moves = Counter((before.heard[key][0], after.heard[key][0]) for key in both)
    gained = sum(n for (was, now), n in moves.items() if was != "ON" and now == "ON")
    lost = sum(n for (was, now), n in moves.items() if was == "ON" and now != "ON")
    assert (compared.summary.gain, compared.summary.loss) == (gained, lost)


@settings(max_examples=examples_of(5), deadline=None)
@given(seed=st.integers(0, 10**9))
def test_two_nights_in_a_row_compared_are_the_later_ones_own_changes(seed):
    before, after = (each.report for each in several_nights(seed, nights=4, bad={3})[-2:])
    compared = compare(before, after, baseline=baseline_info(before, HERE))
    own = after.rows[["organization_id", "openid", "state", "previous_state", "change"]]
    found = compared.rows[own.columns]
    assert found.astype("str").equals(own.astype("str"))
    assert compared.summary == after.summary
